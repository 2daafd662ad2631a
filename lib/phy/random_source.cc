// SPDX-License-Identifier: GPL-3.0-or-later
#include "random_source.h"

#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr double TWO_PI = 6.283185307179586476925;
constexpr double GRID = 1 << 20; // steps a standard deviation: exact in a float up to 16

float round_to_grid(double x) { return float(std::round(x * GRID) / GRID); }

// The finaliser of splitmix64: seeds that differ in one bit give generators that share nothing.
std::uint64_t mix(std::uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

} // namespace

random_source::random_source(std::uint64_t seed, std::uint64_t sequence)
    : d_generator(mix(mix(seed) + 0x9e3779b97f4a7c15u * (sequence + 1)))
{
}

double random_source::uniform() { return double(d_generator() >> 11) * 0x1p-53; }

std::complex<float> random_source::normal()
{
    const double radius = std::sqrt(-2.0 * std::log(uniform() + 0x1p-53)); // of (0, 1]
    const double angle = TWO_PI * uniform();
    return { round_to_grid(radius * std::cos(angle)), round_to_grid(radius * std::sin(angle)) };
}

} // namespace gr::resivid::phy
