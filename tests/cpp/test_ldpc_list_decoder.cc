// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE ldpc_list_decoder
#include <boost/test/unit_test.hpp>

#include "phy/ldpc_encoder.h"
#include "phy/ldpc_list_decoder.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace gr::resivid::phy;

namespace {

constexpr unsigned BASE_GRAPH = 2, Z = 20, INFO_BITS = 200;

// A code word whose information bits end with CRC16, and its LLRs over BPSK
struct sent_word {
    sent_word(float snr, std::mt19937& generator) : bits(52 * Z)
    {
        ldpc_encoder encoder(BASE_GRAPH, Z);
        for (unsigned i = 0; i < INFO_BITS - 16; ++i)
            bits[i] = generator() & 1;
        CRC16.append(bits.data(), INFO_BITS - 16);
        encoder.encode(bits.data());
        std::normal_distribution<float> noise(0.0f, std::sqrt(1.0f / snr));
        for (auto bit : bits)
            llr.push_back(2.0f * snr * ((bit ? -1.0f : 1.0f) + noise(generator)));
        std::fill_n(llr.begin(), 2 * Z, 0.0f);
    }
    std::vector<std::uint8_t> bits;
    std::vector<float> llr;
};

ldpc_settings with_guesses(unsigned guesses, const std::string& instruction_set = "")
{
    return { DEFAULT_LDPC_KERNEL, 30, instruction_set, guesses };
}

} // namespace

BOOST_AUTO_TEST_CASE(guesses_mend_most_failures)
{
    std::mt19937 generator(41);
    ldpc_list_decoder plain(BASE_GRAPH, Z, INFO_BITS, CRC16, with_guesses(0));
    ldpc_list_decoder list(BASE_GRAPH, Z, INFO_BITS, CRC16, with_guesses(32));
    std::vector<std::uint8_t> decoded(52 * Z);
    unsigned failed = 0;
    unsigned mended = 0;
    for (unsigned n = 0; n < 600; ++n) {
        const sent_word word(0.46f, generator);
        const auto first = plain.decode(word.llr.data(), decoded.data());
        const bool good = first.parity_ok && decoded == word.bits;
        const auto second = list.decode(word.llr.data(), decoded.data());
        const bool right = second.parity_ok && decoded == word.bits;
        BOOST_TEST(second.iterations == first.iterations);
        if (good)
            BOOST_TEST(right);
        failed += !good;
        mended += !good && right;
        // what meets parity and CRC is what was sent: 2^-16 a code word that is another one
        if (second.parity_ok)
            BOOST_TEST(right);
    }
    BOOST_TEST(failed > 20u);
    BOOST_TEST(failed < 200u);
    BOOST_TEST(mended > failed / 2);
}

BOOST_AUTO_TEST_CASE(instruction_sets_agree)
{
    std::mt19937 generator(42);
    std::vector<std::uint8_t> expected(52 * Z), decoded(52 * Z);
    for (unsigned n = 0; n < 30; ++n) {
        const sent_word word(0.38f, generator);
        ldpc_list_decoder baseline(BASE_GRAPH, Z, INFO_BITS, CRC16, with_guesses(32, "baseline"));
        const auto first = baseline.decode(word.llr.data(), expected.data());
        for (const auto& name : instruction_sets()) {
            ldpc_list_decoder decoder(BASE_GRAPH, Z, INFO_BITS, CRC16, with_guesses(32, name));
            const auto result = decoder.decode(word.llr.data(), decoded.data());
            BOOST_TEST(result.parity_ok == first.parity_ok);
            const bool equal = decoded == expected;
            BOOST_TEST(equal, name);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_code_word_with_a_wrong_crc_is_not_taken)
{
    // Another code word than was meant: parity holds, the CRC does not, and no guess changes that.
    std::mt19937 generator(43);
    sent_word word(20.0f, generator);
    ldpc_encoder encoder(BASE_GRAPH, Z);
    word.bits[3] ^= 1;
    encoder.encode(word.bits.data());
    for (std::size_t i = 2 * Z; i < word.bits.size(); ++i)
        word.llr[i] = word.bits[i] ? -20.0f : 20.0f;
    std::vector<std::uint8_t> decoded(52 * Z);
    ldpc_list_decoder list(BASE_GRAPH, Z, INFO_BITS, CRC16, with_guesses(32));
    const auto result = list.decode(word.llr.data(), decoded.data());
    BOOST_TEST(result.parity_ok);
    BOOST_TEST(!CRC16.check(decoded.data(), INFO_BITS));
}

BOOST_AUTO_TEST_CASE(noise_meets_no_crc)
{
    std::mt19937 generator(44);
    ldpc_list_decoder list(BASE_GRAPH, Z, INFO_BITS, CRC16, with_guesses(32));
    std::vector<std::uint8_t> decoded(52 * Z);
    for (unsigned n = 0; n < 50; ++n) {
        const sent_word word(0.001f, generator);
        BOOST_TEST(!list.decode(word.llr.data(), decoded.data()).parity_ok);
    }
}
