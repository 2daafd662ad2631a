// SPDX-License-Identifier: GPL-3.0-or-later
#include "awgn_channel.h"

#include <cmath>

namespace gr::resivid::phy {

void awgn_channel::apply(const std::complex<float>* in,
                         std::complex<float>* out,
                         std::size_t n,
                         float snr_db)
{
    const float deviation =
        float(std::sqrt(0.5 * std::pow(10.0, -double(snr_db) / 10.0))); // an axis
    for (std::size_t i = 0; i < n; ++i) {
        const auto noise = d_random.normal();
        out[i] = { std::fma(deviation, noise.real(), in[i].real()),
                   std::fma(deviation, noise.imag(), in[i].imag()) };
    }
}

} // namespace gr::resivid::phy
