// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Additive white Gaussian noise at a given Es/N0, the same on every machine.
#pragma once

#include "random_source.h"

#include <cstddef>

namespace gr::resivid::phy {

/*! \brief Seeded AWGN for symbols of energy 1.
 *
 * The noise of random_source, added with fused multiply-add: one rounding, whatever the compiler
 * flags. */
class awgn_channel
{
public:
    explicit awgn_channel(std::uint64_t seed) : d_random(seed) {}

    /*! \brief out[i] = in[i] + noise of variance 10^(-snr_db/10); in place is allowed.
     *  \param snr_db Es/N0 in dB; +infinity adds nothing (the sequence still advances). */
    void
    apply(const std::complex<float>* in, std::complex<float>* out, std::size_t n, float snr_db);

private:
    random_source d_random;
};

} // namespace gr::resivid::phy
