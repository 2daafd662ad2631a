// SPDX-License-Identifier: GPL-3.0-or-later
#include "packet_loss.h"

#include <stdexcept>
#include <string>

namespace gr::resivid::phy {

packet_loss::packet_loss(double rate, double burst_length, std::uint64_t seed)
    : d_random(seed, 2), d_start(rate), d_stay(rate)
{
    if (!(rate >= 0 && rate <= 1))
        throw std::invalid_argument("loss_rate: expected 0 to 1, got " + std::to_string(rate));
    if (!(burst_length == 0 || (burst_length >= 1 && burst_length <= 1e6)))
        throw std::invalid_argument("burst_length: expected 1 to 1000000 packets, or 0 for "
                                    "independent losses, got " +
                                    std::to_string(burst_length));
    if (burst_length > 0 && rate < 1) {
        // In balance as many bursts start as end: (1 - rate) start = rate / burst_length.
        d_start = rate / (1.0 - rate) / burst_length;
        d_stay = 1.0 - 1.0 / burst_length;
        if (d_start > 1)
            throw std::invalid_argument("loss_rate: expected at most " +
                                        std::to_string(burst_length / (burst_length + 1)) +
                                        " for bursts of " + std::to_string(burst_length) +
                                        " packets, got " + std::to_string(rate));
    }
    d_lost = d_random.uniform() < rate; // the state before the first packet
}

bool packet_loss::next()
{
    d_lost = d_random.uniform() < (d_lost ? d_stay : d_start);
    return d_lost;
}

} // namespace gr::resivid::phy
