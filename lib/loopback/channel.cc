// SPDX-License-Identifier: GPL-3.0-or-later
#include "channel.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::loopback {
namespace {

constexpr double TWO_PI = 6.283185307179586476925;
constexpr double FADING_STEPS = 64; // gains a period of the largest Doppler shift

double amplitude(double db) { return std::pow(10.0, db / 20.0); }

} // namespace

channel::channel(const settings& s) : d_settings(s), d_noise(std::uint64_t(s.seed), 2) { retune(); }

void channel::set_receiver(const tuning& t, double ppm)
{
    const bool changed = t.rate != d_receiver.rate;
    d_receiver = t;
    d_ppm = ppm;
    if (changed)
        retune();
}

void channel::set_transmitter(const tuning& t)
{
    const bool changed = t.rate != d_transmitter.rate;
    d_transmitter = t;
    if (changed)
        retune();
}

void channel::retune()
{
    d_resampler.emplace(d_transmitter.rate / d_receiver.rate *
                        (1.0 + 1e-6 * d_settings.clock_offset_ppm));
    d_phase_noise.reset();
    if (d_settings.phase_noise > 0)
        d_phase_noise.emplace(d_settings.phase_noise / d_receiver.rate,
                              std::uint64_t(d_settings.seed));
    d_fading.reset();
    d_gain_left = 0;
    if (d_settings.fading != "none") {
        const auto& s = d_settings;
        const double k = s.fading == "rician" ? std::pow(10.0, s.rician_k_db / 10.0) : 0.0;
        d_gain_items = std::max(1.0, std::floor(d_receiver.rate / (FADING_STEPS * s.doppler_hz)));
        d_fading.emplace(k, s.doppler_hz * d_gain_items / d_receiver.rate, std::uint64_t(s.seed));
        d_fading->next(&d_gain, 1);
    }
}

// Where the transmitter's oscillator lies in the receiver's band.
double channel::shift_hz() const
{
    const double ppm = d_settings.frequency_offset_ppm - d_ppm;
    return d_transmitter.frequency - d_receiver.frequency + d_settings.frequency_offset_hz +
           1e-6 * ppm * d_transmitter.frequency;
}

void channel::push(const item* in, std::size_t n)
{
    d_work.assign(in, in + n);
    const bool heard = std::abs(shift_hz()) < 0.5 * (d_transmitter.rate + d_receiver.rate);
    const float scale = heard ? float(amplitude(d_transmitter.gain_db)) : 0.0f;
    for (auto& x : d_work)
        x *= scale;
    phy::limiter(d_settings.clipping_db).apply(d_work.data(), n);
    const float loss = float(amplitude(-d_settings.path_loss_db));
    for (auto& x : d_work)
        x *= loss;
    // The mixer works at the higher of the two rates.
    if (d_transmitter.rate > d_receiver.rate)
        mix(d_work.data(), n, shift_hz() / d_transmitter.rate);
    d_resampler->push(d_work.data(), n);
}

void channel::pull(item* out, std::size_t n)
{
    if (available() < n)
        d_resampler->push_silence(d_resampler->missing(n));
    const std::size_t there = d_resampler->pull(out, n);
    std::fill(out + there, out + n, item(0));
    if (d_transmitter.rate <= d_receiver.rate)
        mix(out, n, shift_hz() / d_receiver.rate);
    if (d_fading)
        fade(out, n);
    if (d_phase_noise)
        d_phase_noise->apply(out, n);
    receive(out, n);
}

// The phasor starts anew from its exact phase in every short stretch, so rounding never grows.
void channel::mix(item* x, std::size_t n, double cycles_per_item)
{
    constexpr std::size_t STRETCH = 256;
    if (cycles_per_item == 0.0 && d_phase == 0.0)
        return;
    const item step(std::polar(1.0, TWO_PI * cycles_per_item));
    for (std::size_t start = 0; start < n; start += STRETCH) {
        const std::size_t count = std::min(STRETCH, n - start);
        item phasor(std::polar(1.0, TWO_PI * d_phase));
        for (std::size_t i = start; i < start + count; ++i) {
            x[i] = { x[i].real() * phasor.real() - x[i].imag() * phasor.imag(),
                     x[i].real() * phasor.imag() + x[i].imag() * phasor.real() };
            phasor = { phasor.real() * step.real() - phasor.imag() * step.imag(),
                       phasor.real() * step.imag() + phasor.imag() * step.real() };
        }
        d_phase = std::fmod(d_phase + cycles_per_item * double(count), 1.0);
    }
}

// Gains come at least FADING_STEPS times a Doppler period and are linear between.
void channel::fade(item* x, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i) {
        if (d_gain_left == 0) {
            item target;
            d_fading->next(&target, 1);
            d_gain_left = std::size_t(d_gain_items);
            d_gain_step = (target - d_gain) / float(d_gain_left);
        }
        x[i] *= d_gain;
        d_gain += d_gain_step;
        --d_gain_left;
    }
}

void channel::receive(item* x, std::size_t n)
{
    const auto& s = d_settings;
    // an axis of white noise has half of the power N0 * rate
    const float noise =
        float(std::sqrt(0.5 * std::pow(10.0, s.noise_db_hz / 10) * d_receiver.rate));
    const float gain = float(amplitude(d_receiver.gain_db));
    const item dc(float(s.dc_real), float(s.dc_imag));
    for (std::size_t i = 0; i < n; ++i) {
        if (noise > 0)
            x[i] += noise * d_noise.normal();
        x[i] = gain * x[i] + dc;
    }
    if (s.iq_gain_db != 0 || s.iq_phase_deg != 0)
        phy::iq_imbalance(s.iq_gain_db, s.iq_phase_deg).apply(x, n);
    if (s.quantiser_bits > 0) {
        const float steps = std::ldexp(1.0f, int(s.quantiser_bits) - 1); // an axis, each sign
        const auto quantised = [&](float value) {
            return (std::clamp(std::floor(value * steps), -steps, steps - 1) + 0.5f) / steps;
        };
        for (std::size_t i = 0; i < n; ++i)
            x[i] = { quantised(x[i].real()), quantised(x[i].imag()) };
    }
}

} // namespace gr::resivid::loopback
