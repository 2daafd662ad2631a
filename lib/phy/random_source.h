// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Random numbers of the simulated channel, the same on every machine.
#pragma once

#include <complex>
#include <cstdint>
#include <random>

namespace gr::resivid::phy {

/*! \brief Seeded uniform and Gaussian numbers.
 *
 * std::normal_distribution differs between libraries, so these are our own: mt19937_64 (its
 * sequence is fixed by the C++ standard), Box-Muller in double, values rounded to multiples of
 * 2^-20 standard deviations, which hides the last-bit differences of mathematical libraries. */
class random_source
{
public:
    explicit random_source(std::uint64_t seed) : d_generator(seed) {}

    /*! \brief One of many independent sequences for the same seed: each effect of the channel has
     *  its own, so that turning one on leaves what the others do. */
    random_source(std::uint64_t seed, std::uint64_t sequence);

    double uniform();             //!< in [0, 1), a multiple of 2^-53
    std::complex<float> normal(); //!< both axes Gaussian, independent, of variance 1

private:
    std::mt19937_64 d_generator;
};

} // namespace gr::resivid::phy
