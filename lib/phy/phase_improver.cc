// SPDX-License-Identifier: GPL-3.0-or-later
#include "phase_improver.h"

#include <algorithm>

namespace gr::resivid::phy {

phase_improver::phase_improver(std::size_t symbols)
    : d_tracker(symbols), d_phases(symbols), d_evidence(symbols)
{
}

void phase_improver::start()
{
    d_tracker.forget();
    std::fill(d_phases.begin(), d_phases.end(), 0.0f);
}

void phase_improver::improve(const cfloat* symbols,
                             const cfloat* means,
                             float noise_variance,
                             cfloat* turned)
{
    const float twice = 2.0f / noise_variance;
    double squares = 0;
    double energy = 0;
    for (std::size_t k = 0; k < d_phases.size(); ++k) {
        const cfloat y = symbols[k] * std::polar(1.0f, -d_phases[k]);
        d_evidence[k].score = twice * (y * std::conj(means[k])).imag();
        squares += d_evidence[k].score * d_evidence[k].score;
        energy += std::norm(means[k]);
    }
    // As in the demodulator: the mean square of the score is the information.
    const float share = energy > 0 ? std::min(float(squares / energy), twice) : 0.0f;
    for (std::size_t k = 0; k < d_phases.size(); ++k)
        d_evidence[k].information = share * std::norm(means[k]);
    d_tracker.learn(d_evidence.data(), d_phases.size(), d_phases.data());
    d_tracker.smooth(d_evidence.data(), d_phases.size(), d_phases.data());
    for (std::size_t k = 0; k < d_phases.size(); ++k)
        turned[k] = symbols[k] * std::polar(1.0f, -d_phases[k]);
}

} // namespace gr::resivid::phy
