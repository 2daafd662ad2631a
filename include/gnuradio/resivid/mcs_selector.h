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
 * `snr` takes a number in dB or the decoder's PDU, of which it reads `snr_db`, and for the outer
 * loop `crc_ok` and `mcs`; of a PDU with `lost` true it reads nothing. Each message in gives
 * exactly one integer out, because the packer counts them in lock-step: where there is no usable
 * estimate, the row in force is sent again. The outer loop shifts the estimates until the target
 * share of the blocks fails, whatever the estimates' bias. */
class RESIVID_API mcs_selector : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<mcs_selector>;

    /*! \param thresholds_db Es/N0 in dB where row i meets the target BLER; rising, not empty.
     *  \param hysteresis_db how far the mean falls below the row's threshold before it steps down.
     *  \param window estimates in the mean, 1 to 65536.
     *  \param start_row the row before the first estimate.
     *  \param fixed_row a row to send always; -1: follow the estimates.
     *  \param snr_bias_db added to every estimate: a wrong estimator, for studies.
     *  \param target_bler share of blocks that may fail, below 1; 0: no outer loop.
     *  \param outer_step_db how far a failed block lowers the estimates.
     *  \param jump_db an estimate so far from the mean starts it anew; 0: never.
     *  \throws std::invalid_argument when one of these is broken. */
    static sptr make(const std::vector<float>& thresholds_db,
                     float hysteresis_db = 0.5,
                     int window = 8,
                     int start_row = 0,
                     int fixed_row = -1,
                     float snr_bias_db = 0.0,
                     double target_bler = 0.0,
                     double outer_step_db = 0.5,
                     float jump_db = 0.0);

    //! The row in force.
    virtual int row() const = 0;

    //! What the outer loop adds to the estimates, in dB; 0 without it.
    virtual double offset_db() const = 0;

    //! Messages that were neither a number nor a PDU; the end marker is none of them.
    virtual std::uint64_t dropped() const = 0;
};

} // namespace resivid
} // namespace gr
