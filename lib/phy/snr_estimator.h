// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Es/N0 of received symbols whose gain is 1: blind, and with known symbols.
#pragma once

#include "qam.h"

namespace gr::resivid::phy {

constexpr float MIN_SNR_DB = -30.0f; //!< estimates are kept in MIN_SNR_DB..MAX_SNR_DB
constexpr float MAX_SNR_DB = 60.0f;

/*! \brief The SNR under which the received symbols are likeliest, symbols unknown.
 *
 * Maximum likelihood of N0 for the mixture of all constellation points, equally likely, by
 * expectation maximisation: N0 = mean over n of E[|y_n - s|^2 | y_n, N0], from the start
 * mean |y|^2 - 1. Gain is taken as 1 and phase as 0. */
class blind_snr_estimator
{
public:
    explicit blind_snr_estimator(unsigned bits_per_symbol);

    //! Es/N0 in dB; NaN when n is 0 or a symbol is not finite.
    float estimate_db(const std::complex<float>* symbols, std::size_t n) const;

private:
    double expected_noise(const std::complex<float>* symbols, std::size_t n, double n0) const;
    double axis_noise(float y, float inverse_n0) const;

    constellation d_constellation;
};

/*! \brief Es/N0 in dB from symbols known to have been sent: n / sum |y - s|^2.
 *  NaN when n is 0 or a symbol is not finite. */
float known_symbols_snr_db(const std::complex<float>* received,
                           const std::complex<float>* sent,
                           std::size_t n);

} // namespace gr::resivid::phy
