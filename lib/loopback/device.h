// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The loopback radio as a SoapySDR device: one transmitter and one receiver, full duplex.
#pragma once

#include "streams.h"

#include <SoapySDR/Device.hpp>

#include <mutex>

namespace gr::resivid::loopback {

class device : public SoapySDR::Device
{
public:
    //! \throws std::runtime_error a setting is wrong, or the device is unplugged.
    explicit device(const SoapySDR::Kwargs& arguments);

    std::string getDriverKey() const override { return "resivid_loopback"; }
    std::string getHardwareKey() const override { return "resivid_loopback"; }
    SoapySDR::Kwargs getHardwareInfo() const override;
    size_t getNumChannels(int) const override { return 1; }
    bool getFullDuplex(int, size_t) const override { return true; }

    std::vector<std::string> getStreamFormats(int, size_t) const override { return { "CF32" }; }
    std::string getNativeStreamFormat(int, size_t, double& full_scale) const override;
    SoapySDR::Stream* setupStream(int direction,
                                  const std::string& format,
                                  const std::vector<size_t>& channels,
                                  const SoapySDR::Kwargs& arguments) override;
    void closeStream(SoapySDR::Stream* stream) override;
    size_t getStreamMTU(SoapySDR::Stream*) const override { return MOST_ITEMS; }
    int activateStream(SoapySDR::Stream*, int flags, long long time_ns, size_t num) override;
    int deactivateStream(SoapySDR::Stream*, int flags, long long time_ns) override;
    int readStream(SoapySDR::Stream*,
                   void* const* buffers,
                   size_t num,
                   int& flags,
                   long long& time_ns,
                   long timeout_us) override;
    int writeStream(SoapySDR::Stream*,
                    const void* const* buffers,
                    size_t num,
                    int& flags,
                    long long time_ns,
                    long timeout_us) override;

    std::vector<std::string> listAntennas(int direction, size_t) const override;
    void setAntenna(int direction, size_t channel, const std::string& name) override;
    std::string getAntenna(int direction, size_t) const override;

    bool hasFrequencyCorrection(int direction, size_t) const override;
    void setFrequencyCorrection(int direction, size_t, double ppm) override;
    double getFrequencyCorrection(int direction, size_t) const override;

    std::vector<std::string> listGains(int, size_t) const override { return { "RF" }; }
    void setGain(int direction, size_t channel, double db) override;
    double getGain(int direction, size_t channel) const override;
    SoapySDR::Range getGainRange(int direction, size_t channel) const override;
    void setGain(int direction, size_t channel, const std::string&, double db) override
    {
        setGain(direction, channel, db);
    }
    double getGain(int direction, size_t channel, const std::string&) const override
    {
        return getGain(direction, channel);
    }

    void setFrequency(int direction,
                      size_t channel,
                      const std::string& name,
                      double hz,
                      const SoapySDR::Kwargs& arguments) override;
    double getFrequency(int direction, size_t channel, const std::string& name) const override;
    std::vector<std::string> listFrequencies(int, size_t) const override { return { "RF" }; }
    SoapySDR::RangeList getFrequencyRange(int, size_t, const std::string&) const override;

    void setSampleRate(int direction, size_t channel, double rate) override;
    double getSampleRate(int direction, size_t channel) const override;
    SoapySDR::RangeList getSampleRateRange(int, size_t) const override;
    void setBandwidth(int direction, size_t channel, double hz) override;
    double getBandwidth(int direction, size_t channel) const override;
    SoapySDR::RangeList getBandwidthRange(int, size_t) const override;

    std::vector<std::string> listClockSources() const override { return { "internal" }; }

    SoapySDR::ArgInfoList getSettingInfo() const override;
    void writeSetting(const std::string& key, const std::string& value) override;
    std::string readSetting(const std::string& key) const override;

private:
    struct end {
        tuning tuned;
        double bandwidth = 0.0, ppm = 0.0;
        std::string antenna;
    };

    end& at(int direction) { return d_ends[direction == SOAPY_SDR_TX]; }
    const end& at(int direction) const { return d_ends[direction == SOAPY_SDR_TX]; }

    mutable std::mutex d_mutex; // of settings and tuning; streams have one thread each
    settings d_settings;
    bool d_changed = false; // the receiver's stream does not know yet
    end d_ends[2];
    std::unique_ptr<receive_stream> d_receive;
    std::unique_ptr<transmit_stream> d_transmit;
};

} // namespace gr::resivid::loopback
