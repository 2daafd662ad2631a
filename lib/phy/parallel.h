// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The same work on several threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace gr::resivid::phy {

constexpr unsigned MAX_THREADS = 256;

//! Threads for so many pieces of work: `wanted`, or one for every core when it is 0.
inline unsigned count_threads(unsigned wanted, std::uint64_t num_pieces)
{
    const unsigned most = wanted ? wanted : std::thread::hardware_concurrency();
    return unsigned(std::clamp<std::uint64_t>(most, 1, std::max<std::uint64_t>(num_pieces, 1)));
}

/*! \brief work(t) for t below num_threads at once, work(0) in the caller's thread.
 *
 * The calls share their pieces among themselves: when the system gives no more threads, those that
 * run do all of the work. `work` must not throw. */
template <class F>
void run_on_threads(unsigned num_threads, const F& work)
{
    std::vector<std::thread> threads;
    try {
        for (unsigned t = 1; t < num_threads; ++t)
            threads.emplace_back(work, t);
    } catch (const std::system_error&) {
        // fewer threads, the same result
    }
    work(0);
    for (auto& thread : threads)
        thread.join();
}

} // namespace gr::resivid::phy
