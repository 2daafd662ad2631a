// SPDX-License-Identifier: GPL-3.0-or-later
#include "soft_symbols.h"

#include "fast_math.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gr::resivid::phy {

soft_symbols::axis_moments soft_symbols::axis(float y, float noise_variance) const
{
    float nearest = std::numeric_limits<float>::infinity();
    for (float level : d_levels)
        nearest = std::min(nearest, (y - level) * (y - level));
    float sum = 0;
    float first = 0;
    float second = 0;
    for (float level : d_levels) {
        const float weight =
            exp_of_negative((nearest - (y - level) * (y - level)) / noise_variance);
        sum += weight;
        first += weight * level;
        second += weight * level * level;
    }
    return { first / sum, second / sum };
}

symbol_moments soft_symbols::moments(cfloat y, float noise_variance) const
{
    const auto [re, re2] = axis(y.real(), noise_variance);
    const auto [im, im2] = axis(y.imag(), noise_variance);
    return { { re, im }, re2 + im2 };
}

cfloat soft_symbols::mean(const float* llr) const
{
    float sums[2] = {};
    for (unsigned axis = 0; axis < 2; ++axis) {
        float zero[4]; // P(bit 0) of each bit of the axis
        for (unsigned b = 0; b < d_bits_per_axis; ++b) {
            const float value = llr[2 * b + axis];
            const float less = exp_of_negative(-std::abs(value));
            zero[b] = (value < 0 ? less : 1.0f) / (1.0f + less);
        }
        for (std::size_t level = 0; level < d_levels.size(); ++level) {
            float weight = d_levels[level];
            for (unsigned b = 0; b < d_bits_per_axis; ++b)
                weight *= level >> (d_bits_per_axis - 1 - b) & 1 ? 1 - zero[b] : zero[b];
            sums[axis] += weight;
        }
    }
    return { sums[0], sums[1] };
}

} // namespace gr::resivid::phy
