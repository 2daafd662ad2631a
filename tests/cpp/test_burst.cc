// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Parts of the burst modem against definitions; the whole of it is tested in Python.
#define BOOST_TEST_MODULE burst
#include <boost/test/unit_test.hpp>

#include "phy/burst_framer.h"
#include "phy/burst_synchroniser.h"
#include "phy/mixer.h"

#include <cmath>
#include <random>

using namespace gr::resivid::phy;

namespace {

constexpr double TWO_PI = 6.283185307179586477;

std::vector<cfloat> noise(std::size_t n, double variance, unsigned seed)
{
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal(0.0, std::sqrt(variance / 2));
    std::vector<cfloat> values(n);
    for (auto& value : values)
        value = cfloat(float(normal(generator)), float(normal(generator)));
    return values;
}

} // namespace

BOOST_AUTO_TEST_CASE(mixer_turns_by_the_definition)
{
    const auto x = noise(1000, 1, 1);
    std::vector<cfloat> y(x.size());
    for (double cycles : { 0.0, 0.123, -0.4999, 1e-6 }) {
        mix_down(x.data(), x.size(), cycles, y.data());
        for (std::size_t i = 0; i < x.size(); ++i)
            BOOST_TEST(std::abs(y[i] - x[i] * cfloat(std::polar(1.0, -TWO_PI * cycles * i))) <
                       1e-5);
    }
}

BOOST_AUTO_TEST_CASE(transforms_are_those_of_the_definition)
{
    constexpr std::size_t N = 24;
    const auto x = noise(N, 1, 2);
    for (auto way : { fft::direction::forward, fft::direction::backward }) {
        fft transform(N, way);
        std::copy(x.begin(), x.end(), transform.data());
        transform.run();
        for (std::size_t k = 0; k < N; ++k) {
            std::complex<double> sum = 0;
            for (std::size_t n = 0; n < N; ++n)
                sum += std::complex<double>(x[n]) *
                       std::polar(1.0,
                                  (way == fft::direction::forward ? -1 : 1) * TWO_PI *
                                      double(k * n) / double(N));
            BOOST_TEST(std::abs(std::complex<double>(transform.data()[k]) - sum) < 1e-4);
        }
    }
}

BOOST_AUTO_TEST_CASE(soft_symbols_are_bayes_rule)
{
    // QPSK: a tanh(2 a y / N0) an axis, a = sqrt(1/2); the energy is always 1
    const double a = std::sqrt(0.5);
    for (float n0 : { 0.01f, 0.5f, 4.0f })
        for (float y : { -1.3f, 0.0f, 0.2f, 2.0f }) {
            const auto moments = soft_symbols(2).moments({ y, -y }, n0);
            BOOST_TEST(std::abs(moments.mean.real() - a * std::tanh(2 * a * y / n0)) < 1e-5);
            BOOST_TEST(std::abs(moments.mean.imag() + a * std::tanh(2 * a * y / n0)) < 1e-5);
            BOOST_TEST(std::abs(moments.energy - 1) < 1e-5);
        }
    BOOST_TEST(std::abs(soft_symbols(8).moments({ 10, 0 }, 1e-3f).mean.real() -
                        15 / std::sqrt(170.0)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(phase_smoother_reaches_the_variance_of_theory)
{
    /* Wiener phase of step q with information J a symbol: far from both ends, the smoother's error
     * has the variance sqrt(q / J) / 2 when q J is small. */
    constexpr std::size_t N = 20000;
    constexpr double q = 1e-3, J = 2.0;
    std::mt19937 generator(3);
    std::normal_distribution<double> normal;
    std::vector<float> truth(N), phases(N);
    std::vector<phase_evidence> evidence(N);
    double phase = 0;
    for (std::size_t k = 0; k < N; ++k) {
        truth[k] = float(phase);
        evidence[k] = { float(J * phase + std::sqrt(J) * normal(generator)), float(J) };
        phase += std::sqrt(q) * normal(generator);
    }
    phase_tracker tracker(N);
    tracker.learn(evidence.data(), N, phases.data());
    BOOST_TEST(tracker.variance() == 1e-3f);
    tracker.smooth(evidence.data(), N, phases.data());
    double error = 0;
    for (std::size_t k = 500; k < N - 500; ++k)
        error += std::pow(phases[k] - truth[k], 2) / (N - 1000);
    BOOST_TEST(std::abs(error / (std::sqrt(q / J) / 2) - 1) < 0.15);
}

BOOST_AUTO_TEST_CASE(search_finds_a_preamble_in_noise)
{
    const burst_settings settings{ 629, 4, 0.1f };
    burst_framer framer(settings);
    const auto payload = noise(629, 1, 4);
    std::vector<cfloat> frame(framer.frame_samples());
    framer.frame(9, payload.data(), frame.data());
    preamble_search search(settings, { 3, 9, 16 }, 512, 0.5);
    for (double cfo : { -0.5, 0.0, 0.251, 0.4 }) {
        auto x = noise(search.block_samples(), 4 * std::pow(10, 0.2), 5); // Es/N0 -2 dB
        constexpr std::size_t START = 411;
        for (std::size_t i = 0; START + i < x.size(); ++i)
            x[START + i] += frame[i] * cfloat(std::polar(1.0, TWO_PI * cfo / 4 * i));
        const auto& found = search.find(x.data(), 12.0f);
        const auto best =
            std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) {
                return a.metric < b.metric;
            });
        BOOST_REQUIRE(best != found.end());
        BOOST_TEST(best->index == 9u);
        BOOST_TEST(std::abs(best->time - (START + 80)) <= 3.0);
        BOOST_TEST(std::abs(best->frequency - cfo) <= 0.5 / 72);
    }
}

BOOST_AUTO_TEST_CASE(noise_alone_keeps_to_its_false_alarms)
{
    /* The metric of a cell of noise is exponential: of M cells, M e^-T are above T. 17 preambles,
     * 145 frequencies half a cell apart and 870 times half a symbol apart: at most 2.1e6 cells. */
    const burst_settings settings{ 629, 4, 0.1f };
    std::vector<unsigned> all(NUM_PREAMBLES);
    for (unsigned i = 0; i < all.size(); ++i)
        all[i] = i;
    preamble_search search(settings, all, 512, 0.5);
    const auto x = noise(search.block_samples(), 7.0, 6);
    BOOST_TEST(search.find(x.data(), 21.0f).empty()); // 2e-3 expected
    BOOST_TEST(search.find(x.data(), 9.0f).size() == preamble_search::MAX_CANDIDATES);
    const std::vector<cfloat> silence(search.block_samples());
    BOOST_TEST(search.find(silence.data(), 1.0f).empty());
}
