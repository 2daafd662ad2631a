// SPDX-License-Identifier: GPL-3.0-or-later
#include "resampler.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr::resivid::loopback {
namespace {

constexpr double PI = 3.141592653589793238463;
constexpr std::size_t MOST_KEPT = 1 << 16; // items behind the next output before they are forgotten

// Sums of eight lanes, which compilers keep in one register; n is a multiple of 8.
item dot_product(const float* in, const float* taps, std::size_t n)
{
    float sums[8] = {};
    for (std::size_t i = 0; i < n; i += 8)
        for (std::size_t lane = 0; lane < 8; ++lane)
            sums[lane] += in[i + lane] * taps[i + lane];
    return { sums[0] + sums[2] + sums[4] + sums[6], sums[1] + sums[3] + sums[5] + sums[7] };
}

} // namespace

resampler::resampler(double step) : d_step(step)
{
    if (!(step >= 1e-4 && step <= 1e4))
        throw std::invalid_argument("step: expected 1e-4 to 1e4 items, got " +
                                    std::to_string(step));
    if (step != 1.0) {
        const double cutoff = std::min(1.0, 1.0 / step); // of the input's rate
        d_half = int(std::ceil(HALF_TAPS / cutoff));
        d_half += d_half % 2; // whole groups of dot_product
        d_taps.resize(std::size_t(NUM_PHASES + 1) * 4 * d_half);
        auto* tap = d_taps.data();
        for (int phase = 0; phase <= NUM_PHASES; ++phase)
            for (int k = 1 - d_half; k <= d_half; ++k) {
                const double distance = double(k) - double(phase) / NUM_PHASES;
                const double x = PI * cutoff * distance;
                const double cosine = std::cos(0.5 * PI * distance / d_half);
                const double value = cutoff * (x == 0.0 ? 1.0 : std::sin(x) / x) * cosine * cosine;
                *tap++ = float(value); // one for each axis, as items lie in memory
                *tap++ = float(value);
            }
    }
    d_next = d_half - 1;
    d_history.assign(std::size_t(d_half - 1), item(0)); // silence before the first item
}

void resampler::push(const item* in, std::size_t n)
{
    d_history.insert(d_history.end(), in, in + n);
}

void resampler::push_silence(std::size_t n) { d_history.insert(d_history.end(), n, item(0)); }

// The last output needs the item at floor(time) + d_half (with step 1 at its own time).
std::size_t resampler::available() const
{
    const double last = double(d_history.size()) - (d_step == 1.0 ? 1.0 : d_half + 1.0);
    const double count = std::floor((last + 1.0 - d_next) / d_step);
    return count > 0 ? std::size_t(count) : 0;
}

std::size_t resampler::missing(std::size_t n) const
{
    const std::size_t there = available();
    if (there >= n)
        return 0;
    return std::size_t(std::ceil(double(n - there) * d_step)) + 2;
}

std::size_t resampler::pull(item* out, std::size_t n)
{
    n = std::min(n, available());
    if (d_step == 1.0) {
        std::copy_n(d_history.begin() + std::ptrdiff_t(d_next), n, out);
        d_next += double(n);
    } else {
        for (std::size_t i = 0; i < n; ++i, d_next += d_step)
            out[i] = interpolated();
    }
    forget();
    return n;
}

// Between two arms of the table the result is interpolated, which errs by less than -80 dB.
item resampler::interpolated() const
{
    const auto before = std::size_t(d_next);
    const double phase = (d_next - double(before)) * NUM_PHASES;
    const auto arm = std::min<std::size_t>(std::size_t(phase), NUM_PHASES - 1);
    const std::size_t arm_size = 4 * std::size_t(d_half);
    const auto* in =
        reinterpret_cast<const float*>(d_history.data() + (before + 1 - std::size_t(d_half)));
    const item first = dot_product(in, d_taps.data() + arm * arm_size, arm_size);
    const item second = dot_product(in, d_taps.data() + (arm + 1) * arm_size, arm_size);
    return first + float(phase - double(arm)) * (second - first);
}

void resampler::forget()
{
    const double first = d_next + 1 - d_half; // the oldest item still needed
    const auto old = std::min(std::size_t(std::max(first, 0.0)), d_history.size());
    if (old < MOST_KEPT && old + 1 < d_history.size())
        return;
    d_history.erase(d_history.begin(), d_history.begin() + std::ptrdiff_t(old));
    d_next -= double(old);
}

} // namespace gr::resivid::loopback
