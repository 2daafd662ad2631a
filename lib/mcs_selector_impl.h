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
                      const phy::selector_settings& settings,
                      int fixed_row);

    int row() const override { return d_row; }
    double offset_db() const override { return d_offset_db; }
    std::uint64_t dropped() const override { return d_dropped; }

private:
    void on_snr(const pmt::pmt_t& message);
    void follow(const pmt::pmt_t& message);
    void follow_pdu(const pmt::pmt_t& metadata);

    phy::mcs_selector d_selector;
    const bool d_is_fixed;
    std::atomic<int> d_row; // read by other threads, as is the offset; the selector's own are not
    std::atomic<double> d_offset_db{ 0.0 };
    std::atomic<std::uint64_t> d_dropped{ 0 };
};

} // namespace resivid
} // namespace gr
