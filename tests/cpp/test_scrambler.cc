// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE scrambler
#include <boost/test/unit_test.hpp>

#include "phy/scrambler.h"

#include <cmath>
#include <limits>

using namespace gr::resivid::phy;

namespace {

// TS 38.211 5.2.1 as it is written, on whole sequences.
std::vector<std::uint8_t> gold_as_written(std::uint32_t c_init, std::size_t n)
{
    const std::size_t length = 1600 + n;
    std::vector<std::uint8_t> x1(length + 31, 0), x2(length + 31, 0), c(n);
    x1[0] = 1;
    for (unsigned i = 0; i < 31; ++i)
        x2[i] = c_init >> i & 1;
    for (std::size_t i = 0; i < length; ++i) {
        x1[i + 31] = (x1[i + 3] + x1[i]) % 2;
        x2[i + 31] = (x2[i + 3] + x2[i + 2] + x2[i + 1] + x2[i]) % 2;
    }
    for (std::size_t i = 0; i < n; ++i)
        c[i] = (x1[i + 1600] + x2[i + 1600]) % 2;
    return c;
}

} // namespace

BOOST_AUTO_TEST_CASE(sequence_as_written)
{
    for (std::uint32_t c_init : { 0u, 1u, 12345u, SCRAMBLER_INIT, 0x7fffffffu })
        BOOST_TEST(gold_sequence(c_init, 2516) == gold_as_written(c_init, 2516));
    BOOST_TEST(SCRAMBLER_INIT >> 31 == 0u);
}

BOOST_AUTO_TEST_CASE(bits_and_llrs_turn_together)
{
    const scrambler s(1000);
    std::vector<std::uint8_t> bits(1000, 0);
    s.scramble(bits.data(), 1000);
    std::vector<float> llr;
    for (auto bit : bits)
        llr.push_back(bit ? -3.0f : 3.0f);
    s.descramble(llr.data(), 1000);
    BOOST_TEST(llr == std::vector<float>(1000, 3.0f));
}

BOOST_AUTO_TEST_CASE(no_evidence_is_a_received_zero_by_a_hair)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    const scrambler s(4);
    const auto sequence = gold_sequence(SCRAMBLER_INIT, 4);
    std::vector<float> llr{ 0.0f, nan, inf, -inf };
    s.descramble(llr.data(), 4);
    const float expected[] = { scrambler::NO_EVIDENCE_LLR,
                               scrambler::NO_EVIDENCE_LLR,
                               scrambler::MAX_LLR,
                               -scrambler::MAX_LLR };
    for (unsigned i = 0; i < 4; ++i)
        BOOST_TEST(llr[i] == (sequence[i] ? -expected[i] : expected[i]));
}
