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
    return (PREAMBLE_SYMBOLS + 1) * int(d_settings.samples_per_symbol) + d_filter.half_length() + 1;
}

burst_estimate burst_demodulator::demodulate(const cfloat* x,
                                             const burst_timing& timing,
                                             unsigned opening,
                                             unsigned closing,
                                             unsigned bits_per_symbol,
                                             cfloat* payload)
{
    d_num_symbols = d_layout.frame_symbols() + (closing < NUM_PREAMBLES ? PREAMBLE_SYMBOLS : 0);
    mix(x, timing);
    filter(timing.first, timing.last);
    place_known(opening, closing);
    const double frequency = find_frequency(timing.frequency_deviation);
    d_turn = 1;
    turn(frequency);
    start_phase();
    std::fill(d_phases.begin(), d_phases.end(), 0.0f);
    std::fill(d_soft.begin(), d_soft.end(), symbol_moments{});
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        d_products[k] = d_symbols[k] * std::conj(d_known[k]) / d_gain;
    d_tracker.follow(d_products.data(), d_noise_variance, d_num_symbols, d_phases.data());
    const auto& decide = d_decide.at(bits_per_symbol / 2 - 1);
    for (int pass = 0; pass < PASSES; ++pass) {
        measure_gain();
        take_evidence(decide);
        if (pass + 1 == PASSES)
            d_tracker.learn(d_evidence.data(), d_num_symbols, d_phases.data());
        d_tracker.smooth(d_evidence.data(), d_num_symbols, d_phases.data());
        if (pass == 0)
            improve_times(frequency);
    }
    measure_gain();

    const auto& positions = d_layout.payload_positions();
    for (std::size_t i = 0; i < positions.size(); ++i)
        payload[i] = d_symbols[positions[i]] * std::polar(1.0f / d_gain, -d_phases[positions[i]]);
    const double slope =
        (d_phases[d_num_symbols - 1] - d_phases.front()) / double(d_num_symbols - 1) / TWO_PI;
    return { d_first,
             d_last,
             timing.frequency + frequency + slope,
             -10.0f * std::log10(d_noise_variance),
             d_gain,
             d_tracker.variance() };
}

// The samples of the frame without the carrier that they are thought to have.
void burst_demodulator::mix(const cfloat* x, const burst_timing& timing)
{
    const int spare = int(d_settings.samples_per_symbol); // times are improved by less
    const auto start = std::ptrdiff_t(std::floor(timing.first)) - d_filter.half_length() - spare;
    const auto end = std::ptrdiff_t(std::floor(timing.last)) + samples_behind();
    const std::size_t n = std::min<std::size_t>(end - start + 1, d_mixed.size());
    mix_down(x + start, n, timing.frequency / d_settings.samples_per_symbol, d_mixed.data());
    d_start = double(start);
}

// The symbols at their times.
void burst_demodulator::filter(double first, double last)
{
    d_first = first;
    d_last = last;
    const double step = (last - first) / d_layout.frame_symbols();
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        d_symbols[k] = d_filter.at(d_mixed.data(), first - d_start + step * double(k));
}

/* A Gauss-Newton step of times along the frame, linear from end to end. With s what a symbol
 * probably is, the slope of the likelihood is Re(s* dy/dt); its curve is -(pi^2 / 3) gain E|s|^2
 * for a signal of this bandwidth. Neighbours that disturb dy/dt cancel in the sum over the frame.
 */
