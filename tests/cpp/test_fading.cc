// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE fading
#include <boost/test/unit_test.hpp>

#include "phy/fading.h"

#include <cmath>
#include <vector>

using namespace gr::resivid::phy;

namespace {

using gains = std::vector<std::complex<float>>;

// One gain a seed: independent draws, also with Doppler
gains first_gains(std::size_t n, double rician_k, double doppler)
{
    gains h(n);
    for (std::size_t i = 0; i < n; ++i)
        fading(rician_k, doppler, i).next(&h[i], 1);
    return h;
}

// Distribution function of a non-central chi-square |h|^2 by its series of Poisson weights
double rician_below(double power, double k)
{
    double weight = std::exp(-k), tail = std::exp(-(1 + k) * power), term = tail, sum = 0;
    for (int i = 0; i < 200; ++i) {
        sum += weight * (1 - tail); // tail: Q(i + 1, (1 + k) power)
        weight *= k / (i + 1);
        term *= (1 + k) * power / (i + 1);
        tail += term;
    }
    return sum;
}

} // namespace

BOOST_AUTO_TEST_CASE(power_is_exponential_or_rician)
{
    // Share of n gains below a power: binomial, four deviations
    constexpr std::size_t N = 20000;
    for (double k : { 0.0, 1.0, 10.0 })
        for (double doppler : { 0.0, 0.01 }) {
            const auto h = first_gains(N, k, doppler);
            for (double power : { 0.1, 0.5, 1.0, 2.0 }) {
                const double p = k == 0 ? 1 - std::exp(-power) : rician_below(power, k);
                std::size_t below = 0;
                for (const auto& value : h)
                    below += std::norm(value) < power;
                BOOST_TEST(std::abs(double(below) - N * p) < 4 * std::sqrt(N * p * (1 - p)) + 1,
                           "K " << k << " Doppler " << doppler << " power " << power << ": "
                                << below << " of " << N << ", expected " << N * p);
            }
        }
}

BOOST_AUTO_TEST_CASE(mean_power_and_moments)
{
    // Rician: E|h|^2 = 1, E|h|^4 = (2 + 4K + K^2) / (1 + K)^2
    constexpr std::size_t N = 40000;
    for (double k : { 0.0, 3.0 }) {
        double second = 0, fourth = 0;
        for (const auto& h : first_gains(N, k, 0.0)) {
            second += std::norm(h) / N;
            fourth += std::norm(h) * std::norm(h) / N;
        }
        BOOST_TEST(std::abs(second - 1) < 4 / std::sqrt(N));
        BOOST_TEST(std::abs(fourth - (2 + 4 * k + k * k) / (1 + k) / (1 + k)) <
                   4 * std::sqrt(20.0 / N));
    }
}

BOOST_AUTO_TEST_CASE(autocorrelation_is_bessel_j0)
{
    constexpr double DOPPLER = 0.01;
    constexpr int NUM_SEEDS = 3000, LENGTH = 300;
    std::vector<std::complex<double>> correlation(LENGTH);
    gains h(LENGTH);
    for (int seed = 0; seed < NUM_SEEDS; ++seed) {
        fading(0.0, DOPPLER, seed).next(h.data(), LENGTH);
        for (int lag = 0; lag < LENGTH; lag += 10)
            correlation[lag] += std::complex<double>(h[lag] * std::conj(h[0])) / double(NUM_SEEDS);
    }
    for (int lag = 0; lag < LENGTH; lag += 10) {
        // |h0 h*|^2 has mean at most 2: a deviation of 0.026 for 3,000 seeds
        BOOST_TEST(std::abs(correlation[lag] - std::cyl_bessel_j(0.0, 2 * M_PI * DOPPLER * lag)) <
                   0.1);
    }
}

BOOST_AUTO_TEST_CASE(time_runs_on_from_call_to_call)
{
    gains whole(1000), parts(1000);
    fading(1.0, 0.003, 5).next(whole.data(), 1000);
    fading in_parts(1.0, 0.003, 5);
    for (std::size_t start = 0; start < 1000; start += 125)
        in_parts.next(parts.data() + start, 125);
    for (std::size_t i = 0; i < 1000; ++i)
        BOOST_TEST(std::abs(whole[i] - parts[i]) < 1e-5f);
    BOOST_TEST(std::abs(whole[0] - whole[300]) > 0.1f);
}

BOOST_AUTO_TEST_CASE(one_gain_a_call_without_doppler)
{
    fading block(0.0, 0.0, 9);
    gains first(50), second(50);
    block.next(first.data(), 50);
    block.next(second.data(), 50);
    BOOST_TEST((first == gains(50, first[0])));
    BOOST_TEST((second == gains(50, second[0])));
    BOOST_TEST(first[0] != second[0]);
}
