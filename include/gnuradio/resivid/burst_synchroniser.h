/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/resivid/api.h>
#include <string>
#include <utility>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief Samples to the payload symbols of the bursts in them.
 *
 * In: complex samples at `samples_per_symbol`, of any power; values that are not finite count as 0.
 * Out: tagged stream, one frame a packet: `symbols` complex symbols of gain 1 with the carrier
 * taken away. Tags on the first: `packet_len`, `mcs` (row of the table, named by the preamble),
 * `snr_db` (Es/N0), `cfo_hz`, `clock_ppm`, `position` (samples since the start, of the frame's
 * first symbol), `phase_noise` (rad^2 a symbol). Whether a frame is one, its CRC decides.
 *
 * The marker that ends a simulation (tag `end` true, as burst_framer writes it) becomes a packet of
 * one null symbol with its tags, behind all frames. With `every_frame`, which is for simulations
 * that wait for an answer to each frame, a packet of null symbols with the tag `lost` true stands
 * for each frame's time in which nothing was found.
 *
 * Message out `status`, when it changes: a dictionary with `state` ("searching" or "locked"),
 * `position`, `bursts`, and when locked `snr_db`, `cfo_hz`. */
class RESIVID_API burst_synchroniser : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<burst_synchroniser>;

    /*! \param symbols k_t, payload symbols of a frame, 64 to 65,536.
     *  \param rows (number of the preamble, bits per symbol) of each row of the MCS table.
     *  \param samples_per_symbol of the input, 2 to 16.
     *  \param roll_off of the pulse, 0.05 to 1.
     *  \param max_cfo carrier offset to be searched either way, in symbol rates, 0.001 to 0.5.
     *  \param symbol_rate symbols a second, for `cfo_hz` alone.
     *  \param every_frame see above.
     *  \param packet_len_key key of the length tag.
     *  \throws std::invalid_argument naming what is out of range. */
    static sptr make(int symbols,
                     const std::vector<std::pair<int, int>>& rows,
                     int samples_per_symbol = 4,
                     float roll_off = 0.1f,
                     double max_cfo = 0.5,
                     double symbol_rate = 1.0,
                     bool every_frame = false,
                     const std::string& packet_len_key = "packet_len");

    //! Whether the last preambles were where they had to be.
    virtual bool locked() const = 0;

    //! Frames found so far.
    virtual std::uint64_t bursts() const = 0;

    //! Preambles found that no second one confirmed.
    virtual std::uint64_t false_alarms() const = 0;
};

} // namespace resivid
} // namespace gr
