// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE link
#include <boost/test/unit_test.hpp>

#include "phy/awgn_channel.h"
#include "phy/link_decoder.h"

#include <cmath>
#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;

namespace {

const std::vector<mcs_row> TABLE_I{ { 2, 251, -2 }, { 2, 308, 0 }, { 2, 526, 2 }, { 2, 679, 4 },
                                    { 4, 434, 6 },  { 4, 553, 8 }, { 4, 658, 10 } };

std::vector<std::uint8_t> random_bits(std::size_t n, std::mt19937& generator)
{
    std::vector<std::uint8_t> bits(n);
    for (auto& b : bits)
        b = generator() & 1;
    return bits;
}

} // namespace

BOOST_AUTO_TEST_CASE(rows_change_from_frame_to_frame)
{
    std::mt19937 generator(1);
    for (unsigned symbols :
         { 157u, 629u, 943u, 5000u }) { // 5,000: several code blocks at the top row
        link_encoder encoder(symbols, TABLE_I);
        link_decoder decoder(symbols, TABLE_I);
        awgn_channel channel(symbols);
        std::vector<std::complex<float>> signal(symbols);
        for (unsigned n = 0; n < 21; ++n) {
            const unsigned row = n * 5 % 7;
            const auto payload = random_bits(encoder.payload_bits(row), generator);
            encoder.encode(row, payload.data(), signal.data());
            channel.apply(signal.data(), signal.data(), symbols, TABLE_I[row].snr_db + 4.0f);
            const auto& result = decoder.decode(row, signal.data());
            BOOST_TEST(result.crc_ok);
            BOOST_TEST(result.payload == payload);
            // known symbols: relative deviation of N0 1/sqrt(n), five of them
            BOOST_TEST(std::abs(result.snr_db - TABLE_I[row].snr_db - 4.0f) <
                       5 * 4.343f / std::sqrt(float(symbols)));
        }
    }
    BOOST_TEST(plan_block(5000, 658, 4).num_code_blocks > 1u);
}

BOOST_AUTO_TEST_CASE(noise_alone_is_refused)
{
    link_decoder decoder(629, TABLE_I, { DEFAULT_LDPC_KERNEL, 5, "" });
    const std::vector<std::complex<float>> zeros(629);
    std::vector<std::complex<float>> noise(629);
    for (unsigned row = 0; row < 7; ++row) {
        BOOST_TEST(!decoder.decode(row, zeros.data()).crc_ok);
        awgn_channel(row).apply(zeros.data(), noise.data(), 629, 0.0f);
        const auto& result = decoder.decode(row, noise.data());
        BOOST_TEST(!result.crc_ok);
        BOOST_TEST(result.payload.size() == decoder.payload_bits(row));
        BOOST_TEST(result.iterations == 5u);
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_cannot_work)
{
    BOOST_CHECK_THROW(link_encoder(629, {}), std::invalid_argument);
    BOOST_CHECK_THROW(link_encoder(30, TABLE_I), std::invalid_argument);
    BOOST_CHECK_THROW(link_encoder(629, { { 3, 434, 0 } }), std::invalid_argument);
    BOOST_CHECK_THROW(link_encoder(629, TABLE_I, 4), std::invalid_argument);
    BOOST_CHECK_THROW(link_decoder(629, TABLE_I, { DEFAULT_LDPC_KERNEL, 0, "" }),
                      std::invalid_argument);
    BOOST_CHECK_THROW(link_encoder(629, TABLE_I).payload_bits(7), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(known_noise_of_each_symbol)
{
    // Half of the symbols are worthless. Told so, QPSK 251/1024 at 8 dB needs half of them; with
    // one level for all it does not decode.
    constexpr unsigned SYMBOLS = 629;
    const std::vector<mcs_row> table{ { 2, 251, -2.0f } };
    link_encoder encoder(SYMBOLS, table);
    link_decoder decoder(SYMBOLS, table);
    std::mt19937 generator(5);
    std::vector<std::uint8_t> payload(encoder.payload_bits(0));
    for (auto& bit : payload)
        bit = generator() & 1;
    std::vector<std::complex<float>> symbols(SYMBOLS);
    encoder.encode(0, payload.data(), symbols.data());
    awgn_channel good(1), bad(2);
    std::vector<float> variance(SYMBOLS);
    for (unsigned i = 0; i < SYMBOLS; ++i) {
        const float snr_db = i % 2 ? 8.0f : -20.0f;
        (i % 2 ? good : bad).apply(&symbols[i], &symbols[i], 1, snr_db);
        variance[i] = std::pow(10.0f, -snr_db / 10);
    }
    BOOST_TEST(!decoder.decode(0, symbols.data()).crc_ok);
    const auto& result = decoder.decode_known_noise(0, symbols.data(), variance.data());
    BOOST_TEST(result.crc_ok);
    BOOST_TEST((result.payload == payload));
    // sqrt((1 + 10^0.8) (1 + 0.01)) - 1 = 1.716
    BOOST_TEST(std::abs(result.snr_db - 2.35f) < 0.05f);
    for (float nonsense : { 0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(), HUGE_VALF }) {
        std::fill(variance.begin(), variance.end(), nonsense);
        BOOST_TEST(!decoder.decode_known_noise(0, symbols.data(), variance.data()).crc_ok);
    }
}
