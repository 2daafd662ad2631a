/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_framer_impl.h"
#include "mcs_rows.h"
#include <algorithm>
#include <gnuradio/io_signature.h>

namespace gr {
namespace resivid {

namespace {

std::vector<unsigned> checked(const std::vector<int>& preambles)
{
    for (const int preamble : preambles) {
        if (preamble < 0 || preamble >= static_cast<int>(phy::NUM_ROW_PREAMBLES)) {
            throw std::invalid_argument("preambles: expected numbers from 0 to 15, got " +
                                        std::to_string(preamble));
        }
    }
    if (preambles.empty()) {
        throw std::invalid_argument("preambles: expected at least one, got none");
    }
    return { preambles.begin(), preambles.end() };
}

} // namespace

burst_framer::sptr burst_framer::make(int symbols,
                                      const std::vector<int>& preambles,
                                      int samples_per_symbol,
                                      float roll_off,
                                      bool idle,
                                      const std::string& packet_len_key)
{
    const phy::burst_settings settings{ at_least_one("symbols", symbols),
                                        at_least_one("samples_per_symbol", samples_per_symbol),
                                        roll_off };
    return gnuradio::make_block_sptr<burst_framer_impl>(settings, preambles, idle, packet_len_key);
}

burst_framer_impl::burst_framer_impl(const phy::burst_settings& settings,
                                     const std::vector<int>& preambles,
                                     bool idle,
                                     const std::string& packet_len_key)
    : gr::block("burst_framer",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      packet_block(packet_len_key, settings.payload_symbols),
      d_preambles(checked(preambles)),
      d_framer(settings)
{
    set_max_output_packet(
        static_cast<int>(std::max(d_framer.frame_samples(), d_framer.closing_samples())));
    set_runs_without_input(idle);
}

int burst_framer_impl::on_packet(const packet& packet, void* out)
{
    auto* samples = static_cast<gr_complex*>(out);
    if (packet.end()) {
        set_runs_without_input(false);
        d_framer.close(samples);
        return static_cast<int>(d_framer.closing_samples());
    }
    const unsigned row = row_of(packet, d_preambles.size());
    const int symbols = d_framer.layout().payload_symbols();
    if (packet.num_items != symbols) {
        drop("packet dropped: expected {} symbols, got {}", symbols, packet.num_items);
        return 0;
    }
    d_framer.frame(d_preambles[row], static_cast<const gr_complex*>(packet.items), samples);
    return static_cast<int>(d_framer.frame_samples());
}

int burst_framer_impl::on_starved(void* out)
{
    d_framer.idle(static_cast<gr_complex*>(out));
    ++d_idle_frames;
    return static_cast<int>(d_framer.frame_samples());
}

} // namespace resivid
} // namespace gr
