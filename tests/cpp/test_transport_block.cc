// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE transport_block
#include <boost/test/unit_test.hpp>

#include "phy/transport_block.h"

#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;

BOOST_AUTO_TEST_CASE(sizes_of_table_i_at_629_symbols)
{
    // floor(R 629 Qm) worked by hand, less a CRC of 16 bits
    const unsigned rows[][3] = { { 2, 251, 308 }, { 2, 308, 378 },  { 2, 526, 646 },
                                 { 2, 679, 834 }, { 4, 434, 1066 }, { 4, 553, 1358 },
                                 { 4, 658, 1616 } };
    for (const auto& row : rows) {
        const auto f = plan_block(629, row[1], row[0]);
        BOOST_TEST(f.payload_bits + 16 == row[2]);
        BOOST_TEST(f.code_block_bits == row[2]);
        BOOST_TEST(f.num_code_blocks == 1u);
        BOOST_TEST(f.base_graph == 2u);
        BOOST_TEST(f.rate_matched_bits(0) == 629 * row[0]);
    }
}

BOOST_AUTO_TEST_CASE(base_graph_at_the_edges_of_its_rule)
{
    BOOST_TEST(select_base_graph(292, 1000) == 2u);
    BOOST_TEST(select_base_graph(293, 1000) == 1u);
    BOOST_TEST(select_base_graph(3824, 686) == 2u); // 0.6699
    BOOST_TEST(select_base_graph(3824, 687) == 1u); // 0.6709
    BOOST_TEST(select_base_graph(3825, 600) == 1u);
    BOOST_TEST(select_base_graph(9999, 256) == 2u); // 0.25
    BOOST_TEST(select_base_graph(9999, 257) == 1u);
}

BOOST_AUTO_TEST_CASE(lifting_size_is_the_smallest_that_holds_the_block)
{
    // K_b = 6, 8, 9, 10 of 5.2.2 on base graph 2: 6 x 32 = 192, 8 x 26 = 208, 9 x 64 = 576, 10 x 72
    // = 720
    const unsigned cases[][2] = { { 192, 32 }, { 193, 26 }, { 570, 64 }, { 720, 72 }, { 721, 80 } };
    for (const auto& [block_bits, z] : cases) {
        const auto f = segment_block(block_bits - 16, 434, 2, 4 * block_bits);
        BOOST_TEST(f.lifting_size == z);
        BOOST_TEST(f.systematic_bits == 10 * z);
    }
}

BOOST_AUTO_TEST_CASE(code_blocks_share_the_channel)
{
    const auto f = plan_block(6000, 700, 6);
    BOOST_TEST(f.num_code_blocks > 1u);
    BOOST_TEST(f.num_code_blocks * (f.code_block_bits - 24) == f.payload_bits + 24);
    unsigned total = 0;
    for (unsigned r = 0; r < f.num_code_blocks; ++r) {
        BOOST_TEST(f.rate_matched_bits(r) % 6 == 0u);
        total += f.rate_matched_bits(r);
    }
    BOOST_TEST(total == f.coded_bits);
}

BOOST_AUTO_TEST_CASE(join_undoes_segment_and_sees_errors)
{
    for (unsigned symbols : { 629u, 6000u }) {
        const auto f = plan_block(symbols, 700, 6);
        block_segmenter segmenter(f);
        std::mt19937 generator(symbols);
        std::vector<std::uint8_t> payload(f.payload_bits);
        for (auto& b : payload)
            b = generator() & 1;
        std::vector<std::uint8_t> blocks(f.num_code_blocks * f.systematic_bits, 7);
        segmenter.segment(payload.data(), blocks.data());
        std::vector<std::uint8_t> back(f.payload_bits);
        BOOST_TEST(segmenter.join(blocks.data(), back.data()));
        BOOST_TEST(back == payload);
        for (unsigned r = 0; r < f.num_code_blocks; ++r) {
            auto& last = blocks[r * f.systematic_bits + f.code_block_bits - 1]; // a CRC bit
            last ^= 1;
            BOOST_TEST(!segmenter.join(blocks.data(), back.data()));
            last ^= 1;
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_cannot_work)
{
    BOOST_CHECK_THROW(plan_block(34, 251, 2), std::invalid_argument); // 16 bits: the CRC alone
    BOOST_TEST(plan_block(35, 251, 2).payload_bits == 1u);
    BOOST_CHECK_THROW(plan_block(629, 1024, 2), std::invalid_argument);
    BOOST_CHECK_THROW(plan_block(629, 434, 5), std::invalid_argument);
    BOOST_CHECK_THROW(segment_block(0, 434, 2, 1258), std::invalid_argument);
    BOOST_CHECK_THROW(segment_block(100, 434, 4, 1258), std::invalid_argument);
    BOOST_CHECK_THROW(segment_block(8425, 900, 2, 20000), std::invalid_argument); // odd, two blocks
}
