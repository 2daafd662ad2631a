// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The carrier's phase at each symbol of a frame, from known and from probable symbols.
#pragma once

#include "burst_format.h"

#include <array>

namespace gr::resivid::phy {

/*! \brief What one symbol says of the phase: `score` is the slope of its log likelihood at the
 * phase that is assumed, in 1/rad, `information` the mean square of that, in 1/rad^2 (Fisher). */
struct phase_evidence {
    float score;
    float information;
};

/*! \brief Smoother for a phase that walks by independent Gaussian steps (Wiener phase noise).
 *
 * Evidence at the assumed phases becomes better phases: a Kalman filter forwards and a
 * Rauch-Tung-Striebel smoother backwards (Fisher scoring with the walk as prior). The variance of
 * the steps is that of a few which makes the evidence likeliest, this frame's and, fading away,
 * that of the frames before: an oscillator stays the same. No allocation after construction. */
class phase_tracker
{
public:
    //! Variances of a step, rad^2; the lowest one also covers what is left of a frequency offset.
    static constexpr std::array<float, 7> VARIANCES{
        1e-6f, 1e-5f, 1e-4f, 3e-4f, 1e-3f, 3e-3f, 1e-2f
    };

    explicit phase_tracker(std::size_t max_symbols);

    /*! \brief First phases, from known symbols alone.
     *  \param products received, of gain 1, times conjugate known symbol of energy 1; zero where
     *         the symbol is not known.
     *  \param phases n values in rad; in: the first one roughly, frequency taken away. */
    void follow(const cfloat* products, float noise_variance, std::size_t n, float* phases);

    //! Better phases by evidence taken at these phases.
    void smooth(const phase_evidence* evidence, std::size_t n, float* phases);

    //! Judge the variances by evidence at these phases; once for a frame.
    void learn(const phase_evidence* evidence, std::size_t n, const float* phases);

    //! Variance of a step in force, rad^2.
    float variance() const { return VARIANCES[d_best]; }

    //! Another transmitter: what was learnt is worth nothing.
    void forget();

private:
    void smooth_backwards(std::size_t n, float* phases);

    std::array<double, VARIANCES.size()> d_log_likelihoods;
    std::size_t d_best;
    std::vector<float> d_filtered;  // phases by what came before
    std::vector<float> d_variances; // of d_filtered
};

} // namespace gr::resivid::phy
