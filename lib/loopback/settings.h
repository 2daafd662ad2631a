// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What can be set at the loopback radio, by name: device arguments and SoapySDR settings.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

namespace gr::resivid::loopback {

/*! \brief All settings; the defaults are a perfect channel in real time.
 *
 * The channel belongs to the receiver: the transmitter uses `channel`, `pace` and the ranges.
 * Levels are relative to full scale, |x| = 1. */
struct settings {
    std::string channel = "default"; //!< transmitter and receiver of the same name meet
    std::string pace = "real";       //!< real: wall clock; free: as fast as the slower end
    std::string idle = "";           //!< no transmitter: noise or wait; empty: by pace
    std::string fading = "none";     //!< none, rayleigh or rician: flat, mean power 1

    double noise_db_hz = -std::numeric_limits<double>::infinity(); //!< N0 in dB of 1/Hz
    double path_loss_db = 0.0;
    double frequency_offset_hz = 0.0; //!< of the received carrier
    double frequency_offset_ppm = 0.0;
    double clock_offset_ppm = 0.0; //!< above 0: the receiver's clock is slow, fewer samples
    double phase_noise = 0.0;      //!< Wiener, rad^2 a second
    double doppler_hz = 1.0;       //!< largest shift of the fading
    double rician_k_db = 10.0;     //!< steady path over the others
    double clipping_db = 0.0;      //!< transmitter's amplifier: largest |x|, over full scale
    double iq_gain_db = 0.0;       //!< amplitude of I over that of Q
    double iq_phase_deg = 0.0;     //!< of the axes from a right angle
    double dc_real = 0.0, dc_imag = 0.0;
    double quantiser_bits = 0.0; //!< bits an axis of the receiver, full scale 1; 0: none
    double gap_every_s = 0.0;    //!< seconds of samples between two overflows; 0: none
    double gap_s = 0.1;          //!< samples lost by each
    double tail_s = 1.0;         //!< noise after a transmitter that left, when `idle` is wait
    double seed = 0.0;
    double rate_min = 8e3, rate_max = 20e6;          //!< sample rates, samples a second
    double frequency_min = 1e6, frequency_max = 6e9; //!< in Hz

    bool is_free() const { return pace == "free"; }
    bool waits() const { return idle.empty() ? is_free() : idle == "wait"; }
};

/*! \brief A number among the settings. */
struct number {
    const char* name;
    double settings::* value;
    double lowest, highest;
    const char* units;
    const char* description;
};

/*! \brief A word among the settings; without choices any name of letters, digits, - and _. */
struct word {
    const char* name;
    std::string settings::* value;
    std::vector<std::string> choices;
    const char* description;
};

const std::vector<number>& numbers();
const std::vector<word>& words();

/*! \brief Set one by its name.
 *  \throws std::invalid_argument unknown name, or a value out of range; the message says which. */
void set(settings& s, const std::string& name, const std::string& text);

//! The value as text. \throws std::invalid_argument unknown name.
std::string get(const settings& s, const std::string& name);

//! Settings of device arguments, where SoapySDR's own keys are passed over.
settings from_arguments(const std::map<std::string, std::string>& arguments);

} // namespace gr::resivid::loopback
