// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The simulated channel in Python.
#include "channel_arguments.h"
#include "phy/channel_model.h"
#include "phy_arguments.h"

#include <limits>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

constexpr std::int64_t MAX_ITEMS = 1 << 26; // 512 MiB

void check_snr(float snr_db)
{
    if (!(snr_db > -std::numeric_limits<float>::infinity()))
        throw std::invalid_argument("snr_db must be finite, or infinity for no noise, got " +
                                    std::to_string(snr_db));
}

py::dict apply(channel_model& channel, const symbol_array& sent, float snr_db)
{
    check_size(sent, "items", -1);
    check_snr(snr_db);
    const std::size_t n = sent.size();
    symbol_array received(channel.max_output(n));
    const auto& result = channel.apply(sent.data(), n, received.mutable_data(), snr_db);
    received.resize({ py::ssize_t(result.num_items) });
    py::object noise_variance = py::none();
    if (result.noise_variance)
        noise_variance = float_array(result.num_items, result.noise_variance);
    return py::dict("items"_a = received,
                    "lost"_a = result.lost,
                    "gain_db"_a = result.gain_db,
                    "noise_variance"_a = noise_variance);
}

} // namespace

void bind_channel(py::module& m)
{
    py::class_<awgn_channel>(m, "awgn_channel", "White Gaussian noise for symbols of energy 1.")
        .def(py::init<std::uint64_t>(), "seed"_a)
        .def(
            "apply",
            [](awgn_channel& c, const symbol_array& symbols, float snr_db) {
                check_snr(snr_db);
                symbol_array out(
                    std::vector<py::ssize_t>(symbols.shape(), symbols.shape() + symbols.ndim()));
                c.apply(symbols.data(), out.mutable_data(), symbols.size(), snr_db);
                return out;
            },
            "symbols"_a,
            "snr_db"_a,
            "complex64 of any shape, with noise at Es/N0 in dB, infinity for none; each call goes "
            "on "
            "in the sequence.");
    py::class_<channel_model>(m, "channel_model", CHANNEL_ARGUMENTS)
        .def(py::init([](std::uint64_t seed, integer max_items, const py::kwargs& settings) {
                 return channel_model(channel_settings_from(settings),
                                      seed,
                                      in_range("max_items", max_items, 1, MAX_ITEMS));
             }),
             "seed"_a = 0,
             "max_items"_a = 8192)
        .def("apply",
             &apply,
             "items"_a,
             "snr_db"_a,
             "One packet, complex64 (n,) of RMS 1, at a mean Es/N0 in dB, to a dict: items, "
             "complex64 (n,) or another length with a clock offset; lost; gain_db, the mean |h|^2; "
             "noise_variance, float32 (n,) where the gains are known and vary, else None.");
}

} // namespace gr::resivid::phy::python
