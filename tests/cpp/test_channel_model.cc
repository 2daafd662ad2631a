// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE channel_model
#include <boost/test/unit_test.hpp>

#include "phy/channel_model.h"

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace gr::resivid::phy;
using gr::resivid::channel_settings;
using symbols = std::vector<std::complex<float>>;
using kind = channel_settings::fading_kind;

namespace {

constexpr float QUIET = std::numeric_limits<float>::infinity(); // no noise
const symbols ONES(629, 1.0f);

symbols received(const channel_settings& settings, float snr_db, std::uint64_t seed = 1)
{
    symbols out(ONES.size());
    channel_model(settings, seed, ONES.size()).apply(ONES.data(), ONES.size(), out.data(), snr_db);
    return out;
}

channel_settings everything()
{
    channel_settings s;
    s.fading = kind::rician;
    s.doppler_hz = 5;
    s.csi = false;
    s.clipping_db = 3;
    s.frequency_offset_hz = 10;
    s.phase_noise = 1e-4;
    s.clock_offset_ppm = 100;
    s.iq_gain_db = 1;
    s.dc_real = 0.1;
    s.quantiser_bits = 8;
    s.loss_rate = 0.2;
    return s;
}

} // namespace

BOOST_AUTO_TEST_CASE(default_is_white_noise_alone)
{
    symbols expected(ONES.size());
    awgn_channel(1).apply(ONES.data(), expected.data(), ONES.size(), 3.0f);
    BOOST_TEST((received({}, 3.0f) == expected));
    BOOST_TEST((received({}, QUIET) == ONES));
}

BOOST_AUTO_TEST_CASE(noise_stays_when_other_effects_are_added)
{
    channel_settings dc;
    dc.dc_real = 0.25;
    dc.dc_imag = -0.5;
    const auto plain = received({}, 3.0f), shifted = received(dc, 3.0f);
    for (std::size_t i = 0; i < plain.size(); ++i)
        BOOST_TEST(std::abs(shifted[i] - plain[i] - std::complex<float>(0.25f, -0.5f)) < 1e-6f);
}

BOOST_AUTO_TEST_CASE(known_gains_leave_the_symbols_and_their_own_noise)
{
    for (double doppler_hz : { 0.0, 20.0 }) {
        channel_settings s;
        s.fading = kind::rayleigh;
        s.doppler_hz = doppler_hz;
        BOOST_TEST(std::abs(received(s, QUIET)[0] - 1.0f) < 1e-5f);

        channel_model channel(s, 4, ONES.size());
        symbols out(ONES.size());
        double sum = 0, gain = 0;
        constexpr int PACKETS = 400;
        for (int n = 0; n < PACKETS; ++n) {
            const auto& result = channel.apply(ONES.data(), ONES.size(), out.data(), 10.0f);
            BOOST_TEST((result.noise_variance != nullptr) == (doppler_hz > 0));
            gain += std::pow(10.0, result.gain_db / 10) / PACKETS;
            const float level = 0.1f / std::pow(10.0f, float(result.gain_db) / 10);
            for (std::size_t i = 0; i < out.size(); ++i) // noise over what is said of it: mean 1
                sum += std::norm(out[i] - 1.0f) /
                       (result.noise_variance ? result.noise_variance[i] : level) /
                       (PACKETS * out.size());
        }
        BOOST_TEST(std::abs(sum - 1) < 4 / std::sqrt(PACKETS * 629.0));
        BOOST_TEST(std::abs(gain - 1) < 0.2);
    }
}

BOOST_AUTO_TEST_CASE(unknown_gains_stay)
{
    channel_settings s;
    s.fading = kind::rayleigh;
    s.csi = false;
    channel_model channel(s, 4, 629);
    symbols out(629);
    const auto& result = channel.apply(ONES.data(), 629, out.data(), QUIET);
    BOOST_TEST(std::abs(10 * std::log10(std::norm(out[0])) - result.gain_db) < 1e-3);
    BOOST_TEST(out[0] == out[628]);
    BOOST_TEST(result.noise_variance == nullptr);
}

BOOST_AUTO_TEST_CASE(lost_packets_are_noise)
{
    channel_settings s;
    s.loss_rate = 1.0;
    s.fading = kind::rayleigh;
    const auto out = received(s, 0.0f);
    double power = 0;
    for (const auto& value : out)
        power += std::norm(value) / out.size();
    BOOST_TEST(std::abs(power - 1) < 4 / std::sqrt(629.0));
}

BOOST_AUTO_TEST_CASE(seed_alone_decides)
{
    symbols first(1300), second(1300), other(1300);
    const auto run = [](std::uint64_t seed, symbols& out) {
        channel_model channel(everything(), seed, 1000);
        std::size_t total = 0;
        for (std::size_t n : { 1, 629, 64, 500 })
            total += channel.apply(ONES.data(), n, out.data() + total, 6.0f).num_items;
        return total;
    };
    BOOST_TEST(run(1, first) == run(1, second));
    run(2, other);
    BOOST_TEST((first == second));
    BOOST_TEST((first != other));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_out_of_range)
{
    const double nan = std::numeric_limits<double>::quiet_NaN();
    using s = channel_settings;
    const auto refused = [](auto member, auto value) {
        s settings;
        settings.fading = kind::rician;
        settings.*member = value;
        BOOST_CHECK_THROW(channel_model(settings, 1, 10), std::invalid_argument);
    };
    for (double value : { nan, 1e12, -1e12 })
        for (auto member : { &s::rician_k_db,
                             &s::doppler_hz,
                             &s::symbol_rate,
                             &s::frequency_offset_hz,
                             &s::phase_noise,
                             &s::clock_offset_ppm,
                             &s::iq_gain_db,
                             &s::iq_phase_deg,
                             &s::dc_real,
                             &s::dc_imag,
                             &s::loss_rate,
                             &s::burst_length })
            refused(member, value);
    for (double value : { nan, -100.0 })
        refused(&s::clipping_db, value);
    for (int bits : { -1, 25 })
        refused(&s::quantiser_bits, bits);
    refused(&s::clock_offset_ppm, 10.0); // with known gains
    s still;
    still.doppler_hz = 1;
    BOOST_CHECK_THROW(channel_model(still, 1, 10), std::invalid_argument);

    symbols out(20);
    channel_model small({}, 1, 10);
    BOOST_CHECK_THROW(small.apply(ONES.data(), 11, out.data(), 0.0f), std::invalid_argument);
}
