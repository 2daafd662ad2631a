// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE ldpc_decoder
#include <boost/test/unit_test.hpp>

#include "phy/ldpc_decoder.h"
#include "phy/ldpc_encoder.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;

namespace {

float box_plus_exact(float a, float b)
{
    return float(2.0 * std::atanh(std::tanh(a / 2.0) * std::tanh(b / 2.0)));
}

/* Layered exact belief propagation check by check: slow and obvious. Messages by (check, edge). */
std::vector<std::uint8_t>
decode_slowly(unsigned bg, unsigned z, std::vector<float> total, unsigned n)
{
    std::vector<std::vector<unsigned>> checks(get_base_graph(bg).num_rows * z);
    for (const auto& edge : lift(bg, z))
        for (unsigned i = 0; i < z; ++i)
            checks[edge.row * z + i].push_back(edge.column * z + (i + edge.shift) % z);
    std::vector<std::vector<float>> messages;
    for (const auto& check : checks)
        messages.emplace_back(check.size(), 0.0f);
    for (unsigned iteration = 0; iteration < n; ++iteration)
        for (std::size_t c = 0; c < checks.size(); ++c) {
            std::vector<float> inputs;
            for (std::size_t e = 0; e < checks[c].size(); ++e)
                inputs.push_back(total[checks[c][e]] - messages[c][e]);
            for (std::size_t e = 0; e < inputs.size(); ++e) {
                float others = 40.0f;
                for (std::size_t o = 0; o < inputs.size(); ++o)
                    if (o != e)
                        others = box_plus_exact(others, std::clamp(inputs[o], -30.0f, 30.0f));
                messages[c][e] = others;
                total[checks[c][e]] = inputs[e] + others;
            }
        }
    std::vector<std::uint8_t> bits;
    for (float t : total)
        bits.push_back(t < 0);
    return bits;
}

std::vector<std::uint8_t> random_word(unsigned bg, unsigned z, std::mt19937& generator)
{
    ldpc_encoder encoder(bg, z);
    std::vector<std::uint8_t> word(encoder.code_word_bits());
    for (unsigned i = 0; i < encoder.systematic_bits(); ++i)
        word[i] = generator() & 1;
    encoder.encode(word.data());
    return word;
}

std::vector<float>
noisy(const std::vector<std::uint8_t>& word, unsigned z, float snr, std::mt19937& g)
{
    std::normal_distribution<float> noise(0.0f, std::sqrt(1.0f / snr));
    std::vector<float> llr;
    for (auto bit : word)
        llr.push_back(2.0f * snr * ((bit ? -1.0f : 1.0f) + noise(g)));
    std::fill_n(llr.begin(), 2 * z, 0.0f); // never sent
    return llr;
}

unsigned errors(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b, unsigned n)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n; ++i)
        count += a[i] != b[i];
    return count;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_lifting_size_decodes_a_little_noise)
{
    std::mt19937 generator(77);
    for (unsigned bg : { 1, 2 })
        for (unsigned z : lifting_sizes()) {
            const auto word = random_word(bg, z, generator);
            ldpc_decoder decoder(bg, z);
            std::vector<std::uint8_t> decoded(word.size());
            const auto result =
                decoder.decode(noisy(word, z, 4.0f, generator).data(), decoded.data());
            BOOST_TEST(result.parity_ok, "base graph " << bg << ", Z " << z);
            BOOST_TEST(decoded == word);
        }
}

BOOST_AUTO_TEST_CASE(linear_correction_is_close_to_exact_belief_propagation)
{
    // BPSK at -3.5 dB per dimension, base graph 2, 100 bits: some blocks fail in both
    constexpr unsigned BG = 2, Z = 10, ITERATIONS = 20, NUM_WORDS = 200;
    std::mt19937 generator(4);
    ldpc_decoder decoder(BG, Z, ITERATIONS);
    unsigned failed = 0;
    unsigned failed_exact = 0;
    unsigned differ = 0;
    for (unsigned n = 0; n < NUM_WORDS; ++n) {
        const auto word = random_word(BG, Z, generator);
        const auto llr = noisy(word, Z, 0.45f, generator);
        std::vector<std::uint8_t> decoded(word.size());
        decoder.decode(llr.data(), decoded.data());
        const bool wrong = errors(decoded, word, 10 * Z);
        const bool wrong_exact = errors(decode_slowly(BG, Z, llr, ITERATIONS), word, 10 * Z);
        failed += wrong;
        failed_exact += wrong_exact;
        differ += wrong != wrong_exact;
    }
    BOOST_TEST(failed_exact > NUM_WORDS / 50);
    BOOST_TEST(failed_exact < NUM_WORDS / 2);
    // Same noise: where they differ it may fall either way, deviation about the root of their
    // number.
    BOOST_TEST(std::abs(int(failed) - int(failed_exact)) <= 3 * std::sqrt(std::max(1u, differ)));
    BOOST_TEST(differ <= NUM_WORDS / 10);
}

BOOST_AUTO_TEST_CASE(a_decoder_has_no_memory)
{
    std::mt19937 generator(5);
    const auto word = random_word(2, 12, generator);
    const auto llr = noisy(word, 12, 0.8f, generator);
    const auto noise = noisy(word, 12, 0.01f, generator);
    ldpc_decoder decoder(2, 12);
    std::vector<std::uint8_t> first(word.size()), other(word.size()), second(word.size());
    const auto a = decoder.decode(llr.data(), first.data());
    const auto b = decoder.decode(noise.data(), other.data());
    const auto c = decoder.decode(llr.data(), second.data());
    BOOST_TEST(first == second);
    BOOST_TEST(a.iterations == c.iterations);
    BOOST_TEST(!b.parity_ok);
    BOOST_TEST(b.iterations == 20u);
}

BOOST_AUTO_TEST_CASE(stops_early_without_noise)
{
    std::mt19937 generator(6);
    const auto word = random_word(2, 112, generator);
    std::vector<float> llr;
    for (auto bit : word)
        llr.push_back(bit ? -20.0f : 20.0f);
    std::vector<std::uint8_t> decoded(word.size());
    const auto result = ldpc_decoder(2, 112).decode(llr.data(), decoded.data());
    BOOST_TEST(result.parity_ok);
    BOOST_TEST(result.iterations == 1u);
}

BOOST_AUTO_TEST_CASE(refuses_wrong_arguments)
{
    BOOST_CHECK_THROW(ldpc_decoder(3, 8), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 17), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 8, 0), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 8, 20, { 0, 1, 2, 42 }), std::invalid_argument);
}
