// SPDX-License-Identifier: GPL-3.0-or-later
#include "fading.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr double TWO_PI = 6.283185307179586476925;
constexpr double SQRT_HALF = 0.70710678118654752440;

} // namespace

fading::fading(double rician_k, double doppler, std::uint64_t seed)
    : d_random(seed, 1),
      d_varies(doppler > 0),
      d_scattered(float(std::sqrt(1.0 / (1.0 + rician_k)))),
      d_steady(std::polar(std::sqrt(rician_k / (1.0 + rician_k)), TWO_PI * d_random.uniform()))
{
    for (unsigned i = 0; d_varies && i < NUM_PATHS; ++i) {
        const double angle = TWO_PI * (i + d_random.uniform()) / NUM_PATHS;
        d_waves.push_back({ doppler * std::cos(angle), d_random.uniform() });
    }
}

void fading::next(std::complex<float>* gains, std::size_t n)
{
    if (d_varies)
        add_waves(gains, n);
    else
        std::fill_n(gains, n, d_random.normal() * float(SQRT_HALF));
    for (std::size_t i = 0; i < n; ++i)
        gains[i] = d_steady + d_scattered * gains[i];
}

// Each wave starts from its exact phase in every call, so that rounding never grows with time.
void fading::add_waves(std::complex<float>* gains, std::size_t n)
{
    d_sum.assign(n, 0.0);
    for (const auto& wave : d_waves) {
        const double start = std::fmod(wave.phase + wave.frequency * double(d_time), 1.0);
        const auto step = std::polar(1.0, TWO_PI * wave.frequency);
        auto value = std::polar(1.0, TWO_PI * start);
        for (std::size_t i = 0; i < n; ++i) {
            d_sum[i] += value;
            value = { value.real() * step.real() - value.imag() * step.imag(),
                      value.real() * step.imag() + value.imag() * step.real() };
        }
    }
    const double scale = 1.0 / std::sqrt(double(NUM_PATHS));
    for (std::size_t i = 0; i < n; ++i)
        gains[i] = std::complex<float>(scale * d_sum[i]);
    d_time += n;
}

} // namespace gr::resivid::phy
