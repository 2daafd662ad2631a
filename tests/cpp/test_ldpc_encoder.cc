// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE ldpc_encoder
#include <boost/test/unit_test.hpp>

#include "phy/ldpc_encoder.h"

#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;

namespace {

// H w = 0, entry by entry from the table.
bool meets_every_check(unsigned bg, unsigned z, const std::vector<std::uint8_t>& word)
{
    const auto& graph = get_base_graph(bg);
    const unsigned set = lifting_set(z);
    std::vector<std::uint8_t> sums(graph.num_rows * z, 0);
    for (const auto& edge : graph.edges)
        for (unsigned i = 0; i < z; ++i)
            sums[edge.row * z + i] ^= word[edge.column * z + (i + edge.shift[set]) % z];
    return sums == std::vector<std::uint8_t>(sums.size(), 0);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_graph_and_lifting_size_meets_every_check)
{
    std::mt19937 generator(538);
    for (unsigned bg : { 1, 2 })
        for (unsigned z : lifting_sizes()) {
            ldpc_encoder encoder(bg, z);
            std::vector<std::uint8_t> word(encoder.code_word_bits(), 9); // parity left dirty
            for (unsigned i = 0; i < encoder.systematic_bits(); ++i)
                word[i] = generator() & 1;
            const std::vector<std::uint8_t> systematic(word.begin(),
                                                       word.begin() + encoder.systematic_bits());
            encoder.encode(word.data());
            BOOST_TEST(meets_every_check(bg, z, word), "base graph " << bg << ", Z " << z);
            BOOST_TEST(std::equal(systematic.begin(), systematic.end(), word.begin()));
        }
}

BOOST_AUTO_TEST_CASE(refuses_unknown_codes)
{
    BOOST_CHECK_THROW(ldpc_encoder(0, 8), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_encoder(2, 17), std::invalid_argument);
}
