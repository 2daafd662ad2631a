// SPDX-License-Identifier: GPL-3.0-or-later
#include "impairments.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr double PI = 3.141592653589793238463;

item rotated(item x, double radians)
{
    const float c = float(std::cos(radians));
    const float s = float(std::sin(radians));
    return { c * x.real() - s * x.imag(), c * x.imag() + s * x.real() };
}

// cos^2 window, which is 0 at +-HALF_TAPS
double window(double distance)
{
    const double c = std::cos(0.5 * PI * distance / clock_offset::HALF_TAPS);
    return c * c;
}

// The packet at a time between items: sinc interpolation, 0 outside of it.
item interpolated(const item* in, std::ptrdiff_t n, double time)
{
    constexpr std::ptrdiff_t half = clock_offset::HALF_TAPS;
    const auto before = std::ptrdiff_t(std::floor(time));
    const double fraction = time - double(before);
    if (fraction == 0.0)
        return in[before];
    // sin(pi (fraction - k)) is sin(pi fraction), the sign changing with k
    const double sine = std::sin(PI * fraction) / PI;
    std::complex<double> sum = 0.0;
    for (std::ptrdiff_t k = 1 - half; k <= half; ++k) {
        if (before + k < 0 || before + k >= n)
            continue;
        const double distance = fraction - double(k);
        const double tap = (k % 2 ? -sine : sine) / distance * window(distance);
        sum += tap * std::complex<double>(in[before + k]);
    }
    return item(sum);
}

} // namespace

limiter::limiter(double level_db) : d_limit(float(std::pow(10.0, level_db / 20.0))) {}

void limiter::apply(item* x, std::size_t n) const
{
    for (std::size_t i = 0; i < n; ++i) {
        const float amplitude = std::sqrt(std::norm(x[i]));
        if (amplitude > d_limit)
            x[i] *= d_limit / amplitude;
    }
}

void frequency_offset::apply(item* x, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i, ++d_time)
        x[i] = rotated(x[i], 2.0 * PI * std::fmod(d_frequency * double(d_time), 1.0));
}

phase_noise::phase_noise(double variance, std::uint64_t seed)
    : d_random(seed, 3), d_deviation(std::sqrt(variance))
{
}

void phase_noise::apply(item* x, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = rotated(x[i], d_phase);
        d_phase = std::remainder(d_phase + d_deviation * d_random.normal().real(), 2.0 * PI);
    }
}

std::size_t clock_offset::apply(const item* in, std::size_t n, item* out)
{
    std::size_t num_written = 0;
    if (d_history.empty()) {
        for (; d_next < double(n); d_next += d_step)
            out[num_written++] = interpolated(in, std::ptrdiff_t(n), d_next);
    } else {
        // d_next counts from HALF_TAPS items before the packet
        std::copy_n(in, n, d_history.begin() + 2 * HALF_TAPS);
        for (; d_next < double(n); d_next += d_step)
            out[num_written++] = interpolated(
                d_history.data(), std::ptrdiff_t(n) + 2 * HALF_TAPS, d_next + HALF_TAPS);
        std::copy_n(d_history.begin() + n, 2 * HALF_TAPS, d_history.begin());
    }
    d_next -= double(n);
    return num_written;
}

iq_imbalance::iq_imbalance(double gain_db, double phase_deg)
{
    const double g = std::pow(10.0, gain_db / 40.0);
    const double a = phase_deg * PI / 360.0;
    d_ii = float(g * std::cos(a));
    d_iq = float(-g * std::sin(a));
    d_qi = float(-std::sin(a) / g);
    d_qq = float(std::cos(a) / g);
}

void iq_imbalance::apply(item* x, std::size_t n) const
{
    for (std::size_t i = 0; i < n; ++i)
        x[i] = { d_ii * x[i].real() + d_iq * x[i].imag(), d_qi * x[i].real() + d_qq * x[i].imag() };
}

void quantiser::apply(item* x, std::size_t n) const
{
    double energy = 0.0;
    for (std::size_t i = 0; i < n; ++i)
        energy += std::norm(x[i]);
    if (!(energy > 0.0) || !std::isfinite(energy))
        return;
    const double full_scale = FULL_SCALE * std::sqrt(0.5 * energy / double(n));
    const double step = 2.0 * full_scale / d_levels;
    const double highest = full_scale - 0.5 * step;
    const auto quantised = [&](float value) {
        const double level = (std::floor(value / step) + 0.5) * step;
        return float(std::clamp(level, -highest, highest));
    };
    for (std::size_t i = 0; i < n; ++i)
        x[i] = { quantised(x[i].real()), quantised(x[i].imag()) };
}

} // namespace gr::resivid::phy
