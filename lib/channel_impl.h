/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "packet_block.h"
#include "phy/channel_model.h"
#include <atomic>
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
                 int max_packet_items,
                 const channel_settings& settings);

    void set_snr_db(const std::vector<float>& snr_db) override;
    std::uint64_t lost() const override { return d_lost; }
    std::uint64_t dropped() const override { return num_dropped(); }

protected:
    int on_packet(const packet& packet, void* out) override;

private:
    float next_snr_db();
    void add_tags(const phy::channel_result& result);

    std::mutex d_mutex; // guards the list, which set_snr_db changes from another thread
    std::vector<float> d_snr_db;
    std::size_t d_next = 0;
    phy::channel_model d_channel;
    const bool d_fades;
    std::atomic<std::uint64_t> d_lost{ 0 };
};

} // namespace resivid
} // namespace gr
