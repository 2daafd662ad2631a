// SPDX-License-Identifier: GPL-3.0-or-later
#include "qam.h"

#include "fast_math.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

/* The amplitude of TS 38.211 5.1, before normalisation: for three bits of an axis
 * (1 - 2 b0) (4 - (1 - 2 b1) (2 - (1 - 2 b2))), and so on. */
int nested_amplitude(unsigned axis_bits, unsigned num_bits)
{
    int amplitude = 0;
    for (unsigned i = 0; i < num_bits; ++i) { // from the last bit inwards to the first
        const int sign = axis_bits >> i & 1 ? -1 : 1;
        amplitude = sign * ((1 << i) - amplitude);
    }
    return amplitude;
}

constexpr std::size_t CHUNK = 128; // amplitudes at a time: all that is computed stays in the cache

float square(float x) { return x * x; }

// Squared distance of each amplitude to the nearest of these levels.
void nearest(const std::vector<float>& levels, const float* y, std::size_t n, float* distance)
{
    std::fill_n(distance, n, HUGE_VALF);
    for (float level : levels)
        for (std::size_t i = 0; i < n; ++i)
            distance[i] = std::min(distance[i], square(y[i] - level));
}

// Sum of the levels' likelihoods, relative to that of the nearest one.
void add_up(const std::vector<float>& levels,
            const float* y,
            const float* distance,
            std::size_t n,
            float inverse_n0,
            float* sum)
{
    std::fill_n(sum, n, 0.0f);
    for (float level : levels)
        for (std::size_t i = 0; i < n; ++i)
            sum[i] += exp_of_negative((distance[i] - square(y[i] - level)) * inverse_n0);
}

} // namespace

constellation::constellation(unsigned bits_per_symbol) : d_bits_per_axis(bits_per_symbol / 2)
{
    if (bits_per_symbol < 2 || bits_per_symbol > 8 || bits_per_symbol % 2)
        throw std::invalid_argument("bits_per_symbol must be 2, 4, 6 or 8, got " +
                                    std::to_string(bits_per_symbol));
    const unsigned num_levels = 1u << d_bits_per_axis;
    // Amplitudes 1, 3, ... on two axes have mean energy 2 (4^m - 1) / 3.
    const double scale = std::sqrt(3.0 / (2.0 * (num_levels * num_levels - 1)));
    for (unsigned bits = 0; bits < num_levels; ++bits)
        d_levels.push_back(float(scale * nested_amplitude(bits, d_bits_per_axis)));
}

qam_mapper::qam_mapper(unsigned bits_per_symbol) : d_constellation(bits_per_symbol) {}

void qam_mapper::map(const std::uint8_t* bits,
                     std::complex<float>* symbols,
                     std::size_t num_symbols) const
{
    const auto& levels = d_constellation.levels();
    for (std::size_t n = 0; n < num_symbols; ++n) {
        unsigned real = 0;
        unsigned imag = 0;
        for (unsigned i = 0; i < d_constellation.bits_per_axis(); ++i) {
            real = real << 1 | (*bits++ & 1);
            imag = imag << 1 | (*bits++ & 1);
        }
        symbols[n] = { levels[real], levels[imag] };
    }
}

soft_demapper::soft_demapper(unsigned bits_per_symbol, llr_rule rule)
    : d_bits_per_axis(bits_per_symbol / 2), d_rule(rule)
{
    const constellation points(bits_per_symbol);
    d_levels.resize(d_bits_per_axis);
    for (unsigned bit = 0; bit < d_bits_per_axis; ++bit)
        for (unsigned k = 0; k < points.levels().size(); ++k)
            d_levels[bit][k >> (d_bits_per_axis - 1 - bit) & 1].push_back(points.levels()[k]);
}

void soft_demapper::demap(const std::complex<float>* symbols,
                          std::size_t num_symbols,
                          float noise_variance,
                          float* llr) const
{
    const float* y = reinterpret_cast<const float*>(symbols); // real, imaginary, real, ...
    const float inverse_n0 = 1.0f / noise_variance;
    std::array<float, CHUNK> values;
    for (std::size_t start = 0; start < 2 * num_symbols; start += CHUNK) {
        const std::size_t n = std::min(CHUNK, 2 * num_symbols - start);
        for (unsigned bit = 0; bit < d_bits_per_axis; ++bit) {
            demap_bit(bit, y + start, n, inverse_n0, values.data());
            for (std::size_t i = 0; i < n; i += 2) {
                float* symbol = llr + (start + i) * d_bits_per_axis + 2 * bit;
                symbol[0] = values[i];
                symbol[1] = values[i + 1];
            }
        }
    }
}

void soft_demapper::demap_bit(
    unsigned bit, const float* y, std::size_t n, float inverse_n0, float* llr) const
{
    const auto& [zeros, ones] = d_levels[bit];
    std::array<float, CHUNK> to_zeros;
    std::array<float, CHUNK> to_ones;
    nearest(zeros, y, n, to_zeros.data());
    nearest(ones, y, n, to_ones.data());
    for (std::size_t i = 0; i < n; ++i)
        llr[i] = (to_ones[i] - to_zeros[i]) * inverse_n0;
    if (d_rule == llr_rule::max_log || zeros.size() == 1)
        return;
    std::array<float, CHUNK> zeros_sum;
    std::array<float, CHUNK> ones_sum;
    add_up(zeros, y, to_zeros.data(), n, inverse_n0, zeros_sum.data());
    add_up(ones, y, to_ones.data(), n, inverse_n0, ones_sum.data());
    for (std::size_t i = 0; i < n; ++i)
        llr[i] += log_of_positive(zeros_sum[i] / ones_sum[i]);
}

} // namespace gr::resivid::phy
