/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <limits>

namespace gr {
namespace resivid {

/*! \brief What the simulated channel does to the symbols, beside the noise.
 *
 * The defaults do nothing. Plain data: phy::channel_model checks it and says what is out of range.
 */
struct channel_settings {
    enum class fading_kind { none, rayleigh, rician };

    fading_kind fading = fading_kind::none; //!< flat, mean power 1
    double rician_k_db = 10.0;              //!< power of the steady path over that of the others
    double doppler_hz = 0.0;     //!< largest Doppler shift; 0: one gain a packet, independent
    bool csi = true;             //!< genie: the receiver knows the gains (fading alone)
    double symbol_rate = 2400.0; //!< items a second, the unit of time of everything in Hz

    double clipping_db = std::numeric_limits<double>::infinity(); //!< limiter, over RMS 1
    double frequency_offset_hz = 0.0;
    double phase_noise = 0.0;            //!< Wiener, rad^2 an item
    double clock_offset_ppm = 0.0;       //!< above 0: the receiver's clock is slow, fewer items
    double iq_gain_db = 0.0;             //!< amplitude of I over that of Q
    double iq_phase_deg = 0.0;           //!< how far the axes are from a right angle
    double dc_real = 0.0, dc_imag = 0.0; //!< relative to RMS 1
    int quantiser_bits = 0;              //!< bits an axis; 0: none
    bool continuous = false; //!< packets are pieces of one signal: the clock offset runs through

    double loss_rate = 0.0;    //!< share of packets that are lost
    double burst_length = 0.0; //!< mean losses in a row; 0: losses are independent
};

} // namespace resivid
} // namespace gr
