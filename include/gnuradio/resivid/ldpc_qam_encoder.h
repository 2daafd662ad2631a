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

/*! \brief Payload bits to complex symbols: CRC, 5G NR LDPC, rate matching, QAM (section III-D).
 *
 * In: tagged stream of bytes, one bit (0 or 1) each; a packet holds exactly `payload_bits(mcs)` of
 * them and its first item the tag `mcs`, the row of the table. Out: tagged stream of `symbols`
 * complex symbols of unit mean energy, with the packet's tags. A packet with the tag `end` true
 * becomes one null symbol. A packet that breaks these rules is dropped with a warning. */
class RESIVID_API ldpc_qam_encoder : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<ldpc_qam_encoder>;

    /*! \param symbols k_t, complex symbols of a packet, at least 1.
     *  \param table rows of the MCS table, not empty.
     *  \param packet_len_key key of the length tag.
     *  \throws std::invalid_argument when a row cannot carry a payload in `symbols` symbols. */
    static sptr
    make(int symbols, const mcs_table& table, const std::string& packet_len_key = "packet_len");

    /*! \brief A, payload bits of a packet of this row.
     *  \throws std::out_of_range when the table has no such row. */
    virtual int payload_bits(int row) const = 0;

    //! What the block before needs as `min_output_buffer`, in items: two of the largest packet.
    virtual int input_buffer_items() const = 0;

    //! Packets dropped so far.
    virtual std::uint64_t dropped() const = 0;

    //! Duration of the latest encodings in ms, oldest first, at most 4096.
    virtual std::vector<float> encode_ms() const = 0;
};

} // namespace resivid
} // namespace gr
