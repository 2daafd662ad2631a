// SPDX-License-Identifier: GPL-3.0-or-later
#include "phase_tracker.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr float FIRST_VARIANCE = 1.0f; // rad^2, of the phase before any evidence
constexpr std::size_t FIRST_GUESS = 2;
constexpr double FORGETTING = 0.8; // share of the frames before

} // namespace

phase_tracker::phase_tracker(std::size_t max_symbols)
    : d_filtered(max_symbols), d_variances(max_symbols)
{
    forget();
}

void phase_tracker::forget()
{
    d_log_likelihoods.fill(0.0);
    d_best = FIRST_GUESS;
}

void phase_tracker::follow(const cfloat* products,
                           float noise_variance,
                           std::size_t n,
                           float* phases)
{
    const float information = 2.0f / noise_variance;
    float phase = phases[0];
    float uncertainty = FIRST_VARIANCE;
    for (std::size_t k = 0; k < n; ++k) {
        uncertainty += variance();
        if (products[k] != cfloat(0)) {
            uncertainty = 1.0f / (1.0f / uncertainty + information);
            const float error = (products[k] * std::polar(1.0f, -phase)).imag();
            phase += uncertainty * information * error;
        }
        d_filtered[k] = phase;
        d_variances[k] = uncertainty;
    }
    smooth_backwards(n, phases);
}

void phase_tracker::smooth(const phase_evidence* evidence, std::size_t n, float* phases)
{
    float phase = phases[0];
    float uncertainty = FIRST_VARIANCE;
    for (std::size_t k = 0; k < n; ++k) {
        const float information = evidence[k].information;
        uncertainty = 1.0f / (1.0f / (uncertainty + variance()) + information);
        phase += uncertainty * (evidence[k].score - information * (phase - phases[k]));
        d_filtered[k] = phase;
        d_variances[k] = uncertainty;
    }
    smooth_backwards(n, phases);
}

void phase_tracker::smooth_backwards(std::size_t n, float* phases)
{
    float phase = phases[n - 1] = d_filtered[n - 1];
    for (std::size_t k = n - 1; k-- > 0;) {
        const float gain = d_variances[k] / (d_variances[k] + variance());
        phase = d_filtered[k] + gain * (phase - d_filtered[k]);
        phases[k] = phase;
    }
}

void phase_tracker::learn(const phase_evidence* evidence, std::size_t n, const float* phases)
{
    for (std::size_t v = 0; v < VARIANCES.size(); ++v) {
        float phase = phases[0];
        float uncertainty = FIRST_VARIANCE;
        double sum = 0.0;
        for (std::size_t k = 0; k < n; ++k) {
            const auto [score, information] = evidence[k];
            uncertainty += VARIANCES[v];
            const float error = phase - phases[k];
            const float innovation = score - information * error;
            const float spread = 1.0f + information * uncertainty;
            // ln of the innovation's Gaussian density, less what is the same for all variances
            sum += score * error - 0.5 * information * error * error - 0.5 * std::log(spread) +
                   0.5 * innovation * innovation * uncertainty / spread;
            uncertainty /= spread;
            phase += uncertainty * innovation;
        }
        d_log_likelihoods[v] = FORGETTING * d_log_likelihoods[v] + sum;
    }
    d_best = std::max_element(d_log_likelihoods.begin(), d_log_likelihoods.end()) -
             d_log_likelihoods.begin();
}

} // namespace gr::resivid::phy
