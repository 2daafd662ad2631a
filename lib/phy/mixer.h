// SPDX-License-Identifier: GPL-3.0-or-later
//! \file A carrier taken away.
#pragma once

#include "burst_format.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace gr::resivid::phy {

/*! \brief out[i] = in[i] e^(-j 2 pi cycles i), i < n: the phase is exact at every CHUNK-th item and
 * a product of two rotations between. */
inline void mix_down(const cfloat* in, std::size_t n, double cycles_per_item, cfloat* out)
{
    constexpr std::size_t CHUNK = 64;
    constexpr double TURN = -6.283185307179586477;
    std::array<cfloat, CHUNK> fine;
    for (std::size_t i = 0; i < CHUNK; ++i)
        fine[i] = cfloat(std::polar(1.0, TURN * std::fmod(cycles_per_item * double(i), 1.0)));
    for (std::size_t start = 0; start < n; start += CHUNK) {
        const cfloat coarse(
            std::polar(1.0, TURN * std::fmod(cycles_per_item * double(start), 1.0)));
        const std::size_t length = n - start < CHUNK ? n - start : CHUNK;
        for (std::size_t i = 0; i < length; ++i) {
            // written out: std::complex multiplication minds NaN and does not vectorise
            const cfloat turn(coarse.real() * fine[i].real() - coarse.imag() * fine[i].imag(),
                              coarse.real() * fine[i].imag() + coarse.imag() * fine[i].real());
            const cfloat x = in[start + i];
            out[start + i] = { x.real() * turn.real() - x.imag() * turn.imag(),
                               x.real() * turn.imag() + x.imag() * turn.real() };
        }
    }
}

} // namespace gr::resivid::phy
