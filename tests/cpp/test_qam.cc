// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE qam
#include <boost/test/unit_test.hpp>

#include "phy/fast_math.h"
#include "phy/qam.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;
using symbol = std::complex<double>;

namespace {

// TS 38.211 5.1.3 to 5.1.6, formula by formula.
symbol map_as_written(const std::vector<std::uint8_t>& b)
{
    const auto s = [&](unsigned i) { return 1.0 - 2.0 * b[i]; };
    if (b.size() == 2)
        return symbol(s(0), s(1)) / std::sqrt(2.0);
    if (b.size() == 4)
        return symbol(s(0) * (2 - s(2)), s(1) * (2 - s(3))) / std::sqrt(10.0);
    if (b.size() == 6)
        return symbol(s(0) * (4 - s(2) * (2 - s(4))), s(1) * (4 - s(3) * (2 - s(5)))) /
               std::sqrt(42.0);
    return symbol(s(0) * (8 - s(2) * (4 - s(4) * (2 - s(6)))),
                  s(1) * (8 - s(3) * (4 - s(5) * (2 - s(7))))) /
           std::sqrt(170.0);
}

std::vector<std::uint8_t> label(unsigned point, unsigned qm)
{
    std::vector<std::uint8_t> bits;
    for (unsigned i = 0; i < qm; ++i)
        bits.push_back(point >> (qm - 1 - i) & 1);
    return bits;
}

std::complex<float> map_one(const std::vector<std::uint8_t>& bits)
{
    std::complex<float> out;
    qam_mapper(bits.size()).map(bits.data(), &out, 1);
    return out;
}

std::vector<float> demap_one(std::complex<float> y, unsigned qm, float n0)
{
    std::vector<float> llr(qm);
    soft_demapper(qm).demap(&y, 1, n0, llr.data());
    return llr;
}

} // namespace

BOOST_AUTO_TEST_CASE(points_as_written)
{
    for (unsigned qm : { 2, 4, 6, 8 })
        for (unsigned point = 0; point < 1u << qm; ++point) {
            const auto bits = label(point, qm);
            BOOST_TEST(std::abs(symbol(map_one(bits)) - map_as_written(bits)) < 1e-6);
        }
}

BOOST_AUTO_TEST_CASE(mean_energy_is_one_and_neighbours_differ_in_one_bit)
{
    for (unsigned qm : { 2, 4, 6, 8 }) {
        double energy = 0;
        for (unsigned point = 0; point < 1u << qm; ++point)
            energy += std::norm(map_one(label(point, qm)));
        BOOST_TEST(energy / (1u << qm) == 1.0, boost::test_tools::tolerance(1e-6));

        const constellation c(qm);
        std::vector<std::pair<float, unsigned>> axis;
        for (unsigned k = 0; k < c.levels().size(); ++k)
            axis.push_back({ c.levels()[k], k });
        std::sort(axis.begin(), axis.end());
        for (std::size_t k = 1; k < axis.size(); ++k)
            BOOST_TEST(__builtin_popcount(axis[k].second ^ axis[k - 1].second) == 1);
    }
}

BOOST_AUTO_TEST_CASE(positive_llr_means_zero)
{
    for (unsigned qm : { 2, 4, 6, 8 })
        for (unsigned point = 0; point < 1u << qm; ++point) {
            const auto bits = label(point, qm);
            const auto llr = demap_one(map_one(bits), qm, 0.01f);
            for (unsigned i = 0; i < qm; ++i)
                BOOST_TEST((llr[i] < 0) == (bits[i] == 1));
        }
}

BOOST_AUTO_TEST_CASE(qpsk_in_closed_form)
{
    // ((y + a)^2 - (y - a)^2) / N0 = 4 a y / N0 with a = 1/sqrt(2)
    for (float y : { -1.3f, -0.2f, 0.0f, 0.7f, 5.0f })
        for (float n0 : { 0.05f, 0.5f, 3.0f }) {
            const auto llr = demap_one({ y, -y }, 2, n0);
            const float expected = 4.0f * y / (std::sqrt(2.0f) * n0);
            BOOST_TEST(std::abs(llr[0] - expected) < 1e-4f * (1 + std::abs(expected)));
            BOOST_TEST(std::abs(llr[1] + expected) < 1e-4f * (1 + std::abs(expected)));
        }
}

BOOST_AUTO_TEST_CASE(llrs_from_bayes_over_the_plane)
{
    std::mt19937 generator(8);
    std::normal_distribution<float> normal;
    for (unsigned qm : { 4, 6, 8 })
        for (double n0 : { 0.1, 1.0 })
            for (unsigned n = 0; n < 50; ++n) {
                const std::complex<float> y(normal(generator), normal(generator));
                const auto llr = demap_one(y, qm, n0);
                for (unsigned i = 0; i < qm; ++i) {
                    double p[2] = { 0, 0 };
                    for (unsigned point = 0; point < 1u << qm; ++point) {
                        const auto bits = label(point, qm);
                        p[bits[i]] += std::exp(-std::norm(symbol(y) - map_as_written(bits)) / n0);
                    }
                    const double expected = std::log(p[0] / p[1]);
                    BOOST_TEST(std::abs(llr[i] - expected) < 3e-4 * (1 + std::abs(expected)));
                }
            }
}

BOOST_AUTO_TEST_CASE(far_symbols_stay_finite)
{
    for (float llr : demap_one({ 3.0f, -3.0f }, 4, 1e-6f))
        BOOST_TEST(std::isfinite(llr));
}

BOOST_AUTO_TEST_CASE(exponential_and_logarithm_as_promised)
{
    for (double x = 0; x > -87; x -= 0.0137)
        BOOST_TEST(std::abs(exp_of_negative(x) / std::exp(double(float(x))) - 1) <
                   1.2e-7 * (2 - x));
    for (double x = -87; x < 87; x += 0.0137) {
        const float y = std::exp(x);
        BOOST_TEST(std::abs(log_of_positive(y) - std::log(double(y))) <
                   1e-6 * std::max(1.0, std::abs(x)));
    }
    for (float x : { -88.0f, -1e30f, -HUGE_VALF, std::nanf("") })
        BOOST_TEST(exp_of_negative(x) < 2e-38f);
}

BOOST_AUTO_TEST_CASE(any_byte_counts_by_its_lowest_bit)
{
    for (unsigned qm : { 2, 4, 6, 8 })
        for (std::uint8_t byte : { 2, 254, 255 })
            BOOST_TEST(map_one(std::vector<std::uint8_t>(qm, byte)) ==
                       map_one(std::vector<std::uint8_t>(qm, byte & 1)));
}

BOOST_AUTO_TEST_CASE(refuses_odd_orders)
{
    for (unsigned qm : { 0, 1, 3, 10 })
        BOOST_CHECK_THROW(constellation{ qm }, std::invalid_argument);
}
