// SPDX-License-Identifier: GPL-3.0-or-later
#include "settings.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>

namespace gr::resivid::loopback {
namespace {

constexpr double INFINITE = std::numeric_limits<double>::infinity();

template <class Field>
const Field* find(const std::vector<Field>& fields, const std::string& name)
{
    const auto found = std::find_if(
        fields.begin(), fields.end(), [&](const Field& field) { return name == field.name; });
    return found == fields.end() ? nullptr : &*found;
}

std::string as_text(double value)
{
    std::ostringstream text;
    text.precision(12);
    text << value;
    return text.str();
}

void set_number(settings& s, const number& field, const std::string& text)
{
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool is_number = !text.empty() && *end == 0;
    if (!is_number || !(value >= field.lowest && value <= field.highest))
        throw std::invalid_argument(std::string(field.name) + ": expected " +
                                    as_text(field.lowest) + " to " + as_text(field.highest) + " " +
                                    field.units + ", got '" + text + "'");
    s.*field.value = value;
}

// It becomes part of a file name.
bool is_name(const std::string& text)
{
    return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
    });
}

void set_word(settings& s, const word& field, const std::string& text)
{
    const auto& choices = field.choices;
    const bool fits = choices.empty()
                          ? is_name(text)
                          : std::find(choices.begin(), choices.end(), text) != choices.end();
    if (!fits) {
        std::string expected = "at most 40 letters, digits, - and _";
        if (!choices.empty()) {
            expected = choices.front();
            for (std::size_t i = 1; i < choices.size(); ++i)
                expected += ", " + choices[i];
        }
        throw std::invalid_argument(std::string(field.name) + ": expected " + expected + ", got '" +
                                    text + "'");
    }
    s.*field.value = text;
}

} // namespace

const std::vector<number>& numbers()
{
    using s = settings;
    static const std::vector<number> table = {
        { "noise_db_hz", &s::noise_db_hz, -INFINITE, 0, "dB of 1/Hz", "noise density N0" },
        { "path_loss_db", &s::path_loss_db, -60, 200, "dB", "loss between the antennas" },
        { "frequency_offset_hz", &s::frequency_offset_hz, -1e6, 1e6, "Hz", "carrier offset" },
        { "frequency_offset_ppm", &s::frequency_offset_ppm, -1e3, 1e3, "ppm", "carrier offset" },
        { "clock_offset_ppm", &s::clock_offset_ppm, -1e3, 1e3, "ppm", "sample clock offset" },
        { "phase_noise", &s::phase_noise, 0, 1e6, "rad^2/s", "Wiener phase noise" },
        { "doppler_hz", &s::doppler_hz, 1e-3, 1e3, "Hz", "largest Doppler shift of the fading" },
        { "rician_k_db", &s::rician_k_db, -40, 40, "dB", "steady path over the others" },
        { "clipping_db", &s::clipping_db, -60, 60, "dB", "limit of the transmitter's amplifier" },
        { "iq_gain_db", &s::iq_gain_db, -20, 20, "dB", "amplitude of I over that of Q" },
        { "iq_phase_deg", &s::iq_phase_deg, -80, 80, "degrees", "axes off a right angle" },
        { "dc_real", &s::dc_real, -1, 1, "of full scale", "DC offset" },
        { "dc_imag", &s::dc_imag, -1, 1, "of full scale", "DC offset" },
        { "quantiser_bits", &s::quantiser_bits, 0, 16, "bits", "of the receiver; 0: none" },
        { "gap_every_s", &s::gap_every_s, 0, 1e9, "s", "time between overflows; 0: none" },
        { "gap_s", &s::gap_s, 1e-3, 1e3, "s", "samples that an overflow loses" },
        { "tail_s", &s::tail_s, 0, 1e6, "s", "noise after a transmitter that left, idle=wait" },
        { "seed", &s::seed, 0, 9e15, "", "of all that is random" },
        { "rate_min", &s::rate_min, 1, 1e9, "sample/s", "lowest sample rate" },
        { "rate_max", &s::rate_max, 1, 1e9, "sample/s", "highest sample rate" },
        { "frequency_min", &s::frequency_min, 0, 1e12, "Hz", "lowest frequency" },
        { "frequency_max", &s::frequency_max, 0, 1e12, "Hz", "highest frequency" },
    };
    return table;
}

const std::vector<word>& words()
{
    using s = settings;
    static const std::vector<word> table = {
        { "channel", &s::channel, {}, "transmitter and receiver of the same name meet" },
        { "pace", &s::pace, { "real", "free" }, "wall clock, or as fast as the slower end" },
        { "idle", &s::idle, { "noise", "wait" }, "what a receiver gets without a transmitter" },
        { "fading", &s::fading, { "none", "rayleigh", "rician" }, "flat fading" },
    };
    return table;
}

void set(settings& s, const std::string& name, const std::string& text)
{
    if (const auto* field = find(numbers(), name))
        set_number(s, *field, text);
    else if (const auto* choice = find(words(), name))
        set_word(s, *choice, text);
    else
        throw std::invalid_argument("unknown setting '" + name + "'");
}

std::string get(const settings& s, const std::string& name)
{
    if (const auto* field = find(numbers(), name))
        return as_text(s.*field->value);
    if (const auto* choice = find(words(), name))
        return s.*choice->value;
    throw std::invalid_argument("unknown setting '" + name + "'");
}

settings from_arguments(const std::map<std::string, std::string>& arguments)
{
    static const std::set<std::string> others = { "driver", "label", "serial", "type", "module" };
    settings s;
    for (const auto& [name, text] : arguments)
        if (!others.count(name))
            set(s, name, text);
    if (s.rate_min > s.rate_max || s.frequency_min > s.frequency_max)
        throw std::invalid_argument("rate_min and frequency_min: expected at most their maximum");
    return s;
}

} // namespace gr::resivid::loopback
