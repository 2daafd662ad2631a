// SPDX-License-Identifier: GPL-3.0-or-later
#include "rate_matcher.h"

#include "ldpc_tables.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

constexpr unsigned NUM_PUNCTURED = 2; // systematic columns that are never sent
constexpr unsigned NUM_CORE_ROWS = 4;

// Numerators of Table 5.4.2.1-2: with the full buffer k0 is this times Zc.
constexpr std::array<std::array<unsigned, 4>, 2> START_COLUMN{ {
    { 0, 17, 33, 56 }, // base graph 1
    { 0, 13, 25, 43 }, // base graph 2
} };

} // namespace

rate_matcher::rate_matcher(const block_format& format,
                           unsigned coded_bits,
                           unsigned redundancy_version)
    : d_format(format),
      d_code_word_bits(get_base_graph(format.base_graph).num_columns * format.lifting_size),
      d_source(coded_bits)
{
    const unsigned z = format.lifting_size;
    const unsigned qm = format.bits_per_symbol;
    const auto& graph = get_base_graph(format.base_graph);
    if (redundancy_version > 3)
        throw std::invalid_argument("redundancy_version must be 0 to 3, got " +
                                    std::to_string(redundancy_version));
    if (coded_bits == 0 || coded_bits % qm)
        throw std::invalid_argument("coded_bits must be a multiple of " + std::to_string(qm) +
                                    ", got " + std::to_string(coded_bits));

    const unsigned buffer_bits = (graph.num_columns - NUM_PUNCTURED) * z; // N_cb = N
    unsigned j = START_COLUMN[format.base_graph - 1][redundancy_version] * z;
    const unsigned num_per_bit = coded_bits / qm;
    for (unsigned k = 0; k < coded_bits; j = (j + 1) % buffer_bits) {
        const unsigned position = j + NUM_PUNCTURED * z;
        if (position >= format.code_block_bits && position < format.systematic_bits)
            continue; // filler
        // Interleaver of 5.4.2.2: written row by row into Qm rows, read column by column.
        d_source[k % num_per_bit * qm + k / num_per_bit] = position;
        ++k;
    }
}

void rate_matcher::match(const std::uint8_t* code_word, std::uint8_t* coded) const
{
    for (std::size_t i = 0; i < d_source.size(); ++i)
        coded[i] = code_word[d_source[i]];
}

void rate_matcher::match(const float* code_word_llr, float* coded_llr) const
{
    for (std::size_t i = 0; i < d_source.size(); ++i)
        coded_llr[i] = code_word_llr[d_source[i]];
}

void rate_matcher::recover(const float* coded_llr, float* code_word_llr) const
{
    std::fill_n(code_word_llr, d_code_word_bits, 0.0f);
    std::fill(code_word_llr + d_format.code_block_bits,
              code_word_llr + d_format.systematic_bits,
              FILLER_LLR);
    for (std::size_t i = 0; i < d_source.size(); ++i)
        code_word_llr[d_source[i]] += coded_llr[i];
}

std::vector<unsigned> rate_matcher::useful_rows() const
{
    const auto& graph = get_base_graph(d_format.base_graph);
    std::vector<bool> sent(graph.num_columns, false);
    for (unsigned position : d_source)
        sent[position / d_format.lifting_size] = true;
    std::vector<unsigned> rows;
    for (unsigned row = 0; row < graph.num_rows; ++row)
        if (row < NUM_CORE_ROWS || sent[graph.num_systematic + row])
            rows.push_back(row);
    return rows;
}

} // namespace gr::resivid::phy
