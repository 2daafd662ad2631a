/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "phy/mcs_selector.h"
#include <atomic>
#include <gnuradio/resivid/mcs_selector.h>

namespace gr {
namespace resivid {

class mcs_selector_impl : public mcs_selector
{
public:
    mcs_selector_impl(const std::vector<float>& thresholds_db,
                      float hysteresis_db,
                      int window,
                      int start_row,
                      int fixed_row);

    int row() const override { return d_row; }
    std::uint64_t dropped() const override { return d_dropped; }

private:
    void on_snr(const pmt::pmt_t& message);
    float estimate_db(const pmt::pmt_t& message);

    phy::mcs_selector d_selector;
    const bool d_is_fixed;
    std::atomic<int> d_row; // read by other threads; the selector's own is not
    std::atomic<std::uint64_t> d_dropped{ 0 };
};

} // namespace resivid
} // namespace gr
