// SPDX-License-Identifier: GPL-3.0-or-later
#include "axis_noise_table.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

// Nodes are 1/256 apart up to 2, where the levels are, and 1/16 apart from there to 10.
constexpr float FINE = 256.0f, COARSE = 16.0f, FINE_END = 2.0f;
constexpr unsigned NUM_FINE = unsigned(FINE * FINE_END);

double node_amplitude(unsigned node)
{
    return node < NUM_FINE ? node / double(FINE) : FINE_END + (node - NUM_FINE) / double(COARSE);
}

double posterior_noise(double y, const std::vector<float>& levels, double n0)
{
    double closest = HUGE_VAL;
    for (const double level : levels)
        closest = std::min(closest, (y - level) * (y - level));
    double weights = 0.0, weighted = 0.0;
    for (const double level : levels) {
        const double distance = (y - level) * (y - level);
        const double weight = std::exp((closest - distance) / n0);
        weights += weight;
        weighted += weight * distance;
    }
    return weighted / weights;
}

} // namespace

const axis_noise_table& axis_noise_table::of(unsigned bits_per_symbol)
{
    switch (bits_per_symbol) {
    case 2: {
        static const axis_noise_table table(2);
        return table;
    }
    case 4: {
        static const axis_noise_table table(4);
        return table;
    }
    case 6: {
        static const axis_noise_table table(6);
        return table;
    }
    case 8: {
        static const axis_noise_table table(8);
        return table;
    }
    default:
        throw std::invalid_argument("bits_per_symbol must be 2, 4, 6 or 8, got " +
                                    std::to_string(bits_per_symbol));
    }
}

axis_noise_table::axis_noise_table(unsigned bits_per_symbol)
{
    const constellation points(bits_per_symbol);
    const auto& levels = points.levels();
    d_outermost = *std::max_element(levels.begin(), levels.end());
    d_half_distance = d_outermost / float(levels.size() - 1);
    d_noise.reserve(NUM_SNRS * NUM_NODES);
    for (unsigned row = 0; row < NUM_SNRS; ++row) {
        const double n0 = std::pow(10.0, -(FIRST_SNR_DB + row * SNR_STEP_DB) / 10.0);
        for (unsigned node = 0; node < NUM_NODES; ++node)
            d_noise.push_back(float(posterior_noise(node_amplitude(node), levels, n0)));
    }
}

void axis_noise_table::add(float amplitude, histogram& counts)
{
    const float place =
        amplitude < FINE_END ? amplitude * FINE : NUM_FINE + (amplitude - FINE_END) * COARSE;
    const unsigned node = unsigned(std::min(place, float(NUM_NODES - 2)));
    // Beyond the last node the last piece goes on, as a straight line.
    const float fraction = place - float(node);
    counts[node] += 1.0f - fraction;
    counts[node + 1] += fraction;
}

double axis_noise_table::expected_noise(const histogram& counts, unsigned row) const
{
    constexpr unsigned LANES = 16; // sums that the compiler may keep side by side
    const float* noise = d_noise.data() + std::size_t(row) * NUM_NODES;
    std::array<float, LANES> sums{};
    for (unsigned node = 0; node + LANES <= NUM_NODES; node += LANES)
        for (unsigned lane = 0; lane < LANES; ++lane)
            sums[lane] += counts[node + lane] * noise[node + lane];
    double total = double(counts[NUM_NODES - 1]) * noise[NUM_NODES - 1];
    for (const float sum : sums)
        total += sum;
    return total;
}

float axis_noise_table::nearest_noise(float amplitude) const
{
    // Levels of the positive half are odd multiples of the half distance.
    const float step = 2.0f * d_half_distance;
    const float level = std::min((std::floor(amplitude / step) + 0.5f) * step, d_outermost);
    return (amplitude - level) * (amplitude - level);
}

} // namespace gr::resivid::phy
