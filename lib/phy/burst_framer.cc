// SPDX-License-Identifier: GPL-3.0-or-later
#include "burst_framer.h"

#include "qam.h"
#include "scrambler.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

constexpr std::uint32_t IDLE_INIT = 0x49444c45; // "IDLE"

const burst_settings& checked(const burst_settings& settings)
{
    check(settings);
    return settings;
}

} // namespace

burst_framer::burst_framer(const burst_settings& settings)
    : d_samples_per_symbol(checked(settings).samples_per_symbol),
      d_layout(settings.payload_symbols),
      d_idle_payload(settings.payload_symbols),
      d_frame(std::max<std::size_t>(d_layout.frame_symbols(), closing_symbols() + MORE_SILENCE)),
      d_shaper(settings.samples_per_symbol, settings.roll_off, d_frame.size())
{
    const auto bits = gold_sequence(IDLE_INIT, 2 * d_idle_payload.size());
    qam_mapper(2).map(bits.data(), d_idle_payload.data(), d_idle_payload.size());
}

void burst_framer::frame(unsigned preamble, const cfloat* payload, cfloat* out)
{
    shape(begin_frame(preamble, payload), out);
}

void burst_framer::idle(cfloat* out) { shape(begin_idle(), out); }

void burst_framer::close(cfloat* out) { shape(begin_close(), out); }

std::size_t burst_framer::begin_frame(unsigned preamble, const cfloat* payload)
{
    if (preamble >= NUM_ROW_PREAMBLES)
        throw std::out_of_range("preamble: expected 0 to " + std::to_string(NUM_ROW_PREAMBLES - 1) +
                                ", got " + std::to_string(preamble));
    d_layout.assemble(preamble, payload, d_frame.data());
    d_shaped = 0;
    return d_layout.frame_symbols();
}

std::size_t burst_framer::begin_idle()
{
    d_layout.assemble(IDLE_PREAMBLE, d_idle_payload.data(), d_frame.data());
    d_shaped = 0;
    return d_layout.frame_symbols();
}

std::size_t burst_framer::begin_close(std::size_t more_silence)
{
    std::fill(d_frame.begin(), d_frame.end(), cfloat(0));
    const auto& preamble = d_layout.preamble(IDLE_PREAMBLE);
    std::copy(preamble.begin(), preamble.end(), d_frame.begin());
    d_shaped = 0;
    return closing_symbols() + std::min(more_silence, MORE_SILENCE);
}

void burst_framer::shape(std::size_t n, cfloat* out)
{
    d_shaper.shape(d_frame.data() + d_shaped, n, out);
    d_shaped += n;
}

} // namespace gr::resivid::phy
