// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Choice of the MCS row from SNR estimates, equation (8) of the paper.
#pragma once

#include "outer_loop.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace gr::resivid::phy {

/*! \brief How a selector follows the estimates. */
struct selector_settings {
    float hysteresis_db = 0.5f;
    unsigned window = 8;        //!< estimates in the mean, at least 1
    unsigned start_row = 0;     //!< row before the first estimate
    float snr_bias_db = 0.0f;   //!< added to every estimate: a wrong estimator, for studies
    double target_bler = 0.0;   //!< of the outer loop; 0: no outer loop
    double outer_step_db = 0.5; //!< of the outer loop, for each failed block
    float jump_db = 0.0f;       //!< an estimate so far from the mean starts it anew; 0: never
};

/*! \brief The MCS for an estimated SNR, (8): the highest row whose threshold is met.
 *
 * Works on the mean, in dB, of the last `window` estimates, plus the offset of the outer loop: up
 * when it is at most UP_MARGIN_DB below a threshold, down when it is more than `hysteresis_db`
 * below the one in force. With `jump_db`, an estimate far from the mean is taken for a change of
 * the channel, and the mean starts anew with it. */
class mcs_selector
{
public:
    static constexpr float UP_MARGIN_DB = 0.1f;
    static constexpr float MAX_BIAS_DB = 40.0f;
    static constexpr unsigned MAX_WINDOW = 65536;

    /*! \param thresholds_db Es/N0 in dB where row i meets the target BLER; rising, not empty.
     *  \throws std::invalid_argument when that is broken or a setting is out of its range. */
    explicit mcs_selector(std::vector<float> thresholds_db, const selector_settings& settings = {});

    //! Row for the next key frame; 0 below the first threshold; unchanged when snr_db is not
    //! finite.
    int select(float snr_db);

    //! What became of a block that was sent with `row`: for the outer loop, before select.
    void report(bool crc_ok, int row);

    int row() const { return d_row; } //!< row in force

    double offset_db() const { return d_outer_loop ? d_outer_loop->offset_db() : 0.0; }

private:
    float mean_db() const;
    int highest_met(float snr_db) const;

    std::vector<float> d_thresholds_db;
    float d_hysteresis_db;
    float d_bias_db;
    float d_jump_db;
    std::optional<outer_loop> d_outer_loop;
    std::vector<float> d_estimates_db; // ring of the last estimates
    std::size_t d_num_estimates = 0;   // since the mean began
    int d_row;
};

} // namespace gr::resivid::phy
