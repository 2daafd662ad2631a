// SPDX-License-Identifier: GPL-3.0-or-later
#include "device.h"

#include <SoapySDR/Formats.hpp>

#include <stdexcept>

namespace gr::resivid::loopback {
namespace {

void check(const std::string& what, double value, double lowest, double highest)
{
    if (!(value >= lowest && value <= highest))
        throw std::invalid_argument(what + ": expected " + std::to_string(lowest) + " to " +
                                    std::to_string(highest) + ", got " + std::to_string(value));
}

} // namespace

device::device(const SoapySDR::Kwargs& arguments) : d_settings(from_arguments(arguments))
{
    if (is_unplugged(d_settings.channel))
        throw std::runtime_error("no device: loopback channel " + d_settings.channel +
                                 " is unplugged");
    at(SOAPY_SDR_RX).antenna = "RX";
    at(SOAPY_SDR_TX).antenna = "TX";
}

SoapySDR::Kwargs device::getHardwareInfo() const
{
    return { { "channel", d_settings.channel }, { "pace", d_settings.pace } };
}

std::string device::getNativeStreamFormat(int, size_t, double& full_scale) const
{
    full_scale = 1.0;
    return SOAPY_SDR_CF32;
}

SoapySDR::Stream* device::setupStream(int direction,
                                      const std::string& format,
                                      const std::vector<size_t>& channels,
                                      const SoapySDR::Kwargs&)
{
    if (format != SOAPY_SDR_CF32)
        throw std::runtime_error("stream format: expected CF32, got " + format);
    if (channels.size() > 1 || (channels.size() == 1 && channels[0] != 0))
        throw std::runtime_error("the loopback radio has one channel, 0");
    if (direction == SOAPY_SDR_TX) {
        if (d_transmit)
            throw std::runtime_error("device busy: the transmit stream is open already");
        d_transmit = std::make_unique<transmit_stream>(d_settings);
        return reinterpret_cast<SoapySDR::Stream*>(d_transmit.get());
    }
    if (d_receive)
        throw std::runtime_error("device busy: the receive stream is open already");
    d_receive = std::make_unique<receive_stream>(d_settings);
    return reinterpret_cast<SoapySDR::Stream*>(d_receive.get());
}

void device::closeStream(SoapySDR::Stream* stream)
{
    if (stream == reinterpret_cast<SoapySDR::Stream*>(d_transmit.get()))
        d_transmit.reset();
    else
        d_receive.reset();
}

int device::activateStream(SoapySDR::Stream* stream, int, long long, size_t)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (stream == reinterpret_cast<SoapySDR::Stream*>(d_transmit.get()))
        d_transmit->start();
    else
        d_receive->start(at(SOAPY_SDR_RX).tuned, at(SOAPY_SDR_RX).ppm);
    return 0;
}

int device::deactivateStream(SoapySDR::Stream* stream, int, long long)
{
    if (stream == reinterpret_cast<SoapySDR::Stream*>(d_transmit.get()))
        d_transmit->stop(at(SOAPY_SDR_TX).tuned);
    return 0;
}

int device::readStream(SoapySDR::Stream*,
                       void* const* buffers,
                       size_t num,
                       int& flags,
                       long long& time_ns,
                       long timeout_us)
{
    tuning tuned;
    double ppm;
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        tuned = at(SOAPY_SDR_RX).tuned;
        ppm = at(SOAPY_SDR_RX).ppm;
        if (d_changed)
            d_receive->set(d_settings);
        d_changed = false;
    }
    flags = SOAPY_SDR_HAS_TIME;
    return d_receive->read(static_cast<item*>(buffers[0]), num, tuned, ppm, timeout_us, time_ns);
}

int device::writeStream(SoapySDR::Stream*,
                        const void* const* buffers,
                        size_t num,
                        int& flags,
                        long long,
                        long timeout_us)
{
    tuning tuned;
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        tuned = at(SOAPY_SDR_TX).tuned;
    }
    const int taken =
        d_transmit->write(static_cast<const item*>(buffers[0]), num, tuned, timeout_us);
    if ((flags & SOAPY_SDR_END_BURST) && taken == int(num))
        d_transmit->stop(tuned);
    return taken;
}

