/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "packet_block.h"
#include "phy/awgn_channel.h"
#include <gnuradio/resivid/channel.h>
#include <mutex>

namespace gr {
namespace resivid {

class channel_impl : public channel, public packet_block
{
public:
    channel_impl(const std::vector<float>& snr_db,
                 std::uint64_t seed,
                 const std::string& packet_len_key,
                 int max_packet_items);

    void set_snr_db(const std::vector<float>& snr_db) override;
    std::uint64_t dropped() const override { return num_dropped(); }

protected:
    int on_packet(const packet& packet, void* out) override;

private:
    float next_snr_db();

    std::mutex d_mutex; // guards the list, which set_snr_db changes from another thread
    std::vector<float> d_snr_db;
    std::size_t d_next = 0;
    phy::awgn_channel d_awgn;
};

} // namespace resivid
} // namespace gr
