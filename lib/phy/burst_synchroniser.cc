// SPDX-License-Identifier: GPL-3.0-or-later
#include "burst_synchroniser.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

/* Metrics: noise alone exceeds T with e^-T in each cell of time, frequency and preamble. */
constexpr float SEARCH_THRESHOLD = 12.0f;  // some in each block of noise
constexpr float CONFIRM_THRESHOLD = 28.0f; // of two preambles together: some 1e-3 a block
constexpr float ALONE_THRESHOLD = 5.0f;    // each of the two
constexpr float TRACK_THRESHOLD = 9.0f;    // some 200 cells

constexpr double CONFIRM_REACH = 1.0;           // symbols, of the first preamble
constexpr double TRACK_REACH = 1.0;             // symbols
constexpr double CLOCK_TOLERANCE = 100e-6;      // of both ends together
constexpr double COLD_DEVIATION = 1.0 / 3 / 72; // cycles a symbol, of what the search finds
constexpr double WARM_DEVIATION = 5e-4;         // from frame to frame
constexpr double CLOCK_SHARE = 0.3;             // of a new frame's length in the mean
constexpr float LARGEST = 1e6f;                 // of a sample's axis

/* A preamble at another frequency and time resembles others a little. A track that samples which
 * were lost have led there would find such a likeness in every frame and never end; its known
 * symbols do not fit. No row can be read at such an Es/N0. */
constexpr float HOPELESS_DB = -6.0f;
constexpr float HOPELESS_METRIC =
    14.0f; // of an idle frame, whose symbols nobody knows: about the same
constexpr unsigned HOPELESS_FRAMES = 3;

std::vector<unsigned> preambles_of(const std::vector<burst_row>& rows)
{
    std::vector<unsigned> preambles;
    for (const auto& row : rows)
        preambles.push_back(row.preamble);
    preambles.push_back(IDLE_PREAMBLE);
    return preambles;
}

const burst_settings&
checked(const burst_settings& settings, const std::vector<burst_row>& rows, double max_cfo)
{
    check(settings);
    if (rows.empty() || rows.size() > NUM_ROW_PREAMBLES)
        throw std::invalid_argument("rows: expected 1 to 16, got " + std::to_string(rows.size()));
    std::vector<bool> taken(NUM_ROW_PREAMBLES);
    for (const auto& row : rows) {
        if (row.preamble >= NUM_ROW_PREAMBLES)
            throw std::invalid_argument("preamble: expected 0 to 15, got " +
                                        std::to_string(row.preamble));
        if (taken[row.preamble])
            throw std::invalid_argument("preamble " + std::to_string(row.preamble) +
                                        ": expected once, got it twice");
        taken[row.preamble] = true;
        constellation{ row.bits_per_symbol }; // throws for a number that is none
    }
    if (!(max_cfo >= 0.001 && max_cfo <= 0.5))
        throw std::invalid_argument("max_cfo: expected 0.001 to 0.5 symbol rates, got " +
                                    std::to_string(max_cfo));
    return settings;
}

/* Symbols of a search block: short enough that a block lies within the frame that follows, so that
 * a transmitter that waits for an answer gets one. */
unsigned block_symbols(const burst_layout& layout)
{
    unsigned symbols = 128;
    while (symbols < 1024 && 2 * symbols + 100 <= layout.frame_symbols())
        symbols *= 2;
    return symbols;
}

float limited(float value)
{
    return std::isfinite(value) ? std::clamp(value, -LARGEST, LARGEST) : 0.0f;
}

} // namespace

