/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "packet_block.h"
#include "phy/link_decoder.h"
#include "recent_times.h"
#include <gnuradio/resivid/ldpc_qam_decoder.h>

namespace gr {
namespace resivid {

class ldpc_qam_decoder_impl : public ldpc_qam_decoder, public packet_block
{
public:
    ldpc_qam_decoder_impl(int symbols,
                          const mcs_table& table,
                          int max_iterations,
                          const std::string& packet_len_key,
                          const std::string& kernel);

    std::uint64_t dropped() const override { return num_dropped(); }
    std::vector<float> decode_ms() const override { return d_times.get_ms(); }

protected:
    int on_packet(const packet& packet, void* out) override;

private:
    const phy::link_result& decode(unsigned row, const packet& packet);
    void publish(const pmt::pmt_t& metadata, const std::uint8_t* bits, std::size_t num_bits);

    phy::link_decoder d_decoder;
    recent_times d_times;
};

} // namespace resivid
} // namespace gr
