// SPDX-License-Identifier: GPL-3.0-or-later
#include "link_encoder.h"

#include <algorithm>
#include <stdexcept>

namespace gr::resivid::phy {
namespace {

std::vector<block_format> plan_blocks(unsigned symbols, const std::vector<mcs_row>& table)
{
    std::vector<block_format> formats;
    for (const auto& row : table)
        formats.push_back(plan_block(symbols, row.rate_1024, row.bits_per_symbol));
    return formats;
}

unsigned count_symbols(const std::vector<block_format>& formats)
{
    if (formats.empty())
        throw std::invalid_argument("the MCS table is empty");
    const unsigned symbols = formats[0].coded_bits / formats[0].bits_per_symbol;
    for (const auto& f : formats)
        if (f.coded_bits != symbols * f.bits_per_symbol)
            throw std::invalid_argument("formats must have equal numbers of symbols");
    return symbols;
}

} // namespace

std::vector<rate_matcher> make_rate_matchers(const block_format& format,
                                             unsigned redundancy_version)
{
    std::vector<rate_matcher> matchers;
    for (unsigned r = 0; r < format.num_code_blocks; ++r)
        matchers.emplace_back(format, format.rate_matched_bits(r), redundancy_version);
    return matchers;
}

link_encoder::chain::chain(const block_format& f, unsigned redundancy_version)
    : format(f),
      segmenter(f),
      encoder(f.base_graph, f.lifting_size),
      matchers(make_rate_matchers(f, redundancy_version)),
      mapper(f.bits_per_symbol)
{
}

link_encoder::link_encoder(unsigned symbols,
                           std::vector<mcs_row> table,
                           unsigned redundancy_version)
    : link_encoder(plan_blocks(symbols, table), redundancy_version)
{
}

link_encoder::link_encoder(const std::vector<block_format>& formats, unsigned redundancy_version)
    : d_symbols(count_symbols(formats)), d_scrambler(0)
{
    std::size_t code_blocks = 0;
    std::size_t code_word = 0;
    std::size_t coded = 0;
    for (const auto& f : formats) {
        d_chains.emplace_back(f, redundancy_version);
        code_blocks = std::max<std::size_t>(code_blocks, f.num_code_blocks * f.systematic_bits);
        code_word = std::max<std::size_t>(code_word, d_chains.back().encoder.code_word_bits());
        coded = std::max<std::size_t>(coded, f.coded_bits);
    }
    d_scrambler = scrambler(coded);
    d_code_blocks.resize(code_blocks);
    d_code_word.resize(code_word);
    d_coded.resize(coded);
}

void link_encoder::encode(unsigned row,
                          const std::uint8_t* payload,
                          std::complex<float>* symbols_out)
{
    chain& c = d_chains.at(row);
    c.segmenter.segment(payload, d_code_blocks.data());
    std::uint8_t* coded = d_coded.data();
    for (unsigned r = 0; r < c.format.num_code_blocks; ++r) {
        std::copy_n(d_code_blocks.data() + r * c.format.systematic_bits,
                    c.format.systematic_bits,
                    d_code_word.data());
        c.encoder.encode(d_code_word.data());
        c.matchers[r].match(d_code_word.data(), coded);
        coded += c.matchers[r].coded_bits();
    }
    d_scrambler.scramble(d_coded.data(), c.format.coded_bits);
    c.mapper.map(d_coded.data(), symbols_out, d_symbols);
}

} // namespace gr::resivid::phy
