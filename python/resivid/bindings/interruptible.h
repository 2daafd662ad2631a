// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Long work for Python that Ctrl-C stops.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace gr::resivid::phy::python {

/*! \brief run(first, n) over slices of 0..total, without the GIL, signals looked at in between.
 *
 * Slices grow until one takes a tenth of a second and shrink when one takes half a second. Whatever
 * a signal's handler raises leaves from here. */
template <class F>
void in_slices(std::uint64_t total, const F& run)
{
    using namespace std::chrono_literals;
    using clock = std::chrono::steady_clock;
    std::uint64_t size = 64; // the widest batch of the decoder
    for (std::uint64_t first = 0, n = 0; first < total; first += n) {
        n = std::min(size, total - first);
        const auto begin = clock::now();
        {
            pybind11::gil_scoped_release release;
            run(first, n);
        }
        if (PyErr_CheckSignals() != 0)
            throw pybind11::error_already_set();
        const auto taken = clock::now() - begin;
        size = taken < 100ms   ? 2 * size
               : taken > 500ms ? std::max<std::uint64_t>(size / 2, 1)
                               : size;
    }
}

} // namespace gr::resivid::phy::python
