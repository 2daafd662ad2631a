// SPDX-License-Identifier: GPL-3.0-or-later
#include "burst_demodulator.h"

#include "mixer.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr double TWO_PI = 6.283185307179586477;
constexpr unsigned FREQUENCY_SPAN = 1024; // symbols over which the carrier is taken for steady
constexpr int PASSES = 3;                 // with probable symbols
constexpr float LEAST_NOISE = 1e-5f;      // relative to energy 1: keeps arithmetic finite
constexpr float MOST_NOISE = 1e3f;

} // namespace

burst_demodulator::burst_demodulator(const burst_settings& settings)
    : d_settings(settings),
      d_layout(settings.payload_symbols),
      d_filter(settings.samples_per_symbol, settings.roll_off),
      d_tracker(d_layout.frame_symbols() + PREAMBLE_SYMBOLS)
{
    const std::size_t n = d_layout.frame_symbols() + PREAMBLE_SYMBOLS;
    for (unsigned bits : { 2, 4, 6, 8 })
        d_decide.emplace_back(bits);
    // A receiver's clock may be off by 1e-3 and more before anything overflows.
    d_mixed.resize(std::size_t(1.01 * double(n) * settings.samples_per_symbol) +
                   4 * d_filter.half_length());
    for (auto* symbols : { &d_symbols, &d_known, &d_products })
        symbols->resize(n);
    d_soft.resize(n);
    d_phases.resize(n);
    d_evidence.resize(n);
    d_known_positions.reserve(n);
}

int burst_demodulator::samples_behind() const
{
    return PREAMBLE_SYMBOLS * int(d_settings.samples_per_symbol) + d_filter.half_length() + 1;
}

burst_estimate burst_demodulator::demodulate(const cfloat* x,
                                             const burst_timing& timing,
                                             unsigned opening,
                                             unsigned closing,
                                             unsigned bits_per_symbol,
                                             cfloat* payload)
{
    d_num_symbols = d_layout.frame_symbols() + (closing < NUM_PREAMBLES ? PREAMBLE_SYMBOLS : 0);
    filter(x, timing);
    place_known(opening, closing);
    const double frequency = find_frequency(timing.frequency_deviation);
    turn(frequency);

    std::fill(d_phases.begin(), d_phases.end(), 0.0f);
    std::fill(d_soft.begin(), d_soft.end(), symbol_moments{});
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        d_products[k] = d_symbols[k] * std::conj(d_known[k]);
    measure_gain();
    for (auto& product : d_products)
        product /= d_gain;
    d_tracker.follow(d_products.data(), d_noise_variance, d_num_symbols, d_phases.data());
    const auto& decide = d_decide.at(bits_per_symbol / 2 - 1);
    for (int pass = 0; pass < PASSES; ++pass) {
        measure_gain();
        take_evidence(decide);
        if (pass + 1 == PASSES)
            d_tracker.learn(d_evidence.data(), d_num_symbols, d_phases.data());
        d_tracker.smooth(d_evidence.data(), d_num_symbols, d_phases.data());
    }
    measure_gain();

    const auto& positions = d_layout.payload_positions();
    for (std::size_t i = 0; i < positions.size(); ++i)
        payload[i] = d_symbols[positions[i]] * std::polar(1.0f / d_gain, -d_phases[positions[i]]);
    const double slope =
        (d_phases[d_num_symbols - 1] - d_phases.front()) / double(d_num_symbols - 1) / TWO_PI;
    return { timing.frequency + frequency + slope,
             -10.0f * std::log10(d_noise_variance),
             d_gain,
             d_tracker.variance() };
}

// The symbols at their times, the thought carrier taken away.
void burst_demodulator::filter(const cfloat* x, const burst_timing& timing)
{
    const auto start = std::ptrdiff_t(std::floor(timing.first)) - d_filter.half_length();
    const auto end = std::ptrdiff_t(std::floor(timing.last)) + samples_behind();
    const std::size_t n = std::min<std::size_t>(end - start + 1, d_mixed.size());
    mix_down(x + start, n, timing.frequency / d_settings.samples_per_symbol, d_mixed.data());
    const double step = (timing.last - timing.first) / d_layout.frame_symbols();
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        d_symbols[k] = d_filter.at(d_mixed.data(), timing.first - double(start) + step * double(k));
}

void burst_demodulator::place_known(unsigned opening, unsigned closing)
{
    std::fill(d_known.begin(), d_known.end(), cfloat(0));
    std::copy_n(d_layout.preamble(opening).begin(), PREAMBLE_SYMBOLS, d_known.begin());
    for (std::size_t i = 0; i < d_layout.pilots().size(); ++i)
        d_known[d_layout.pilot_positions()[i]] = d_layout.pilots()[i];
    if (closing < NUM_PREAMBLES)
        std::copy_n(d_layout.preamble(closing).begin(),
                    PREAMBLE_SYMBOLS,
                    d_known.begin() + d_layout.frame_symbols());
    d_known_positions.clear();
    for (unsigned k = 0; k < d_known.size(); ++k)
        if (d_known[k] != cfloat(0))
            d_known_positions.push_back(k);
}

