// SPDX-License-Identifier: GPL-3.0-or-later
#include "scrambler.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {

std::vector<std::uint8_t> gold_sequence(std::uint32_t c_init, std::size_t n)
{
    constexpr std::size_t ADVANCE = 1600; // Nc
    std::uint32_t x1 = 1;                 // bit i holds x(n + i), i = 0..30
    std::uint32_t x2 = c_init;
    std::vector<std::uint8_t> sequence(n);
    for (std::size_t i = 0; i < ADVANCE + n; ++i) {
        if (i >= ADVANCE)
            sequence[i - ADVANCE] = (x1 ^ x2) & 1;
        const std::uint32_t next1 = (x1 >> 3 ^ x1) & 1;
        const std::uint32_t next2 = (x2 >> 3 ^ x2 >> 2 ^ x2 >> 1 ^ x2) & 1;
        x1 = x1 >> 1 | next1 << 30;
        x2 = x2 >> 1 | next2 << 30;
    }
    return sequence;
}

scrambler::scrambler(std::size_t max_bits, std::uint32_t c_init)
    : d_sequence(gold_sequence(c_init, max_bits))
{
}

void scrambler::scramble(std::uint8_t* bits, std::size_t n) const
{
    for (std::size_t i = 0; i < n; ++i)
        bits[i] ^= d_sequence[i];
}

void scrambler::descramble(float* llr, std::size_t n) const
{
    for (std::size_t i = 0; i < n; ++i) {
        // Written so that a NaN, which compares false, ends up without evidence.
        float value = std::fabs(llr[i]) > NO_EVIDENCE_LLR ? llr[i] : NO_EVIDENCE_LLR;
        value = std::clamp(value, -MAX_LLR, MAX_LLR);
        llr[i] = d_sequence[i] ? -value : value;
    }
}

} // namespace gr::resivid::phy
