// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Layered LDPC decoding.
#pragma once

#include "ldpc_tables.h"

#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

//! What one decoding run came to.
struct ldpc_result {
    bool parity_ok;      //!< every parity check used holds
    unsigned iterations; //!< layered iterations run, at least 1
};

/*! \brief Layered belief propagation with early stop, one code block at a time.
 *
 * Check rule: box-plus with linear correction,
 * sign(a b) min(|a|,|b|) + max(0, 5/8 - |a+b|/4) - max(0, 5/8 - |a-b|/4),
 * as good as exact belief propagation within 0.02 dB at 1,067 bits.
 * LLR = ln P(bit 0) / P(bit 1). All loops run over the lifting size on contiguous floats.
 * No allocation after construction. */
class ldpc_decoder
{
public:
    /*! \param rows base graph rows to use, rising; empty means all (see rate_matcher::useful_rows).
     *  \throws std::invalid_argument for an unknown graph, lifting size, row or 0 iterations. */
    ldpc_decoder(unsigned base_graph,
                 unsigned lifting_size,
                 unsigned max_iterations = 20,
                 const std::vector<unsigned>& rows = {});

    unsigned systematic_bits() const { return d_graph.num_systematic * d_z; } //!< K
    unsigned code_word_bits() const { return d_graph.num_columns * d_z; }     //!< 68 Zc or 52 Zc

    /*! \brief Decode one code block.
     *  \param llr code_word_bits() LLRs, finite; 0 for bits not sent.
     *  \param code_word code_word_bits() hard decisions, one bit a byte; parity bits
     *  that only unused rows know stay undecided. */
    ldpc_result decode(const float* llr, std::uint8_t* code_word);

private:
    struct layer {
        unsigned first_edge;
        unsigned num_edges;
    };
    void update(const layer& l);
    void gather(const layer& l);
    void combine(const layer& l);
    void scatter(const layer& l);
    bool parity_holds(const std::uint8_t* code_word);

    const base_graph& d_graph;
    unsigned d_z;
    unsigned d_stride; // d_z rounded up to whole vectors
    unsigned d_max_iterations;
    std::vector<layer> d_layers;
    std::vector<lifted_edge> d_edges;
    std::vector<float> d_total;    // (columns, Zc): channel plus all check messages
    std::vector<float> d_messages; // (edges, stride): check to bit
    std::vector<float> d_inputs;   // (degree, stride): bit to check of the layer at work
    std::vector<float> d_prefix;   // (degree, stride): box-plus of inputs 0..i
    std::vector<float> d_suffix;   // (stride): box-plus of the inputs behind
    std::vector<std::uint8_t> d_syndrome;
};

} // namespace gr::resivid::phy
