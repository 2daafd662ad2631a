// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Systematic LDPC encoding, TS 38.212 5.3.2.
#pragma once

#include "ldpc_tables.h"

#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

/*! \brief Encoder of one code block: K systematic bits to the whole code word H w = 0. */
class ldpc_encoder
{
public:
    /*! \throws std::invalid_argument for an unknown base graph or lifting size. */
    ldpc_encoder(unsigned base_graph, unsigned lifting_size);

    unsigned systematic_bits() const { return d_graph.num_systematic * d_z; } //!< K
    unsigned code_word_bits() const { return d_graph.num_columns * d_z; }     //!< 68 Zc or 52 Zc

    /*! \brief Compute the parity bits in place.
     *  \param code_word code_word_bits(), one bit a byte: the first K are read (filler bits
     *  zero), the others written. The first 2 Zc bits are never transmitted. */
    void encode(std::uint8_t* code_word);

private:
    void add_edge(const lifted_edge& edge, const std::uint8_t* code_word, std::uint8_t* sum) const;
    void solve_core(std::uint8_t* code_word);
    void solve_extension(std::uint8_t* code_word) const;

    const base_graph& d_graph;
    unsigned d_z;
    std::vector<lifted_edge> d_edges;
    unsigned d_core_shift;            // of the first parity column in the sum of rows 0..3
    std::vector<std::uint8_t> d_sums; // of rows 0..3 over the systematic bits, and their sum
};

} // namespace gr::resivid::phy
