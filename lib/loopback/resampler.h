// SPDX-License-Identifier: GPL-3.0-or-later
//! \file A stream of samples at another rate.
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

namespace gr::resivid::loopback {

using item = std::complex<float>;

/*! \brief Output m is the input at time m * step, in items: windowed sinc, any step.
 *
 * A step above 1 limits the band first. A step of 1 passes the items on as they are. Flat to about
 * 0.35 of the lower rate, images below -60 dB there. */
class resampler
{
public:
    static constexpr int HALF_TAPS = 12; //!< at step <= 1; longer in proportion above
    static constexpr int NUM_PHASES = 256;

    //! \throws std::invalid_argument unless 1e-4 <= step <= 1e4.
    explicit resampler(double step);

    void push(const item* in, std::size_t n);
    void push_silence(std::size_t n);

    //! Items that can be pulled without more input.
    std::size_t available() const;

    //! Items to push so that n can be pulled.
    std::size_t missing(std::size_t n) const;

    //! The next items, at most n. \return how many.
    std::size_t pull(item* out, std::size_t n);

private:
    item interpolated() const;
    void forget();

    double d_step;
    int d_half = 1;              // taps on each side of the output's time
    std::vector<float> d_taps;   // NUM_PHASES + 1 arms of 2 d_half taps, each twice
    std::vector<item> d_history; // input from some time on
    double d_next;               // time of the next output in it
};

} // namespace gr::resivid::loopback
