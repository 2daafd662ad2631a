// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Which preamble stands near a time, and exactly when.
#pragma once

#include "pulse.h"

namespace gr::resivid::phy {

/*! \brief A preamble that was looked for near a time. */
struct probed_preamble {
    unsigned index = 0;
    double time = 0;      //!< centre of its first symbol, in samples
    double frequency = 0; //!< cycles a symbol
    float metric = 0;     //!< 72 times the squared correlation coefficient: 0..72, noise about 1
};

/*! \brief Correlates matched-filter symbols around a time with preambles.
 *
 * Times a quarter of a symbol apart and frequencies a third of a resolution cell apart are tried
 * for each preamble; the best is then refined in time by parabolas. No allocation after
 * construction. */
class preamble_probe
{
public:
    static constexpr double MAX_REACH = 4; //!< symbols

    preamble_probe(const burst_settings& settings, std::vector<unsigned> preambles);

    //! Samples needed before and behind the time, for a reach in symbols.
    int samples_before(double reach) const;
    int samples_behind(double reach) const;

    /*! \brief The preamble with the largest metric.
     *  \param x samples, x[0] is time 0. \param time near which, in samples.
     *  \param reach symbols either way, at most MAX_REACH.
     *  \param frequency cycles a symbol. \param frequency_reach either way. */
    probed_preamble
    find(const cfloat* x, double time, double reach, double frequency, double frequency_reach);

private:
    void take(const cfloat* x, double time, double frequency);
    float metric(unsigned preamble, double offset) const;
    void refine(const cfloat* x, probed_preamble& found);

    unsigned d_samples_per_symbol;
    std::vector<unsigned> d_preambles;
    std::vector<std::vector<cfloat>> d_symbols; // of each of d_preambles
    matched_filter d_filter;
    std::vector<cfloat> d_mixed;
    std::vector<cfloat> d_received;
    float d_energy = 0;
};

} // namespace gr::resivid::phy
