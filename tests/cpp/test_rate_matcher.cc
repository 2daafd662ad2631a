// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE rate_matcher
#include <boost/test/unit_test.hpp>

#include "phy/ldpc_tables.h"
#include "phy/rate_matcher.h"

#include <cstdint>
#include <stdexcept>

using namespace gr::resivid::phy;

namespace {

/* TS 38.212 5.4.2 as it is written: d without the first 2 Zc bits, NULL (-1) for filler bits, bit
 * selection into e, then f_(i + j Qm) = e_(i E/Qm + j). Bits are named by their place in the word.
 */
std::vector<int> selection_as_written(const block_format& f, unsigned e_bits, unsigned rv)
{
    const unsigned z = f.lifting_size;
    const unsigned n = (f.base_graph == 1 ? 66 : 50) * z;
    const unsigned numerators[2][4] = { { 0, 17, 33, 56 }, { 0, 13, 25, 43 } };
    const unsigned k0 = numerators[f.base_graph - 1][rv] * n / n * z;
    std::vector<int> d(n);
    for (unsigned i = 0; i < n; ++i) {
        const unsigned place = i + 2 * z;
        d[i] = place >= f.code_block_bits && place < f.systematic_bits ? -1 : int(place);
    }
    std::vector<int> e;
    for (unsigned j = 0; e.size() < e_bits; ++j)
        if (d[(k0 + j) % n] != -1)
            e.push_back(d[(k0 + j) % n]);
    std::vector<int> interleaved(e_bits);
    const unsigned qm = f.bits_per_symbol;
    for (unsigned j = 0; j < e_bits / qm; ++j)
        for (unsigned i = 0; i < qm; ++i)
            interleaved[i + j * qm] = e[i * e_bits / qm + j];
    return interleaved;
}

} // namespace

BOOST_AUTO_TEST_CASE(selects_and_interleaves_as_written)
{
    // one format with filler bits on each base graph; below and above one turn of the buffer
    for (const auto& [payload, rate] : { std::pair(250u, 434u), std::pair(1000u, 900u) })
        for (unsigned qm : { 2, 4, 6, 8 })
            for (unsigned e_bits : { 48u, 1200u, 9600u })
                for (unsigned rv = 0; rv < 4; ++rv) {
                    const auto f = segment_block(payload, rate, qm, e_bits);
                    const rate_matcher matcher(f, e_bits, rv);
                    std::vector<std::uint8_t> word(matcher.code_word_bits());
                    for (std::size_t i = 0; i < word.size(); ++i)
                        word[i] = (i * 2654435761u >> 16) & 1;
                    std::vector<std::uint8_t> coded(e_bits);
                    matcher.match(word.data(), coded.data());
                    std::vector<std::uint8_t> expected;
                    for (int place : selection_as_written(f, e_bits, rv))
                        expected.push_back(word[place]);
                    BOOST_TEST(coded == expected, "Qm " << qm << " E " << e_bits << " rv " << rv);
                }
}

BOOST_AUTO_TEST_CASE(recover_adds_repeated_bits)
{
    const auto f = segment_block(250, 434, 4, 9600);
    const rate_matcher matcher(f, 9600);
    std::vector<float> coded(9600, 1.0f);
    std::vector<float> word(matcher.code_word_bits(), 77.0f);
    matcher.recover(coded.data(), word.data());
    std::vector<float> expected(word.size(), 0.0f);
    for (int place : selection_as_written(f, 9600, 0))
        expected[place] += 1.0f;
    for (unsigned i = f.code_block_bits; i < f.systematic_bits; ++i)
        expected[i] = rate_matcher::FILLER_LLR;
    BOOST_TEST(word == expected);
}

BOOST_AUTO_TEST_CASE(rows_without_sent_parity_bits_are_left_out)
{
    // 629 symbols of 16QAM 658/1024: 2,516 bits; Zc = 176, K' = 1,616, so 1,264 systematic bits are
    // sent and 1,252 parity bits: 7.1 columns, so the first eight rows matter
    const auto f = plan_block(629, 658, 4);
    const auto rows = rate_matcher(f, f.coded_bits).useful_rows();
    BOOST_TEST(rows == (std::vector<unsigned>{ 0, 1, 2, 3, 4, 5, 6, 7 }));
}

BOOST_AUTO_TEST_CASE(refuses_wrong_arguments)
{
    const auto f = plan_block(629, 434, 4);
    BOOST_CHECK_THROW(rate_matcher(f, f.coded_bits, 4), std::invalid_argument);
    BOOST_CHECK_THROW(rate_matcher(f, 2), std::invalid_argument);
    BOOST_CHECK_THROW(rate_matcher(f, 0), std::invalid_argument);
}
