// SPDX-License-Identifier: GPL-3.0-or-later
//! \file A stream of samples to the bursts in it.
#pragma once

#include "burst_demodulator.h"
#include "preamble_probe.h"
#include "preamble_search.h"

namespace gr::resivid::phy {

/*! \brief A row of the MCS table as the air names it. */
struct burst_row {
    unsigned preamble;        //!< below NUM_ROW_PREAMBLES
    unsigned bits_per_symbol; //!< 2, 4, 6 or 8
};

/*! \brief A frame that was received. */
struct burst {
    unsigned row = 0;
    const cfloat* symbols = nullptr; //!< payload_symbols of gain 1; valid until the next call
    double position = 0;             //!< centre of its first symbol, samples since the start
    double cfo = 0;                  //!< carrier frequency offset, cycles a symbol
    double clock_ppm = 0;            //!< the receiver's clock is so much slower than the sender's
    float snr_db = 0;                //!< estimate of Es/N0
    float gain = 0;                  //!< amplitude of the symbols as received
    float phase_noise = 0;           //!< variance that the phase tracker assumes, rad^2 a symbol
};

/*! \brief Finds frames among samples and follows them.
 *
 * Searching: every candidate of `preamble_search` that a preamble closes a frame later is taken for
 * a frame. Tracking: the next preamble is looked for where it must be; it closes one frame and
 * opens the next. When it is not there, the search begins anew at that place. A frame is therefore
 * out as soon as its closing preamble is in. The time of a sample decides what is done with it, not
 * the pieces in which samples come. Whatever they hold, nothing is thrown, and no memory is
 * allocated after construction. */
class burst_synchroniser
{
public:
    /*! \param rows of the MCS table, by number; 1 to 16, no preamble twice.
     *  \param max_cfo carrier frequency offset to be searched, cycles a symbol, 0.001 to 0.5.
     *  \throws std::invalid_argument naming what is out of range. */
    burst_synchroniser(const burst_settings& settings,
                       std::vector<burst_row> rows,
                       double max_cfo = 0.5);

    /*! \brief Take samples; values that are not finite count as 0, others are limited.
     *  \return how many were taken, at least 1 unless `next` has a burst or n is 0. */
    std::size_t push(const cfloat* samples, std::size_t n);

    //! The next burst; null when more samples are needed.
    const burst* next();

    bool tracking() const { return d_tracking; }

    //! Samples taken since the start.
    std::uint64_t num_pushed() const { return std::uint64_t(d_base + std::int64_t(d_size)); }

    //! No burst whose first symbol stands before this sample is still to come.
    double searched_until() const;

    //! Preambles that the search held for one and that no second one confirmed.
    std::uint64_t num_false_alarms() const { return d_false_alarms; }

    //! Samples that `next` may need beyond a frame's own.
    std::size_t latency_samples() const;

    const burst_layout& layout() const { return d_demodulator.layout(); }

private:
    bool search();
    bool confirm(const preamble_candidate& candidate);
    bool track();
    void receive(const probed_preamble& closing, bool closed);
    void lose(double restart);
    bool has(double time, int behind) const;
    const cfloat* at_base() const { return d_buffer.data(); }
    void discard();

    burst_settings d_settings;
    std::vector<int> d_row_of_preamble; // -1: none
    std::vector<unsigned> d_bits_per_symbol;
    double d_max_cfo;
    preamble_search d_search;
    preamble_probe d_probe;
    burst_demodulator d_demodulator;

    std::vector<cfloat> d_buffer; // d_size samples from number d_base on
    std::size_t d_size = 0;
    std::int64_t d_base; // below 0 at first: silence before the first sample

    bool d_tracking = false;
    unsigned d_hopeless_frames = 0; // in a row, while it tracks
    double d_next_block = 0; // start of the block to be searched next, samples since the start
    std::vector<preamble_candidate> d_candidates; // times since the start; the last one is next
    probed_preamble d_opening;                    // of the frame that is tracked, since the start
    double d_closing_time = 0;                    // of the frame received last, since the start
    double d_frequency_deviation = 0;
    double d_samples_per_frame = 0; // by the frames before
    bool d_has_burst = false;
    burst d_burst;
    std::vector<cfloat> d_payload;
    std::uint64_t d_false_alarms = 0;
};

} // namespace gr::resivid::phy
