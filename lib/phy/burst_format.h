// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What both ends know of a burst: the preambles and where known symbols stand in a frame.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

//! A symbol or a sample of complex baseband.
using cfloat = std::complex<float>;

constexpr unsigned PREAMBLE_SYMBOLS = 72;
constexpr unsigned PILOT_SYMBOLS = 4;       //!< of one group
constexpr unsigned MAX_PILOT_SPACING = 105; //!< payload symbols between known ones
constexpr unsigned NUM_ROW_PREAMBLES = 16;  //!< each names a row of the MCS table
constexpr unsigned IDLE_PREAMBLE = 16;      //!< nothing for the decoder follows
constexpr unsigned NUM_PREAMBLES = 17;
constexpr unsigned MIN_BURST_PAYLOAD = 64;    //!< symbols
constexpr unsigned MAX_BURST_PAYLOAD = 65536; //!< symbols

/*! \brief Shape of a burst signal; both ends have the same. */
struct burst_settings {
    unsigned payload_symbols = 629;  //!< k_t, MIN_BURST_PAYLOAD..MAX_BURST_PAYLOAD
    unsigned samples_per_symbol = 4; //!< 2..16; the receiver needs 3 to bear half a symbol rate
    float roll_off = 0.1f;           //!< of the root-raised-cosine pulse, 0.05..1
};

//! \throws std::invalid_argument naming what is out of range.
void check(const burst_settings& settings);

/*! \brief The symbols of preamble `index`, of energy 1: QPSK, TS 38.211 5.1.3, of 144 bits of the
 * Gold sequence of TS 38.211 5.2.1. Their c_init are the smallest that correlate little with each
 * other and themselves: docs/air-interface.md gives the rule and the numbers.
 *  \throws std::invalid_argument when index is not below NUM_PREAMBLES. */
std::vector<cfloat> preamble_symbols(unsigned index);

/*! \brief Where preamble, pilots and payload stand: preamble, then the payload in num_groups() + 1
 * parts as equal as can be with a group of pilots between them. The preamble of the next frame, or
 * the idle preamble, closes the frame. */
class burst_layout
{
public:
    //! \throws std::invalid_argument for a payload that is out of range.
    explicit burst_layout(unsigned payload_symbols);

    unsigned payload_symbols() const { return d_payload_positions.size(); }
    unsigned frame_symbols() const { return d_frame_symbols; } //!< F, without what closes it
    unsigned num_groups() const { return d_pilots.size() / PILOT_SYMBOLS; }

    //! Symbol of the frame at which each payload symbol and each pilot stands, rising.
    const std::vector<unsigned>& payload_positions() const { return d_payload_positions; }
    const std::vector<unsigned>& pilot_positions() const { return d_pilot_positions; }
    const std::vector<cfloat>& pilots() const { return d_pilots; }

    //! Symbols of preamble `index`. \throws std::out_of_range when there is none.
    const std::vector<cfloat>& preamble(unsigned index) const { return d_preambles.at(index); }

    //! Write the frame_symbols() symbols of a frame.
    void assemble(unsigned preamble, const cfloat* payload, cfloat* frame) const;

private:
    unsigned d_frame_symbols;
    std::vector<unsigned> d_payload_positions;
    std::vector<unsigned> d_pilot_positions;
    std::vector<cfloat> d_pilots;
    std::vector<std::vector<cfloat>> d_preambles;
};

} // namespace gr::resivid::phy
