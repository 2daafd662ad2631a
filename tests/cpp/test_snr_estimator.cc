// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE snr_estimator
#include <boost/test/unit_test.hpp>

#include "phy/awgn_channel.h"
#include "phy/snr_estimator.h"

#include <cmath>
#include <limits>
#include <random>

using namespace gr::resivid::phy;

namespace {

std::vector<std::complex<float>> random_symbols(unsigned qm, std::size_t n, unsigned seed)
{
    std::mt19937 generator(seed);
    std::vector<std::uint8_t> bits(n * qm);
    for (auto& b : bits)
        b = generator() & 1;
    std::vector<std::complex<float>> symbols(n);
    qam_mapper(qm).map(bits.data(), symbols.data(), n);
    return symbols;
}

} // namespace

BOOST_AUTO_TEST_CASE(long_blocks_give_the_true_snr)
{
    // 100,000 symbols: even from energy alone, deviation sqrt(0.32 + 2 N0 + N0^2) / N0 / 316 is
    // 0.08 dB
    constexpr std::size_t N = 100000;
    for (unsigned qm : { 2, 4 })
        for (float snr_db = -6.0f; snr_db <= 12.0f; snr_db += 3.0f) {
            const auto sent = random_symbols(qm, N, qm);
            auto received = sent;
            awgn_channel(11).apply(sent.data(), received.data(), N, snr_db);
            BOOST_TEST(std::abs(blind_snr_estimator(qm).estimate_db(received.data(), N) - snr_db) <
                       0.25f);
            // N0 with relative deviation 1/sqrt(N): 0.014 dB
            BOOST_TEST(std::abs(known_symbols_snr_db(received.data(), sent.data(), N) - snr_db) <
                       0.06f);
        }
}

BOOST_AUTO_TEST_CASE(estimates_stay_within_limits)
{
    const auto clean = random_symbols(4, 629, 2);
    BOOST_TEST(blind_snr_estimator(4).estimate_db(clean.data(), clean.size()) > 55.0f);
    BOOST_TEST(known_symbols_snr_db(clean.data(), clean.data(), clean.size()) == MAX_SNR_DB);
    const std::vector<std::complex<float>> huge(629, { 1e6f, 0.0f });
    BOOST_TEST(blind_snr_estimator(4).estimate_db(huge.data(), huge.size()) == MIN_SNR_DB);
}

BOOST_AUTO_TEST_CASE(no_number_in_no_number_out)
{
    std::vector<std::complex<float>> symbols(10, 1.0f);
    const blind_snr_estimator estimator(2);
    BOOST_TEST(std::isnan(estimator.estimate_db(symbols.data(), 0)));
    symbols[3] = { 0.0f, std::numeric_limits<float>::quiet_NaN() };
    BOOST_TEST(std::isnan(estimator.estimate_db(symbols.data(), symbols.size())));
    symbols[3] = std::numeric_limits<float>::infinity();
    BOOST_TEST(std::isnan(estimator.estimate_db(symbols.data(), symbols.size())));
    BOOST_TEST(std::isnan(known_symbols_snr_db(symbols.data(), symbols.data(), 0)));
}
