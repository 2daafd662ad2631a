// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Additive white Gaussian noise at a given Es/N0, the same on every machine.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <random>

namespace gr::resivid::phy {

/*! \brief Seeded AWGN for symbols of energy 1.
 *
 * std::normal_distribution differs between libraries, so the noise is our own: mt19937_64 (its
 * sequence is fixed by the C++ standard), Box-Muller in double, values rounded to multiples of
 * 2^-20 standard deviations (which hides the last-bit differences of mathematical libraries),
 * added with fused multiply-add (one rounding, whatever the compiler flags). */
class awgn_channel
{
public:
    explicit awgn_channel(std::uint64_t seed);

    /*! \brief out[i] = in[i] + noise of variance 10^(-snr_db/10); in place is allowed.
     *  \param snr_db Es/N0 in dB; +infinity adds nothing (the sequence still advances). */
    void
    apply(const std::complex<float>* in, std::complex<float>* out, std::size_t n, float snr_db);

private:
    std::complex<float> unit_noise(); // both axes of variance 1

    std::mt19937_64 d_generator;
};

} // namespace gr::resivid::phy
