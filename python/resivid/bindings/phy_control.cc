// SPDX-License-Identifier: GPL-3.0-or-later
//! \file SNR estimation, MCS selection and channel in Python.
#include "phy/awgn_channel.h"
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
        "bits_per_symbol"_a);
    m.def(
        "known_symbols_snr_db",
        [](const symbol_array& received, const symbol_array& sent) {
            check_size(received, "received", -1);
            check_size(sent, "sent", received.size());
            return known_symbols_snr_db(received.data(), sent.data(), received.size());
        },
        "received"_a,
        "sent"_a);
}

void bind_link_control(py::module& m)
{
    py::class_<mcs_selector>(m, "mcs_selector", "The MCS row for estimated SNRs, equation (8).")
        .def(py::init([](std::vector<float> thresholds_db,
                         float hysteresis_db,
                         integer window,
                         integer start_row) {
                 return mcs_selector(std::move(thresholds_db),
                                     hysteresis_db,
                                     in_range("window", window, 1, MAX_UNSIGNED),
                                     in_range("start_row", start_row, 0, MAX_UNSIGNED));
             }),
             "thresholds_db"_a,
             "hysteresis_db"_a = 0.5f,
             "window"_a = 8,
             "start_row"_a = 0)
        .def_property_readonly("row", &mcs_selector::row)
        .def("select", &mcs_selector::select, "snr_db"_a);
    py::class_<awgn_channel>(m, "awgn_channel", "White Gaussian noise for symbols of energy 1.")
        .def(py::init<std::uint64_t>(), "seed"_a)
        .def(
            "apply",
            [](awgn_channel& c, const symbol_array& symbols, float snr_db) {
                symbol_array out(
                    std::vector<py::ssize_t>(symbols.shape(), symbols.shape() + symbols.ndim()));
                c.apply(symbols.data(), out.mutable_data(), symbols.size(), snr_db);
                return out;
            },
            "symbols"_a,
            "snr_db"_a,
            "complex64 of any shape, with noise at Es/N0 in dB; each call goes on in the "
            "sequence.");
}

} // namespace gr::resivid::phy::python
