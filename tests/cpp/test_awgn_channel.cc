// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE awgn_channel
#include <boost/test/unit_test.hpp>

#include "phy/awgn_channel.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace gr::resivid::phy;
using symbols = std::vector<std::complex<float>>;

namespace {

symbols noise(std::uint64_t seed, std::size_t n, float snr_db)
{
    const symbols zeros(n);
    symbols out(n);
    awgn_channel(seed).apply(zeros.data(), out.data(), n, snr_db);
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(mean_variance_and_correlation_of_the_noise)
{
    // N values of variance N0/2 an axis: deviation of the mean sqrt(N0/2N), of the power N0/sqrt(N)
    constexpr std::size_t N = 200000;
    for (float snr_db : { -10.0f, 0.0f, 6.0f }) {
        const double n0 = std::pow(10.0, -snr_db / 10.0);
        double real = 0, imag = 0, power = 0, cross = 0, lag = 0;
        const auto w = noise(1, N, snr_db);
        for (std::size_t i = 0; i < N; ++i) {
            real += w[i].real();
            imag += w[i].imag();
            power += std::norm(w[i]);
            cross += w[i].real() * w[i].imag();
            lag += w[i].real() * w[(i + 1) % N].real();
        }
        BOOST_TEST(std::abs(real / N) < 4 * std::sqrt(n0 / 2 / N));
        BOOST_TEST(std::abs(imag / N) < 4 * std::sqrt(n0 / 2 / N));
        BOOST_TEST(std::abs(power / N - n0) < 4 * n0 / std::sqrt(N));
        BOOST_TEST(std::abs(cross / N) < 4 * n0 / 2 / std::sqrt(N));
        BOOST_TEST(std::abs(lag / N) < 4 * n0 / 2 / std::sqrt(N));
    }
}

BOOST_AUTO_TEST_CASE(shape_is_gaussian)
{
    // Shares beyond 1, 2, 3 deviations of an axis, erfc(x / sqrt 2), within four binomial
    // deviations
    constexpr std::size_t N = 200000;
    const auto w = noise(2, N, 0.0f);
    for (double x : { 1.0, 2.0, 3.0 }) {
        const double p = std::erfc(x / std::sqrt(2.0));
        std::size_t beyond = 0;
        for (const auto& v : w)
            beyond += std::abs(v.real()) > x * std::sqrt(0.5);
        BOOST_TEST(std::abs(double(beyond) - N * p) < 4 * std::sqrt(N * p));
    }
}

BOOST_AUTO_TEST_CASE(seed_and_sequence)
{
    BOOST_TEST((noise(3, 100, 0.0f) == noise(3, 100, 0.0f)));
    BOOST_TEST((noise(3, 100, 0.0f) != noise(4, 100, 0.0f)));
    awgn_channel parts(3);
    symbols out(100);
    parts.apply(out.data(), out.data(), 40, 0.0f); // in place
    parts.apply(out.data() + 40, out.data() + 40, 60, 0.0f);
    BOOST_TEST((out == noise(3, 100, 0.0f)));
}

BOOST_AUTO_TEST_CASE(same_numbers_on_every_machine)
{
    /* By hand from the definition: mt19937_64 is fixed by the C++ standard (its 10,000th value for
     * the default seed is 9981545732273789042), the rest is Box-Muller on a grid of 2^-20. */
    std::mt19937_64 generator(5489u);
    const double radius = std::sqrt(-2 * std::log(((generator() >> 11) + 1) / 9007199254740992.0));
    const double angle = 2 * M_PI * ((generator() >> 11) / 9007199254740992.0);
    const auto first = noise(5489u, 1, -10.0f * std::log10(2.0f))[0]; // deviation 1 an axis
    BOOST_TEST(std::abs(first.real() - radius * std::cos(angle)) < 2e-6);
    BOOST_TEST(std::abs(first.imag() - radius * std::sin(angle)) < 2e-6);
    generator.seed();
    generator.discard(9999);
    BOOST_TEST(generator() == 9981545732273789042ull);
}

BOOST_AUTO_TEST_CASE(no_noise_at_infinite_snr)
{
    const symbols in{ { 1.0f, -2.0f }, { 0.5f, 0.0f } };
    symbols out(2);
    awgn_channel(1).apply(in.data(), out.data(), 2, std::numeric_limits<float>::infinity());
    BOOST_TEST((out == in));
}
