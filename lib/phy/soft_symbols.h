// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The mean of the symbols that may have been sent, given what was received.
#pragma once

#include "burst_format.h"
#include "qam.h"

namespace gr::resivid::phy {

/*! \brief Moments of the symbol that was sent, given what was received. */
struct symbol_moments {
    cfloat mean;  //!< E[s | y]
    float energy; //!< E[|s|^2 | y]
};

/*! \brief E[s | y] for equally likely points of a constellation in white noise: nearly the nearest
 * point where noise is low, nearly 0 where it is high. */
class soft_symbols
{
public:
    //! \throws std::invalid_argument when bits_per_symbol is not 2, 4, 6 or 8.
    explicit soft_symbols(unsigned bits_per_symbol)
        : d_levels(constellation(bits_per_symbol).levels()), d_bits_per_axis(bits_per_symbol / 2)
    {
    }

    //! \param noise_variance N0 relative to symbol energy 1, above 0.
    symbol_moments moments(cfloat y, float noise_variance) const;

    //! E[s] by the LLRs of its bits, bits_per_symbol of them.
    cfloat mean(const float* llr) const;

private:
    struct axis_moments {
        float mean, square;
    };
    axis_moments axis(float y, float noise_variance) const;

    std::vector<float> d_levels;
    unsigned d_bits_per_axis;
};

} // namespace gr::resivid::phy
