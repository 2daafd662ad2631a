// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Key frames and bursts allocate nothing once what handles them is constructed.
#define BOOST_TEST_MODULE allocation
#include <boost/test/unit_test.hpp>

#include "phy/burst_framer.h"
#include "phy/burst_synchroniser.h"
#include "phy/link_decoder.h"

#include <cstdlib>
#include <new>
#include <vector>

namespace {
std::size_t num_allocations = 0;
} // namespace

// Not inlined: the compiler would take malloc for a mismatch of operator delete.
[[gnu::noinline]] void* operator new(std::size_t size)
{
    ++num_allocations;
    if (void* memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}

[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment)
{
    ++num_allocations;
    const std::size_t a = std::size_t(alignment);
    if (void* memory = std::aligned_alloc(a, (size + a - 1) / a * a))
        return memory;
    throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept
{
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept
{
    std::free(memory);
}

using namespace gr::resivid::phy;

BOOST_AUTO_TEST_CASE(a_key_frame_needs_no_memory)
{
    // the last row: several code blocks
    const std::vector<mcs_row> table{
        { 2, 251, -2 }, { 4, 434, 6 }, { 6, 700, 14 }, { 8, 900, 24 }
    };
    constexpr unsigned SYMBOLS = 3000;
    link_encoder encoder(SYMBOLS, table);
    link_decoder decoder(SYMBOLS, table);
    BOOST_REQUIRE(encoder.format(3).num_code_blocks > 1);
    const std::vector<std::uint8_t> payload(encoder.payload_bits(3), 1);
    const std::vector<std::complex<float>> noise(SYMBOLS, { 0.3f, -0.7f });
    std::vector<std::complex<float>> symbols(SYMBOLS);

    const std::size_t before = num_allocations;
    bool all_ok = true;
    bool none_ok = false;
    for (unsigned row : { 3, 0, 1, 2, 3 }) {
        encoder.encode(row, payload.data(), symbols.data());
        all_ok &= decoder.decode(row, symbols.data()).crc_ok;
        none_ok |= decoder.decode(row, noise.data()).crc_ok;
    }
    const std::size_t after = num_allocations;
    BOOST_TEST(after == before);
    BOOST_TEST(before > 0u);
    BOOST_TEST(all_ok);
    BOOST_TEST(!none_ok);
}

BOOST_AUTO_TEST_CASE(a_burst_needs_no_memory)
{
    const burst_settings settings{ 300, 4, 0.1f };
    burst_framer framer(settings);
    burst_synchroniser synchroniser(settings, { { 0, 2 }, { 1, 8 } }, 0.1);
    const std::vector<cfloat> payload(300, { 0.7f, -0.7f });
    std::vector<cfloat> samples(framer.frame_samples());

    const std::size_t before = num_allocations;
    unsigned num_bursts = 0;
    for (unsigned frame = 0; frame < 9; ++frame) {
        if (frame == 5)
            framer.close(samples.data()); // the rest is an old frame: tracking ends
        else
            framer.frame(frame % 2, payload.data(), samples.data());
        for (std::size_t done = 0; done < samples.size();) {
            done += synchroniser.push(&samples[done], samples.size() - done);
            while (synchroniser.next())
                ++num_bursts;
        }
    }
    const std::size_t after = num_allocations;
    BOOST_TEST(after == before);
    BOOST_TEST(num_bursts >= 5u);
}
