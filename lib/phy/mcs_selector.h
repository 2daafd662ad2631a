// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Choice of the MCS row from SNR estimates, equation (8) of the paper.
#pragma once

#include <cstddef>
#include <vector>

namespace gr::resivid::phy {

/*! \brief The MCS for an estimated SNR, (8): the highest row whose threshold is met.
 *
 * Works on the mean, in dB, of the last `window` estimates: up when it is at most UP_MARGIN_DB
 * below a threshold, down when it is more than `hysteresis_db` below the one in force. */
class mcs_selector
{
public:
    static constexpr float UP_MARGIN_DB = 0.1f;

    /*! \param thresholds_db Es/N0 in dB where row i meets the target BLER; rising, not empty.
     *  \param window number of estimates in the mean, at least 1.
     *  \param start_row row before the first estimate.
     *  \throws std::invalid_argument when that is broken or hysteresis_db is below 0. */
    explicit mcs_selector(std::vector<float> thresholds_db,
                          float hysteresis_db = 0.5f,
                          unsigned window = 8,
                          unsigned start_row = 0);

    //! Row for the next key frame; 0 below the first threshold; unchanged when snr_db is not
    //! finite.
    int select(float snr_db);

    int row() const { return d_row; } //!< row in force

private:
    float mean_db() const;
    int highest_met(float snr_db) const;

    std::vector<float> d_thresholds_db;
    float d_hysteresis_db;
    std::vector<float> d_estimates_db; // ring of the last estimates
    std::size_t d_num_estimates = 0;   // ever seen
    int d_row;
};

} // namespace gr::resivid::phy
