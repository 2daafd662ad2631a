/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mcs_selector_impl.h"
#include "mcs_rows.h"
#include <gnuradio/io_signature.h>

namespace gr {
namespace resivid {

namespace {

const pmt::pmt_t SNR = pmt::intern("snr");
const pmt::pmt_t MCS = pmt::intern("mcs");
const pmt::pmt_t SNR_DB = pmt::intern("snr_db");
const pmt::pmt_t CRC_OK = pmt::intern("crc_ok");
const pmt::pmt_t LOST = pmt::intern("lost");

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
                                      int fixed_row,
                                      float snr_bias_db,
                                      double target_bler,
                                      double outer_step_db,
                                      float jump_db)
{
    phy::selector_settings settings;
    settings.hysteresis_db = hysteresis_db;
    settings.window = at_least_one("window", window);
    settings.start_row = checked_row("start_row", start_row, thresholds_db);
    settings.snr_bias_db = snr_bias_db;
    settings.target_bler = target_bler;
    settings.outer_step_db = outer_step_db;
    settings.jump_db = jump_db;
    return gnuradio::make_block_sptr<mcs_selector_impl>(thresholds_db, settings, fixed_row);
}

mcs_selector_impl::mcs_selector_impl(const std::vector<float>& thresholds_db,
                                     const phy::selector_settings& settings,
                                     int fixed_row)
    : gr::block("mcs_selector", gr::io_signature::make(0, 0, 0), gr::io_signature::make(0, 0, 0)),
      d_selector(thresholds_db, settings),
      d_is_fixed(fixed_row != -1),
      d_row(d_is_fixed ? checked_row("fixed_row", fixed_row, thresholds_db) : settings.start_row)
{
    message_port_register_in(SNR);
    message_port_register_out(MCS);
    set_msg_handler(SNR, [this](const pmt::pmt_t& message) { on_snr(message); });
}

void mcs_selector_impl::on_snr(const pmt::pmt_t& message)
{
    try {
        follow(message);
    } catch (const std::exception& error) { // of pmt, for messages that only look like a PDU
        ++d_dropped;
        d_logger->warn("snr: message ignored: {}", error.what());
    }
    message_port_pub(MCS, pmt::from_long(d_row));
}

//! Put into force what the message says; nothing where it holds no estimate.
void mcs_selector_impl::follow(const pmt::pmt_t& message)
{
    if (is_real_number(message)) {
        d_selector.select(static_cast<float>(pmt::to_double(message)));
    } else if (has_metadata(message)) {
        follow_pdu(pmt::car(message));
    } else {
        ++d_dropped;
        d_logger->warn("snr: expected a number in dB or a PDU, got {}", pmt_text(message));
    }
    if (!d_is_fixed) {
        d_row = d_selector.row();
        d_offset_db = d_selector.offset_db();
    }
}

void mcs_selector_impl::follow_pdu(const pmt::pmt_t& metadata)
{
    const auto value = [&](const pmt::pmt_t& key) {
        return pmt::dict_ref(metadata, key, pmt::PMT_NIL);
    };
    const pmt::pmt_t snr_db = value(SNR_DB), crc_ok = value(CRC_OK), row = value(MCS);
    if (pmt::eq(value(LOST), pmt::PMT_T) || !is_real_number(snr_db)) {
        return; // no estimate
    }
    if (pmt::is_bool(crc_ok) && pmt::is_integer(row)) {
        const long number = pmt::to_long(row);
        d_selector.report(pmt::to_bool(crc_ok), number == int(number) ? int(number) : -1);
    }
    d_selector.select(static_cast<float>(pmt::to_double(snr_db)));
}

} // namespace resivid
} // namespace gr
