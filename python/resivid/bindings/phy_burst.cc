// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Burst framing and synchronisation in Python.
#include "phy/burst_framer.h"
#include "phy/burst_synchroniser.h"
#include "phy_arguments.h"

#include <algorithm>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

burst_settings to_burst_settings(integer symbols, integer samples_per_symbol, float roll_off)
{
    const burst_settings settings{ in_range(
                                       "symbols", symbols, MIN_BURST_PAYLOAD, MAX_BURST_PAYLOAD),
                                   in_range("samples_per_symbol", samples_per_symbol, 2, 16),
                                   roll_off };
    check(settings);
    return settings;
}

burst_synchroniser make_synchroniser(integer symbols,
                                     const std::vector<std::pair<integer, integer>>& rows,
                                     integer samples_per_symbol,
                                     float roll_off,
                                     double max_cfo)
{
    std::vector<burst_row> air_rows;
    for (const auto& [preamble, bits_per_symbol] : rows)
        air_rows.push_back({ in_range("preamble", preamble, 0, NUM_ROW_PREAMBLES - 1),
                             to_bits_per_symbol(bits_per_symbol) });
    return burst_synchroniser(
        to_burst_settings(symbols, samples_per_symbol, roll_off), air_rows, max_cfo);
}

py::dict to_dict(const burst& b, py::ssize_t num_symbols)
{
    return py::dict("row"_a = b.row,
                    "symbols"_a = symbol_array(num_symbols, b.symbols),
                    "position"_a = b.position,
                    "cfo"_a = b.cfo,
                    "clock_ppm"_a = b.clock_ppm,
                    "snr_db"_a = b.snr_db,
                    "gain"_a = b.gain,
                    "phase_noise"_a = b.phase_noise);
}

py::list receive(burst_synchroniser& synchroniser, const symbol_array& samples)
{
    check_size(samples, "samples", -1);
    const py::ssize_t symbols = synchroniser.layout().payload_symbols();
    py::list bursts;
    const std::size_t n = samples.size();
    for (std::size_t done = 0; done < n;) {
        done += synchroniser.push(samples.data() + done, n - done);
        while (const burst* found = synchroniser.next())
            bursts.append(to_dict(*found, symbols));
    }
    return bursts;
}

template <class Write>
symbol_array written(std::size_t num_samples, Write&& write)
{
    symbol_array out(num_samples);
    write(out.mutable_data());
    return out;
}

} // namespace

void bind_burst(py::module& m)
{
    m.attr("NUM_ROW_PREAMBLES") = NUM_ROW_PREAMBLES;
    m.attr("IDLE_PREAMBLE") = IDLE_PREAMBLE;
    m.attr("PULSE_HALF_SPAN") = PULSE_HALF_SPAN;
    m.def(
        "preamble_symbols",
        [](integer index) {
            const auto symbols =
                preamble_symbols(in_range("preamble", index, 0, NUM_PREAMBLES - 1));
            return symbol_array(symbols.size(), symbols.data());
        },
        "preamble"_a,
        "complex64 (72,); 16 is the idle preamble.");
    m.def("pulse", &pulse, "symbols"_a, "roll_off"_a, "The pulse at a time in symbols.");
    py::class_<burst_layout>(m, "burst_layout", "Where preamble, pilots and payload stand.")
        .def(py::init([](integer symbols) {
                 return burst_layout(
                     in_range("symbols", symbols, MIN_BURST_PAYLOAD, MAX_BURST_PAYLOAD));
             }),
             "symbols"_a)
        .def_property_readonly(
            "frame_symbols", &burst_layout::frame_symbols, "Preamble, pilots and payload.")
        .def_property_readonly("payload_positions",
                               &burst_layout::payload_positions,
                               "Numbers of the symbols in the frame.")
        .def_property_readonly("pilot_positions",
                               &burst_layout::pilot_positions,
                               "Numbers of the symbols in the frame.")
        .def_property_readonly(
            "pilots",
            [](const burst_layout& l) {
                return symbol_array(l.pilots().size(), l.pilots().data());
            },
            "complex64, one for each of pilot_positions.");
    py::class_<burst_framer>(m, "burst_framer", "Payload symbols to samples of mean power 1.")
        .def(py::init([](integer symbols, integer samples_per_symbol, float roll_off) {
                 return burst_framer(to_burst_settings(symbols, samples_per_symbol, roll_off));
             }),
             "symbols"_a,
             "samples_per_symbol"_a = 4,
             "roll_off"_a = 0.1f)
        .def(
            "frame",
            [](burst_framer& f, integer preamble, const symbol_array& payload) {
                const unsigned index = in_range("preamble", preamble, 0, NUM_ROW_PREAMBLES - 1);
                check_size(payload, "payload", f.layout().payload_symbols());
                return written(f.frame_samples(),
                               [&](cfloat* out) { f.frame(index, payload.data(), out); });
            },
            "preamble"_a,
            "payload"_a,
            "complex64 (symbols,) to the samples of one frame.")
        .def(
            "idle",
            [](burst_framer& f) {
                return written(f.frame_samples(), [&](cfloat* out) { f.idle(out); });
            },
            "Samples of a frame that carries nothing.")
        .def(
            "close",
            [](burst_framer& f) {
                return written(f.closing_samples(), [&](cfloat* out) { f.close(out); });
            },
            "The idle preamble alone, then silence: the end of a burst.");
    py::class_<burst_synchroniser>(m, "burst_synchroniser", "Samples to the frames in them.")
        .def(py::init(&make_synchroniser),
             "symbols"_a,
             "rows"_a,
             "samples_per_symbol"_a = 4,
             "roll_off"_a = 0.1f,
             "max_cfo"_a = 0.5,
             "Rows are (preamble, bits_per_symbol); max_cfo in symbol rates.")
        .def_property_readonly(
            "tracking", &burst_synchroniser::tracking, "Whether it follows a signal that it found.")
        .def_property_readonly(
            "false_alarms",
            &burst_synchroniser::num_false_alarms,
            "Preambles that the search took for one and that no second one confirmed.")
        .def("receive",
             &receive,
             "samples"_a,
             "The next samples, complex64 (n,), to a list of dicts: row, symbols, position, cfo "
             "(cycles a symbol), clock_ppm, snr_db, gain, phase_noise.");
}

} // namespace gr::resivid::phy::python
