// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Discrete Fourier transforms of a fixed size, by FFTW in single precision.
#pragma once

#include "burst_format.h"

#include <cstddef>
#include <memory>

namespace gr::resivid::phy {

/*! \brief One transform with its own aligned memory: fill `data`, run, read `data`.
 *
 * FFTW's planner is not safe to use from two threads, also not by another library: construct under
 * a lock where others plan too. Plans are estimated, not measured, so a size always gives the same
 * sums. `run` may be called from any thread. */
class fft
{
public:
    enum class direction { forward, backward }; //!< e^-j and e^+j; neither is scaled

    fft(std::size_t size, direction way);
    fft(fft&&) noexcept;
    ~fft();

    std::size_t size() const { return d_size; }
    cfloat* data() { return d_data; }
    void run();

private:
    struct plan;
    std::size_t d_size;
    cfloat* d_data;
    std::unique_ptr<plan> d_plan;
};

} // namespace gr::resivid::phy
