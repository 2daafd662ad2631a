// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE impairments
#include <boost/test/unit_test.hpp>

#include "phy/impairments.h"

#include <algorithm>
#include <cmath>

using namespace gr::resivid::phy;

namespace {

using signal = std::vector<item>;

signal gaussian(std::size_t n, std::uint64_t seed = 1)
{
    random_source random(seed);
    signal x(n);
    for (auto& value : x)
        value = random.normal() * float(std::sqrt(0.5));
    return x;
}

signal tone(std::size_t n, double frequency)
{
    signal x(n);
    for (std::size_t t = 0; t < n; ++t)
        x[t] = item(std::polar(1.0, 2 * M_PI * std::fmod(frequency * t, 1.0)));
    return x;
}

double power(const signal& x)
{
    double sum = 0;
    for (const auto& value : x)
        sum += std::norm(value);
    return sum / x.size();
}

// What the signal holds of a tone, complex amplitude
std::complex<double> part(const signal& x, double frequency)
{
    std::complex<double> sum = 0;
    for (std::size_t t = 0; t < x.size(); ++t)
        sum +=
            std::complex<double>(x[t]) * std::polar(1.0, -2 * M_PI * std::fmod(frequency * t, 1.0));
    return sum / double(x.size());
}

} // namespace

BOOST_AUTO_TEST_CASE(clipped_gaussian_power)
{
    // |x|^2 is exponential: E min(|x|^2, A^2) = 1 - exp(-A^2)
    constexpr std::size_t N = 200000;
    for (double level_db : { -3.0, 0.0, 3.0, 6.0 }) {
        auto x = gaussian(N);
        const auto before = x;
        limiter(level_db).apply(x.data(), N);
        const double a2 = std::pow(10.0, level_db / 10);
        BOOST_TEST(std::abs(power(x) - (1 - std::exp(-a2))) < 4 / std::sqrt(N));
        for (std::size_t i = 0; i < 100; ++i) {
            BOOST_TEST(std::norm(x[i]) <= a2 * 1.00001);
            BOOST_TEST(std::abs(std::arg(x[i] * std::conj(before[i]))) < 1e-5);
        }
    }
}

BOOST_AUTO_TEST_CASE(frequency_offset_moves_a_tone)
{
    auto x = tone(5000, 0.05);
    frequency_offset offset(0.011);
    offset.apply(x.data(), 2000);
    offset.apply(x.data() + 2000, 3000);
    const auto expected = tone(5000, 0.061);
    for (std::size_t t = 0; t < x.size(); ++t)
        BOOST_TEST(std::abs(x[t] - expected[t]) < 2e-6f);
}

BOOST_AUTO_TEST_CASE(phase_walks_as_a_wiener_process)
{
    constexpr double VARIANCE = 1e-4;
    constexpr std::size_t N = 1000, RUNS = 2000;
    for (std::size_t lag : { 1, 10, 900 }) {
        double sum = 0;
        for (std::size_t seed = 0; seed < RUNS; ++seed) {
            signal x(N, 1.0f);
            phase_noise(VARIANCE, seed).apply(x.data(), N);
            const double step = std::arg(x[50 + lag] * std::conj(x[50]));
            sum += step * step / RUNS;
        }
        // Squares of a Gaussian deviate by sqrt(2/RUNS) from their mean
        BOOST_TEST(std::abs(sum / (lag * VARIANCE) - 1) < 4 * std::sqrt(2.0 / RUNS));
    }
}

BOOST_AUTO_TEST_CASE(clock_drift_counts_items)
{
    for (double ppm : { -1000.0, -20.0, 20.0, 1000.0 }) {
        clock_offset clock(ppm);
        std::size_t num_in = 0, num_out = 0;
        for (std::size_t n : { 1, 7, 629, 100000, 3, 1, 50000 }) {
            const signal x(n);
            signal out(clock.max_output(n));
            const auto written = clock.apply(x.data(), n, out.data());
            BOOST_TEST(written <= out.size());
            num_in += n;
            num_out += written;
            // Outputs at times m (1 + ppm 1e-6) below num_in
            BOOST_TEST(std::abs(double(num_out) - num_in / (1 + ppm * 1e-6)) <= 1.0);
        }
    }
}

BOOST_AUTO_TEST_CASE(clock_offset_samples_a_tone_at_other_times)
{
    constexpr std::size_t N = 4000;
    for (double frequency : { 0.0, 0.1, -0.25, 0.35 }) {
        const auto x = tone(N, frequency);
        clock_offset clock(500.0);
        signal out(clock.max_output(N));
        const auto n = clock.apply(x.data(), N, out.data());
        const auto expected = tone(n, frequency * 1.0005);
        double error = 0;
        for (std::size_t t = 20; t + 20 < n; ++t) // the edges of a packet touch silence
            error += std::norm(out[t] - expected[t]) / (n - 40);
        BOOST_TEST(10 * std::log10(error) < -40);
    }
}

BOOST_AUTO_TEST_CASE(image_of_an_imbalanced_mixer)
{
    for (double gain_db : { 0.0, 1.0, 3.0 })
        for (double phase_deg : { 0.0, 5.0, -10.0 }) {
            auto x = tone(1000, 0.05);
            iq_imbalance(gain_db, phase_deg).apply(x.data(), x.size());
            const double g = std::pow(10.0, gain_db / 20), c = std::cos(phase_deg * M_PI / 180);
            const double image = (g * g + 1 - 2 * g * c) / (g * g + 1 + 2 * g * c);
            BOOST_TEST(std::abs(std::norm(part(x, -0.05)) / std::norm(part(x, 0.05)) - image) <
                       1e-5);
        }
}

BOOST_AUTO_TEST_CASE(quantisation_noise)
{
    /* Gaussian axis of deviation 1, full scale F, step 2F/2^n: step^2/12 inside, and
     * 2 ((1 + F^2) Q(F) - F phi(F)) from saturation. */
    constexpr std::size_t N = 200000;
    constexpr double F = quantiser::FULL_SCALE;
    const double q = 0.5 * std::erfc(F / std::sqrt(2.0));
    const double phi = std::exp(-F * F / 2) / std::sqrt(2 * M_PI);
    for (unsigned bits : { 4, 6, 8 }) {
        const auto x = gaussian(N);
        auto y = x;
        quantiser(bits).apply(y.data(), N);
        double noise = 0;
        for (std::size_t i = 0; i < N; ++i)
            noise += std::norm(y[i] - x[i]) / N;
        const double step = 2 * F / (1 << bits);
        const double expected = step * step / 12 + 2 * ((1 + F * F) * q - F * phi);
        BOOST_TEST(std::abs(10 * std::log10(noise / power(x) / expected)) < 0.2);
    }
}

BOOST_AUTO_TEST_CASE(quantiser_has_its_levels_and_takes_silence)
{
    auto x = gaussian(5000);
    quantiser(3).apply(x.data(), x.size());
    std::vector<float> levels;
    for (const auto& value : x)
        levels.push_back(value.real());
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    BOOST_TEST(levels.size() == 8u);
    signal silence(10);
    quantiser(8).apply(silence.data(), 10);
    BOOST_TEST((silence == signal(10)));
}
