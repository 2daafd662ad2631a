// SPDX-License-Identifier: GPL-3.0-or-later
#include "preamble_probe.h"

#include "mixer.h"

#include <algorithm>

namespace gr::resivid::phy {
namespace {

constexpr double TIME_STEP = 0.25;                            // symbols
constexpr double FREQUENCY_STEP = 1.0 / 3 / PREAMBLE_SYMBOLS; // cycles a symbol
constexpr double TWO_PI = 6.283185307179586477;

} // namespace

preamble_probe::preamble_probe(const burst_settings& settings, std::vector<unsigned> preambles)
    : d_samples_per_symbol(settings.samples_per_symbol),
      d_preambles(std::move(preambles)),
      d_filter(settings.samples_per_symbol, settings.roll_off),
      d_received(PREAMBLE_SYMBOLS)
{
    for (unsigned index : d_preambles)
        d_symbols.push_back(preamble_symbols(index));
    d_mixed.resize(samples_before(MAX_REACH) + samples_behind(MAX_REACH) + 2);
}

int preamble_probe::samples_before(double reach) const
{
    return int(std::ceil((reach + 1) * d_samples_per_symbol)) + d_filter.half_length();
}

int preamble_probe::samples_behind(double reach) const
{
    return samples_before(reach) + int(PREAMBLE_SYMBOLS * d_samples_per_symbol);
}

probed_preamble preamble_probe::find(
    const cfloat* x, double time, double reach, double frequency, double frequency_reach)
{
    const auto start = std::ptrdiff_t(std::floor(time)) - samples_before(reach);
    const std::size_t length = samples_before(reach) + samples_behind(reach) + 1;
    mix_down(x + start, length, frequency / d_samples_per_symbol, d_mixed.data());
    const double local = time - double(start);
    const int times = int(std::ceil(reach / TIME_STEP));
    const int frequencies = int(std::ceil(frequency_reach / FREQUENCY_STEP - 0.5));
    probed_preamble best;
    best.time = local;
    for (int t = -times; t <= times; ++t) {
        const double at = local + t * TIME_STEP * d_samples_per_symbol;
        take(d_mixed.data(), at, 0);
        for (unsigned i = 0; i < d_preambles.size(); ++i)
            for (int f = -frequencies; f <= frequencies; ++f)
                if (const float m = metric(i, f * FREQUENCY_STEP); m > best.metric)
                    best = { i, at, f * FREQUENCY_STEP, m };
    }
    refine(d_mixed.data(), best);
    best.index = d_preambles[best.index];
    best.time += double(start);
    best.frequency += frequency;
    return best;
}

// Matched-filter symbols of a preamble that starts at `time`.
void preamble_probe::take(const cfloat* x, double time, double frequency)
{
    d_energy = 0;
    for (unsigned k = 0; k < PREAMBLE_SYMBOLS; ++k) {
        d_received[k] = d_filter.at(x, time + double(k * d_samples_per_symbol));
        d_energy += std::norm(d_received[k]);
    }
    if (frequency != 0)
        mix_down(d_received.data(), d_received.size(), frequency, d_received.data());
}

float preamble_probe::metric(unsigned preamble, double offset) const
{
    const auto& symbols = d_symbols[preamble];
    const cfloat step(std::polar(1.0, -TWO_PI * offset));
    cfloat sum = 0; // by Horner's rule, from the last symbol on
    for (unsigned k = PREAMBLE_SYMBOLS; k-- > 0;) {
        const cfloat product = d_received[k] * std::conj(symbols[k]);
        sum = { sum.real() * step.real() - sum.imag() * step.imag() + product.real(),
                sum.real() * step.imag() + sum.imag() * step.real() + product.imag() };
    }
    return d_energy > 0 ? std::norm(sum) / d_energy : 0.0f;
}

void preamble_probe::refine(const cfloat* x, probed_preamble& found)
{
    for (double step = TIME_STEP / 2; step > TIME_STEP / 16; step /= 2) {
        float around[3];
        for (int side = -1; side <= 1; ++side) {
            take(x, found.time + side * step * d_samples_per_symbol, found.frequency);
            // the energy is that of noise as well, and varies less than the correlation
            around[side + 1] = metric(found.index, 0) * d_energy;
            if (side == 0)
                found.metric = metric(found.index, 0);
        }
        const float curve = around[0] - 2 * around[1] + around[2];
        const float slope = 0.5f * (around[0] - around[2]);
        if (curve < 0)
            found.time += std::clamp(slope / curve, -1.0f, 1.0f) * step * d_samples_per_symbol;
    }
}

} // namespace gr::resivid::phy
