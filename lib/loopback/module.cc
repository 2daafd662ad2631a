// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What SoapySDR loads: `driver=resivid_loopback`.
#include "device.h"

#include <SoapySDR/Registry.hpp>

namespace {

using gr::resivid::loopback::device;

// It is no hardware: it shows when it is asked for by name, and never in a list of what is there.
SoapySDR::KwargsList find(const SoapySDR::Kwargs& arguments)
{
    const auto driver = arguments.find("driver");
    if (driver == arguments.end() || driver->second != "resivid_loopback")
        return {};
    SoapySDR::Kwargs found = arguments;
    const auto named = arguments.find("channel");
    const std::string channel = named == arguments.end() ? "default" : named->second;
    if (gr::resivid::loopback::is_unplugged(channel))
        return {};
    found["channel"] = channel;
    found["label"] = "gr-resivid loopback radio, channel " + channel;
    return { found };
}

SoapySDR::Device* make(const SoapySDR::Kwargs& arguments) { return new device(arguments); }

const SoapySDR::Registry registration("resivid_loopback", &find, &make, SOAPY_SDR_ABI_VERSION);

} // namespace
