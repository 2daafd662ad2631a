// SPDX-License-Identifier: GPL-3.0-or-later
#include "snr_estimator.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gr::resivid::phy {
namespace {

constexpr unsigned MAX_STEPS = 50;   // of expectation maximisation
constexpr double STEP_RATIO = 0.001; // stop at 0.1 % change of N0: 0.004 dB

double variance(double snr_db) { return std::pow(10.0, -snr_db / 10.0); }

double limit_variance(double n0)
{
    return std::clamp(n0, variance(MAX_SNR_DB), variance(MIN_SNR_DB));
}

float snr_db_of(double n0) { return float(-10.0 * std::log10(limit_variance(n0))); }

} // namespace

blind_snr_estimator::blind_snr_estimator(unsigned bits_per_symbol)
    : d_constellation(bits_per_symbol)
{
}

float blind_snr_estimator::estimate_db(const std::complex<float>* symbols, std::size_t n) const
{
    double energy = 0.0;
    for (std::size_t i = 0; i < n; ++i)
        energy += std::norm(symbols[i]);
    if (n == 0 || !std::isfinite(energy))
        return std::numeric_limits<float>::quiet_NaN();

    double n0 = limit_variance(energy / n - 1.0);
    for (unsigned step = 0; step < MAX_STEPS; ++step) {
        const double previous = n0;
        n0 = limit_variance(expected_noise(symbols, n, previous));
        if (std::fabs(n0 - previous) < STEP_RATIO * previous)
            break;
    }
    return snr_db_of(n0);
}

double blind_snr_estimator::expected_noise(const std::complex<float>* symbols,
                                           std::size_t n,
                                           double n0) const
{
    const float inverse_n0 = float(1.0 / n0);
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i)
        sum +=
            axis_noise(symbols[i].real(), inverse_n0) + axis_noise(symbols[i].imag(), inverse_n0);
    return sum / n;
}

// E[(y - s)^2 | y] over the levels of one axis
double blind_snr_estimator::axis_noise(float y, float inverse_n0) const
{
    float closest = HUGE_VALF;
    for (float level : d_constellation.levels())
        closest = std::min(closest, (y - level) * (y - level));
    float weights = 0.0f;
    float weighted = 0.0f;
    for (float level : d_constellation.levels()) {
        const float distance = (y - level) * (y - level);
        const float weight = std::exp((closest - distance) * inverse_n0);
        weights += weight;
        weighted += weight * distance;
    }
    return weighted / weights;
}

float known_symbols_snr_db(const std::complex<float>* received,
                           const std::complex<float>* sent,
                           std::size_t n)
{
    double noise = 0.0;
    for (std::size_t i = 0; i < n; ++i)
        noise += std::norm(received[i] - sent[i]);
    if (n == 0 || !std::isfinite(noise))
        return std::numeric_limits<float>::quiet_NaN();
    return snr_db_of(noise / n);
}

} // namespace gr::resivid::phy
