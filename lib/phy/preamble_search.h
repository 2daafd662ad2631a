// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Preambles of unknown time and carrier frequency, found by a bank of correlations.
#pragma once

#include "fft.h"

#include <volk/volk_alloc.hh>

namespace gr::resivid::phy {

/*! \brief Where a preamble may stand. */
struct preamble_candidate {
    double time;      //!< samples from the block's start to the centre of its first symbol
    double frequency; //!< cycles a symbol
    unsigned index;   //!< of the preamble
    float metric;     //!< see preamble_search
};

/*! \brief Correlates a block with the shaped preambles at two samples a symbol over a grid of
 * frequencies half a resolution cell apart, by FFT: a shift of the block's spectrum is a shift of
 * frequency.
 *
 * Correlating at the sample rate loses nothing to a carrier that is off by half the symbol rate,
 * which a matched filter at zero would cut away. The metric is |correlation|^2 over its own mean in
 * the block: 1 for noise on average, with the tail e^-metric whatever its level, and for a preamble
 * near PREAMBLE_SYMBOLS gamma / (1 + gamma) at an Es/N0 of gamma. No allocation after construction.
 */
class preamble_search
{
public:
    static constexpr std::size_t MAX_CANDIDATES = 8; //!< of a block: bounds what follows

    /*! \param preambles to look for.
     *  \param block_symbols of a block, a power of two, at least 128.
     *  \param max_frequency either way, cycles a symbol, 0 to 0.5. */
    preamble_search(const burst_settings& settings,
                    std::vector<unsigned> preambles,
                    unsigned block_symbols,
                    double max_frequency);

    std::size_t block_samples() const { return d_forward.size(); }

    //! Samples of a block at whose start a preamble is found; the next block starts so far on.
    std::size_t step_samples() const;

    /*! \brief Candidates among block_samples() finite samples whose metric is at least
     * `threshold`, by rising time, at most one within two symbols. Valid until the next call. */
    const std::vector<preamble_candidate>& find(const cfloat* samples, float threshold);

private:
    void correlate(std::size_t preamble, int shift);
    void keep(const preamble_candidate& candidate);

    unsigned d_samples_per_symbol;
    std::vector<unsigned> d_preambles;
    std::size_t d_num_starts;  // at two samples a symbol
    std::vector<int> d_shifts; // in bins
    fft d_forward;
    fft d_backward;
    std::vector<volk::vector<cfloat>> d_conjugate_spectra; // of the preambles
    volk::vector<cfloat> d_spectrum; // of the block, thrice in a row so that any shift is a pointer
    volk::vector<float> d_power;
    std::vector<preamble_candidate> d_candidates;
};

} // namespace gr::resivid::phy
