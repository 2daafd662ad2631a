// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Gains of a flat fading channel: Rayleigh and Rician, by packet or over time.
#pragma once

#include "random_source.h"

#include <cstddef>
#include <vector>

namespace gr::resivid::phy {

/*! \brief Complex gains h of mean power 1.
 *
 * Rayleigh: |h|^2 is exponential. Rician: a steady path of random phase and K times the power of
 * the rest. Without Doppler each call draws one new gain (block fading). With Doppler the gains
 * follow the uniform ring of scatterers of Clarke and Jakes, E[h(t) h*(t + u)] = J0(2 pi f u), as a
 * sum of NUM_PATHS waves whose angles and phases are random, one in each part of the circle, so
 * that the correlation is exact over seeds; E|h|^4 is 2 - 1/NUM_PATHS instead of 2. The steady path
 * arrives at a right angle and has no Doppler shift. */
class fading
{
public:
    static constexpr unsigned NUM_PATHS = 64;

    /*! \param rician_k power of the steady path over that of the rest, 0 for Rayleigh.
     *  \param doppler largest shift in cycles an item; 0: one gain a call. */
    fading(double rician_k, double doppler, std::uint64_t seed);

    //! The next n gains.
    void next(std::complex<float>* gains, std::size_t n);

    void reserve(std::size_t n) { d_sum.reserve(n); } //!< calls up to this size allocate nothing
    bool varies() const { return d_varies; }          //!< within a call

private:
    struct wave {
        double frequency; // cycles an item
        double phase;     // cycles at time 0
    };

    void add_waves(std::complex<float>* gains, std::size_t n);

    random_source d_random;
    bool d_varies;
    float d_scattered; // amplitude of all scattered paths together
    std::complex<float> d_steady;
    std::vector<wave> d_waves;
    std::vector<std::complex<double>> d_sum;
    std::uint64_t d_time = 0; // items so far
};

} // namespace gr::resivid::phy
