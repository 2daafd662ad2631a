// SPDX-License-Identifier: GPL-3.0-or-later
#include "preamble_search.h"

#include "pulse.h"

#include <algorithm>
#include <cmath>
#include <volk/volk.h>

namespace gr::resivid::phy {
namespace {

constexpr unsigned RATE = 2;  // samples a symbol of the correlations
constexpr int TAIL = 3;       // symbols of the pulse kept beyond the outer symbols
constexpr double APART = 2.0; // symbols between candidates that count as two

// Samples at RATE of the preamble, the first one TAIL symbols before its first symbol.
std::vector<std::complex<double>> shaped_preamble(unsigned index, double roll_off)
{
    const auto symbols = preamble_symbols(index);
    const int last = (int(symbols.size()) - 1 + 2 * TAIL) * int(RATE);
    std::vector<std::complex<double>> samples(last + 1);
    for (int n = 0; n <= last; ++n)
        for (std::size_t k = 0; k < symbols.size(); ++k)
            samples[n] += pulse(double(n) / RATE - TAIL - double(k), roll_off) *
                          std::complex<double>(symbols[k]);
    return samples;
}

// Bins of 1/block_symbols cycles a symbol, half a cell of 1/PREAMBLE_SYMBOLS apart.
std::vector<int> frequency_grid(unsigned block_symbols, double max_frequency)
{
    constexpr double step = 0.5 / PREAMBLE_SYMBOLS;
    const int last = int(std::ceil(max_frequency / step));
    std::vector<int> shifts;
    for (int i = -last; i <= last; ++i)
        shifts.push_back(int(std::lround(i * step * block_symbols)));
    return shifts;
}

} // namespace

preamble_search::preamble_search(const burst_settings& settings,
                                 std::vector<unsigned> preambles,
                                 unsigned block_symbols,
                                 double max_frequency)
    : d_samples_per_symbol(settings.samples_per_symbol),
      d_preambles(std::move(preambles)),
      d_num_starts(RATE * (block_symbols - PREAMBLE_SYMBOLS + 1 - 2 * TAIL)),
      d_shifts(frequency_grid(block_symbols, max_frequency)),
      d_forward(block_symbols * settings.samples_per_symbol, fft::direction::forward),
      d_backward(block_symbols * RATE, fft::direction::backward),
      d_spectrum(3 * d_backward.size()),
      d_power(d_num_starts)
{
    fft transform(d_backward.size(), fft::direction::forward);
    for (unsigned index : d_preambles) {
        std::fill_n(transform.data(), transform.size(), cfloat(0));
        const auto samples = shaped_preamble(index, settings.roll_off);
        std::copy(samples.begin(), samples.end(), transform.data());
        transform.run();
        volk::vector<cfloat> conjugate(transform.size());
        for (std::size_t k = 0; k < conjugate.size(); ++k)
            conjugate[k] = std::conj(transform.data()[k]);
        d_conjugate_spectra.push_back(conjugate);
    }
    d_candidates.reserve(MAX_CANDIDATES + 1);
}

std::size_t preamble_search::step_samples() const
{
    return d_num_starts / RATE * d_samples_per_symbol;
}

const std::vector<preamble_candidate>& preamble_search::find(const cfloat* samples, float threshold)
{
    const std::size_t n = d_backward.size();
    d_candidates.clear();
    std::copy_n(samples, d_forward.size(), d_forward.data());
    d_forward.run();
    // The n bins around zero are those of RATE samples a symbol.
    const cfloat* bins = d_forward.data();
    for (std::size_t copy = 0; copy < 3; ++copy) {
        cfloat* out = &d_spectrum[copy * n];
        std::copy_n(bins, n / 2, out);
        std::copy_n(bins + d_forward.size() - n / 2, n / 2, out + n / 2);
    }
    for (int shift : d_shifts)
        for (std::size_t i = 0; i < d_preambles.size(); ++i) {
            correlate(i, shift);
            float sum = 0;
            std::uint32_t best = 0;
            volk_32f_accumulator_s32f(&sum, d_power.data(), d_num_starts);
            volk_32f_index_max_32u(&best, d_power.data(), d_num_starts);
            const float metric = d_power[best] * d_num_starts / sum;
            if (!(metric >= threshold)) // also where all is zero
                continue;
            keep({ (double(best) / RATE + TAIL) * d_samples_per_symbol,
                   double(shift) * RATE / double(n),
                   d_preambles[i],
                   metric });
        }
    std::sort(d_candidates.begin(), d_candidates.end(), [](const auto& a, const auto& b) {
        return a.time < b.time;
    });
    return d_candidates;
}

void preamble_search::correlate(std::size_t preamble, int shift)
{
    const std::size_t n = d_backward.size();
    volk_32fc_x2_multiply_32fc(d_backward.data(),
                               &d_spectrum[std::size_t(int(n) + shift)],
                               d_conjugate_spectra[preamble].data(),
                               n);
    d_backward.run();
    volk_32fc_magnitude_squared_32f(d_power.data(), d_backward.data(), d_num_starts);
}

// The best MAX_CANDIDATES that are apart.
void preamble_search::keep(const preamble_candidate& candidate)
{
    const double apart = APART * d_samples_per_symbol;
    for (auto& other : d_candidates)
        if (std::abs(other.time - candidate.time) < apart) {
            if (candidate.metric > other.metric)
                other = candidate;
            return;
        }
    d_candidates.push_back(candidate);
    if (d_candidates.size() > MAX_CANDIDATES)
        d_candidates.erase(std::min_element(
            d_candidates.begin(), d_candidates.end(), [](const auto& a, const auto& b) {
                return a.metric < b.metric;
            }));
}

} // namespace gr::resivid::phy
