// SPDX-License-Identifier: GPL-3.0-or-later
//! \file SNR estimation and MCS selection in Python.
#include "phy/mcs_selector.h"
#include "phy/snr_estimator.h"
#include "phy_arguments.h"

#include <utility>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

void bind_snr_estimator(py::module& m)
{
    m.def(
        "blind_snr_db",
        [](const symbol_array& symbols, integer bits_per_symbol) {
            check_size(symbols, "symbols", -1);
            const blind_snr_estimator estimator(to_bits_per_symbol(bits_per_symbol));
            return estimator.estimate_db(symbols.data(), symbols.size());
        },
        "symbols"_a,
        "bits_per_symbol"_a,
        "Likeliest Es/N0 in dB of complex64 (n,) with gain 1, sent symbols unknown; NaN when one "
        "is not finite.");
    m.def(
        "known_symbols_snr_db",
        [](const symbol_array& received, const symbol_array& sent) {
            check_size(received, "received", -1);
            check_size(sent, "sent", received.size());
            return known_symbols_snr_db(received.data(), sent.data(), received.size());
        },
        "received"_a,
        "sent"_a,
        "Es/N0 in dB of complex64 (n,) whose sent symbols are known; NaN when one is not finite.");
}

void bind_link_control(py::module& m)
{
    py::class_<mcs_selector>(m, "mcs_selector", "The MCS row for estimated SNRs, equation (8).")
        .def(py::init([](std::vector<float> thresholds_db,
                         float hysteresis_db,
                         integer window,
                         integer start_row,
                         float snr_bias_db,
                         double target_bler,
                         double outer_step_db,
                         float jump_db) {
                 selector_settings settings;
                 settings.hysteresis_db = hysteresis_db;
                 settings.window = in_range("window", window, 1, mcs_selector::MAX_WINDOW);
                 settings.start_row = in_range("start_row", start_row, 0, MAX_UNSIGNED);
                 settings.snr_bias_db = snr_bias_db;
                 settings.target_bler = target_bler;
                 settings.outer_step_db = outer_step_db;
                 settings.jump_db = jump_db;
                 return mcs_selector(std::move(thresholds_db), settings);
             }),
             "thresholds_db"_a,
             "hysteresis_db"_a = 0.5f,
             "window"_a = 8,
             "start_row"_a = 0,
             "snr_bias_db"_a = 0.0f,
             "target_bler"_a = 0.0,
             "outer_step_db"_a = 0.5,
             "jump_db"_a = 0.0f)
        .def_property_readonly("row", &mcs_selector::row, "The row in force.")
        .def_property_readonly("offset_db",
                               &mcs_selector::offset_db,
                               "What the outer loop adds to the estimates, in dB.")
        .def("report",
             &mcs_selector::report,
             "crc_ok"_a,
             "row"_a,
             "What became of a block sent with this row, for the outer loop; before select.")
        .def("select",
             &mcs_selector::select,
             "snr_db"_a,
             "The row for the next key frame after one more estimate; NaN changes nothing.");
}

} // namespace gr::resivid::phy::python
