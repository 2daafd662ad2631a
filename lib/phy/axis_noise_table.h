// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What one received amplitude says about the noise, tabulated over amplitude and SNR.
#pragma once

#include "qam.h"

#include <array>

namespace gr::resivid::phy {

/*! \brief E[(y - s)^2 | y, N0] over the levels s of one axis, all equally likely.
 *
 * Tabulated once a constellation for amplitudes |y|, between whose nodes it is linear, and for SNRs
 * in steps of SNR_STEP_DB: a packet becomes a histogram of amplitudes, and its expected noise at
 * any SNR of the table a product of two vectors. The linear pieces add to the noise: 0.2 % at
 * 25 dB, 1 % at 33 dB, less below. */
class axis_noise_table
{
public:
    static constexpr double FIRST_SNR_DB = -12.0;
    static constexpr double SNR_STEP_DB = 0.5;
    static constexpr unsigned NUM_SNRS = 93; //!< up to 34 dB
    static constexpr unsigned NUM_NODES = 641;

    using histogram = std::array<float, NUM_NODES>;

    /*! \brief The table of a constellation, made when it is first asked for.
     *  \throws std::invalid_argument when bits_per_symbol is not 2, 4, 6 or 8. */
    static const axis_noise_table& of(unsigned bits_per_symbol);

    explicit axis_noise_table(unsigned bits_per_symbol);

    //! Add |y| to the two nodes around it, in proportion. \param amplitude finite, at least 0.
    static void add(float amplitude, histogram& counts);

    //! Sum of E[(y - s)^2 | y, N0] over the histogram, at FIRST_SNR_DB + row SNR_STEP_DB.
    double expected_noise(const histogram& counts, unsigned row) const;

    //! Square of the distance to the nearest level.
    float nearest_noise(float amplitude) const;

    //! N0 below which the nearest level is the one that was sent but once in 3 million.
    double safe_decision_noise() const { return d_half_distance * d_half_distance * (2.0 / 25); }

private:
    float d_half_distance;      // between levels
    float d_outermost;          // level
    std::vector<float> d_noise; // NUM_SNRS x NUM_NODES
};

} // namespace gr::resivid::phy
