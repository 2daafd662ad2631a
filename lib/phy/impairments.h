// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What real transmitters and receivers do to a signal of RMS 1, one small class each.
#pragma once

#include "random_source.h"

#include <cstddef>
#include <vector>

namespace gr::resivid::phy {

//! Items of complex baseband.
using item = std::complex<float>;

/*! \brief Amplitude limiter: |x| at most 10^(level_db/20), the phase stays. */
class limiter
{
public:
    explicit limiter(double level_db);
    void apply(item* x, std::size_t n) const;

private:
    float d_limit;
};

/*! \brief x[t] e^(j 2 pi f t), f in cycles an item; the phase runs on from call to call. */
class frequency_offset
{
public:
    explicit frequency_offset(double cycles_per_item) : d_frequency(cycles_per_item) {}
    void apply(item* x, std::size_t n);

private:
    double d_frequency;
    std::uint64_t d_time = 0;
};

/*! \brief Phase that walks by independent Gaussian steps, Wiener: E[(p[t + u] - p[t])^2] = u times
 * the variance. Starts at 0. */
class phase_noise
{
public:
    //! \param variance of one step, rad^2.
    phase_noise(double variance, std::uint64_t seed);
    void apply(item* x, std::size_t n);

private:
    random_source d_random;
    double d_deviation;
    double d_phase = 0.0;
};

/*! \brief Sampling by a clock that is off: output m is the input at time m (1 + ppm 10^-6).
 *
 * A packet is interpolated by itself with a windowed sinc of 2 HALF_TAPS items, silence around it,
 * so nothing is held back; the phase of the clock runs on from packet to packet. A continuous one
 * takes packets for pieces of one signal and holds back HALF_TAPS items. Exact to about
 * -40 dB for signals within 0.35 of the item rate; symbols at one item each are not. */
class clock_offset
{
public:
    static constexpr int HALF_TAPS = 12;

    /*! \param max_items of a packet of a continuous signal; 0: packets stand alone. */
    explicit clock_offset(double ppm, std::size_t max_items = 0)
        : d_step(1.0 + ppm * 1e-6), d_history(max_items ? max_items + 2 * HALF_TAPS : 0)
    {
    }

    //! \return items written: those whose time lies within this packet. \param out other memory.
    std::size_t apply(const item* in, std::size_t n, item* out);

    //! The most that `apply` can write for n items.
    std::size_t max_output(std::size_t n) const { return std::size_t(double(n) / d_step) + 2; }

private:
    double d_step;
    std::vector<item> d_history; // 2 HALF_TAPS items of the signal before, then the packet
    double d_next = 0.0;         // time of the next output, in items from the packet's start
};

/*! \brief Axes of unequal gain that are not at a right angle:
 * I' = g (I cos a - Q sin a), Q' = (Q cos a - I sin a) / g, with g^2 = 10^(gain_db/20) and 2a the
 * phase error. The image is (g^4 + 1 - 2 g^2 cos 2a) / (g^4 + 1 + 2 g^2 cos 2a) of the power. */
class iq_imbalance
{
public:
    iq_imbalance(double gain_db, double phase_deg);
    void apply(item* x, std::size_t n) const;

private:
    float d_ii, d_iq, d_qi, d_qq;
};

/*! \brief Uniform n-bit quantiser an axis, mid-rise, that saturates.
 *
 * Its full scale is FULL_SCALE times the RMS of an axis of the packet, as an ideal gain control
 * would set it: a Gaussian signal has 10 log10(12 4^n / (2 FULL_SCALE)^2) dB to the noise. */
class quantiser
{
public:
    static constexpr double FULL_SCALE = 4.0;

    explicit quantiser(unsigned bits) : d_levels(1u << bits) {}
    void apply(item* x, std::size_t n) const;

private:
    unsigned d_levels;
};

} // namespace gr::resivid::phy
