// SPDX-License-Identifier: GPL-3.0-or-later
#include "soft_symbols.h"

#include "fast_math.h"

#include <algorithm>
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

} // namespace gr::resivid::phy
