// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The root-raised-cosine pulse: shaping at whole samples, matched filter at any time.
#pragma once

#include "burst_format.h"

#include <volk/volk_alloc.hh>

namespace gr::resivid::phy {

constexpr int PULSE_HALF_SPAN = 20; //!< symbols on either side of the pulse's centre

/*! \brief The pulse at a time in symbols, 0 from PULSE_HALF_SPAN on: root-raised cosine of this
 * roll-off times a Kaiser window of beta 2. Intersymbol interference of two in a row is below
 * -44 dB at roll-off 0.1. */
double pulse(double symbols, double roll_off);

/*! \brief Symbols of mean energy 1 to samples of mean power 1, PULSE_HALF_SPAN symbols late. */
class pulse_shaper
{
public:
    pulse_shaper(unsigned samples_per_symbol, float roll_off, std::size_t max_symbols);

    //! n <= max_symbols symbols to n times samples_per_symbol samples; goes on from call to call.
    void shape(const cfloat* symbols, std::size_t n, cfloat* samples);

    //! Forget what came before: silence.
    void reset();

private:
    std::vector<volk::vector<float>> d_taps; // of each sample of a symbol
    std::vector<cfloat> d_symbols;           // 2 PULSE_HALF_SPAN old ones, then the new ones
};

/*! \brief Symbols out of samples at any time: correlation with the pulse, of gain 1.
 *
 * White noise of variance v a sample becomes v / samples_per_symbol when the samples are of the
 * shaper's scale. Times are rounded to 1/PHASES of a sample. */
class matched_filter
{
public:
    static constexpr int PHASES = 64;

    matched_filter(unsigned samples_per_symbol, float roll_off);

    //! Samples that are needed before and behind a symbol's time.
    int half_length() const { return d_half_length; }

    //! The symbol at `time`, in samples from x[0]; x reaches half_length() to both sides.
    cfloat at(const cfloat* x, double time) const;

private:
    int d_half_length;
    std::vector<volk::vector<float>> d_taps; // by phase
};

} // namespace gr::resivid::phy
