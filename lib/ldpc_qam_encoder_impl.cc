/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_qam_encoder_impl.h"
#include "mcs_rows.h"
#include <algorithm>
#include <gnuradio/io_signature.h>
#include <utility>

namespace gr {
namespace resivid {

namespace {

int largest_payload(const phy::link_encoder& encoder)
{
    unsigned largest = 0;
    for (unsigned row = 0; row < encoder.num_rows(); ++row) {
        largest = std::max(largest, encoder.payload_bits(row));
    }
    return static_cast<int>(largest);
}

} // namespace

ldpc_qam_encoder::sptr
ldpc_qam_encoder::make(int symbols, const mcs_table& table, const std::string& packet_len_key)
{
    return gnuradio::make_block_sptr<ldpc_qam_encoder_impl>(symbols, table, packet_len_key);
}

ldpc_qam_encoder_impl::ldpc_qam_encoder_impl(int symbols,
                                             const mcs_table& table,
                                             const std::string& packet_len_key)
    : ldpc_qam_encoder_impl(phy::link_encoder(at_least_one("symbols", symbols), phy_rows(table)),
                            packet_len_key)
{
}

ldpc_qam_encoder_impl::ldpc_qam_encoder_impl(phy::link_encoder encoder,
                                             const std::string& packet_len_key)
    : gr::block("ldpc_qam_encoder",
                gr::io_signature::make(1, 1, sizeof(std::uint8_t)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      packet_block(packet_len_key, largest_payload(encoder)),
      d_encoder(std::move(encoder))
{
    set_max_output_packet(d_encoder.symbols());
}

int ldpc_qam_encoder_impl::payload_bits(int row) const { return d_encoder.payload_bits(row); }

int ldpc_qam_encoder_impl::input_buffer_items() const
{
    return buffer_items(largest_payload(d_encoder));
}

int ldpc_qam_encoder_impl::on_packet(const packet& packet, void* out)
{
    auto* symbols = static_cast<gr_complex*>(out);
    if (packet.end()) {
        symbols[0] = 0;
        return 1;
    }
    const unsigned row = row_of(packet, d_encoder.num_rows());
    const int num_bits = d_encoder.payload_bits(row);
    if (packet.num_items != num_bits) {
        drop("packet dropped: row {} takes {} bits, got {}", row, num_bits, packet.num_items);
        return 0;
    }
    const auto* bits = static_cast<const std::uint8_t*>(packet.items);
    if (std::any_of(bits, bits + num_bits, [](std::uint8_t bit) { return bit > 1; })) {
        drop("packet dropped: expected bytes 0 or 1");
        return 0;
    }
    const auto start = recent_times::clock::now();
    d_encoder.encode(row, bits, symbols);
    d_times.add_since(start);
    return d_encoder.symbols();
}

} // namespace resivid
} // namespace gr
