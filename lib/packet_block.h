/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "pmt_text.h"
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <gnuradio/block.h>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <string>
#include <utility>
#include <vector>

namespace gr {
namespace resivid {

//! One whole packet of a tagged stream, with the tags of its first item except the length tag.
struct packet {
    const void* items;
    int num_items;
    const std::vector<tag_t>& tags;

    //! Value of the tag with this key; nil when there is none.
    pmt::pmt_t tag(const pmt::pmt_t& key) const
    {
        for (const auto& tag : tags) {
            if (pmt::eq(tag.key, key)) {
                return tag.value;
            }
        }
        return pmt::PMT_NIL;
    }

    //! Whether this is the marker that ends the stream, which carries no energy and no payload.
    bool end() const
    {
        static const pmt::pmt_t key = pmt::intern("end");
        return pmt::eq(tag(key), pmt::PMT_T);
    }
};

/*! \brief Items of min_output_buffer for packets of this size: the scheduler offers a block at most
 * half of a buffer, so a packet larger than that would wait for ever. */
inline int buffer_items(int max_packet_items) { return 2 * max_packet_items; }

/*! \brief A block for tagged streams, whole packets at a time, that no stream can stop.
 *
 * gr::tagged_stream_block ends the flowgraph with an exception when a length tag is missing, and
 * waits for ever for the rest of a packet that was cut short or is longer than its buffer. Here
 * such items are dropped up to the next length tag with one warning. The tags of a good packet are
 * copied. Whatever the stream holds, nothing is thrown into the scheduler; items stay where they
 * are, and no memory is allocated for a packet but that of its tags. */
class packet_block : virtual public gr::block
{
protected:
    packet_block(const std::string& packet_len_key, int max_packet_items)
        : d_length_key(pmt::intern(packet_len_key)), d_max_packet_items(max_packet_items)
    {
        set_tag_propagation_policy(TPP_DONT);
    }

    //! Handle one packet; return the number of items written to `out` (null when there is no
    //! output).
    virtual int on_packet(const packet& packet, void* out) = 0;

    //! No whole packet waits, and there is room for one: see set_runs_without_input.
    virtual int on_starved(void* /* out */) { return 0; }

    //! See set_writes_pieces.
    virtual void write_piece(int /* num_items */, void* /* out */) {}

    //! Whether the rest of what on_starved began gives way to a packet.
    virtual bool gives_way() const { return false; }

    //! For the constructor of a block with an output: every call has room for a packet of this
    //! size.
    void set_max_output_packet(int num_items)
    {
        set_min_noutput_items(num_items);
        set_min_output_buffer(0, buffer_items(num_items));
    }

    //! Whether on_starved is to be called; what it writes becomes a packet without other tags.
    void set_runs_without_input(bool runs) { d_runs_without_input = runs; }

    /*! \brief For the constructor: packets leave in pieces of whole groups of items, as there is
     * room, so that no buffer behind needs to hold one. on_packet and on_starved write nothing and
     * return the length; write_piece follows until all of it is out. */
    void set_writes_pieces(int group)
    {
        d_writes_pieces = true;
        set_output_multiple(group);
    }

    //! Count a dropped packet and say why in one line.
    template <typename... Args>
    void drop(const char* reason, const Args&... args)
    {
        ++d_dropped;
        d_logger->warn(reason, args...);
    }

    std::uint64_t num_dropped() const { return d_dropped; }

private:
    void forecast(int /* noutput_items */, gr_vector_int& ninput_items_required) override
    {
        ninput_items_required[0] = d_runs_without_input || d_left > 0 ? 0 : d_wanted_items;
    }

    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override
    {
        if (d_left > 0 && !(d_is_filler && gives_way())) {
            return write_rest(noutput_items, output_items);
        }
        const int available = ninput_items[0];
        if (available < d_wanted_items) { // what is there was looked at already
            return starve(noutput_items, output_items);
        }
        get_tags_in_window(d_window_tags, 0, 0, available);
        const int length = length_at_start();
        const int next_start = find_next_start(available);
        d_wanted_items = 1;
        if (length == 0) {
            consume_each(next_start);
            return 0;
        }
        if (length > detail()->input(0)->max_possible_items_available()) {
            drop("packet dropped: {} items are more than the buffer before this block holds; "
                 "set its min_output_buffer",
                 length);
            d_in_gap = true; // its rest follows
            consume_each(next_start);
            return 0;
        }
        if (next_start < std::min(length, available)) {
            drop("packet dropped: expected {} items, got {}", length, next_start);
            consume_each(next_start);
            return 0;
        }
        if (available < length) {
            d_wanted_items =
                available + 1; // not the whole packet: look at each piece, it may be the next
            return starve(noutput_items, output_items);
        }
        keep_tags_at_start();
        void* out = output_items.empty() ? nullptr : output_items[0];
        const int num_items = finish({ input_items[0], length, d_packet_tags }, out);
        consume_each(length);
        if (!d_writes_pieces) {
            return num_items;
        }
        d_left = num_items;
        d_is_filler = false;
        return write_rest(noutput_items, output_items);
    }

