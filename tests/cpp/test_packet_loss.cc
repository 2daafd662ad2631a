// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE packet_loss
#include <boost/test/unit_test.hpp>

#include "phy/packet_loss.h"

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace gr::resivid::phy;

BOOST_AUTO_TEST_CASE(rate_and_burst_length)
{
    constexpr int N = 200000;
    struct grid_point {
        double rate, burst_length, mean_burst;
    };
    for (const auto& [rate, burst_length, mean_burst] :
         { grid_point{ 0.1, 0, 1 / 0.9 }, { 0.1, 1, 1 }, { 0.1, 4, 4 }, { 0.5, 10, 10 } }) {
        packet_loss loss(rate, burst_length, 7);
        int lost = 0, bursts = 0;
        for (bool before = false, now; lost + bursts <= 2 * N && bursts < N; before = now) {
            now = loss.next();
            lost += now;
            bursts += now && !before;
            if (lost >= rate * N)
                break;
        }
        // Burst lengths are geometric: variance L (L - 1)
        const double deviation = std::sqrt(mean_burst * (mean_burst - 1) / bursts);
        BOOST_TEST(std::abs(double(lost) / bursts - mean_burst) < 4 * deviation + 1e-3);
    }
}

BOOST_AUTO_TEST_CASE(share_of_losses)
{
    constexpr int N = 200000;
    for (double rate : { 0.01, 0.3 })
        for (double burst_length : { 0.0, 1.0, 5.0 }) {
            packet_loss loss(rate, burst_length, 11);
            int lost = 0;
            for (int i = 0; i < N; ++i)
                lost += loss.next();
            // Correlated losses count as one for about two bursts
            const double deviation = std::sqrt(rate * N * 2 * std::max(burst_length, 1.0));
            BOOST_TEST(std::abs(lost - rate * N) < 4 * deviation);
        }
}

BOOST_AUTO_TEST_CASE(all_or_nothing)
{
    packet_loss none(0.0, 0.0, 1), all(1.0, 3.0, 1);
    for (int i = 0; i < 1000; ++i) {
        BOOST_TEST(!none.next());
        BOOST_TEST(all.next());
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_no_chain_has)
{
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (double rate : { -0.1, 1.1, nan })
        BOOST_CHECK_THROW(packet_loss(rate, 0, 1), std::invalid_argument);
    for (double burst_length : { -1.0, 0.5, 1e9, nan })
        BOOST_CHECK_THROW(packet_loss(0.1, burst_length, 1), std::invalid_argument);
    BOOST_CHECK_THROW(packet_loss(0.6, 1, 1), std::invalid_argument); // at most every second
}