burst_synchroniser::burst_synchroniser(const burst_settings& settings,
                                       std::vector<burst_row> rows,
                                       double max_cfo)
    : d_settings(checked(settings, rows, max_cfo)),
      d_row_of_preamble(NUM_PREAMBLES, -1),
      d_max_cfo(max_cfo),
      d_search(settings,
               preambles_of(rows),
               block_symbols(burst_layout(settings.payload_symbols)),
               max_cfo),
      d_probe(settings, preambles_of(rows)),
      d_demodulator(settings),
      d_payload(settings.payload_symbols)
{
    for (const auto& row : rows) {
        d_row_of_preamble[row.preamble] = int(d_bits_per_symbol.size());
        d_bits_per_symbol.push_back(row.bits_per_symbol);
    }
    d_samples_per_frame = double(layout().frame_symbols()) * settings.samples_per_symbol;
    const std::size_t margin = 4 * std::size_t(d_demodulator.samples_behind());
    d_buffer.resize(std::size_t(2 * d_samples_per_frame) + 2 * d_search.block_samples() + margin);
    d_candidates.reserve(preamble_search::MAX_CANDIDATES);
    d_size = std::size_t(d_probe.samples_before(preamble_probe::MAX_REACH)) + 1;
    d_base = -std::int64_t(d_size);
}

std::size_t burst_synchroniser::latency_samples() const
{
    return d_search.block_samples() + d_probe.samples_behind(preamble_probe::MAX_REACH);
}

std::size_t burst_synchroniser::push(const cfloat* samples, std::size_t n)
{
    if (d_buffer.size() - d_size < std::min(n, d_buffer.size() / 4))
        discard();
    n = std::min(n, d_buffer.size() - d_size);
    for (std::size_t i = 0; i < n; ++i)
        d_buffer[d_size + i] = { limited(samples[i].real()), limited(samples[i].imag()) };
    d_size += n;
    return n;
}

// Forget samples that nothing will look at again.
void burst_synchroniser::discard()
{
    const double needed = searched_until() - d_demodulator.samples_before() -
                          d_probe.samples_before(preamble_probe::MAX_REACH);
    if (needed <= double(d_base))
        return;
    const std::size_t n = std::min(std::size_t(needed - double(d_base)), d_size);
    std::copy(d_buffer.begin() + n, d_buffer.begin() + d_size, d_buffer.begin());
    d_size -= n;
    d_base += n;
}

double burst_synchroniser::searched_until() const
{
    if (d_tracking)
        return d_opening.time;
    return d_candidates.empty() ? d_next_block : std::min(d_next_block, d_candidates.back().time);
}

bool burst_synchroniser::has(double time, int behind) const
{
    return std::floor(time) + behind < double(d_base) + double(d_size);
}

const burst* burst_synchroniser::next()
{
    d_has_burst = false;
    while (!d_has_burst && (d_tracking ? track() : search()))
        ;
    return d_has_burst ? &d_burst : nullptr;
}

/*! One step of the search. \return whether anything was done. */
bool burst_synchroniser::search()
{
    if (!d_candidates.empty()) {
        const auto& candidate = d_candidates.back();
        if (!has(candidate.time + d_samples_per_frame * (1 + CLOCK_TOLERANCE),
                 d_probe.samples_behind(preamble_probe::MAX_REACH)))
            return false;
        if (confirm(candidate))
            d_candidates.clear();
        else
            d_candidates.pop_back();
        return true;
    }
    if (!has(d_next_block, int(d_search.block_samples()) - 1))
        return false;
    const auto start = std::size_t(d_next_block - double(d_base));
    const auto& found = d_search.find(&d_buffer[start], SEARCH_THRESHOLD);
    for (auto candidate = found.rbegin(); candidate != found.rend(); ++candidate) {
        d_candidates.push_back(*candidate);
        d_candidates.back().time += d_next_block;
    }
    d_next_block += double(d_search.step_samples());
    return true;
}

