// SPDX-License-Identifier: GPL-3.0-or-later
#include "streams.h"

#include <SoapySDR/Errors.hpp>

#include <algorithm>
#include <cmath>
#include <thread>

namespace gr::resivid::loopback {
namespace {

constexpr double BUFFER_S = 0.5; // a receiver that comes later than this loses samples
constexpr double AHEAD_S = 0.1;  // taken from the transmitter before they are due
constexpr double MOST_SKIPPED_S = 10;
constexpr long POLL_US = 2000;
constexpr std::size_t SLICE = 4096; // items of the receiver at a time, in free pace

wall_clock::duration seconds(double value)
{
    return std::chrono::duration_cast<wall_clock::duration>(std::chrono::duration<double>(value));
}

wall_clock::duration microseconds(long value) { return std::chrono::microseconds(value); }

} // namespace

transmit_stream::transmit_stream(const settings& s)
    : d_settings(s), d_claim(s.channel, "tx"), d_end(s.channel)
{
}

void transmit_stream::start() { d_discarded_until = wall_clock::now(); }

void transmit_stream::stop(const tuning& t) { d_end.send(nullptr, 0, t, 0); }

int transmit_stream::write(const item* items, std::size_t n, const tuning& t, long timeout_us)
{
    if (is_unplugged(d_settings.channel))
        return SOAPY_SDR_STREAM_ERROR;
    n = std::min(n, MOST_ITEMS);
    if (n == 0)
        return 0;
    if (d_end.connected()) {
        if (d_end.send(items, n, t, timeout_us)) {
            d_discarded_until = wall_clock::now();
            return int(n);
        }
        if (d_end.connected())
            return SOAPY_SDR_TIMEOUT; // it does not read
    }
    return discard(n, t.rate, timeout_us);
}

// Nobody listens: real time goes on all the same, free time stands still.
int transmit_stream::discard(std::size_t n, double rate, long timeout_us)
{
    if (d_settings.is_free()) {
        std::this_thread::sleep_for(microseconds(std::min(timeout_us, 10 * POLL_US)));
        return SOAPY_SDR_TIMEOUT;
    }
    const auto now = wall_clock::now();
    if (d_discarded_until > now + microseconds(timeout_us)) {
        std::this_thread::sleep_for(microseconds(timeout_us));
        return SOAPY_SDR_TIMEOUT;
    }
    std::this_thread::sleep_until(d_discarded_until);
    d_discarded_until = std::max(d_discarded_until, now - seconds(AHEAD_S)) + seconds(n / rate);
    return int(n);
}

receive_stream::receive_stream(const settings& s)
    : d_settings(s),
      d_claim(s.channel, "rx"),
      d_end(s.channel),
      d_channel(std::make_unique<channel>(s))
{
}

void receive_stream::set(const settings& s)
{
    d_settings = s;
    d_channel = std::make_unique<channel>(s);
    d_channel->set_receiver(d_receiver, d_ppm);
    d_channel->set_transmitter(d_end.transmitter());
}

void receive_stream::start(const tuning& t, double ppm)
{
    d_receiver = t;
    d_ppm = ppm;
    d_channel->set_receiver(t, ppm);
    d_start = wall_clock::now();
    d_count = 0;
    d_next_gap = std::uint64_t(d_settings.gap_every_s * t.rate);
}

int receive_stream::read(
    item* out, std::size_t n, const tuning& t, double ppm, long timeout_us, long long& time_ns)
{
    if (is_unplugged(d_settings.channel))
        return SOAPY_SDR_STREAM_ERROR;
    if (t.rate != d_receiver.rate)
        start(t, ppm);
    else if (!(t == d_receiver) || ppm != d_ppm)
        d_channel->set_receiver(d_receiver = t, d_ppm = ppm);
    if (gap(t))
        return SOAPY_SDR_OVERFLOW;
    time_ns = (long long)(1e9 * double(d_count) / t.rate);
    if (d_settings.gap_every_s > 0 && d_unseen == 0)
        n = std::size_t(std::min<std::uint64_t>(n, d_next_gap - d_count));
    for (;;) {
        const auto most = d_unseen > 0 ? std::size_t(std::min<std::uint64_t>(n, d_unseen)) : n;
        const int count = d_settings.is_free() ? read_free(out, most, timeout_us)
                                               : read_real(out, most, t.rate, timeout_us);
        if (count < 0 || d_unseen == 0)
            return count;
        d_unseen -= std::uint64_t(count);
        time_ns = (long long)(1e9 * double(d_count) / t.rate);
    }
}

// Take one event of the transmitter into the channel. False: nothing came.
bool receive_stream::take(long timeout_us)
{
    switch (d_end.receive(timeout_us)) {
    case receiving_end::event::items:
        d_channel->set_transmitter(d_end.transmitter());
        d_channel->push(d_end.items().data(), d_end.items().size());
        d_tail = 0;
        return true;
    case receiving_end::event::pause:
    case receiving_end::event::left:
        d_tail = std::uint64_t(d_settings.tail_s * d_receiver.rate);
        return true;
    case receiving_end::event::none:
        break;
    }
    return false;
}

int receive_stream::read_free(item* out, std::size_t n, long timeout_us)
{
    n = std::min(n, SLICE);
    while (d_channel->available() == 0 && d_tail == 0) {
        const bool noise = !d_settings.waits() && !d_end.connected();
        if (take(noise ? 0 : timeout_us))
            continue;
        if (!noise)
            return SOAPY_SDR_TIMEOUT;
        d_tail = n; // nobody transmits
    }
    const std::size_t heard = d_channel->available();
    n = std::size_t(std::min<std::uint64_t>(n, heard > 0 ? heard : d_tail));
    if (heard == 0)
        d_tail -= n;
    d_channel->pull(out, n);
    d_count += n;
    return int(n);
}

int receive_stream::read_real(item* out, std::size_t n, double rate, long timeout_us)
{
    const auto deadline = wall_clock::now() + microseconds(timeout_us);
    std::uint64_t due;
    for (;;) {
        const std::chrono::duration<double> passed = wall_clock::now() - d_start;
        due = std::uint64_t(std::max(0.0, passed.count() * rate - double(d_count)));
        if (due >= std::min<std::uint64_t>(n, 1024))
            break;
        if (wall_clock::now() >= deadline)
            return SOAPY_SDR_TIMEOUT;
        std::this_thread::sleep_for(microseconds(POLL_US / 2));
    }
    if (double(due) > BUFFER_S * rate) {
        skip(due);
        return SOAPY_SDR_OVERFLOW;
    }
    n = std::min<std::uint64_t>(n, due);
    const std::size_t ahead = n + std::size_t(AHEAD_S * rate);
    while (d_channel->available() < ahead && take(0)) {
    }
    d_channel->pull(out, n);
    d_count += n;
    return int(n);
}

// An overflow that the settings ask for.
bool receive_stream::gap(const tuning& t)
{
    if (d_settings.gap_every_s <= 0 || d_count < d_next_gap)
        return false;
    d_next_gap = d_count + std::uint64_t((d_settings.gap_every_s + d_settings.gap_s) * t.rate);
    d_unseen = std::uint64_t(d_settings.gap_s * t.rate);
    return true;
}

// Receiver's time goes on and nobody sees the samples.
void receive_stream::skip(std::uint64_t n)
{
    std::vector<item> unseen(SLICE);
    d_count += n;
    n = std::min(n, std::uint64_t(MOST_SKIPPED_S * d_receiver.rate)); // after a long sleep
    while (n > 0) {
        const auto count = std::size_t(std::min<std::uint64_t>(n, SLICE));
        while (d_channel->available() < count && take(0)) {
        }
        d_channel->pull(unseen.data(), count);
        n -= count;
    }
}

} // namespace gr::resivid::loopback
