/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_synchroniser_impl.h"
#include "mcs_rows.h"
#include <algorithm>
#include <gnuradio/fft/fft.h>
#include <gnuradio/io_signature.h>
#include <utility>

namespace gr {
namespace resivid {

namespace {

const pmt::pmt_t END = pmt::intern("end");
const pmt::pmt_t STATUS = pmt::intern("status");

std::unique_ptr<phy::burst_synchroniser>
make_synchroniser(int symbols,
                  const std::vector<std::pair<int, int>>& rows,
                  int samples_per_symbol,
                  float roll_off,
                  double max_cfo)
{
    std::vector<phy::burst_row> air_rows;
    for (const auto& [preamble, bits_per_symbol] : rows) {
        if (preamble < 0) {
            throw std::invalid_argument("preamble: expected 0 to 15, got " +
                                        std::to_string(preamble));
        }
        air_rows.push_back(
            { static_cast<unsigned>(preamble), at_least_one("bits_per_symbol", bits_per_symbol) });
    }
    const phy::burst_settings settings{ at_least_one("symbols", symbols),
                                        at_least_one("samples_per_symbol", samples_per_symbol),
                                        roll_off };
    const std::lock_guard<std::mutex> lock(fft::planner::mutex());
    return std::make_unique<phy::burst_synchroniser>(settings, air_rows, max_cfo);
}

} // namespace

burst_synchroniser::sptr burst_synchroniser::make(int symbols,
                                                  const std::vector<std::pair<int, int>>& rows,
                                                  int samples_per_symbol,
                                                  float roll_off,
                                                  double max_cfo,
                                                  double symbol_rate,
                                                  bool every_frame,
                                                  const std::string& packet_len_key)
{
    return gnuradio::make_block_sptr<burst_synchroniser_impl>(
        make_synchroniser(symbols, rows, samples_per_symbol, roll_off, max_cfo),
        samples_per_symbol,
        symbol_rate,
        every_frame,
        packet_len_key);
}

burst_synchroniser_impl::burst_synchroniser_impl(
    std::unique_ptr<phy::burst_synchroniser> synchroniser,
    int samples_per_symbol,
    double symbol_rate,
    bool every_frame,
    const std::string& packet_len_key)
    : gr::block("burst_synchroniser",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_synchroniser(std::move(synchroniser)),
      d_samples_per_frame(double(d_synchroniser->layout().frame_symbols()) * samples_per_symbol),
      d_symbol_rate(symbol_rate),
      d_every_frame(every_frame),
      d_length_key(pmt::intern(packet_len_key)),
      d_symbols(d_synchroniser->layout().payload_symbols()),
      d_silence(1024)
{
    set_tag_propagation_policy(TPP_DONT);
    set_min_noutput_items(d_symbols);
    set_min_output_buffer(0, buffer_items(d_symbols));
    message_port_register_out(STATUS);
}

burst_synchroniser_impl::~burst_synchroniser_impl()
{
    const std::lock_guard<std::mutex> lock(fft::planner::mutex()); // plans are given back too
    d_synchroniser.reset();
}

void burst_synchroniser_impl::forecast(int /* noutput_items */,
                                       gr_vector_int& ninput_items_required)
{
    ninput_items_required[0] = d_ending && d_end_items == 0 ? 0 : 1;
}

int burst_synchroniser_impl::general_work(int /* noutput_items */,
                                          gr_vector_int& ninput_items,
                                          gr_vector_const_void_star& input_items,
                                          gr_vector_void_star& output_items)
{
    auto* out = static_cast<gr_complex*>(output_items[0]);
    int num_written = emit(out); // what the samples before hold
    if (num_written == 0) {
        const int taken = take(static_cast<const gr_complex*>(input_items[0]), ninput_items[0]);
        num_written = emit(out);
        consume_each(taken); // last: who sees these samples read knows whether they locked it
    }
    return num_written;
}

//! Samples into the synchroniser; \return how many of the input.
int burst_synchroniser_impl::take(const gr_complex* samples, int num_samples)
{
    if (d_ending && d_end_items == 0) {
        d_flushed += d_synchroniser->push(d_silence.data(), d_silence.size());
        return 0;
    }
    const int available = num_before_end(num_samples);
    const int taken = static_cast<int>(d_synchroniser->push(samples, available));
    if (d_ending) {
        d_end_items -= taken;
    }
    return taken;
}

/*! Samples up to the end marker; from it on, those that belong to it, which it says by its length.
 */
int burst_synchroniser_impl::num_before_end(int num_samples)
{
    if (d_ending) {
        return static_cast<int>(std::min<std::uint64_t>(num_samples, d_end_items));
    }
    get_tags_in_window(d_tags, 0, 0, num_samples);
    for (const auto& tag : d_tags) {
        if (!pmt::eq(tag.key, END) || !pmt::eq(tag.value, pmt::PMT_T)) {
            continue;
        }
        if (tag.offset > nitems_read(0)) {
            return static_cast<int>(tag.offset - nitems_read(0));
        }
        d_ending = true;
        d_end_position = d_synchroniser->num_pushed();
        d_end_items = 1;
        d_end_tags.clear();
        for (const auto& other : d_tags) {
            if (other.offset != tag.offset) {
                continue;
            }
            if (pmt::eq(other.key, d_length_key)) {
                d_end_items =
                    pmt::is_integer(other.value) ? std::max<long>(pmt::to_long(other.value), 1) : 1;
            } else {
                d_end_tags.push_back(other);
            }
        }
        return static_cast<int>(std::min<std::uint64_t>(num_samples, d_end_items));
    }
    return num_samples;
}

//! The next packet; \return the symbols written, 0 when there is none yet.
int burst_synchroniser_impl::emit(gr_complex* out)
{
    const phy::burst* burst = d_synchroniser->next();
    d_false_alarms = d_synchroniser->num_false_alarms();
    report_status(burst);
    if (burst) {
        return emit_burst(*burst, out);
    }
    const double behind = 2 * d_samples_per_frame + d_synchroniser->latency_samples();
    const bool at_end = d_ending && d_end_items == 0 && d_flushed > behind;
    if (lacks_frame(at_end)) {
        return emit_lost(out);
    }
    return at_end ? emit_end(out) : 0;
}

int burst_synchroniser_impl::emit_burst(const phy::burst& burst, gr_complex* out)
{
    ++d_bursts;
    ++d_packets;
    std::copy_n(burst.symbols, d_symbols, out);
    add_item_tag(0, nitems_written(0), d_length_key, pmt::from_long(d_symbols));
    add_tag("mcs", pmt::from_long(burst.row));
    add_tag("snr_db", pmt::from_double(burst.snr_db));
    add_tag("cfo_hz", pmt::from_double(burst.cfo * d_symbol_rate));
    add_tag("clock_ppm", pmt::from_double(burst.clock_ppm));
    add_tag("position", pmt::from_double(burst.position));
    add_tag("phase_noise", pmt::from_double(burst.phase_noise));
    return d_symbols;
}

/*! Whether a frame's time went by without a packet: of frame n, when no frame can be found any more
 * that begins before its middle. */
bool burst_synchroniser_impl::lacks_frame(bool at_end) const
{
    if (!d_every_frame || (d_ending && !at_end)) {
        return false;
    }
    const double until = at_end ? double(d_end_position) : d_synchroniser->searched_until();
    return until - double(d_first) > (double(d_packets) + 0.5) * d_samples_per_frame;
}

int burst_synchroniser_impl::emit_lost(gr_complex* out)
{
    ++d_packets;
    std::fill_n(out, d_symbols, gr_complex(0));
    add_item_tag(0, nitems_written(0), d_length_key, pmt::from_long(d_symbols));
    add_tag("mcs", pmt::from_long(0));
    add_tag("lost", pmt::PMT_T);
    return d_symbols;
}

int burst_synchroniser_impl::emit_end(gr_complex* out)
{
    out[0] = 0;
    add_item_tag(0, nitems_written(0), d_length_key, pmt::from_long(1));
    for (const auto& tag : d_end_tags) {
        add_item_tag(0, nitems_written(0), tag.key, tag.value, tag.srcid);
    }
    d_ending = false;
    d_flushed = 0;
    d_packets = 0;
    d_first = d_synchroniser->num_pushed();
    return 1;
}

void burst_synchroniser_impl::add_tag(const char* key, const pmt::pmt_t& value)
{
    add_item_tag(0, nitems_written(0), pmt::intern(key), value);
}

//! One message whenever the state changes.
void burst_synchroniser_impl::report_status(const phy::burst* burst)
{
    const bool locked = d_synchroniser->tracking();
    if (locked == d_locked || (locked && !burst)) {
        return;
    }
    d_locked = locked;
    pmt::pmt_t status = pmt::make_dict();
    const auto add = [&](const char* key, const pmt::pmt_t& value) {
        status = pmt::dict_add(status, pmt::intern(key), value);
    };
    add("state", pmt::intern(locked ? "locked" : "searching"));
    add("position", pmt::from_double(burst ? burst->position : d_synchroniser->searched_until()));
    add("bursts", pmt::from_uint64(d_bursts));
    if (burst) {
        add("snr_db", pmt::from_double(burst->snr_db));
        add("cfo_hz", pmt::from_double(burst->cfo * d_symbol_rate));
    }
    message_port_pub(STATUS, status);
}

} // namespace resivid
} // namespace gr
