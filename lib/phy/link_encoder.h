// SPDX-License-Identifier: GPL-3.0-or-later
//! \file A payload to the symbols of one key frame: the whole transmit chain.
#pragma once

#include "ldpc_encoder.h"
#include "mcs.h"
#include "qam.h"
#include "rate_matcher.h"
#include "scrambler.h"
#include "transport_block.h"

#include <complex>
#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

/*! \brief Rate matchers of the code blocks of one transport block: E_r takes at most two values. */
std::vector<rate_matcher> make_rate_matchers(const block_format& format,
                                             unsigned redundancy_version);

/*! \brief CRC, segmentation, LDPC, rate matching, interleaving, scrambling, QAM for one block size.
 *
 * One object holds all rows of an MCS table for a fixed number of symbols a key frame, so that the
 * row may change from one key frame to the next. No allocation after construction. */
class link_encoder
{
public:
    /*! \param symbols k_t, channel symbols of a key frame.
     *  \param table rows by number.
     *  \throws std::invalid_argument when the table is empty or a row leaves no room for a payload.
     */
    link_encoder(unsigned symbols, std::vector<mcs_row> table, unsigned redundancy_version = 0);

    /*! \brief The same for formats planned elsewhere, all for the same number of symbols.
     *  \throws std::invalid_argument when there is none or their symbols differ. */
    explicit link_encoder(const std::vector<block_format>& formats,
                          unsigned redundancy_version = 0);

    unsigned symbols() const { return d_symbols; }
    unsigned num_rows() const { return d_chains.size(); }

    //! A of a row. \throws std::out_of_range for an unknown row (as does `encode`).
    unsigned payload_bits(unsigned row) const { return format(row).payload_bits; }
    const block_format& format(unsigned row) const { return d_chains.at(row).format; }

    /*! \param payload payload_bits(row) values 0 or 1, one a byte.
     *  \param symbols_out symbols() values of mean energy 1. */
    void encode(unsigned row, const std::uint8_t* payload, std::complex<float>* symbols_out);

private:
    struct chain {
        chain(const block_format& format, unsigned redundancy_version);
        block_format format;
        block_segmenter segmenter;
        ldpc_encoder encoder;
        std::vector<rate_matcher> matchers; // one a code block
        qam_mapper mapper;
    };

    unsigned d_symbols;
    std::vector<chain> d_chains;
    scrambler d_scrambler;
    std::vector<std::uint8_t> d_code_blocks;
    std::vector<std::uint8_t> d_code_word;
    std::vector<std::uint8_t> d_coded;
};

} // namespace gr::resivid::phy
