/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <vector>

namespace gr {
namespace resivid {

//! The latest durations of a stage, written by its block and read by any other thread.
class recent_times
{
public:
    using clock = std::chrono::steady_clock;

    recent_times() { d_ring.reserve(capacity); }

    //! Add the time since `start`.
    void add_since(clock::time_point start)
    {
        const std::chrono::duration<float, std::milli> elapsed = clock::now() - start;
        const std::lock_guard<std::mutex> lock(d_mutex);
        if (d_ring.size() < capacity) {
            d_ring.push_back(elapsed.count());
        } else {
            d_ring[d_oldest] = elapsed.count();
            d_oldest = (d_oldest + 1) % capacity;
        }
    }

    //! In ms, oldest first.
    std::vector<float> get_ms() const
    {
        const std::lock_guard<std::mutex> lock(d_mutex);
        std::vector<float> times(d_ring.begin() + d_oldest, d_ring.end());
        times.insert(times.end(), d_ring.begin(), d_ring.begin() + d_oldest);
        return times;
    }

private:
    static constexpr std::size_t capacity = 4096;
    mutable std::mutex d_mutex;
    std::vector<float> d_ring;
    std::size_t d_oldest = 0;
};

} // namespace resivid
} // namespace gr