//! A frame begins where a preamble is followed by another one a frame later.
bool burst_synchroniser::confirm(const preamble_candidate& candidate)
{
    const double base = double(d_base);
    if (candidate.time - base < d_probe.samples_before(preamble_probe::MAX_REACH))
        return false; // before the first sample
    auto opening = d_probe.find(at_base(),
                                candidate.time - base,
                                CONFIRM_REACH,
                                candidate.frequency,
                                0.5 / PREAMBLE_SYMBOLS);
    opening.time += base;
    const double reach = CONFIRM_REACH + CLOCK_TOLERANCE * layout().frame_symbols();
    const auto closing = d_probe.find(at_base(),
                                      opening.time + d_samples_per_frame - base,
                                      std::min(reach, preamble_probe::MAX_REACH),
                                      opening.frequency,
                                      0.5 / PREAMBLE_SYMBOLS);
    if (std::min(opening.metric, closing.metric) < ALONE_THRESHOLD ||
        opening.metric + closing.metric < CONFIRM_THRESHOLD) {
        ++d_false_alarms;
        return false;
    }
    d_opening = opening;
    d_frequency_deviation = COLD_DEVIATION;
    d_demodulator.forget();
    d_tracking = true;
    d_hopeless_frames = 0;
    return true;
}

/*! One step of tracking. \return whether anything was done. */
bool burst_synchroniser::track()
{
    const double expected = d_opening.time + d_samples_per_frame;
    const int behind = std::max(d_probe.samples_behind(preamble_probe::MAX_REACH),
                                d_demodulator.samples_behind() + int(TRACK_REACH) + 64);
    if (!has(expected, behind))
        return false;
    const double base = double(d_base);
    const double reach = TRACK_REACH + CLOCK_TOLERANCE * layout().frame_symbols();
    auto closing = d_probe.find(at_base(),
                                expected - base,
                                std::min(reach, preamble_probe::MAX_REACH),
                                d_opening.frequency,
                                d_frequency_deviation);
    closing.time += base;
    const bool found = closing.metric >= TRACK_THRESHOLD;
    if (found)
        d_samples_per_frame += CLOCK_SHARE * (closing.time - d_opening.time - d_samples_per_frame);
    else
        closing.time = expected;
    const bool idle = d_row_of_preamble[d_opening.index] < 0;
    if (!idle)
        receive(closing, found);
    const bool hopeless = idle ? closing.metric < HOPELESS_METRIC : d_burst.snr_db < HOPELESS_DB;
    d_hopeless_frames = hopeless ? d_hopeless_frames + 1 : 0;
    if (!found || d_hopeless_frames >= HOPELESS_FRAMES) {
        const double symbol = d_settings.samples_per_symbol;
        lose(idle ? d_opening.time + PREAMBLE_SYMBOLS * symbol : expected - 2 * symbol);
        return true;
    }
    const double frequency = idle ? closing.frequency : d_burst.cfo;
    const double time = idle ? closing.time : d_closing_time;
    d_opening = closing;
    d_opening.time = time;
    d_opening.frequency = frequency;
    return true;
}

void burst_synchroniser::receive(const probed_preamble& closing, bool closed)
{
    const double base = double(d_base);
    const unsigned row = unsigned(d_row_of_preamble[d_opening.index]);
    const burst_timing timing{
        d_opening.time - base, closing.time - base, d_opening.frequency, d_frequency_deviation
    };
    const auto estimate = d_demodulator.demodulate(at_base(),
                                                   timing,
                                                   d_opening.index,
                                                   closed ? closing.index : NUM_PREAMBLES,
                                                   d_bits_per_symbol[row],
                                                   d_payload.data());
    const double nominal = double(layout().frame_symbols()) * d_settings.samples_per_symbol;
    d_frequency_deviation = WARM_DEVIATION;
    d_closing_time = estimate.last + base;
    d_burst = { row,
                d_payload.data(),
                estimate.first + base,
                estimate.frequency,
                (1 - d_samples_per_frame / nominal) * 1e6,
                estimate.snr_db,
                estimate.gain,
                estimate.phase_noise };
    d_has_burst = true;
}

void burst_synchroniser::lose(double restart)
{
    d_tracking = false;
    d_candidates.clear();
    d_next_block = std::max(std::floor(restart), double(d_base));
    d_samples_per_frame = double(layout().frame_symbols()) * d_settings.samples_per_symbol;
}

} // namespace gr::resivid::phy
