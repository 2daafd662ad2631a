// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Correction of a biased SNR estimate from what became of the blocks.
#pragma once

namespace gr::resivid::phy {

/*! \brief Outer-loop link adaptation: an offset to the SNR estimate that keeps the block error rate
 * at its target.
 *
 * A failed block lowers the offset by `step_db`, a good one raises it by step_db * target / (1 -
 * target), so that it rests where exactly the target share of the blocks fails (Sampath, Kumar and
 * Holtzman, VTC 1997). Where no row is left to turn to nothing is learnt: a failure in the lowest
 * row and a success in the highest change nothing, and the offset stays within LIMIT_DB. */
class outer_loop
{
public:
    static constexpr double LIMIT_DB = 10.0;

    /*! \param target_bler share of blocks that may fail, above 0 and below 1.
     *  \param step_db above 0 and at most LIMIT_DB.
     *  \throws std::invalid_argument when that is broken. */
    outer_loop(double target_bler, double step_db);

    //! A block sent with `row` of a table of num_rows was received. Unknown rows are ignored.
    void report(bool crc_ok, int row, int num_rows);

    double offset_db() const { return d_offset_db; } //!< to be added to estimates

private:
    double d_down_db;
    double d_up_db;
    double d_offset_db = 0.0;
};

} // namespace gr::resivid::phy
