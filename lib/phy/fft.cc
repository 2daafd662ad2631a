// SPDX-License-Identifier: GPL-3.0-or-later
#include "fft.h"

#include <fftw3.h>
#include <new>
#include <utility>

namespace gr::resivid::phy {

struct fft::plan {
    fftwf_plan handle;
};

fft::fft(std::size_t size, direction way)
    : d_size(size),
      d_data(reinterpret_cast<cfloat*>(fftwf_alloc_complex(size))),
      d_plan(new plan{ nullptr })
{
    auto* data = reinterpret_cast<fftwf_complex*>(d_data);
    if (d_data)
        d_plan->handle = fftwf_plan_dft_1d(int(size),
                                           data,
                                           data,
                                           way == direction::forward ? FFTW_FORWARD : FFTW_BACKWARD,
                                           FFTW_ESTIMATE);
    if (!d_plan->handle) {
        fftwf_free(d_data);
        throw std::bad_alloc();
    }
}

fft::fft(fft&& other) noexcept
    : d_size(other.d_size),
      d_data(std::exchange(other.d_data, nullptr)),
      d_plan(std::move(other.d_plan))
{
}

fft::~fft()
{
    if (d_plan)
        fftwf_destroy_plan(d_plan->handle);
    fftwf_free(d_data);
}

void fft::run() { fftwf_execute(d_plan->handle); }

} // namespace gr::resivid::phy
