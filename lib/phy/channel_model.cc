// SPDX-License-Identifier: GPL-3.0-or-later
#include "channel_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

struct range {
    const char* name;
    double value, low, high;
};

void check(const range& r)
{
    if (!(r.value >= r.low && r.value <= r.high))
        throw std::invalid_argument(std::string(r.name) + ": expected " + std::to_string(r.low) +
                                    " to " + std::to_string(r.high) + ", got " +
                                    std::to_string(r.value));
}

// Ranges beyond which a simulation says nothing about any channel. NaN is in none of them.
void check(const channel_settings& s)
{
    constexpr double infinity = std::numeric_limits<double>::infinity();
    check({ "symbol_rate", s.symbol_rate, 1e-3, 1e9 });
    const double rate = s.symbol_rate;
    for (const range& r : { range{ "rician_k_db", s.rician_k_db, -40, 40 },
                            range{ "doppler_hz", s.doppler_hz, 0, rate / 2 },
                            range{ "clipping_db", s.clipping_db, -20, infinity },
                            range{ "frequency_offset_hz", s.frequency_offset_hz, -rate, rate },
                            range{ "phase_noise", s.phase_noise, 0, 10 },
                            range{ "clock_offset_ppm", s.clock_offset_ppm, -1000, 1000 },
                            range{ "iq_gain_db", s.iq_gain_db, -20, 20 },
                            range{ "iq_phase_deg", s.iq_phase_deg, -80, 80 },
                            range{ "dc_offset, real part", s.dc_real, -100, 100 },
                            range{ "dc_offset, imaginary part", s.dc_imag, -100, 100 } })
        check(r);
    if (s.quantiser_bits < 0 || s.quantiser_bits > 24)
        throw std::invalid_argument("quantiser_bits: expected 1 to 24, or 0 for none, got " +
                                    std::to_string(s.quantiser_bits));
    const bool fades = s.fading != channel_settings::fading_kind::none;
    if (s.doppler_hz > 0 && !fades)
        throw std::invalid_argument("doppler_hz: needs a channel that fades");
    if (fades && s.csi && s.clock_offset_ppm != 0)
        throw std::invalid_argument("csi: gains are known by item, which a clock offset moves");
}

} // namespace

channel_model::channel_model(const channel_settings& s, std::uint64_t seed, std::size_t max_items)
    : d_settings(s), d_max_items(max_items), d_awgn(seed)
{
    check(s);
    if (s.fading != channel_settings::fading_kind::none) {
        const bool is_rician = s.fading == channel_settings::fading_kind::rician;
        d_fading.emplace(is_rician ? std::pow(10.0, s.rician_k_db / 10.0) : 0.0,
                         s.doppler_hz / s.symbol_rate,
                         seed);
        d_gains.resize(max_items);
        d_noise_variance.resize(max_items);
        d_fading->reserve(max_items);
    }
    if (std::isfinite(s.clipping_db))
        d_limiter.emplace(s.clipping_db);
    if (s.frequency_offset_hz != 0)
        d_frequency_offset.emplace(s.frequency_offset_hz / s.symbol_rate);
    if (s.phase_noise > 0)
        d_phase_noise.emplace(s.phase_noise, seed);
    if (s.clock_offset_ppm != 0) {
        d_clock_offset.emplace(s.clock_offset_ppm, s.continuous ? max_items : 0);
        d_work.resize(max_items);
    }
    if (s.loss_rate != 0 || s.burst_length != 0)
        d_loss.emplace(s.loss_rate, s.burst_length, seed);
    if (s.iq_gain_db != 0 || s.iq_phase_deg != 0)
        d_iq_imbalance.emplace(s.iq_gain_db, s.iq_phase_deg);
    if (s.quantiser_bits > 0)
        d_quantiser.emplace(s.quantiser_bits);
}

std::size_t channel_model::max_output(std::size_t n) const
{
    return d_clock_offset ? d_clock_offset->max_output(n) : n;
}

const channel_result& channel_model::apply(const std::complex<float>* in,
                                           std::size_t n,
                                           std::complex<float>* out,
                                           float snr_db)
{
    if (n > d_max_items)
        throw std::invalid_argument("packet: expected at most " + std::to_string(d_max_items) +
                                    " items, got " + std::to_string(n));
    d_result = {};
    d_result.num_items = transmit(in, n, out);
    receive(out, d_result.num_items, snr_db);
    if (d_fading && d_settings.csi && !d_result.lost)
        equalise(out, d_result.num_items, snr_db);
    return d_result;
}

// Up to the receiver's antenna. Random sequences advance for lost packets too.
std::size_t
channel_model::transmit(const std::complex<float>* in, std::size_t n, std::complex<float>* out)
{
    std::complex<float>* x = d_clock_offset ? d_work.data() : out;
    std::copy_n(in, n, x);
    if (d_limiter)
        d_limiter->apply(x, n);
    if (d_fading)
        fade(x, n);
    if (d_frequency_offset)
        d_frequency_offset->apply(x, n);
    if (d_phase_noise)
        d_phase_noise->apply(x, n);
    if (d_clock_offset)
        n = d_clock_offset->apply(x, n, out);
    d_result.lost = d_loss && d_loss->next();
    if (d_result.lost)
        std::fill_n(out, n, 0.0f);
    return n;
}

void channel_model::fade(std::complex<float>* x, std::size_t n)
{
    d_fading->next(d_gains.data(), n);
    double power = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        x[i] *= d_gains[i];
        power += std::norm(d_gains[i]);
    }
    d_result.gain_db = 10.0 * std::log10(std::max(power / double(n), double(MIN_GAIN)));
}

void channel_model::receive(std::complex<float>* x, std::size_t n, float snr_db)
{
    d_awgn.apply(x, x, n, snr_db);
    const std::complex<float> dc(float(d_settings.dc_real), float(d_settings.dc_imag));
    if (dc != 0.0f)
        for (std::size_t i = 0; i < n; ++i)
            x[i] += dc;
    if (d_iq_imbalance)
        d_iq_imbalance->apply(x, n);
    if (d_quantiser)
        d_quantiser->apply(x, n);
}

void channel_model::equalise(std::complex<float>* x, std::size_t n, float snr_db)
{
    const float n0 = float(std::pow(10.0, -double(snr_db) / 10.0));
    for (std::size_t i = 0; i < n; ++i) {
        const float power = std::max(std::norm(d_gains[i]), MIN_GAIN);
        x[i] *= std::conj(d_gains[i]) / power;
        d_noise_variance[i] = n0 / power;
    }
    if (d_fading->varies())
        d_result.noise_variance = d_noise_variance.data();
}

} // namespace gr::resivid::phy
