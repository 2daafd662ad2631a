// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_encoder.h"

#include <algorithm>

namespace gr::resivid::phy {

namespace {
constexpr unsigned NUM_CORE_ROWS = 4; // rows that join the first four parity columns

void add_to(std::uint8_t* sum, const std::uint8_t* bits, unsigned n)
{
    for (unsigned i = 0; i < n; ++i)
        sum[i] ^= bits[i];
}
} // namespace

ldpc_encoder::ldpc_encoder(unsigned base_graph, unsigned lifting_size)
    : d_graph(get_base_graph(base_graph)),
      d_z(lifting_size),
      d_edges(lift(base_graph, lifting_size)),
      d_core_shift(0),
      d_sums((NUM_CORE_ROWS + 1) * lifting_size)
{
    // The first parity column meets three core rows, two of them with the same shift.
    for (const auto& edge : d_edges)
        if (edge.row < NUM_CORE_ROWS && edge.column == d_graph.num_systematic)
            d_core_shift ^= edge.shift;
}

void ldpc_encoder::add_edge(const lifted_edge& edge,
                            const std::uint8_t* code_word,
                            std::uint8_t* sum) const
{
    const std::uint8_t* bits = code_word + edge.column * d_z;
    const unsigned head = d_z - edge.shift;
    add_to(sum, bits + edge.shift, head);
    add_to(sum + head, bits, edge.shift);
}

void ldpc_encoder::encode(std::uint8_t* code_word)
{
    solve_core(code_word);
    solve_extension(code_word);
}

/* In the sum of the four core rows the staircase of parity columns 2 to 4 cancels, and with it two
 * of the three entries of column 1: what is left is column 1 rotated by d_core_shift. Then row 0
 * gives column 2 and row 3 column 4. Column 3 stands in row 2 with column 4 and perhaps column 1.
 */
void ldpc_encoder::solve_core(std::uint8_t* code_word)
{
    const unsigned first = d_graph.num_systematic;
    std::uint8_t* parity = code_word + first * d_z;
    std::uint8_t* total = d_sums.data() + NUM_CORE_ROWS * d_z;
    std::fill(d_sums.begin(), d_sums.end(), 0);
    for (const auto& edge : d_edges)
        if (edge.row < NUM_CORE_ROWS && edge.column < first)
            add_edge(edge, code_word, d_sums.data() + edge.row * d_z);
    for (unsigned row = 0; row < NUM_CORE_ROWS; ++row)
        add_to(total, d_sums.data() + row * d_z, d_z);
    for (unsigned i = 0; i < d_z; ++i)
        parity[(i + d_core_shift) % d_z] = total[i];

    for (const auto& edge : d_edges)
        if (edge.row < NUM_CORE_ROWS && edge.column == first)
            add_edge(edge, code_word, d_sums.data() + edge.row * d_z);
    const std::uint8_t* sums = d_sums.data();
    std::copy_n(sums, d_z, parity + d_z);               // row 0
    std::copy_n(sums + 3 * d_z, d_z, parity + 3 * d_z); // row 3
    std::copy_n(sums + 2 * d_z, d_z, parity + 2 * d_z); // row 2: columns 3 and 4
    add_to(parity + 2 * d_z, parity + 3 * d_z, d_z);
}

// From row 4 on each row has one parity column of its own, with shift 0.
void ldpc_encoder::solve_extension(std::uint8_t* code_word) const
{
    std::uint8_t* extension = code_word + (d_graph.num_systematic + NUM_CORE_ROWS) * d_z;
    std::fill(extension, code_word + code_word_bits(), 0);
    for (const auto& edge : d_edges)
        if (edge.row >= NUM_CORE_ROWS && edge.column < d_graph.num_systematic + NUM_CORE_ROWS)
            add_edge(edge, code_word, extension + (edge.row - NUM_CORE_ROWS) * d_z);
}

} // namespace gr::resivid::phy