std::vector<std::string> device::listAntennas(int direction, size_t) const
{
    return { direction == SOAPY_SDR_TX ? "TX" : "RX" };
}

void device::setAntenna(int direction, size_t channel, const std::string& name)
{
    if (name != listAntennas(direction, channel)[0])
        throw std::invalid_argument("antenna: expected " + listAntennas(direction, channel)[0] +
                                    ", got " + name);
}

std::string device::getAntenna(int direction, size_t) const { return at(direction).antenna; }

bool device::hasFrequencyCorrection(int direction, size_t) const
{
    return direction == SOAPY_SDR_RX;
}

void device::setFrequencyCorrection(int direction, size_t, double ppm)
{
    check("frequency correction in ppm", ppm, -1000, 1000);
    std::lock_guard<std::mutex> lock(d_mutex);
    at(direction).ppm = ppm;
}

double device::getFrequencyCorrection(int direction, size_t) const { return at(direction).ppm; }

void device::setGain(int direction, size_t channel, double db)
{
    const auto range = getGainRange(direction, channel);
    check("gain in dB", db, range.minimum(), range.maximum());
    std::lock_guard<std::mutex> lock(d_mutex);
    at(direction).tuned.gain_db = db;
}

double device::getGain(int direction, size_t) const { return at(direction).tuned.gain_db; }

SoapySDR::Range device::getGainRange(int, size_t) const { return { -40, 60 }; }

void device::setFrequency(
    int direction, size_t, const std::string&, double hz, const SoapySDR::Kwargs&)
{
    check("frequency in Hz", hz, d_settings.frequency_min, d_settings.frequency_max);
    std::lock_guard<std::mutex> lock(d_mutex);
    at(direction).tuned.frequency = hz;
}

double device::getFrequency(int direction, size_t, const std::string&) const
{
    return at(direction).tuned.frequency;
}

SoapySDR::RangeList device::getFrequencyRange(int, size_t, const std::string&) const
{
    return { { d_settings.frequency_min, d_settings.frequency_max } };
}

void device::setSampleRate(int direction, size_t, double rate)
{
    check("sample rate", rate, d_settings.rate_min, d_settings.rate_max);
    std::lock_guard<std::mutex> lock(d_mutex);
    at(direction).tuned.rate = rate;
}

double device::getSampleRate(int direction, size_t) const { return at(direction).tuned.rate; }

SoapySDR::RangeList device::getSampleRateRange(int, size_t) const
{
    return { { d_settings.rate_min, d_settings.rate_max } };
}

void device::setBandwidth(int direction, size_t, double hz) { at(direction).bandwidth = hz; }

double device::getBandwidth(int direction, size_t) const { return at(direction).bandwidth; }

SoapySDR::RangeList device::getBandwidthRange(int, size_t) const
{
    return { { d_settings.rate_min, d_settings.rate_max } };
}

SoapySDR::ArgInfoList device::getSettingInfo() const
{
    SoapySDR::ArgInfoList list;
    for (const auto& field : numbers()) {
        SoapySDR::ArgInfo info;
        info.key = info.name = field.name;
        info.value = get(settings(), field.name);
        info.description = field.description;
        info.units = field.units;
        info.type = SoapySDR::ArgInfo::FLOAT;
        info.range = { field.lowest, field.highest };
        list.push_back(info);
    }
    for (const auto& field : words()) {
        SoapySDR::ArgInfo info;
        info.key = info.name = field.name;
        info.value = get(settings(), field.name);
        info.description = field.description;
        info.type = SoapySDR::ArgInfo::STRING;
        info.options = field.choices;
        list.push_back(info);
    }
    return list;
}

void device::writeSetting(const std::string& key, const std::string& value)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (key == "channel" || key == "pace")
        throw std::invalid_argument(key + ": is a device argument, fixed when the device is made");
    set(d_settings, key, value);
    d_changed = d_receive != nullptr;
}

std::string device::readSetting(const std::string& key) const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return get(d_settings, key);
}

} // namespace gr::resivid::loopback
