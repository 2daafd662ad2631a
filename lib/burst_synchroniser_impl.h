/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "phy/burst_synchroniser.h"
#include <atomic>
#include <gnuradio/resivid/burst_synchroniser.h>
#include <memory>

namespace gr {
namespace resivid {

class burst_synchroniser_impl : public burst_synchroniser
{
public:
    burst_synchroniser_impl(std::unique_ptr<phy::burst_synchroniser> synchroniser,
                            int samples_per_symbol,
                            double symbol_rate,
                            bool every_frame,
                            const std::string& packet_len_key);
    ~burst_synchroniser_impl() override;

    bool locked() const override { return d_locked; }
    std::uint64_t bursts() const override { return d_bursts; }
    std::uint64_t false_alarms() const override { return d_false_alarms; }

    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    int take(const gr_complex* samples, int num_samples);
    int num_before_end(int num_samples);
    int emit(gr_complex* out);
    int emit_burst(const phy::burst& burst, gr_complex* out);
    int emit_lost(gr_complex* out);
    int emit_end(gr_complex* out);
    bool lacks_frame(bool at_end) const;
    void add_tag(const char* key, const pmt::pmt_t& value);
    void report_status(const phy::burst* burst);

    std::unique_ptr<phy::burst_synchroniser> d_synchroniser;
    const double d_samples_per_frame;
    const double d_symbol_rate;
    const bool d_every_frame;
    const pmt::pmt_t d_length_key;
    const int d_symbols;
    std::vector<gr_complex> d_silence;

    std::uint64_t d_packets = 0;      // with every_frame: burst or lost
    std::uint64_t d_first = 0;        // sample where the stream that d_packets counts began
    bool d_ending = false;            // the end marker was read
    std::uint64_t d_end_position = 0; // sample at which it stood
    std::uint64_t d_end_items = 0;    // of what belongs to it, still to be read
    std::uint64_t d_flushed = 0;      // samples of silence behind it
    std::vector<tag_t> d_end_tags;
    std::vector<tag_t> d_tags;
    std::atomic<bool> d_locked{ false };
    std::atomic<std::uint64_t> d_bursts{ 0 };
    std::atomic<std::uint64_t> d_false_alarms{ 0 };
};

} // namespace resivid
} // namespace gr
