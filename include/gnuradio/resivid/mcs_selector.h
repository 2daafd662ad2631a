/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/resivid/api.h>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief Message `snr` to message `mcs`: the row of the MCS table for the estimated SNR, (8).
 *
 * `snr` takes a number in dB or the decoder's PDU, of which it reads `snr_db`. Each message in
 * gives exactly one integer out, because the packer counts them in lock-step: where there is no
 * usable estimate, the row in force is sent again. */
class RESIVID_API mcs_selector : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<mcs_selector>;

    /*! \param thresholds_db Es/N0 in dB where row i meets the target BLER; rising, not empty.
     *  \param hysteresis_db how far the mean falls below the row's threshold before it steps down.
     *  \param window estimates in the mean, at least 1.
     *  \param start_row the row before the first estimate.
     *  \param fixed_row a row to send always; -1: follow the estimates.
     *  \throws std::invalid_argument when one of these is broken. */
    static sptr make(const std::vector<float>& thresholds_db,
                     float hysteresis_db = 0.5,
                     int window = 8,
                     int start_row = 0,
                     int fixed_row = -1);

    //! The row in force.
    virtual int row() const = 0;

    //! Messages that were neither a number nor a PDU; the end marker is none of them.
    virtual std::uint64_t dropped() const = 0;
};

} // namespace resivid
} // namespace gr
