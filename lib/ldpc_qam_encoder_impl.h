/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "packet_block.h"
#include "phy/link_encoder.h"
#include "recent_times.h"
#include <gnuradio/resivid/ldpc_qam_encoder.h>

namespace gr {
namespace resivid {

class ldpc_qam_encoder_impl : public ldpc_qam_encoder, public packet_block
{
public:
    ldpc_qam_encoder_impl(int symbols, const mcs_table& table, const std::string& packet_len_key);

    int payload_bits(int row) const override;
    int input_buffer_items() const override;
    std::uint64_t dropped() const override { return num_dropped(); }
    std::vector<float> encode_ms() const override { return d_times.get_ms(); }

protected:
    int on_packet(const packet& packet, void* out) override;

private:
    ldpc_qam_encoder_impl(phy::link_encoder encoder, const std::string& packet_len_key);

    phy::link_encoder d_encoder;
    recent_times d_times;
};

} // namespace resivid
} // namespace gr