void burst_demodulator::improve_times(double frequency)
{
    constexpr double APART = 0.25;    // symbols, of the difference that stands for dy/dt
    constexpr double FARTHEST = 0.25; // symbols
    constexpr double CURVE = 9.8696044 / 3;
    const double apart = APART * d_settings.samples_per_symbol;
    const double step = (d_last - d_first) / d_layout.frame_symbols();
    double slope = 0;
    double slope_ramp = 0;
    double curve = 0;
    double curve_ramp = 0;
    for (std::size_t k = 0; k < d_num_symbols; ++k) {
        const auto [reference, square] =
            d_known[k] != cfloat(0) ? symbol_moments{ d_known[k], 1.0f } : d_soft[k];
        const double time = d_first - d_start + step * double(k);
        const cfloat change =
            d_filter.at(d_mixed.data(), time + apart) - d_filter.at(d_mixed.data(), time - apart);
        const double angle =
            std::arg(d_turn) - d_phases[k] - TWO_PI * std::fmod(frequency * double(k), 1.0);
        const double part =
            (change * std::conj(reference) * cfloat(std::polar(1.0, angle))).real() / (2 * APART);
        const double along = double(k) / double(d_num_symbols) - 0.5;
        slope += part;
        slope_ramp += part * along;
        curve += square;
        curve_ramp += square * along * along;
    }
    const double scale = CURVE * d_gain;
    const double shift = std::clamp(slope / (scale * curve), -FARTHEST, FARTHEST);
    const double ramp = std::clamp(slope_ramp / (scale * curve_ramp), -FARTHEST, FARTHEST);
    const double symbol = d_settings.samples_per_symbol;
    const double end = double(d_layout.frame_symbols()) / double(d_num_symbols) - 0.5;
    filter(d_first + (shift - 0.5 * ramp) * symbol, d_last + (shift + end * ramp) * symbol);
    turn(frequency);
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        d_symbols[k] *= d_turn;
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

// Behind the last of the known symbols over which the carrier is taken for steady.
std::vector<unsigned>::const_iterator burst_demodulator::end_of_span() const
{
    auto end = d_known_positions.cend();
    while (*(end - 1) >= FREQUENCY_SPAN && end - d_known_positions.cbegin() > 100)
        --end;
    return end;
}

/* The offset from the thought frequency, within three deviations, under which the known symbols add
 * up best; |sum|^2 / (n N0) is the log likelihood, on which the deviation counts as a prior. */
double burst_demodulator::find_frequency(double deviation)
{
    const auto end = end_of_span();
    const double span = *(end - 1) + 1;
    double energy = 0;
    for (auto position = d_known_positions.cbegin(); position != end; ++position)
        energy += std::norm(d_symbols[*position]);
    const double num = double(end - d_known_positions.cbegin());
    const auto coherent_power = [&](double frequency) {
        std::complex<double> sum = 0;
        std::complex<double> turn = 1;
        const auto step = std::polar(1.0, -TWO_PI * frequency);
        unsigned before = 0;
        for (auto position = d_known_positions.cbegin(); position != end; ++position) {
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

void burst_demodulator::turn(double frequency)
{
    mix_down(d_symbols.data(), d_num_symbols, frequency, d_symbols.data());
}

/* Phase, gain and noise of the known symbols over which the frequency was found: farther on, what
 * is left of it may have turned the phase by any angle. */
void burst_demodulator::start_phase()
{
    cfloat sum = 0;
    double energy = 0;
    const auto end = end_of_span();
    for (auto position = d_known_positions.cbegin(); position != end; ++position) {
        sum += d_symbols[*position] * std::conj(d_known[*position]);
        energy += std::norm(d_symbols[*position]);
    }
    const double num = double(end - d_known_positions.cbegin());
    if (std::abs(sum) > 0)
        d_turn = std::conj(sum) / std::abs(sum);
    for (std::size_t k = 0; k < d_num_symbols; ++k)
        d_symbols[k] *= d_turn;
    set_gain(std::abs(sum) / num, energy / num);
    set_noise(energy / num / (d_gain * d_gain) - 1);
}

// \param energy mean of the received symbols: bounds the gain from below, where nothing adds up.
void burst_demodulator::set_gain(double gain, double energy)
{
    d_gain = float(std::max({ gain, std::sqrt(energy / MOST_NOISE), 1e-20 }));
}

void burst_demodulator::set_noise(double variance)
{
    d_noise_variance = std::clamp(float(variance), LEAST_NOISE, MOST_NOISE);
}

/* Gain and noise at the phases in force, by the known symbols and by what the others probably are
 * (a step of expectation maximisation). */
void burst_demodulator::measure_gain()
{
    double product = 0;
    double energy = 0;
    double received = 0;
    for (std::size_t k = 0; k < d_num_symbols; ++k) {
        const auto [reference, square] =
            d_known[k] != cfloat(0) ? symbol_moments{ d_known[k], 1.0f } : d_soft[k];
        received += std::norm(d_symbols[k]);
        const cfloat turned = d_symbols[k] * std::polar(1.0f, -d_phases[k]);
        product += (turned * std::conj(reference)).real();
        energy += square;
    }
    set_gain(product / energy, received / double(d_num_symbols));
    double noise = 0;
    for (unsigned k : d_known_positions)
        noise += std::norm(d_symbols[k] * std::polar(1.0f, -d_phases[k]) - d_gain * d_known[k]);
    set_noise(noise / (double(d_known_positions.size()) * d_gain * d_gain));
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
