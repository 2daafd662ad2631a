// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Payload symbols to the samples of a burst signal.
#pragma once

#include "pulse.h"

namespace gr::resivid::phy {

/*! \brief Frames of preamble, payload and pilots, pulse-shaped, back to back.
 *
 * The samples have mean power 1; peaks reach some 8 dB more. Symbol i of a frame whose first sample
 * is sample n of the output has its centre at n + (i + PULSE_HALF_SPAN) samples_per_symbol. A frame
 * needs what closes it: the next frame, an idle one, or `close`. No allocation after construction.
 */
class burst_framer
{
public:
    //! \throws std::invalid_argument as `check` does.
    explicit burst_framer(const burst_settings& settings);

    static constexpr std::size_t MORE_SILENCE = 16;

    const burst_layout& layout() const { return d_layout; }

    //! Samples that `frame` and `idle` write, and those that `close` writes.
    std::size_t frame_samples() const { return d_layout.frame_symbols() * d_samples_per_symbol; }
    std::size_t closing_samples() const { return closing_symbols() * d_samples_per_symbol; }

    /*! \brief One frame.
     *  \param preamble below NUM_ROW_PREAMBLES. \throws std::out_of_range for another one. */
    void frame(unsigned preamble, const cfloat* payload, cfloat* out);

    //! A frame that carries nothing: keeps a transmitter that must not stop, and its receivers.
    void idle(cfloat* out);

    //! The idle preamble alone, and silence when it has left the filter: the end of a burst.
    void close(cfloat* out);

    //! The same in pieces: what to write, then `shape`, until nothing is left or something else
    //! begins in its place, at the next symbol. Returns the symbols.
    std::size_t begin_frame(unsigned preamble, const cfloat* payload);
    std::size_t begin_idle();
    std::size_t begin_close(std::size_t more_silence = 0); // symbols, at most MORE_SILENCE

    //! The next n symbols of what was begun, n times samples_per_symbol samples.
    void shape(std::size_t n, cfloat* out);

private:
    static constexpr std::size_t closing_symbols()
    {
        return PREAMBLE_SYMBOLS + 2 * PULSE_HALF_SPAN;
    }

    unsigned d_samples_per_symbol;
    burst_layout d_layout;
    std::vector<cfloat> d_idle_payload;
    std::vector<cfloat> d_frame;
    std::size_t d_shaped = 0; // symbols of d_frame
    pulse_shaper d_shaper;
};

} // namespace gr::resivid::phy
