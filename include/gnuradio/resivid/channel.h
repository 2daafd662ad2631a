/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/resivid/api.h>
#include <string>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief The simulated channel, whole packets at a time: white Gaussian noise (section II).
 *
 * Tagged stream of complex symbols of unit mean energy in and out, all tags kept. A packet with the
 * tag `end` true passes unchanged and uses up no SNR and no noise. The same seed gives the same
 * noise, on every machine and however the scheduler cuts its calls. */
class RESIVID_API channel : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<channel>;

    /*! \param snr_db Es/N0 in dB, one value for each packet; the last one holds from then on.
     *  \param seed of the noise.
     *  \param packet_len_key key of the length tag.
     *  \param max_packet_items largest packet, in symbols; a larger one is dropped with a warning.
     *  \throws std::invalid_argument when snr_db is empty or holds a value that is not finite. */
    static sptr make(const std::vector<float>& snr_db,
                     std::uint64_t seed = 0,
                     const std::string& packet_len_key = "packet_len",
                     int max_packet_items = 8192);

    //! Put a new list in force: its first value is the next packet's. Throws as `make` does.
    virtual void set_snr_db(const std::vector<float>& snr_db) = 0;

    //! Packets dropped so far.
    virtual std::uint64_t dropped() const = 0;
};

} // namespace resivid
} // namespace gr
