// SPDX-License-Identifier: GPL-3.0-or-later
#include "snr_estimator.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gr::resivid::phy {
namespace {

double variance(double snr_db) { return std::pow(10.0, -snr_db / 10.0); }

double limit_variance(double n0)
{
    return std::clamp(n0, variance(MAX_SNR_DB), variance(MIN_SNR_DB));
}

float snr_db_of(double n0) { return float(-10.0 * std::log10(limit_variance(n0))); }

} // namespace

float blind_snr_estimator::estimate_db(const std::complex<float>* symbols, std::size_t n) const
{
    axis_noise_table::histogram counts{};
    double energy = 0.0;
    double decision_noise = 0.0; // distance to the nearest point, squared
    for (std::size_t i = 0; i < n; ++i)
        energy += std::norm(symbols[i]);
    if (n == 0 || !std::isfinite(energy))
        return std::numeric_limits<float>::quiet_NaN();
    if (energy / n - 1.0 >= variance(MIN_SNR_DB))
        return MIN_SNR_DB; // also keeps amplitudes within what the table can count
    for (std::size_t i = 0; i < n; ++i)
        for (const float axis : { symbols[i].real(), symbols[i].imag() }) {
            const float amplitude = std::fabs(axis);
            axis_noise_table::add(amplitude, counts);
            decision_noise += d_table->nearest_noise(amplitude);
        }
    if (decision_noise / n < d_table->safe_decision_noise())
        return snr_db_of(decision_noise / n);
    const double snr_db = bisect_db(counts, n);
    return snr_db > axis_noise_table::FIRST_SNR_DB ? float(snr_db) : snr_db_of(energy / n - 1.0);
}

// Where the expected noise is the noise; the ends of the table when that lies beyond.
double blind_snr_estimator::bisect_db(const axis_noise_table::histogram& counts,
                                      std::size_t n) const
{
    using table = axis_noise_table;
    // Expected noise over noise in dB: negative where the SNR is too low, rising with it.
    const auto excess_db = [&](unsigned row) {
        return 10.0 * std::log10(d_table->expected_noise(counts, row) / n) +
               (table::FIRST_SNR_DB + row * table::SNR_STEP_DB);
    };
    unsigned low = 0, high = table::NUM_SNRS - 1;
    double low_db = excess_db(low), high_db = excess_db(high);
    if (low_db >= 0.0)
        return table::FIRST_SNR_DB;
    if (high_db <= 0.0)
        return table::FIRST_SNR_DB + high * table::SNR_STEP_DB;
    while (high - low > 1) {
        const unsigned middle = (low + high) / 2;
        const double middle_db = excess_db(middle);
        (middle_db < 0.0 ? low : high) = middle;
        (middle_db < 0.0 ? low_db : high_db) = middle_db;
    }
    return table::FIRST_SNR_DB + table::SNR_STEP_DB * (low + low_db / (low_db - high_db));
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

float equal_capacity_snr_db(const float* noise_variance, std::size_t n)
{
    if (n == 0)
        return std::numeric_limits<float>::quiet_NaN();
    double capacity = 0.0; // in nats
    for (std::size_t i = 0; i < n; ++i)
        if (noise_variance[i] > 0.0f && std::isfinite(noise_variance[i]))
            capacity += std::log1p(1.0 / noise_variance[i]);
    return snr_db_of(1.0 / std::expm1(capacity / n));
}

} // namespace gr::resivid::phy
