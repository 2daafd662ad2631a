// SPDX-License-Identifier: GPL-3.0-or-later
#include "awgn_channel.h"

#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr double TWO_PI = 6.283185307179586476925;
constexpr double GRID = 1 << 20; // steps a standard deviation: exact in a float up to 16

float round_to_grid(double x) { return float(std::round(x * GRID) / GRID); }

} // namespace

awgn_channel::awgn_channel(std::uint64_t seed) : d_generator(seed) {}

std::complex<float> awgn_channel::unit_noise()
{
    constexpr double STEP = 0x1p-53;
    const double radius_draw = ((d_generator() >> 11) + 1) * STEP; // in (0, 1]
    const double angle = TWO_PI * ((d_generator() >> 11) * STEP);
    const double radius = std::sqrt(-2.0 * std::log(radius_draw));
    return { round_to_grid(radius * std::cos(angle)), round_to_grid(radius * std::sin(angle)) };
}

void awgn_channel::apply(const std::complex<float>* in,
                         std::complex<float>* out,
                         std::size_t n,
                         float snr_db)
{
    const float deviation =
        float(std::sqrt(0.5 * std::pow(10.0, -double(snr_db) / 10.0))); // an axis
    for (std::size_t i = 0; i < n; ++i) {
        const auto noise = unit_noise();
        out[i] = { std::fma(deviation, noise.real(), in[i].real()),
                   std::fma(deviation, noise.imag(), in[i].imag()) };
    }
}

} // namespace gr::resivid::phy