/* The offset from the thought frequency, within three deviations, under which the known symbols add
 * up best; |sum|^2 / (n N0) is the log likelihood, on which the deviation counts as a prior. */
double burst_demodulator::find_frequency(double deviation)
{
    auto end = d_known_positions.end();
    while (*(end - 1) >= FREQUENCY_SPAN && end - d_known_positions.begin() > 100)
        --end;
    const double span = *(end - 1) + 1;
    double energy = 0;
    for (auto position = d_known_positions.begin(); position != end; ++position)
        energy += std::norm(d_symbols[*position]);
    const double num = double(end - d_known_positions.begin());
    const auto coherent_power = [&](double frequency) {
        std::complex<double> sum = 0;
        std::complex<double> turn = 1;
        const auto step = std::polar(1.0, -TWO_PI * frequency);
        unsigned before = 0;
        for (auto position = d_known_positions.begin(); position != end; ++position) {
            const unsigned k = *position;
            turn *= k - before == 1 ? step : std::polar(1.0, -TWO_PI * frequency * (k - before));
            before = k;
            sum += turn * std::complex<double>(d_symbols[k] * std::conj(d_known[k]));
        }
        return std::norm(sum) / num;
    };
    const double noise = std::max((energy - coherent_power(0)) / num, 1e-30);
    const auto likelihood = [&](double frequency) {
        const double far = frequency / deviation;
        return coherent_power(frequency) / noise - 0.5 * far * far;
    };
    const double step = 0.2 / span;
    const int reach = int(std::ceil(3 * deviation / step));
    double best = 0;
    double most = likelihood(0);
    for (int i = -reach; i <= reach; ++i)
        if (const double value = likelihood(i * step); value > most) {
            most = value;
            best = i * step;
        }
    for (double finer = step / 2; finer > step / 40; finer /= 2)
        for (double side : { -finer, finer })
            if (const double value = likelihood(best + side); value > most) {
                most = value;
                best += side;
                break;
            }
    return best;
}

// Take the frequency away, and the mean phase that is left.
void burst_demodulator::turn(double frequency)
{
    mix_down(d_symbols.data(), d_num_symbols, frequency, d_symbols.data());
    cfloat sum = 0;
    for (unsigned k : d_known_positions)
        sum += d_symbols[k] * std::conj(d_known[k]);
    const float amplitude = std::abs(sum);
    if (amplitude > 0)
        for (std::size_t k = 0; k < d_num_symbols; ++k)
            d_symbols[k] *= std::conj(sum) / amplitude;
}

/* Gain and noise at the phases in force, by the known symbols and by what the others probably are
 * (a step of expectation maximisation). */
void burst_demodulator::measure_gain()
{
    double product = 0;
    double energy = 0;
    for (std::size_t k = 0; k < d_num_symbols; ++k) {
        const auto [reference, square] =
            d_known[k] != cfloat(0) ? symbol_moments{ d_known[k], 1.0f } : d_soft[k];
        const cfloat turned = d_symbols[k] * std::polar(1.0f, -d_phases[k]);
        product += (turned * std::conj(reference)).real();
        energy += square;
    }
    const double gain = product / energy;
    d_gain = float(std::max(gain, 1e-20));
    double noise = 0;
    for (unsigned k : d_known_positions)
        noise += std::norm(d_symbols[k] * std::polar(1.0f, -d_phases[k]) - d_gain * d_known[k]);
    noise /= double(d_known_positions.size()) * d_gain * d_gain;
    d_noise_variance = std::clamp(float(noise), LEAST_NOISE, MOST_NOISE);
}

void burst_demodulator::take_evidence(const soft_symbols& decide)
{
    const float twice = 2.0f / d_noise_variance;
    double squares = 0;
    double energy = 0;
    for (std::size_t k = 0; k < d_num_symbols; ++k) {
        const cfloat y = d_symbols[k] * std::polar(1.0f / d_gain, -d_phases[k]);
        if (d_known[k] != cfloat(0)) {
            d_evidence[k] = { twice * (y * std::conj(d_known[k])).imag(), twice };
            continue;
        }
        d_soft[k] = decide.moments(y, d_noise_variance);
        d_evidence[k].score = twice * (y * std::conj(d_soft[k].mean)).imag();
        squares += d_evidence[k].score * d_evidence[k].score;
        energy += std::norm(d_soft[k].mean);
    }
    // Fisher: the mean square of the score is the information, at most that of known symbols.
    const float share = energy > 0 ? std::min(float(squares / energy), twice) : 0.0f;
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        if (d_known[k] == cfloat(0))
            d_evidence[k].information = share * std::norm(d_soft[k].mean);
}

} // namespace gr::resivid::phy
