/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "packet_block.h"
#include "phy/burst_framer.h"
#include <atomic>
#include <gnuradio/resivid/burst_framer.h>

namespace gr {
namespace resivid {

class burst_framer_impl : public burst_framer, public packet_block
{
public:
    burst_framer_impl(const phy::burst_settings& settings,
                      const std::vector<int>& preambles,
                      bool idle,
                      const std::string& packet_len_key,
                      bool bursts);

    int frame_symbols() const override { return d_framer.layout().frame_symbols(); }
    std::uint64_t idle_frames() const override { return d_idle_frames; }
    std::uint64_t dropped() const override { return num_dropped(); }

protected:
    int on_packet(const packet& packet, void* out) override;
    int on_starved(void* out) override;
    void write_piece(int num_items, void* out) override;
    bool gives_way() const override;

private:
    int begun(std::size_t symbols);
    int close_burst();

    const std::vector<unsigned> d_preambles;
    const int d_samples_per_symbol;
    const bool d_bursts;
    bool d_in_burst = false;
    phy::burst_framer d_framer;
    std::size_t d_written = 0; // symbols of what was begun
    std::atomic<std::uint64_t> d_idle_frames{ 0 };
};

} // namespace resivid
} // namespace gr
