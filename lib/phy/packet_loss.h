// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Loss of whole packets, alone or in bursts.
#pragma once

#include "random_source.h"

namespace gr::resivid::phy {

/*! \brief Two states, as in the model of Gilbert and Elliott: all packets pass in one and none in
 * the other. */
class packet_loss
{
public:
    /*! \param rate share of packets lost in the long run, 0 to 1.
     *  \param burst_length mean number of losses in a row, at least 1; 0: losses are independent.
     *  \throws std::invalid_argument when out of range, or when no chain has both: rate may be at
     *          most burst_length / (burst_length + 1) unless it is 1. */
    packet_loss(double rate, double burst_length, std::uint64_t seed);

    bool next(); //!< whether the next packet is lost

private:
    random_source d_random;
    double d_start; // probability of a loss after a packet that passed
    double d_stay;  // after a loss
    bool d_lost;
};

} // namespace gr::resivid::phy
