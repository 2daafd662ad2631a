// SPDX-License-Identifier: GPL-3.0-or-later
#include "transport_block.h"

#include "ldpc_tables.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

constexpr unsigned MAX_CRC16_PAYLOAD = 3824; // TS 38.212 6.2.1
constexpr unsigned CODE_BLOCK_CRC = 24;      // CRC24B

unsigned transport_crc_bits(unsigned payload_bits)
{
    return payload_bits <= MAX_CRC16_PAYLOAD ? CRC16.bits() : CRC24A.bits();
}

// Kcb of 5.2.2
unsigned max_code_block(unsigned base_graph) { return base_graph == 1 ? 8448 : 3840; }

// C of 5.2.2 for B bits with the transport block CRC
unsigned code_blocks(unsigned block_bits, unsigned base_graph)
{
    const unsigned largest = max_code_block(base_graph);
    if (block_bits <= largest)
        return 1;
    const unsigned room = largest - CODE_BLOCK_CRC;
    return (block_bits + room - 1) / room;
}

// B' of 5.2.2: payload and all CRCs
unsigned total_bits(unsigned payload_bits, unsigned rate_1024)
{
    const unsigned block = payload_bits + transport_crc_bits(payload_bits);
    const unsigned c = code_blocks(block, select_base_graph(payload_bits, rate_1024));
    return c == 1 ? block : block + c * CODE_BLOCK_CRC;
}

// K_b of 5.2.2: systematic columns that the lifting size is chosen for
unsigned used_columns(unsigned base_graph, unsigned block_bits)
{
    if (base_graph == 1)
        return 22;
    return block_bits > 640 ? 10 : block_bits > 560 ? 9 : block_bits > 192 ? 8 : 6;
}

unsigned smallest_lifting_size(unsigned columns, unsigned code_block_bits)
{
    const auto& sizes = lifting_sizes();
    return *std::lower_bound(sizes.begin(), sizes.end(), (code_block_bits + columns - 1) / columns);
}

// The most payload bits that fit with all CRCs; A = 1 fits 17 bits.
unsigned largest_payload(unsigned budget, unsigned rate_1024)
{
    unsigned payload = budget - CRC16.bits();
    const auto fits = [&](unsigned a) {
        const unsigned block = a + transport_crc_bits(a);
        const unsigned c = code_blocks(block, select_base_graph(a, rate_1024));
        const unsigned total = total_bits(a, rate_1024);
        return total <= budget && total % c == 0;
    };
    while (!fits(payload))
        --payload;
    return payload;
}

void check_modulation(unsigned rate_1024, unsigned bits_per_symbol)
{
    if (rate_1024 < 1 || rate_1024 > 1023)
        throw std::invalid_argument("rate_1024 must be 1 to 1023, got " +
                                    std::to_string(rate_1024));
    if (bits_per_symbol < 2 || bits_per_symbol > 8 || bits_per_symbol % 2)
        throw std::invalid_argument("bits_per_symbol must be 2, 4, 6 or 8, got " +
                                    std::to_string(bits_per_symbol));
}

} // namespace

unsigned block_format::rate_matched_bits(unsigned r) const
{
    const unsigned symbols = coded_bits / bits_per_symbol;
    const bool one_more = r >= num_code_blocks - symbols % num_code_blocks;
    return bits_per_symbol * (symbols / num_code_blocks + one_more);
}

unsigned select_base_graph(unsigned payload_bits, unsigned rate_1024)
{
    const bool small = payload_bits <= 292;
    const bool medium = payload_bits <= 3824 && rate_1024 * 100 <= 67 * 1024;
    const bool robust = rate_1024 * 4 <= 1024;
    return small || medium || robust ? 2 : 1;
}

block_format segment_block(unsigned payload_bits,
                           unsigned rate_1024,
                           unsigned bits_per_symbol,
                           unsigned coded_bits)
{
    check_modulation(rate_1024, bits_per_symbol);
    if (payload_bits < 1 || payload_bits > MAX_BLOCK_BITS)
        throw std::invalid_argument("payload_bits must be 1 to " + std::to_string(MAX_BLOCK_BITS) +
                                    ", got " + std::to_string(payload_bits));
    if (coded_bits < 1 || coded_bits > MAX_BLOCK_BITS || coded_bits % bits_per_symbol)
        throw std::invalid_argument("coded_bits must be a multiple of " +
                                    std::to_string(bits_per_symbol) + ", got " +
                                    std::to_string(coded_bits));
    block_format f{};
    f.payload_bits = payload_bits;
    f.crc_bits = transport_crc_bits(payload_bits);
    f.coded_bits = coded_bits;
    f.bits_per_symbol = bits_per_symbol;
    f.base_graph = select_base_graph(payload_bits, rate_1024);
    const unsigned block = payload_bits + f.crc_bits;
    f.num_code_blocks = code_blocks(block, f.base_graph);
    if (coded_bits / bits_per_symbol < f.num_code_blocks)
        throw std::invalid_argument("coded_bits must be at least a symbol for each of the " +
                                    std::to_string(f.num_code_blocks) + " code blocks, got " +
                                    std::to_string(coded_bits));
    const unsigned total = total_bits(payload_bits, rate_1024);
    if (total % f.num_code_blocks)
        throw std::invalid_argument("payload_bits " + std::to_string(payload_bits) +
                                    " does not divide into " + std::to_string(f.num_code_blocks) +
                                    " equal code blocks");
    f.code_block_bits = total / f.num_code_blocks;
    f.code_block_crc = f.num_code_blocks > 1 ? CODE_BLOCK_CRC : 0;
    f.lifting_size = smallest_lifting_size(used_columns(f.base_graph, block), f.code_block_bits);
    f.systematic_bits = get_base_graph(f.base_graph).num_systematic * f.lifting_size;
    return f;
}

