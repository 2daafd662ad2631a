// SPDX-License-Identifier: GPL-3.0-or-later
#include "link_monte_carlo.h"

#include "awgn_channel.h"
#include "link_decoder.h"
#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

constexpr std::uint64_t CHUNK = 16; // blocks a thread takes at once

// SplitMix64: a well mixed 64-bit number from a counter.
std::uint64_t mix(std::uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

void draw_payload(std::uint64_t key, std::vector<std::uint8_t>& payload)
{
    for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = mix(key + i / 64) >> i % 64 & 1;
}

// Transmitter, channel and receiver of one thread.
class link_trial
{
public:
    explicit link_trial(const monte_carlo_settings& s)
        : d_settings(s),
          d_encoder({ s.format }),
          d_decoder({ s.format }, s.decoding),
          d_payload(s.format.payload_bits),
          d_symbols(d_encoder.symbols())
    {
    }

    void run(std::uint64_t block, monte_carlo_counts& counts)
    {
        const std::uint64_t key = mix(mix(d_settings.seed) + block);
        draw_payload(key, d_payload);
        d_encoder.encode(0, d_payload.data(), d_symbols.data());
        awgn_channel(mix(~key)).apply(
            d_symbols.data(), d_symbols.data(), d_symbols.size(), d_settings.snr_db);
        const float snr_db =
            d_settings.known_snr ? d_settings.snr_db : std::numeric_limits<float>::quiet_NaN();
        count(d_decoder.decode(0, d_symbols.data(), snr_db), counts);
    }

private:
    void count(const link_result& result, monte_carlo_counts& counts) const
    {
        std::uint64_t wrong_bits = 0;
        for (std::size_t i = 0; i < d_payload.size(); ++i)
            wrong_bits += result.payload[i] != d_payload[i];
        counts.blocks += 1;
        counts.errors += !result.crc_ok || wrong_bits;
        counts.undetected += result.crc_ok && wrong_bits;
        counts.bit_errors += wrong_bits;
        counts.iterations_sum += result.iterations;
    }

    const monte_carlo_settings& d_settings;
    link_encoder d_encoder;
    link_decoder d_decoder;
    std::vector<std::uint8_t> d_payload;
    std::vector<std::complex<float>> d_symbols;
};

void check(const monte_carlo_settings& s)
{
    if (!std::isfinite(s.snr_db))
        throw std::invalid_argument("snr_db must be finite, got " + std::to_string(s.snr_db));
    if (s.threads > MAX_THREADS)
        throw std::invalid_argument("threads must be 0 to " + std::to_string(MAX_THREADS) +
                                    ", got " + std::to_string(s.threads));
    if (s.first_block > std::numeric_limits<std::uint64_t>::max() - s.num_blocks)
        throw std::invalid_argument("first_block + num_blocks must be below 2^64");
}

} // namespace

monte_carlo_counts& monte_carlo_counts::operator+=(const monte_carlo_counts& other)
{
    blocks += other.blocks;
    errors += other.errors;
    undetected += other.undetected;
    bit_errors += other.bit_errors;
    iterations_sum += other.iterations_sum;
    return *this;
}

monte_carlo_counts simulate_blocks(const monte_carlo_settings& settings)
{
    check(settings);
    // Objects are made here, so that a wrong setting throws in the caller's thread.
    std::vector<link_trial> trials;
    const unsigned num_threads =
        count_threads(settings.threads, (settings.num_blocks + CHUNK - 1) / CHUNK);
    for (unsigned t = 0; t < num_threads; ++t)
        trials.emplace_back(settings);
    std::vector<monte_carlo_counts> counts(trials.size());
    std::atomic<std::uint64_t> next{ 0 };
    run_on_threads(num_threads, [&](unsigned t) {
        monte_carlo_counts own;
        for (std::uint64_t n; (n = next.fetch_add(CHUNK)) < settings.num_blocks;)
            for (std::uint64_t i = n; i < std::min(n + CHUNK, settings.num_blocks); ++i)
                trials[t].run(settings.first_block + i, own);
        counts[t] = own;
    });
    monte_carlo_counts sum;
    for (const auto& part : counts)
        sum += part;
    return sum;
}

} // namespace gr::resivid::phy
