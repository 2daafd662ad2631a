// SPDX-License-Identifier: GPL-3.0-or-later
#include "pulse.h"

#include <algorithm>
#include <cmath>
#include <volk/volk.h>

namespace gr::resivid::phy {
namespace {

constexpr double PI = 3.141592653589793238463;
constexpr double KAISER_BETA = 2.0;

double root_raised_cosine(double t, double r)
{
    if (std::abs(t) < 1e-9)
        return 1 - r + 4 * r / PI;
    const double pole = 1 - 16 * r * r * t * t;
    if (std::abs(pole) < 1e-9)
        return r / std::sqrt(2.0) *
               ((1 + 2 / PI) * std::sin(PI / 4 / r) + (1 - 2 / PI) * std::cos(PI / 4 / r));
    return (std::sin(PI * t * (1 - r)) + 4 * r * t * std::cos(PI * t * (1 + r))) / (PI * t * pole);
}

// Modified Bessel function of order 0, by its power series.
double bessel_i0(double x)
{
    double sum = 1.0;
    double term = 1.0;
    for (int k = 1; k < 30; ++k) {
        term *= (x / 2 / k) * (x / 2 / k);
        sum += term;
    }
    return sum;
}

// Sum of squares of the pulse sampled so often a symbol.
double pulse_energy(unsigned samples_per_symbol, double roll_off)
{
    double energy = 0.0;
    const int half = PULSE_HALF_SPAN * int(samples_per_symbol);
    for (int n = -half; n <= half; ++n)
        energy += std::pow(pulse(double(n) / samples_per_symbol, roll_off), 2);
    return energy;
}

} // namespace

double pulse(double t, double roll_off)
{
    const double x = t / PULSE_HALF_SPAN;
    if (std::abs(x) >= 1.0)
        return 0.0;
    const double window = bessel_i0(KAISER_BETA * std::sqrt(1 - x * x)) / bessel_i0(KAISER_BETA);
    return root_raised_cosine(t, roll_off) * window;
}

pulse_shaper::pulse_shaper(unsigned samples_per_symbol, float roll_off, std::size_t max_symbols)
    : d_symbols(2 * PULSE_HALF_SPAN + max_symbols)
{
    const double scale = std::sqrt(samples_per_symbol / pulse_energy(samples_per_symbol, roll_off));
    for (unsigned phase = 0; phase < samples_per_symbol; ++phase) {
        volk::vector<float> taps; // oldest symbol first
        for (int age = 2 * PULSE_HALF_SPAN; age >= 0; --age)
            taps.push_back(
                float(scale *
                      pulse(age - PULSE_HALF_SPAN + double(phase) / samples_per_symbol, roll_off)));
        d_taps.push_back(taps);
    }
}

void pulse_shaper::shape(const cfloat* symbols, std::size_t n, cfloat* samples)
{
    std::copy_n(symbols, n, d_symbols.begin() + 2 * PULSE_HALF_SPAN);
    for (std::size_t i = 0; i < n; ++i)
        for (const auto& taps : d_taps)
            volk_32fc_32f_dot_prod_32fc(samples++, &d_symbols[i], taps.data(), taps.size());
    std::copy_n(d_symbols.begin() + n, 2 * PULSE_HALF_SPAN, d_symbols.begin());
}

void pulse_shaper::reset() { std::fill(d_symbols.begin(), d_symbols.end(), cfloat(0)); }

matched_filter::matched_filter(unsigned samples_per_symbol, float roll_off)
    : d_half_length(PULSE_HALF_SPAN * int(samples_per_symbol) + 1)
{
    const double scale =
        1 / std::sqrt(samples_per_symbol * pulse_energy(samples_per_symbol, roll_off));
    for (int phase = 0; phase <= PHASES; ++phase) {
        volk::vector<float> taps;
        for (int n = -d_half_length; n <= d_half_length; ++n) {
            const double t = (n - double(phase) / PHASES) / samples_per_symbol;
            taps.push_back(float(scale * pulse(t, roll_off)));
        }
        d_taps.push_back(taps);
    }
}

cfloat matched_filter::at(const cfloat* x, double time) const
{
    const double whole = std::floor(time);
    const auto& taps = d_taps[std::size_t((time - whole) * PHASES + 0.5)];
    cfloat sum;
    volk_32fc_32f_dot_prod_32fc(
        &sum, x + std::ptrdiff_t(whole) - d_half_length, taps.data(), taps.size());
    return sum;
}

} // namespace gr::resivid::phy
