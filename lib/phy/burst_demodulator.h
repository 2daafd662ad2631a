// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The samples of one frame of known time and row to payload symbols of gain 1.
#pragma once

#include "phase_tracker.h"
#include "pulse.h"
#include "soft_symbols.h"

namespace gr::resivid::phy {

/*! \brief Where a frame stands and what its carrier is thought to be. */
struct burst_timing {
    double first = 0;               //!< centre of its first symbol, in samples
    double last = 0;                //!< centre of the first symbol of what closes it
    double frequency = 0;           //!< cycles a symbol
    double frequency_deviation = 0; //!< standard deviation of that
};

/*! \brief What is known of a frame after it. */
struct burst_estimate {
    double first;      //!< as in burst_timing, better
    double last;       //!< the same
    double frequency;  //!< cycles a symbol, of the whole frame
    float snr_db;      //!< Es/N0
    float gain;        //!< amplitude of a symbol
    float phase_noise; //!< variance of a step, rad^2 a symbol, that the tracker assumes
};

/*! \brief Matched filter, carrier, gain, SNR over a whole frame and the preamble that closes it.
 *
 * The frequency is the one under which all known symbols add up best, the phase then follows them
 * (`phase_tracker::follow`), and what the payload symbols probably are makes phase and times
 * better. No allocation after construction. */
class burst_demodulator
{
public:
    explicit burst_demodulator(const burst_settings& settings);

    const burst_layout& layout() const { return d_layout; }

    //! Samples that `demodulate` needs before timing.first and behind timing.last.
    int samples_before() const
    {
        return d_filter.half_length() + int(d_settings.samples_per_symbol);
    }
    int samples_behind() const;

    /*! \brief One frame.
     *  \param x samples; timing counts from x[0], both ends within samples_*.
     *  \param opening, closing their preambles; NUM_PREAMBLES when nothing closes it.
     *  \param bits_per_symbol of the payload, 2, 4, 6 or 8.
     *  \param payload payload_symbols() values of gain 1. */
    burst_estimate demodulate(const cfloat* x,
                              const burst_timing& timing,
                              unsigned opening,
                              unsigned closing,
                              unsigned bits_per_symbol,
                              cfloat* payload);

    //! Another transmitter: nothing learnt holds.
    void forget() { d_tracker.forget(); }

private:
    void mix(const cfloat* x, const burst_timing& timing);
    void filter(double first, double last);
    void place_known(unsigned opening, unsigned closing);
    std::vector<unsigned>::const_iterator end_of_span() const;
    double find_frequency(double deviation);
    void turn(double frequency);
    void improve_times(double frequency);
    void start_phase();
    void set_gain(double gain, double energy);
    void set_noise(double variance);
    void measure_gain();
    void take_evidence(const soft_symbols& decide);

    burst_settings d_settings;
    burst_layout d_layout;
    matched_filter d_filter;
    phase_tracker d_tracker;
    std::vector<soft_symbols> d_decide; // by bits_per_symbol / 2 - 1
    std::vector<cfloat> d_mixed;
    double d_start = 0; // sample at which d_mixed begins
    double d_first = 0; // times in force, in samples
    double d_last = 0;
    cfloat d_turn = 1;             // mean phase taken away
    std::size_t d_num_symbols = 0; // of the frame and of what closes it
    std::vector<cfloat> d_symbols;
    std::vector<cfloat> d_known; // the same, where known; else 0
    std::vector<unsigned> d_known_positions;
    std::vector<cfloat> d_products;
    std::vector<symbol_moments> d_soft; // what the payload symbols probably are
    std::vector<float> d_phases;
    std::vector<phase_evidence> d_evidence;
    float d_gain = 1;
    float d_noise_variance = 1; // at gain 1
};

} // namespace gr::resivid::phy
