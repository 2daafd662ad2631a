/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_qam_decoder_impl.h"
#include "mcs_rows.h"
#include <gnuradio/io_signature.h>
#include <limits>

namespace gr {
namespace resivid {

namespace {

const pmt::pmt_t PAYLOAD = pmt::intern("payload");
const pmt::pmt_t NOISE_VARIANCE = pmt::intern("noise_variance");
const pmt::pmt_t CRC_OK = pmt::intern("crc_ok");
const pmt::pmt_t SNR_DB = pmt::intern("snr_db");
const pmt::pmt_t ITERATIONS = pmt::intern("iterations");
const pmt::pmt_t PHASE_NOISE = pmt::intern("phase_noise");
const pmt::pmt_t SYMBOLS = pmt::intern("symbols");
const pmt::pmt_t BITS = pmt::intern("bits");

pmt::pmt_t metadata_of(const packet& packet)
{
    pmt::pmt_t metadata = pmt::make_dict();
    for (const auto& tag : packet.tags) {
        if (!pmt::eq(tag.key, NOISE_VARIANCE)) { // as long as the packet, and of no use further on
            metadata = pmt::dict_add(metadata, tag.key, tag.value);
        }
    }
    return metadata;
}

} // namespace

ldpc_qam_decoder::sptr ldpc_qam_decoder::make(int symbols,
                                              const mcs_table& table,
                                              int max_iterations,
                                              const std::string& packet_len_key,
                                              const std::string& kernel)
{
    return gnuradio::make_block_sptr<ldpc_qam_decoder_impl>(
        symbols, table, max_iterations, packet_len_key, kernel);
}

ldpc_qam_decoder_impl::ldpc_qam_decoder_impl(int symbols,
                                             const mcs_table& table,
                                             int max_iterations,
                                             const std::string& packet_len_key,
                                             const std::string& kernel)
    : gr::block("ldpc_qam_decoder",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(0, 0, 0)),
      packet_block(packet_len_key, symbols),
      d_decoder(
          at_least_one("symbols", symbols),
          phy_rows(table),
          { phy::find_ldpc_kernel(kernel), at_least_one("max_iterations", max_iterations), "" })
{
    message_port_register_out(PAYLOAD);
}

int ldpc_qam_decoder_impl::on_packet(const packet& packet, void* /* out */)
{
    pmt::pmt_t metadata = metadata_of(packet);
    if (packet.end()) {
        publish(metadata, nullptr, 0);
        return 0;
    }
    const unsigned row = row_of(packet, d_decoder.num_rows());
    if (packet.num_items != static_cast<int>(d_decoder.symbols())) {
        drop("packet dropped: expected {} symbols, got {}", d_decoder.symbols(), packet.num_items);
        return 0;
    }
    const auto start = recent_times::clock::now();
    const auto& result = decode(row, packet);
    d_times.add_since(start);

    metadata = pmt::dict_add(metadata, CRC_OK, pmt::from_bool(result.crc_ok));
    metadata = pmt::dict_add(metadata, SNR_DB, pmt::from_double(result.snr_db));
    metadata = pmt::dict_add(metadata, ITERATIONS, pmt::from_long(result.iterations));
    metadata = pmt::dict_add(metadata, SYMBOLS, pmt::from_long(packet.num_items));
    metadata = pmt::dict_add(metadata, BITS, pmt::from_long(d_decoder.payload_bits(row)));
    publish(metadata, result.payload.data(), result.crc_ok ? result.payload.size() : 0);
    return 0;
}

/*! Throws std::invalid_argument when the tag noise_variance is there and does not fit. */
const phy::link_result& ldpc_qam_decoder_impl::decode(unsigned row, const packet& packet)
{
    const auto* symbols = static_cast<const gr_complex*>(packet.items);
    const pmt::pmt_t tag = packet.tag(NOISE_VARIANCE);
    if (pmt::is_null(tag)) {
        const pmt::pmt_t walk = packet.tag(PHASE_NOISE);
        const float phase_noise =
            pmt::is_real(walk) ? static_cast<float>(pmt::to_double(walk)) : 0.0f;
        return d_decoder.decode(row, symbols, std::numeric_limits<float>::quiet_NaN(), phase_noise);
    }
    if (!pmt::is_f32vector(tag) || pmt::length(tag) != d_decoder.symbols()) {
        throw std::invalid_argument("tag noise_variance: expected " +
                                    std::to_string(d_decoder.symbols()) + " float32");
    }
    std::size_t length = 0;
    return d_decoder.decode_known_noise(row, symbols, pmt::f32vector_elements(tag, length));
}

void ldpc_qam_decoder_impl::publish(const pmt::pmt_t& metadata,
                                    const std::uint8_t* bits,
                                    std::size_t num_bits)
{
    message_port_pub(PAYLOAD, pmt::cons(metadata, pmt::init_u8vector(num_bits, bits)));
}

} // namespace resivid
} // namespace gr
