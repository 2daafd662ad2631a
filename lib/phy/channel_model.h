// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The whole simulated channel: everything between two complex basebands, packet by packet.
#pragma once

#include "awgn_channel.h"
#include "fading.h"
#include "impairments.h"
#include "packet_loss.h"

#include <gnuradio/resivid/channel_settings.h>

#include <optional>
#include <vector>

namespace gr::resivid::phy {

/*! \brief What came of one packet; valid until the next. */
struct channel_result {
    std::size_t num_items = 0; //!< written; differs from what went in with a clock offset alone
    bool lost = false;         //!< nothing but noise arrived
    double gain_db = 0.0;      //!< mean |h|^2 of the fading; 0 without

    /*! \brief Variance of the noise of each item, where a genie must say it: the gains are known
     *  and vary within the packet. Null otherwise: one noise level, which the receiver estimates.
     */
    const float* noise_variance = nullptr;
};

/*! \brief Seeded channel for packets of items of RMS 1.
 *
 * In this order: limiter (the transmitter's amplifier), fading, frequency offset, phase noise,
 * clock offset, loss, white noise, DC, IQ imbalance, quantiser (the receiver), and with `csi` the
 * division by the gains of the fading, |h|^2 of at least MIN_GAIN. That division is what a genie
 * gives: no receiver knows the gains without pilots. It undoes nothing else. Every effect draws
 * from a sequence of its own; the noise is that of awgn_channel(seed). No allocation after
 * construction for packets of up to max_items. */
class channel_model
{
public:
    static constexpr float MIN_GAIN = 1e-6f;

    /*! \throws std::invalid_argument when a setting is out of its range; the message names it. */
    channel_model(const channel_settings& settings, std::uint64_t seed, std::size_t max_items);

    /*! \brief One packet.
     *  \param out room for max_output(n) items, other memory than `in`.
     *  \param snr_db mean Es/N0 in dB. \throws std::invalid_argument for n above max_items. */
    const channel_result&
    apply(const std::complex<float>* in, std::size_t n, std::complex<float>* out, float snr_db);

    //! The most items that come of n.
    std::size_t max_output(std::size_t n) const;

private:
    std::size_t transmit(const std::complex<float>* in, std::size_t n, std::complex<float>* out);
    void fade(std::complex<float>* x, std::size_t n);
    void receive(std::complex<float>* x, std::size_t n, float snr_db);
    void equalise(std::complex<float>* x, std::size_t n, float snr_db);

    channel_settings d_settings;
    std::size_t d_max_items;
    awgn_channel d_awgn;
    std::optional<fading> d_fading;
    std::optional<limiter> d_limiter;
    std::optional<frequency_offset> d_frequency_offset;
    std::optional<phase_noise> d_phase_noise;
    std::optional<clock_offset> d_clock_offset;
    std::optional<packet_loss> d_loss;
    std::optional<iq_imbalance> d_iq_imbalance;
    std::optional<quantiser> d_quantiser;
    std::vector<std::complex<float>> d_work;  // before the clock offset
    std::vector<std::complex<float>> d_gains; // of the packet
    std::vector<float> d_noise_variance;
    channel_result d_result;
};

} // namespace gr::resivid::phy
