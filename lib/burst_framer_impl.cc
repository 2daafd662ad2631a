/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_framer_impl.h"
#include "mcs_rows.h"
#include <gnuradio/io_signature.h>
#include <utility>

namespace gr {
namespace resivid {

namespace {

// Of an idle frame that a packet cuts short: the preamble that closes the frame before, and what a
// receiver needs to see a new one begin.
constexpr std::size_t LEAST_IDLE_SYMBOLS = phy::PREAMBLE_SYMBOLS + 8;

// Of silence behind a burst: more than the filters of a resampler behind hold back.
constexpr std::size_t PUSHING_SYMBOLS = 16;

const pmt::pmt_t START_OF_BURST = pmt::intern("tx_sob");
const pmt::pmt_t END_OF_BURST = pmt::intern("tx_eob");

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
                                      const std::string& packet_len_key,
                                      bool bursts)
{
    if (idle && bursts) {
        throw std::invalid_argument("idle and bursts: expected one of them, got both");
    }
    const phy::burst_settings settings{ at_least_one("symbols", symbols),
                                        at_least_one("samples_per_symbol", samples_per_symbol),
                                        roll_off };
    return gnuradio::make_block_sptr<burst_framer_impl>(
        settings, preambles, idle, packet_len_key, bursts);
}

burst_framer_impl::burst_framer_impl(const phy::burst_settings& settings,
                                     const std::vector<int>& preambles,
                                     bool idle,
                                     const std::string& packet_len_key,
                                     bool bursts)
    : gr::block("burst_framer",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      packet_block(packet_len_key, settings.payload_symbols),
      d_preambles(checked(preambles)),
      d_samples_per_symbol(static_cast<int>(settings.samples_per_symbol)),
      d_bursts(bursts),
      d_framer(settings)
{
    set_writes_pieces(static_cast<int>(settings.samples_per_symbol));
    set_runs_without_input(idle);
}

int burst_framer_impl::on_packet(const packet& packet, void* /* out */)
{
    if (packet.end()) {
        set_runs_without_input(false);
        return d_bursts ? close_burst() : begun(d_framer.begin_close());
    }
    const unsigned row = row_of(packet, d_preambles.size());
    const int symbols = d_framer.layout().payload_symbols();
    if (packet.num_items != symbols) {
        drop("packet dropped: expected {} symbols, got {}", symbols, packet.num_items);
        return 0;
    }
    const auto* payload = static_cast<const gr_complex*>(packet.items);
    if (d_bursts && !d_in_burst) {
        add_item_tag(0, nitems_written(0), START_OF_BURST, pmt::PMT_T);
        d_in_burst = true;
        set_runs_without_input(true); // to notice that nothing follows
    }
    return begun(d_framer.begin_frame(d_preambles[row], payload));
}

int burst_framer_impl::on_starved(void* /* out */)
{
    if (d_bursts) {
        return close_burst();
    }
    ++d_idle_frames;
    return begun(d_framer.begin_idle());
}

void burst_framer_impl::write_piece(int num_items, void* out)
{
    const std::size_t symbols = num_items / d_samples_per_symbol;
    d_framer.shape(symbols, static_cast<gr_complex*>(out));
    d_written += symbols;
}

bool burst_framer_impl::gives_way() const { return !d_bursts && d_written >= LEAST_IDLE_SYMBOLS; }

//! \return samples of what ends a burst, which follow; 0 when there is none to end.
int burst_framer_impl::close_burst()
{
    set_runs_without_input(false);
    if (!std::exchange(d_in_burst, false)) {
        return 0;
    }
    const int samples = begun(d_framer.begin_close(PUSHING_SYMBOLS));
    const int pushing = static_cast<int>(PUSHING_SYMBOLS) * d_samples_per_symbol;
    add_item_tag(0, nitems_written(0) + samples - pushing - 1, END_OF_BURST, pmt::PMT_T);
    return samples;
}

//! \return samples of so many symbols, which follow.
int burst_framer_impl::begun(std::size_t symbols)
{
    d_written = 0;
    return static_cast<int>(symbols) * d_samples_per_symbol;
}

} // namespace resivid
} // namespace gr
