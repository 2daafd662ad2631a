// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Es/N0 of received symbols whose gain is 1: blind, and with known symbols.
#pragma once

#include "axis_noise_table.h"

namespace gr::resivid::phy {

constexpr float MIN_SNR_DB = -30.0f; //!< estimates are kept in MIN_SNR_DB..MAX_SNR_DB
constexpr float MAX_SNR_DB = 60.0f;

/*! \brief The SNR under which the received symbols are likeliest, symbols unknown.
 *
 * Maximum likelihood of N0 for the mixture of all constellation points, equally likely: there N0
 * equals the mean of E[|y - s|^2 | y, N0] (the fixed point of expectation maximisation), which is
 * found by bisection of a table. Where decisions are as good as certain it is the mean of the
 * squared distance to the nearest point, and where the points hardly matter, below -12 dB, it is
 * mean |y|^2 - 1. Gain is taken as 1 and phase as 0. */
class blind_snr_estimator
{
public:
    //! \throws std::invalid_argument when bits_per_symbol is not 2, 4, 6 or 8.
    explicit blind_snr_estimator(unsigned bits_per_symbol)
        : d_table(&axis_noise_table::of(bits_per_symbol))
    {
    }

    //! Es/N0 in dB; NaN when n is 0 or a symbol is not finite.
    float estimate_db(const std::complex<float>* symbols, std::size_t n) const;

private:
    double bisect_db(const axis_noise_table::histogram& counts, std::size_t n) const;

    const axis_noise_table* d_table;
};

/*! \brief Es/N0 in dB from symbols known to have been sent: n / sum |y - s|^2.
 *  NaN when n is 0 or a symbol is not finite. */
float known_symbols_snr_db(const std::complex<float>* received,
                           const std::complex<float>* sent,
                           std::size_t n);

/*! \brief The constant Es/N0 in dB with the mean capacity of symbols of different noise:
 *  2^mean(log2(1 + 1 / variance)) - 1. Values that are not above 0 and finite count as no signal;
 *  NaN when n is 0. */
float equal_capacity_snr_db(const float* noise_variance, std::size_t n);

} // namespace gr::resivid::phy
