/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel_impl.h"
#include "mcs_rows.h"
#include <algorithm>
#include <cmath>
#include <gnuradio/io_signature.h>

namespace gr {
namespace resivid {

namespace {

const pmt::pmt_t LOST = pmt::intern("lost");
const pmt::pmt_t CHANNEL_GAIN_DB = pmt::intern("channel_gain_db");
const pmt::pmt_t NOISE_VARIANCE = pmt::intern("noise_variance");

const std::vector<float>& checked(const std::vector<float>& snr_db)
{
    if (snr_db.empty()) {
        throw std::invalid_argument("snr_db: expected at least one value, got none");
    }
    for (const float value : snr_db) {
        if (!std::isfinite(value)) {
            throw std::invalid_argument("snr_db: expected finite values in dB, got " +
                                        std::to_string(value));
        }
    }
    return snr_db;
}

} // namespace

channel::sptr channel::make(const std::vector<float>& snr_db,
                            std::uint64_t seed,
                            const std::string& packet_len_key,
                            int max_packet_items,
                            const channel_settings& settings)
{
    return gnuradio::make_block_sptr<channel_impl>(
        snr_db, seed, packet_len_key, max_packet_items, settings);
}

channel_impl::channel_impl(const std::vector<float>& snr_db,
                           std::uint64_t seed,
                           const std::string& packet_len_key,
                           int max_packet_items,
                           const channel_settings& settings)
    : gr::block("channel",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      packet_block(packet_len_key, at_least_one("max_packet_items", max_packet_items)),
      d_snr_db(checked(snr_db)),
      d_channel(settings, seed, max_packet_items),
      d_fades(settings.fading != channel_settings::fading_kind::none)
{
    set_max_output_packet(static_cast<int>(d_channel.max_output(max_packet_items)));
}

void channel_impl::set_snr_db(const std::vector<float>& snr_db)
{
    checked(snr_db);
    const std::lock_guard<std::mutex> lock(d_mutex);
    d_snr_db = snr_db;
    d_next = 0;
}

float channel_impl::next_snr_db()
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    const float snr_db = d_snr_db[d_next];
    d_next = std::min(d_next + 1, d_snr_db.size() - 1);
    return snr_db;
}

int channel_impl::on_packet(const packet& packet, void* out)
{
    const auto* in = static_cast<const gr_complex*>(packet.items);
    auto* received = static_cast<gr_complex*>(out);
    if (packet.end() && packet.num_items == 1) { // a longer one ends a burst signal
        received[0] = in[0];
        return 1;
    }
    const auto& result = d_channel.apply(in, packet.num_items, received, next_snr_db());
    add_tags(result);
    d_lost += result.lost;
    return static_cast<int>(result.num_items);
}

//! What the result says, on the first item of the packet that is being written.
void channel_impl::add_tags(const phy::channel_result& result)
{
    const auto offset = nitems_written(0);
    if (result.lost) {
        add_item_tag(0, offset, LOST, pmt::PMT_T);
    }
    if (d_fades) {
        add_item_tag(0, offset, CHANNEL_GAIN_DB, pmt::from_double(result.gain_db));
    }
    if (result.noise_variance) {
        add_item_tag(0,
                     offset,
                     NOISE_VARIANCE,
                     pmt::init_f32vector(result.num_items, result.noise_variance));
    }
}

} // namespace resivid
} // namespace gr