    //! The stream has ended: what waits for the rest of its packet waits in vain.
    bool stop() override
    {
        if (std::exchange(d_wanted_items, 1) > 1) {
            drop("packet dropped: the stream ended within it");
        }
        return true;
    }

    //! The length tag of the first item; 0 with a warning where no packet can be read.
    int length_at_start()
    {
        const bool was_in_gap = std::exchange(d_in_gap, true);
        for (const auto& tag : d_window_tags) {
            if (tag.offset != nitems_read(0) || !pmt::eq(tag.key, d_length_key)) {
                continue;
            }
            const long length = pmt::is_integer(tag.value) ? pmt::to_long(tag.value) : 0;
            if (length >= 1 && length <= d_max_packet_items) {
                d_in_gap = false;
                return static_cast<int>(length);
            }
            drop("packet dropped: expected 1 to {} items, got {}",
                 d_max_packet_items,
                 pmt_text(tag.value));
            return 0;
        }
        if (!was_in_gap) { // one line for the whole gap
            drop("items without a length tag dropped");
        }
        return 0;
    }

    //! Items up to the next length tag, or all that are available.
    int find_next_start(int available)
    {
        for (const auto& tag : d_window_tags) {
            if (tag.offset > nitems_read(0) && pmt::eq(tag.key, d_length_key)) {
                return static_cast<int>(tag.offset - nitems_read(0));
            }
        }
        return available;
    }

    int starve(int noutput_items, gr_vector_void_star& output_items)
    {
        if (d_left > 0) { // of the filler before
            return write_rest(noutput_items, output_items);
        }
        if (!d_runs_without_input) {
            return 0;
        }
        const int num_items = on_starved(output_items[0]);
        if (num_items == 0) {
            return 0;
        }
        add_item_tag(0, nitems_written(0), d_length_key, pmt::from_long(num_items));
        if (!d_writes_pieces) {
            return num_items;
        }
        d_left = num_items;
        d_is_filler = true;
        return write_rest(noutput_items, output_items);
    }

    int write_rest(int noutput_items, gr_vector_void_star& output_items)
    {
        const int num_items = std::min(d_left, noutput_items);
        if (num_items > 0) {
            write_piece(num_items, output_items[0]);
        }
        d_left -= num_items;
        return num_items;
    }

    void keep_tags_at_start()
    {
        d_packet_tags.clear();
        for (const auto& tag : d_window_tags) {
            if (tag.offset == nitems_read(0) && !pmt::eq(tag.key, d_length_key)) {
                d_packet_tags.push_back(tag);
            }
        }
    }

    //! on_packet, its tags, and the promise that nothing is thrown into the scheduler.
    int finish(const packet& packet, void* out)
    {
        int num_written = 0;
        try {
            num_written = on_packet(packet, out);
        } catch (const std::exception& error) {
            drop("packet dropped: {}", error.what());
        }
        if (num_written > 0) {
            add_item_tag(0, nitems_written(0), d_length_key, pmt::from_long(num_written));
            for (const auto& tag : packet.tags) {
                add_item_tag(0, nitems_written(0), tag.key, tag.value, tag.srcid);
            }
        }
        return num_written;
    }

    const pmt::pmt_t d_length_key;
    const int d_max_packet_items;
    int d_wanted_items = 1; // input that the next call needs
    bool d_runs_without_input = false;
    bool d_writes_pieces = false;
    int d_left = 0;                   // items of a packet that leaves in pieces
    bool d_is_filler = false;         // it is what on_starved began
    bool d_in_gap = false;            // the last items were dropped and already counted
    std::vector<tag_t> d_window_tags; // kept for their memory
    std::vector<tag_t> d_packet_tags;
    std::atomic<std::uint64_t> d_dropped{ 0 };
};

} // namespace resivid
} // namespace gr
