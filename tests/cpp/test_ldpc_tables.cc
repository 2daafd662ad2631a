// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE ldpc_tables
#include <boost/test/unit_test.hpp>

#include "phy/ldpc_tables.h"

#include <set>
#include <stdexcept>

using namespace gr::resivid::phy;

BOOST_AUTO_TEST_CASE(fifty_one_lifting_sizes_in_eight_sets)
{
    // TS 38.212 Table 5.3.2-1, written out
    const std::vector<std::vector<unsigned>> sets{
        { 2, 4, 8, 16, 32, 64, 128, 256 }, { 3, 6, 12, 24, 48, 96, 192, 384 },
        { 5, 10, 20, 40, 80, 160, 320 },   { 7, 14, 28, 56, 112, 224 },
        { 9, 18, 36, 72, 144, 288 },       { 11, 22, 44, 88, 176, 352 },
        { 13, 26, 52, 104, 208 },          { 15, 30, 60, 120, 240 }
    };
    std::set<unsigned> all;
    for (unsigned i = 0; i < sets.size(); ++i)
        for (unsigned z : sets[i]) {
            BOOST_TEST(lifting_set(z) == i);
            all.insert(z);
        }
    BOOST_TEST(lifting_sizes() == std::vector<unsigned>(all.begin(), all.end()));
    BOOST_TEST(all.size() == 51u);
    for (unsigned z : { 0, 1, 17, 34, 512 })
        BOOST_CHECK_THROW(lifting_set(z), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(shape_of_the_base_graphs)
{
    const unsigned shape[][4] = { { 46, 68, 22, 316 }, { 42, 52, 10, 197 } };
    for (unsigned bg : { 1, 2 }) {
        const auto& graph = get_base_graph(bg);
        BOOST_TEST(graph.num_rows == shape[bg - 1][0]);
        BOOST_TEST(graph.num_columns == shape[bg - 1][1]);
        BOOST_TEST(graph.num_systematic == shape[bg - 1][2]);
        BOOST_TEST(graph.edges.size() == shape[bg - 1][3]);
        std::set<std::pair<unsigned, unsigned>> places;
        for (const auto& edge : graph.edges) {
            BOOST_TEST(edge.row < graph.num_rows);
            BOOST_TEST(edge.column < graph.num_columns);
            for (auto shift : edge.shift)
                BOOST_TEST(shift < 384);
            places.insert({ edge.row, edge.column });
        }
        BOOST_TEST(places.size() == graph.edges.size());
    }
    BOOST_CHECK_THROW(get_base_graph(3), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(extension_columns_are_an_identity)
{
    for (unsigned bg : { 1, 2 }) {
        const auto& graph = get_base_graph(bg);
        for (const auto& edge : graph.edges) {
            if (edge.column < graph.num_systematic + 4)
                continue;
            BOOST_TEST(edge.column == graph.num_systematic + edge.row);
            for (auto shift : edge.shift)
                BOOST_TEST(shift == 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(single_entries_of_the_standard)
{
    // Table 5.3.2-2: row 0, column 0. Table 5.3.2-3: row 0, column 0 and row 41, column 51.
    const std::array<std::uint16_t, 8> first1{ 250, 307, 73, 223, 211, 294, 0, 135 };
    const std::array<std::uint16_t, 8> first2{ 9, 174, 0, 72, 3, 156, 143, 145 };
    BOOST_TEST(get_base_graph(1).edges.front().shift == first1);
    BOOST_TEST(get_base_graph(2).edges.front().shift == first2);
    BOOST_TEST(get_base_graph(2).edges.back().column == 51);
    BOOST_TEST(lift(1, 112).front().shift == 223u % 112);
}
