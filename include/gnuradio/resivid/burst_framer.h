/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/resivid/api.h>
#include <string>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief Payload symbols to a burst signal: preamble, pilots, root-raised-cosine pulses.
 *
 * In: tagged stream, `symbols` complex symbols a packet, tag `mcs` on the first. Out: complex
 * samples of mean power 1 (peaks some 8 dB above), a whole frame a packet with the packet's tags,
 * in pieces; frames follow each other without a gap, and each is closed by the next. A packet with
 * the tag `end` true becomes what closes the last frame, with its tags. With `idle`, frames that
 * carry nothing are sent whenever there is room in the output and no packet waits, so that the
 * transmitter behind never stops; not after the end. A packet ends them early, whatever their
 * length tag says. A packet that breaks these rules is dropped with a warning. */
class RESIVID_API burst_framer : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<burst_framer>;

    /*! \param symbols k_t, payload symbols of a frame, 64 to 65,536.
     *  \param preambles number of the preamble, 0 to 15, of each row of the MCS table.
     *  \param samples_per_symbol of the signal, 2 to 16.
     *  \param roll_off of the pulse, 0.05 to 1.
     *  \param idle send frames without payload when no packet waits.
     *  \param packet_len_key key of the length tag.
     *  \param bursts where no packet follows, close the last frame, and stop: for radios that send
     *  nothing between bursts. The first sample of a burst has the tag `tx_sob`, the last one
     *  `tx_eob`, both true; a few samples of silence behind it push it through what resamples.
     *  \throws std::invalid_argument naming what is out of range. */
    static sptr make(int symbols,
                     const std::vector<int>& preambles,
                     int samples_per_symbol = 4,
                     float roll_off = 0.1f,
                     bool idle = false,
                     const std::string& packet_len_key = "packet_len",
                     bool bursts = false);

    //! Symbols of a frame, known ones included.
    virtual int frame_symbols() const = 0;

    //! Idle frames sent so far.
    virtual std::uint64_t idle_frames() const = 0;

    //! Packets dropped so far.
    virtual std::uint64_t dropped() const = 0;
};

} // namespace resivid
} // namespace gr
