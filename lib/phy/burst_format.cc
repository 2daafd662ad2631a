// SPDX-License-Identifier: GPL-3.0-or-later
#include "burst_format.h"

#include "qam.h"
#include "scrambler.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

constexpr std::uint32_t PREAMBLE_INITS[NUM_PREAMBLES] = { 1,  3,   8,   16,  21,  40,  44,  54, 77,
                                                          90, 116, 128, 145, 155, 202, 278, 290 };
constexpr std::uint32_t PILOT_INIT = 0x50494c54; // "PILT"

std::vector<cfloat> gold_qpsk(std::uint32_t c_init, std::size_t n)
{
    std::vector<cfloat> symbols(n);
    qam_mapper(2).map(gold_sequence(c_init, 2 * n).data(), symbols.data(), n);
    return symbols;
}

void check_range(const char* name, double value, double low, double high)
{
    if (!(value >= low && value <= high))
        throw std::invalid_argument(std::string(name) + ": expected " + std::to_string(low) +
                                    " to " + std::to_string(high) + ", got " +
                                    std::to_string(value));
}

} // namespace

void check(const burst_settings& s)
{
    check_range("payload_symbols", s.payload_symbols, MIN_BURST_PAYLOAD, MAX_BURST_PAYLOAD);
    check_range("samples_per_symbol", s.samples_per_symbol, 2, 16);
    check_range("roll_off", s.roll_off, 0.05f, 1);
}

std::vector<cfloat> preamble_symbols(unsigned index)
{
    if (index >= NUM_PREAMBLES)
        throw std::invalid_argument("preamble: expected 0 to " + std::to_string(NUM_PREAMBLES - 1) +
                                    ", got " + std::to_string(index));
    return gold_qpsk(PREAMBLE_INITS[index], PREAMBLE_SYMBOLS);
}

burst_layout::burst_layout(unsigned payload)
{
    check_range("payload_symbols", payload, MIN_BURST_PAYLOAD, MAX_BURST_PAYLOAD);
    const unsigned parts = (payload + MAX_PILOT_SPACING - 1) / MAX_PILOT_SPACING;
    unsigned position = PREAMBLE_SYMBOLS;
    for (unsigned part = 0; part < parts; ++part) {
        if (part > 0)
            for (unsigned i = 0; i < PILOT_SYMBOLS; ++i)
                d_pilot_positions.push_back(position++);
        while (d_payload_positions.size() < payload * (part + 1) / parts)
            d_payload_positions.push_back(position++);
    }
    d_frame_symbols = position;
    d_pilots = gold_qpsk(PILOT_INIT, d_pilot_positions.size());
    for (unsigned index = 0; index < NUM_PREAMBLES; ++index)
        d_preambles.push_back(preamble_symbols(index));
}

void burst_layout::assemble(unsigned preamble, const cfloat* payload, cfloat* frame) const
{
    std::copy_n(d_preambles.at(preamble).data(), PREAMBLE_SYMBOLS, frame);
    for (std::size_t i = 0; i < d_pilots.size(); ++i)
        frame[d_pilot_positions[i]] = d_pilots[i];
    for (std::size_t i = 0; i < d_payload_positions.size(); ++i)
        frame[d_payload_positions[i]] = payload[i];
}

} // namespace gr::resivid::phy
