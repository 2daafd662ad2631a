// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Sizes of a transport block: CRC, base graph, segmentation (TS 38.212 5.2.2, 6.2.1, 6.2.2).
#pragma once

#include "crc.h"

#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

constexpr unsigned MAX_SYMBOLS = 1u << 20;            //!< of a key frame
constexpr unsigned MAX_BLOCK_BITS = 8u * MAX_SYMBOLS; //!< payload or coded bits of a key frame

/*! \brief How the payload of one key frame becomes code blocks. All sizes in bits. */
struct block_format {
    unsigned payload_bits;    //!< A
    unsigned crc_bits;        //!< L of the transport block: 16 up to A = 3,824, else 24
    unsigned coded_bits;      //!< G = symbols x Qm: bits on the channel
    unsigned bits_per_symbol; //!< Qm
    unsigned base_graph;      //!< 1 or 2
    unsigned num_code_blocks; //!< C
    unsigned code_block_bits; //!< K': payload, CRCs, without filler bits
    unsigned code_block_crc;  //!< 24 when C > 1, else 0
    unsigned lifting_size;    //!< Zc
    unsigned systematic_bits; //!< K = 22 Zc or 10 Zc, with filler bits

    //! E_r: bits of code block r on the channel, a multiple of Qm (TS 38.212 5.4.2.1, one layer).
    unsigned rate_matched_bits(unsigned r) const;

    //! True code rate: information bits into the LDPC encoder, CRCs included, per bit on the
    //! channel.
    double code_rate() const { return double(num_code_blocks) * code_block_bits / coded_bits; }
};

/*! \brief Base graph for payload size A and target rate: TS 38.212 6.2.2. */
unsigned select_base_graph(unsigned payload_bits, unsigned rate_1024);

/*! \brief Format for a payload of exactly A bits, TS 38.212 5.2.2.
 *  \throws std::invalid_argument when A or coded_bits is not in 1..MAX_BLOCK_BITS, the rate or Qm
 *  is out of range, coded_bits is not a multiple of Qm, or A with its CRC does not divide into
 * equal code blocks (no filler between code blocks in the standard; `transport_block_size` never
 * returns such an A). */
block_format segment_block(unsigned payload_bits,
                           unsigned rate_1024,
                           unsigned bits_per_symbol,
                           unsigned coded_bits);

/*! \brief Format of a key frame: B_t = (R1024 symbols Qm) >> 10 bits for payload and CRCs, (9).
 *
 * A is the largest payload whose bits with the transport block CRC and, when C > 1, C code block
 * CRCs are at most B_t, and whose sum divides by C. With one code block the sum is B_t exactly,
 * save for B_t in 3,841..3,848, where the step from CRC16 to CRC24A leaves up to 8 bits unused.
 *
 *  \param symbols channel symbols of the key frame, k_t.
 *  \throws std::invalid_argument naming what is wrong, also when B_t has no room for one bit. */
block_format plan_block(unsigned symbols, unsigned rate_1024, unsigned bits_per_symbol);

/*! \brief Format of a block of `info_bits` bits, payload and all CRCs, on the fewest symbols that
 *  keep the rate at or below rate_1024: as in `plan_block`, a few bits may stay unused.
 *  \throws std::invalid_argument when a number is out of range. */
block_format
plan_information_bits(unsigned info_bits, unsigned rate_1024, unsigned bits_per_symbol);

//! A of `plan_block`: payload bits of a key frame.
unsigned transport_block_size(unsigned symbols, unsigned rate_1024, unsigned bits_per_symbol);

/*! \brief The CRC of the transport block and the cut into code blocks, and back.
 *
 * Code blocks are systematic_bits long; filler bits are zeros (the encoder must see zeros,
 * the rate matcher leaves them out). */
class block_segmenter
{
public:
    explicit block_segmenter(const block_format& format);

    //! The CRC that ends the information bits of a code block.
    const crc& code_block_crc() const;

    //! payload (A bits) to C code blocks of K bits each, one after the other.
    void segment(const std::uint8_t* payload, std::uint8_t* code_blocks);

    //! C decoded code blocks to the payload; true when every CRC holds.
    bool join(const std::uint8_t* code_blocks, std::uint8_t* payload);

private:
    block_format d_format;
    const crc& d_crc;
    std::vector<std::uint8_t> d_block; // payload and transport block CRC
};

} // namespace gr::resivid::phy
