// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The channel's settings as keyword arguments: one table for the class and for the block.
#pragma once

#include <gnuradio/resivid/channel_settings.h>
#include <pybind11/pybind11.h>

#include <complex>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>

namespace gr::resivid {

constexpr const char* CHANNEL_ARGUMENTS =
    "Keyword arguments, each 0 or absent for none: fading ('none', 'rayleigh', 'rician'), "
    "rician_k_db, doppler_hz, csi, symbol_rate, clipping_db (None for none), frequency_offset_hz, "
    "phase_noise (rad^2 an item), clock_offset_ppm, iq_gain_db, iq_phase_deg, dc_offset (complex, "
    "RMS 1), quantiser_bits, loss_rate, burst_length.";

inline channel_settings::fading_kind fading_kind(const std::string& name)
{
    using kind = channel_settings::fading_kind;
    static const std::map<std::string, kind> kinds{ { "none", kind::none },
                                                    { "rayleigh", kind::rayleigh },
                                                    { "rician", kind::rician } };
    const auto found = kinds.find(name);
    if (found == kinds.end())
        throw std::invalid_argument("fading: expected none, rayleigh or rician, got " + name);
    return found->second;
}

//! Settings from keyword arguments. Throws TypeError for an unknown name or a value of wrong type.
inline channel_settings channel_settings_from(const pybind11::kwargs& arguments)
{
    namespace py = pybind11;
    using s = channel_settings;
    static const std::map<std::string, std::variant<double s::*, int s::*, bool s::*>> numbers{
        { "rician_k_db", &s::rician_k_db },
        { "doppler_hz", &s::doppler_hz },
        { "csi", &s::csi },
        { "symbol_rate", &s::symbol_rate },
        { "clipping_db", &s::clipping_db },
        { "frequency_offset_hz", &s::frequency_offset_hz },
        { "phase_noise", &s::phase_noise },
        { "clock_offset_ppm", &s::clock_offset_ppm },
        { "iq_gain_db", &s::iq_gain_db },
        { "iq_phase_deg", &s::iq_phase_deg },
        { "quantiser_bits", &s::quantiser_bits },
        { "loss_rate", &s::loss_rate },
        { "burst_length", &s::burst_length },
        { "continuous", &s::continuous },
    };
    channel_settings settings;
    for (const auto& [key, value] : arguments) {
        const auto name = key.cast<std::string>();
        const auto number = numbers.find(name);
        try {
            if (name == "fading") {
                settings.fading = fading_kind(value.cast<std::string>());
            } else if (name == "dc_offset") {
                const py::object dc = py::module::import("builtins").attr("complex")(value);
                settings.dc_real = dc.attr("real").cast<double>();
                settings.dc_imag = dc.attr("imag").cast<double>();
            } else if (number == numbers.end()) {
                throw py::type_error("no setting of the channel: " + name);
            } else if (!value.is_none()) {
                std::visit(
                    [&](auto member) {
                        settings.*member = value.cast<std::decay_t<decltype(settings.*member)>>();
                    },
                    number->second);
            }
        } catch (const py::cast_error&) {
            throw py::type_error(name + ": expected another type than " +
                                 py::repr(value).cast<std::string>());
        }
    }
    return settings;
}

} // namespace gr::resivid
