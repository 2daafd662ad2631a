/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/resivid/api.h>
#include <gnuradio/resivid/channel_settings.h>
#include <string>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief The simulated channel, whole packets at a time: white Gaussian noise (section II), fading
 * and what real transmitters and receivers do to a signal.
 *
 * Tagged stream of complex symbols of unit mean energy in and out, all tags kept. A packet of one
 * item with the tag `end` true passes unchanged and uses up no SNR and no noise. The same seed
 * gives the same channel, on every machine and however the scheduler cuts its calls. Tags that it
 * adds: `lost` true where a packet was lost and nothing but noise is left; with fading
 * `channel_gain_db`, the mean |h|^2 of the packet in dB; with known gains that vary within the
 * packet `noise_variance`, a vector with one value for each symbol, relative to energy 1. With a
 * clock offset the length tag says how many items came out. */
class RESIVID_API channel : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<channel>;

    /*! \param snr_db mean Es/N0 in dB, one value for each packet; the last one holds from then on.
     *  \param seed of all that is random.
     *  \param packet_len_key key of the length tag.
     *  \param max_packet_items largest packet, in symbols; a larger one is dropped with a warning.
     *  \param settings what there is beside the noise; the default is nothing.
     *  \throws std::invalid_argument when snr_db is empty or holds a value that is not finite, or
     *          when a setting is out of its range. */
    static sptr make(const std::vector<float>& snr_db,
                     std::uint64_t seed = 0,
                     const std::string& packet_len_key = "packet_len",
                     int max_packet_items = 8192,
                     const channel_settings& settings = {});

    //! Put a new list in force: its first value is the next packet's. Throws as `make` does.
    virtual void set_snr_db(const std::vector<float>& snr_db) = 0;

    //! Packets that the channel lost, as its settings say.
    virtual std::uint64_t lost() const = 0;

    //! Packets dropped so far because they were broken.
    virtual std::uint64_t dropped() const = 0;
};

} // namespace resivid
} // namespace gr
