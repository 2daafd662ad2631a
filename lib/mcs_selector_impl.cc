/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mcs_selector_impl.h"
#include "mcs_rows.h"
#include <gnuradio/io_signature.h>
#include <limits>

namespace gr {
namespace resivid {

namespace {

const pmt::pmt_t SNR = pmt::intern("snr");
const pmt::pmt_t MCS = pmt::intern("mcs");
const pmt::pmt_t SNR_DB = pmt::intern("snr_db");

bool is_real_number(const pmt::pmt_t& value)
{
    return pmt::is_real(value) || pmt::is_integer(value);
}

bool has_metadata(const pmt::pmt_t& message)
{
    return pmt::is_pair(message) &&
           (pmt::is_dict(pmt::car(message)) || pmt::is_null(pmt::car(message)));
}

unsigned checked_row(const char* name, int row, const std::vector<float>& thresholds_db)
{
    if (row < 0 || row >= static_cast<int>(thresholds_db.size())) {
        throw std::invalid_argument(std::string(name) + ": expected a row below " +
                                    std::to_string(thresholds_db.size()) + ", got " +
                                    std::to_string(row));
    }
    return row;
}

} // namespace

mcs_selector::sptr mcs_selector::make(const std::vector<float>& thresholds_db,
                                      float hysteresis_db,
                                      int window,
                                      int start_row,
                                      int fixed_row)
{
    return gnuradio::make_block_sptr<mcs_selector_impl>(
        thresholds_db, hysteresis_db, window, start_row, fixed_row);
}

mcs_selector_impl::mcs_selector_impl(const std::vector<float>& thresholds_db,
                                     float hysteresis_db,
                                     int window,
                                     int start_row,
                                     int fixed_row)
    : gr::block("mcs_selector", gr::io_signature::make(0, 0, 0), gr::io_signature::make(0, 0, 0)),
      d_selector(thresholds_db,
                 hysteresis_db,
                 at_least_one("window", window),
                 checked_row("start_row", start_row, thresholds_db)),
      d_is_fixed(fixed_row != -1),
      d_row(d_is_fixed ? checked_row("fixed_row", fixed_row, thresholds_db) : start_row)
{
    message_port_register_in(SNR);
    message_port_register_out(MCS);
    set_msg_handler(SNR, [this](const pmt::pmt_t& message) { on_snr(message); });
}

void mcs_selector_impl::on_snr(const pmt::pmt_t& message)
{
    const float snr_db = estimate_db(message);
    if (!d_is_fixed) {
        d_row = d_selector.select(snr_db);
    }
    message_port_pub(MCS, pmt::from_long(d_row));
}

//! The estimate in the message; NaN, which changes nothing, where it holds none.
float mcs_selector_impl::estimate_db(const pmt::pmt_t& message)
{
    constexpr float none = std::numeric_limits<float>::quiet_NaN();
    if (is_real_number(message)) {
        return pmt::to_double(message);
    }
    if (has_metadata(message)) {
        const pmt::pmt_t value = pmt::dict_ref(pmt::car(message), SNR_DB, pmt::PMT_NIL);
        return is_real_number(value) ? pmt::to_double(value) : none;
    }
    ++d_dropped;
    d_logger->warn("snr: expected a number in dB or a PDU, got {}", pmt_text(message));
    return none;
}

} // namespace resivid
} // namespace gr
