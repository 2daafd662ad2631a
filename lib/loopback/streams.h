// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The two streams of the loopback radio, and what time is for them.
#pragma once

#include "air.h"
#include "meeting_point.h"

#include <chrono>
#include <memory>

namespace gr::resivid::loopback {

using wall_clock = std::chrono::steady_clock;

/*! \brief Samples to the air. In real pace they leave at the sample rate, heard or not. */
class transmit_stream
{
public:
    transmit_stream(const settings& s);

    void start();
    void stop(const tuning& t);

    //! As SoapySDR's writeStream: items taken, or a negative code.
    int write(const item* items, std::size_t n, const tuning& t, long timeout_us);

private:
    int discard(std::size_t n, double rate, long timeout_us);

    settings d_settings;
    claim d_claim;
    sending_end d_end;
    wall_clock::time_point d_discarded_until; // without a receiver
};

/*! \brief Samples from the air, through the channel. */
class receive_stream
{
public:
    receive_stream(const settings& s);

    void start(const tuning& t, double ppm);

    //! As SoapySDR's readStream: items, or a negative code. \param time_ns of the first item.
    int read(
        item* out, std::size_t n, const tuning& t, double ppm, long timeout_us, long long& time_ns);

    //! Change what the channel does, from the next sample on.
    void set(const settings& s);

private:
    int read_free(item* out, std::size_t n, long timeout_us);
    int read_real(item* out, std::size_t n, double rate, long timeout_us);
    bool take(long timeout_us);
    bool gap(const tuning& t);
    void skip(std::uint64_t n);

    settings d_settings;
    claim d_claim;
    receiving_end d_end;
    std::unique_ptr<channel> d_channel;
    tuning d_receiver;
    double d_ppm = 0.0;
    wall_clock::time_point d_start;
    std::uint64_t d_count = 0;    // items of the receiver's time so far
    std::uint64_t d_next_gap = 0; // when the next overflow comes, in items
    std::uint64_t d_unseen = 0;   // items that an overflow still loses
    std::uint64_t d_tail = 0;     // items of noise left after a transmitter
};

} // namespace gr::resivid::loopback