block_format plan_block(unsigned symbols, unsigned rate_1024, unsigned bits_per_symbol)
{
    check_modulation(rate_1024, bits_per_symbol);
    if (symbols < 1 || symbols > MAX_SYMBOLS)
        throw std::invalid_argument("symbols must be 1 to " + std::to_string(MAX_SYMBOLS) +
                                    ", got " + std::to_string(symbols));
    const unsigned coded_bits = symbols * bits_per_symbol;
    const unsigned budget = std::uint64_t(rate_1024) * coded_bits >> 10;
    if (budget <= CRC16.bits())
        throw std::invalid_argument(
            std::to_string(symbols) + " symbols of " + std::to_string(bits_per_symbol) +
            " bits at rate " + std::to_string(rate_1024) + "/1024 carry " + std::to_string(budget) +
            " bits: too few for a CRC of " + std::to_string(CRC16.bits()) + " and a payload");
    return segment_block(
        largest_payload(budget, rate_1024), rate_1024, bits_per_symbol, coded_bits);
}

block_format plan_information_bits(unsigned info_bits, unsigned rate_1024, unsigned bits_per_symbol)
{
    check_modulation(rate_1024, bits_per_symbol);
    const std::uint64_t per_symbol = rate_1024 * bits_per_symbol; // x 1024
    const unsigned most = MAX_SYMBOLS * per_symbol >> 10;
    if (info_bits <= CRC16.bits() || info_bits > most)
        throw std::invalid_argument("info_bits must be " + std::to_string(CRC16.bits() + 1) +
                                    " to " + std::to_string(most) + " at rate " +
                                    std::to_string(rate_1024) + "/1024, got " +
                                    std::to_string(info_bits));
    const unsigned symbols = ((std::uint64_t(info_bits) << 10) + per_symbol - 1) / per_symbol;
    return segment_block(largest_payload(info_bits, rate_1024),
                         rate_1024,
                         bits_per_symbol,
                         symbols * bits_per_symbol);
}

unsigned transport_block_size(unsigned symbols, unsigned rate_1024, unsigned bits_per_symbol)
{
    return plan_block(symbols, rate_1024, bits_per_symbol).payload_bits;
}

block_segmenter::block_segmenter(const block_format& format)
    : d_format(format),
      d_crc(format.crc_bits == CRC16.bits() ? CRC16 : CRC24A),
      d_block(format.payload_bits + format.crc_bits)
{
}

const crc& block_segmenter::code_block_crc() const
{
    return d_format.num_code_blocks > 1 ? CRC24B : d_crc;
}

void block_segmenter::segment(const std::uint8_t* payload, std::uint8_t* code_blocks)
{
    std::copy_n(payload, d_format.payload_bits, d_block.data());
    d_crc.append(d_block.data(), d_format.payload_bits);
    const unsigned part = d_format.code_block_bits - d_format.code_block_crc;
    for (unsigned r = 0; r < d_format.num_code_blocks; ++r) {
        std::uint8_t* block = code_blocks + r * d_format.systematic_bits;
        std::copy_n(d_block.data() + r * part, part, block);
        if (d_format.code_block_crc)
            CRC24B.append(block, part);
        std::fill(block + d_format.code_block_bits, block + d_format.systematic_bits, 0);
    }
}

bool block_segmenter::join(const std::uint8_t* code_blocks, std::uint8_t* payload)
{
    const unsigned part = d_format.code_block_bits - d_format.code_block_crc;
    bool ok = true;
    for (unsigned r = 0; r < d_format.num_code_blocks; ++r) {
        const std::uint8_t* block = code_blocks + r * d_format.systematic_bits;
        std::copy_n(block, part, d_block.data() + r * part);
        if (d_format.code_block_crc)
            ok &= CRC24B.check(block, d_format.code_block_bits);
    }
    std::copy_n(d_block.data(), d_format.payload_bits, payload);
    return d_crc.check(d_block.data(), d_block.size()) && ok;
}

} // namespace gr::resivid::phy
