// SPDX-License-Identifier: GPL-3.0-or-later
//! \file From a transmitter's samples to a receiver's: rates, frequencies and all impairments.
#pragma once

#include "phy/fading.h"
#include "phy/impairments.h"
#include "resampler.h"
#include "settings.h"

#include <optional>

namespace gr::resivid::loopback {

/*! \brief How one end is tuned. */
struct tuning {
    double rate = 1e6;      //!< samples a second
    double frequency = 1e8; //!< of the local oscillator, Hz
    double gain_db = 0.0;

    bool operator==(const tuning& other) const
    {
        return rate == other.rate && frequency == other.frequency && gain_db == other.gain_db;
    }
};

/*! \brief Samples in at the transmitter's rate, samples out at the receiver's.
 *
 * In this order: transmitter's gain, amplifier, path, frequency difference, sample clock, fading,
 * phase noise, noise, receiver's gain, DC, IQ imbalance, quantiser of full scale 1. A transmitter
 * whose band does not touch the receiver's is not heard; where the bands touch in part, what lies
 * outside folds over the edge. */
class channel
{
public:
    explicit channel(const settings& s);

    //! Receiver's tuning; `ppm` corrects its oscillator.
    void set_receiver(const tuning& t, double ppm);
    void set_transmitter(const tuning& t);

    void push(const item* in, std::size_t n);

    //! Items that can be pulled without more input.
    std::size_t available() const { return d_resampler->available(); }

    //! The next n items; silence of the transmitter stands for input that is missing.
    void pull(item* out, std::size_t n);

private:
    void retune();
    double shift_hz() const;
    void mix(item* x, std::size_t n, double cycles_per_item);
    void fade(item* x, std::size_t n);
    void receive(item* x, std::size_t n);

    settings d_settings;
    tuning d_receiver, d_transmitter;
    double d_ppm = 0.0;
    double d_phase = 0.0; // of the mixer, cycles
    std::optional<resampler> d_resampler;
    std::optional<phy::fading> d_fading;
    std::optional<phy::phase_noise> d_phase_noise;
    phy::random_source d_noise;
    item d_gain = 0; // of the fading, now
    item d_gain_step = 0;
    double d_gain_items = 1; // from one gain to the next
    std::size_t d_gain_left = 0;
    std::vector<item> d_work;
};

} // namespace gr::resivid::loopback
