// SPDX-License-Identifier: GPL-3.0-or-later
#include "qam.h"

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

// ln sum exp over the levels whose bit is the given value, relative to noise variance
float log_likelihood(
    const std::vector<float>& levels, unsigned mask, unsigned value, float y, float inverse_n0)
{
    float closest = HUGE_VALF;
    for (unsigned k = 0; k < levels.size(); ++k)
        if ((k & mask) == value)
            closest = std::min(closest, (y - levels[k]) * (y - levels[k]));
    float sum = 0.0f;
    for (unsigned k = 0; k < levels.size(); ++k)
        if ((k & mask) == value)
            sum += std::exp((closest - (y - levels[k]) * (y - levels[k])) * inverse_n0);
    return std::log(sum) - closest * inverse_n0;
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
            real = real << 1 | *bits++;
            imag = imag << 1 | *bits++;
        }
        symbols[n] = { levels[real], levels[imag] };
    }
}

soft_demapper::soft_demapper(unsigned bits_per_symbol) : d_constellation(bits_per_symbol) {}

void soft_demapper::demap(const std::complex<float>* symbols,
                          std::size_t num_symbols,
                          float noise_variance,
                          float* llr) const
{
    const float inverse_n0 = 1.0f / noise_variance;
    for (std::size_t n = 0; n < num_symbols; ++n, llr += d_constellation.bits_per_symbol()) {
        demap_axis(symbols[n].real(), inverse_n0, llr);
        demap_axis(symbols[n].imag(), inverse_n0, llr + 1);
    }
}

void soft_demapper::demap_axis(float y, float inverse_n0, float* llr) const
{
    const auto& levels = d_constellation.levels();
    for (unsigned mask = levels.size() / 2; mask > 0; mask /= 2, llr += 2)
        *llr = log_likelihood(levels, mask, 0, y, inverse_n0) -
               log_likelihood(levels, mask, mask, y, inverse_n0);
}

} // namespace gr::resivid::phy
