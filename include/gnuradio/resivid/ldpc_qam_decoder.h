/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/resivid/api.h>
#include <gnuradio/resivid/mcs_table.h>
#include <string>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief Complex symbols to PDU `payload`: SNR estimate, soft demapping, LDPC decoding, CRC.
 *
 * In: tagged stream, `symbols` symbols a packet, tag `mcs` on the first. Out: one PDU a packet. Its
 * metadata hold the packet's tags (`frame`, `gop_start`, `mcs`, ...) and `crc_ok`, `snr_db` (the
 * estimate of Es/N0), `iterations`, `symbols` (items of the packet), `bits` (A of this row). Its
 * data are the A payload bits, a byte each, or nothing when the CRC failed. A packet with the tag
 * `end` true becomes a PDU with its tags and no data. Where the tag `phase_noise` says that the
 * carrier's phase walks (variance of a step, rad^2 a symbol), a block that fails is decoded again
 * at phases that follow what the decoder made of it. A packet that breaks these rules is dropped
 * with a warning. */
class RESIVID_API ldpc_qam_decoder : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<ldpc_qam_decoder>;

    /*! \param symbols k_t, complex symbols of a packet, at least 1.
     *  \param table rows of the MCS table, the same as the encoder's.
     *  \param max_iterations of the LDPC decoder, at least 1.
     *  \param packet_len_key key of the length tag.
     *  \param kernel of the LDPC decoder, by name: see docs/phy-chain.md.
     *  \throws std::invalid_argument as the encoder does. */
    static sptr make(int symbols,
                     const mcs_table& table,
                     int max_iterations = 50,
                     const std::string& packet_len_key = "packet_len",
                     const std::string& kernel = "box-plus-int16");

    //! Packets dropped so far; one that fails its CRC is not dropped.
    virtual std::uint64_t dropped() const = 0;

    //! Duration of the latest decodings in ms, oldest first, at most 4096.
    virtual std::vector<float> decode_ms() const = 0;
};

} // namespace resivid
} // namespace gr
