// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Rate matching: circular buffer and bit interleaver, TS 38.212 5.4.2.
#pragma once

#include "transport_block.h"

#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

/*! \brief Which bits of a code word go on the channel, in what order; both directions.
 *
 * Full buffer (N_cb = N, no limited-buffer rate matching). */
class rate_matcher
{
public:
    /*! \param format sizes of the transport block.
     *  \param coded_bits E, a multiple of Qm: bits of this code block on the channel.
     *  \param redundancy_version 0..3, start in the circular buffer (Table 5.4.2.1-2).
     *  \throws std::invalid_argument when one of them is out of range. */
    rate_matcher(const block_format& format, unsigned coded_bits, unsigned redundancy_version = 0);

    unsigned coded_bits() const { return d_source.size(); }      //!< E
    unsigned code_word_bits() const { return d_code_word_bits; } //!< 68 Zc or 52 Zc

    //! Code word (68 Zc or 52 Zc bits) to E interleaved bits.
    void match(const std::uint8_t* code_word, std::uint8_t* coded) const;

    //! The same for LLRs.
    void match(const float* code_word_llr, float* coded_llr) const;

    /*! \brief E LLRs of the channel to LLRs of the code word; repeated bits add up.
     *  Bits not sent get 0, filler bits FILLER_LLR. */
    void recover(const float* coded_llr, float* code_word_llr) const;

    //! Base graph rows that help the decoder: the first four, and those whose parity bits are sent.
    std::vector<unsigned> useful_rows() const;

    static constexpr float FILLER_LLR = 1e4f; //!< surely 0

private:
    block_format d_format;
    unsigned d_code_word_bits;
    std::vector<unsigned> d_source; // code word position of each coded bit
};

} // namespace gr::resivid::phy
