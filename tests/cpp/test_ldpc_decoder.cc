// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE ldpc_decoder
#include <boost/test/unit_test.hpp>

#include "phy/ldpc_batch_decoder.h"
#include "phy/ldpc_decoder.h"
#include "phy/ldpc_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;

static unsigned num_allocations = 0;
[[gnu::noinline]] void* operator new(std::size_t size)
{
    ++num_allocations;
    if (void* memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

std::vector<ldpc_settings> all_variants(unsigned max_iterations = 20)
{
    std::vector<ldpc_settings> variants;
    for (const auto& kernel : ldpc_kernel_names())
        for (const auto& instruction_set : instruction_sets())
            variants.push_back({ find_ldpc_kernel(kernel), max_iterations, instruction_set });
    return variants;
}

std::string name_of(const ldpc_settings& variant)
{
    return ldpc_kernel_names()[unsigned(variant.kernel)] + ", " + variant.instruction_set;
}

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

BOOST_AUTO_TEST_CASE(every_variant_decodes_every_lifting_size)
{
    std::mt19937 generator(77);
    for (unsigned bg : { 1, 2 })
        for (unsigned z : lifting_sizes()) {
            const auto word = random_word(bg, z, generator);
            const auto llr = noisy(word, z, 5.0f, generator);
            for (const auto& variant : all_variants()) {
                if (variant.kernel == ldpc_kernel::belief_propagation && z > 30)
                    continue; // slow
                std::vector<std::uint8_t> decoded(word.size());
                const auto result = ldpc_decoder(bg, z, variant).decode(llr.data(), decoded.data());
                const bool right = result.parity_ok && decoded == word;
                BOOST_TEST(right, name_of(variant) << ", base graph " << bg << ", Z " << z);
            }
        }
}

BOOST_AUTO_TEST_CASE(instruction_sets_agree_to_the_bit)
{
    std::mt19937 generator(78);
    for (unsigned z : { 2u, 15u, 36u, 104u, 384u }) {
        const auto word = random_word(2, z, generator);
        const auto llr = noisy(word, z, z % 2 ? 0.4f : 0.8f, generator);
        for (const auto& kernel : ldpc_kernel_names()) {
            std::vector<std::uint8_t> expected(word.size()), decoded(word.size());
            ldpc_settings settings{ find_ldpc_kernel(kernel), 8, "baseline" };
            const auto baseline = ldpc_decoder(2, z, settings).decode(llr.data(), expected.data());
            for (const auto& instruction_set : instruction_sets()) {
                settings.instruction_set = instruction_set;
                const auto result = ldpc_decoder(2, z, settings).decode(llr.data(), decoded.data());
                const bool equal = decoded == expected && result.iterations == baseline.iterations;
                BOOST_TEST(equal, name_of(settings) << ", Z " << z);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_batch_decodes_as_block_by_block)
{
    std::mt19937 generator(79);
    constexpr unsigned Z = 12, NUM_WORDS = 11;
    std::vector<float> llrs;
    std::vector<std::uint8_t> expected(NUM_WORDS * 52 * Z), decoded(expected.size());
    for (unsigned n = 0; n < NUM_WORDS; ++n) {
        const auto llr = noisy(random_word(2, Z, generator), Z, n == 3 ? 0.1f : 0.6f, generator);
        llrs.insert(llrs.end(), llr.begin(), llr.end());
    }
    for (const auto& variant : all_variants()) {
        if (variant.kernel == ldpc_kernel::belief_propagation)
            continue;
        ldpc_job job{ 2, Z, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, variant, false, 1 };
        std::vector<ldpc_result> single(NUM_WORDS), batch(NUM_WORDS);
        decode_blocks(job, llrs.data(), NUM_WORDS, expected.data(), single.data());
        job.batch = true;
        job.threads = 3;
        decode_blocks(job, llrs.data(), NUM_WORDS, decoded.data(), batch.data());
        BOOST_TEST(!single[3].parity_ok);
        for (unsigned n = 0; n < NUM_WORDS; ++n) {
            const bool equal = single[n].parity_ok == batch[n].parity_ok &&
                               single[n].iterations == batch[n].iterations;
            BOOST_TEST(equal, name_of(variant) << ", word " << n);
        }
        const bool equal = decoded == expected;
        BOOST_TEST(equal, name_of(variant));
    }
}

BOOST_AUTO_TEST_CASE(kernels_are_close_to_exact_belief_propagation)
{
    // BPSK at -3.5 dB per dimension, base graph 2, 100 bits: some blocks fail in both
    constexpr unsigned BG = 2, Z = 10, ITERATIONS = 20, NUM_WORDS = 200;
    constexpr std::pair<ldpc_kernel, unsigned> MAY_DIFFER[] = {
        { ldpc_kernel::belief_propagation, NUM_WORDS / 50 },
        { ldpc_kernel::box_plus, NUM_WORDS / 10 },
        { ldpc_kernel::box_plus_int16, NUM_WORDS / 10 },
        { ldpc_kernel::box_plus_int8, NUM_WORDS / 10 },
    };
    std::mt19937 generator(4);
    std::vector<std::vector<std::uint8_t>> words;
    std::vector<std::vector<float>> llrs;
    std::vector<bool> exact_fails;
    for (unsigned n = 0; n < NUM_WORDS; ++n) {
        words.push_back(random_word(BG, Z, generator));
        llrs.push_back(noisy(words[n], Z, 0.45f, generator));
        exact_fails.push_back(errors(decode_slowly(BG, Z, llrs[n], ITERATIONS), words[n], 10 * Z));
    }
    const auto failed_exact = std::count(exact_fails.begin(), exact_fails.end(), true);
    BOOST_TEST(failed_exact > NUM_WORDS / 50);
    BOOST_TEST(failed_exact < NUM_WORDS / 2);
    for (const auto& [kernel, most] : MAY_DIFFER) {
        ldpc_decoder decoder(BG, Z, { kernel, ITERATIONS, "" });
        std::vector<std::uint8_t> decoded(words[0].size());
        int more_failed = 0;
        unsigned differ = 0;
        for (unsigned n = 0; n < NUM_WORDS; ++n) {
            decoder.decode(llrs[n].data(), decoded.data());
            const bool fails = errors(decoded, words[n], 10 * Z);
            more_failed += int(fails) - int(exact_fails[n]);
            differ += fails != exact_fails[n];
        }
        // Same noise: where they differ it may fall either way, deviation about the root of their
        // number.
        BOOST_TEST(std::abs(more_failed) <= 3 * std::sqrt(std::max(1u, differ)));
        BOOST_TEST(differ <= most);
    }
}

BOOST_AUTO_TEST_CASE(totals_of_one_iteration_are_those_of_belief_propagation)
{
    // Few edges of little reliability: the rules differ by the fit of their correction alone.
    std::mt19937 generator(8);
    constexpr unsigned Z = 12;
    const auto word = random_word(2, Z, generator);
    const auto llr = noisy(word, Z, 0.5f, generator);
    std::vector<std::uint8_t> decoded(word.size());
    std::vector<float> exact(word.size()), totals(word.size());
    ldpc_decoder reference(2, Z, { ldpc_kernel::belief_propagation, 1, "" });
    reference.decode(llr.data(), decoded.data());
    reference.read_totals(exact.data());
    for (const auto kernel : { ldpc_kernel::box_plus, ldpc_kernel::box_plus_int16 }) {
        ldpc_decoder decoder(2, Z, { kernel, 1, "" });
        decoder.decode(llr.data(), decoded.data());
        decoder.read_totals(totals.data());
        double sum = 0.0;
        for (std::size_t i = 0; i < totals.size(); ++i)
            sum += std::fabs(totals[i] - exact[i]);
        BOOST_TEST(sum / totals.size() < 0.25); // totals have a mean magnitude near 3
    }
}

BOOST_AUTO_TEST_CASE(a_decoder_has_no_memory_and_allocates_none)
{
    std::mt19937 generator(5);
    const auto word = random_word(2, 12, generator);
    const auto llr = noisy(word, 12, 0.8f, generator);
    const auto noise = noisy(word, 12, 0.01f, generator);
    for (const auto& variant : all_variants()) {
        ldpc_decoder decoder(2, 12, variant);
        std::vector<std::uint8_t> first(word.size()), other(word.size()), second(word.size());
        const unsigned allocated = num_allocations;
        const auto a = decoder.decode(llr.data(), first.data());
        const auto b = decoder.decode(noise.data(), other.data());
        const auto c = decoder.decode(llr.data(), second.data());
        BOOST_TEST(num_allocations == allocated);
        BOOST_TEST(first == second);
        BOOST_TEST(a.iterations == c.iterations);
        BOOST_TEST(!b.parity_ok);
        BOOST_TEST(b.iterations == 20u);
    }
}

BOOST_AUTO_TEST_CASE(stops_early_without_noise)
{
    std::mt19937 generator(6);
    const auto word = random_word(2, 112, generator);
    std::vector<float> llr;
    for (auto bit : word)
        llr.push_back(bit ? -20.0f : 20.0f);
    for (const auto& variant : all_variants()) {
        std::vector<std::uint8_t> decoded(word.size());
        const auto result = ldpc_decoder(2, 112, variant).decode(llr.data(), decoded.data());
        BOOST_TEST(result.parity_ok);
        BOOST_TEST(result.iterations == 1u);
    }
}

BOOST_AUTO_TEST_CASE(stops_when_the_crc_holds)
{
    // Behind the CRC's bits there is noise alone: parity never holds, the CRC does at once.
    std::mt19937 generator(7);
    ldpc_encoder encoder(2, 20);
    std::vector<std::uint8_t> word(encoder.code_word_bits()), decoded(word.size());
    for (unsigned i = 0; i < 150; ++i)
        word[i] = generator() & 1;
    CRC16.append(word.data(), 150);
    encoder.encode(word.data());
    std::normal_distribution<float> noise;
    std::vector<float> llr;
    for (std::size_t i = 0; i < word.size(); ++i)
        llr.push_back(i < 166 ? (word[i] ? -20.0f : 20.0f) : noise(generator));
    ldpc_decoder decoder(2, 20);
    const auto parity = decoder.decode(llr.data(), decoded.data());
    BOOST_TEST(parity.iterations > 10u);
    const auto result = decoder.decode(llr.data(), decoded.data(), &CRC16, 166);
    BOOST_TEST(!result.parity_ok);
    BOOST_TEST(result.iterations < 5u);
    BOOST_TEST(errors(decoded, word, 166) == 0u);
}

BOOST_AUTO_TEST_CASE(llrs_may_be_infinite_or_missing)
{
    std::mt19937 generator(9);
    const auto word = random_word(2, 36, generator);
    auto llr = noisy(word, 36, 4.0f, generator);
    for (std::size_t i = 72; i < llr.size(); i += 7)
        llr[i] = i % 2 ? std::numeric_limits<float>::quiet_NaN()
                       : (word[i] ? -1.0f : 1.0f) * std::numeric_limits<float>::infinity();
    for (const auto& variant : all_variants()) {
        std::vector<std::uint8_t> decoded(word.size());
        const auto result = ldpc_decoder(2, 36, variant).decode(llr.data(), decoded.data());
        const bool right = result.parity_ok && decoded == word;
        BOOST_TEST(right, name_of(variant));
    }
}

BOOST_AUTO_TEST_CASE(refuses_wrong_arguments)
{
    const ldpc_settings none{ DEFAULT_LDPC_KERNEL, 0, "" };
    const ldpc_settings unknown{ DEFAULT_LDPC_KERNEL, 20, "mmx" };
    BOOST_CHECK_THROW(ldpc_decoder(3, 8), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 17), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 8, none), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 8, unknown), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_decoder(2, 8, {}, { 0, 1, 2, 42 }), std::invalid_argument);
    BOOST_CHECK_THROW(find_ldpc_kernel("sum-min"), std::invalid_argument);
    BOOST_TEST((find_ldpc_kernel(DEFAULT_LDPC_KERNEL_NAME) == DEFAULT_LDPC_KERNEL));
}
