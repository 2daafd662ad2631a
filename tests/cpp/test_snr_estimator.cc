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

// Expectation maximisation to the letter and to the end: slow, double, no table
double likeliest_snr_db(unsigned qm, const std::vector<std::complex<float>>& symbols)
{
    const auto levels = constellation(qm).levels();
    double n0 = 0.5;
    for (int step = 0; step < 2000; ++step) {
        double sum = 0;
        for (const auto& symbol : symbols)
            for (const double y : { symbol.real(), symbol.imag() }) {
                double weights = 1e-300, weighted = 0;
                for (const double level : levels) {
                    const double distance = (y - level) * (y - level);
                    weights += std::exp(-distance / n0);
                    weighted += std::exp(-distance / n0) * distance;
                }
                sum += weighted / weights;
            }
        const double previous = n0;
        n0 = sum / symbols.size();
        if (std::abs(n0 / previous - 1) < 1e-6)
            break;
    }
    return -10 * std::log10(n0);
}

} // namespace

BOOST_AUTO_TEST_CASE(equals_expectation_maximisation_to_the_end)
{
    // From where points hardly matter to where decisions are certain. Of flat likelihoods, as
    // 256QAM has at 15 dB, the maximum moves by more than the table's 0.02 dB.
    for (unsigned qm : { 2, 4, 6, 8 })
        for (float snr_db : { -6.0f, 3.0f, 9.0f, 15.0f, 25.0f, 34.0f }) {
            auto symbols = random_symbols(qm, 314, qm);
            awgn_channel(7).apply(symbols.data(), symbols.data(), symbols.size(), snr_db);
            const double expected = likeliest_snr_db(qm, symbols);
            const float got = blind_snr_estimator(qm).estimate_db(symbols.data(), symbols.size());
            BOOST_TEST(std::abs(got - expected) < 0.06,
                       "Qm " << qm << " at " << snr_db << " dB: " << got << ", expected "
                             << expected);
        }
}

BOOST_AUTO_TEST_CASE(very_low_snr_from_the_energy_alone)
{
    // Deviation of N0: sqrt(1 + 2 N0 + N0^2) / sqrt(N): 1 % with 10,000 symbols
    for (float snr_db : { -25.0f, -15.0f, -12.5f }) {
        auto symbols = random_symbols(2, 10000, 3);
        awgn_channel(5).apply(symbols.data(), symbols.data(), symbols.size(), snr_db);
        BOOST_TEST(std::abs(blind_snr_estimator(2).estimate_db(symbols.data(), symbols.size()) -
                            snr_db) < 0.2f);
    }
}

BOOST_AUTO_TEST_CASE(long_blocks_give_the_true_snr)
{
    // 100,000 symbols: at most 0.06 dB of deviation, 256QAM at 15 dB; 314 have 1 dB there
    constexpr std::size_t N = 100000;
    for (unsigned qm : { 2, 4, 6, 8 })
        for (float snr_db = -6.0f; snr_db <= 36.0f; snr_db += 3.0f) {
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
    for (float amplitude : { 100.0f, 1e6f, 1e18f }) {
        const std::vector<std::complex<float>> huge(629, { amplitude, 0.0f });
        BOOST_TEST(blind_snr_estimator(4).estimate_db(huge.data(), huge.size()) == MIN_SNR_DB);
    }
    const std::vector<std::complex<float>> silence(629);
    const float none = blind_snr_estimator(4).estimate_db(silence.data(), silence.size());
    BOOST_TEST((none >= MIN_SNR_DB && none <= MAX_SNR_DB));
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

BOOST_AUTO_TEST_CASE(equal_capacity)
{
    const std::vector<float> same(10, 0.25f);
    BOOST_TEST(std::abs(equal_capacity_snr_db(same.data(), 10) - 6.0206f) < 1e-3f);
    const float two[] = { 1.0f, 1.0f / 7 }; // SNRs 1 and 7: sqrt(2 x 8) - 1 = 3
    BOOST_TEST(std::abs(equal_capacity_snr_db(two, 2) - 4.7712f) < 1e-3f);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float nothing[] = { 0.0f, -1.0f, nan, HUGE_VALF };
    BOOST_TEST(equal_capacity_snr_db(nothing, 4) == MIN_SNR_DB);
    BOOST_TEST(std::isnan(equal_capacity_snr_db(nothing, 0)));
}
