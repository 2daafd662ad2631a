// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Exponential and logarithm without branches or calls, so that compilers vectorise their
//! loops.
#pragma once

#include <cstdint>
#include <cstring>

namespace gr::resivid::phy {

/*! \brief e^x for x <= 0, relative error below 1.2e-7 (2 + |x|); below -87, and for NaN,
 * about 1.6e-38. */
inline float exp_of_negative(float x)
{
    constexpr float LOWEST = -87.0f; // e^-87 is the smallest that is no denormal
    constexpr float LOG2_E = 1.44269504f;
    constexpr float ROUND = 12582912.0f; // 1.5 * 2^23: what is added to it is rounded to an integer
    const float power = (x > LOWEST ? x : LOWEST) * LOG2_E;
    const float shifted = power + ROUND;
    const float t = (power - (shifted - ROUND)) * 0.69314718f; // |t| <= ln(2) / 2
    // Taylor series; the next term is below 1.2e-7.
    float y = 1.0f / 720;
    y = y * t + 1.0f / 120;
    y = y * t + 1.0f / 24;
    y = y * t + 1.0f / 6;
    y = y * t + 0.5f;
    y = y * t + 1.0f;
    y = y * t + 1.0f;
    std::uint32_t exponent;
    std::memcpy(&exponent, &shifted, sizeof(exponent));
    std::uint32_t bits;
    std::memcpy(&bits, &y, sizeof(bits));
    bits += exponent << 23; // the integer stands in the lowest bits of `shifted`
    std::memcpy(&y, &bits, sizeof(y));
    return y;
}

/*! \brief ln x for a normal x > 0, within 1e-6 of max(1, |ln x|); of no meaning for other x. */
inline float log_of_positive(float x)
{
    constexpr std::uint32_t SQRT_HALF = 0x3f3504f3; // bits of sqrt(1/2)
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    const std::uint32_t offset = bits - SQRT_HALF;
    // x = 2^power m with sqrt(1/2) <= m < sqrt(2)
    const float power = static_cast<float>(static_cast<std::int32_t>(offset) >> 23);
    bits = (offset & 0x007fffff) + SQRT_HALF;
    float m;
    std::memcpy(&m, &bits, sizeof(m));
    const float s = (m - 1.0f) / (m + 1.0f); // ln m = 2 artanh s, |s| < 0.172
    const float q = s * s;
    return power * 0.69314718f +
           2.0f * s * (1.0f + q * (1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7))));
}

} // namespace gr::resivid::phy
