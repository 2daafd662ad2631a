// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_engine.h"
#include "ldpc_scale.h"

#include <algorithm>

namespace gr::resivid::phy {
namespace {

template <class T>
class block_engine : public ldpc_engine
{
public:
    block_engine(const ldpc_schedule& schedule, const kernel_functions<T>& functions)
        : d_schedule(schedule),
          d_functions(functions),
          d_z(schedule.lifting_size),
          d_stride((d_z + functions.lanes - 1) / functions.lanes * functions.lanes),
          d_llr(schedule.num_columns * d_z),
          d_buffers(2 * schedule.num_columns * (d_z + d_stride)),
          d_messages(schedule.column.size() * d_stride)
    {
        for (unsigned c = 0; c < schedule.num_columns; ++c) {
            d_now.push_back(d_buffers.data() + 2 * c * (d_z + d_stride));
            d_next.push_back(d_now.back() + d_z + d_stride);
        }
    }

    void load(const float* llr) override
    {
        d_scale = fitting_scale(llr, d_llr.size(), d_functions.scale, d_functions.typical);
        d_functions.quantise(llr, d_llr.data(), d_llr.size(), d_scale);
        std::fill(d_messages.begin(), d_messages.end(), T(0));
        for (unsigned c = 0; c < d_schedule.num_columns; ++c) {
            const T* bits = d_llr.data() + c * d_z;
            const unsigned shift = d_schedule.final_shift[c];
            std::rotate_copy(bits, bits + shift, bits + d_z, d_now[c]);
            std::copy_n(d_now[c], d_z, d_now[c] + d_z);
        }
    }

    bool iterate() override
    {
        kernel_work<T> work{ d_z,
                             d_stride,
                             unsigned(d_schedule.layers.size()),
                             d_schedule.layers.data(),
                             d_schedule.column.data(),
                             d_schedule.turn.data(),
                             d_schedule.final_turn.data(),
                             d_now.data(),
                             d_next.data(),
                             d_messages.data() };
        return d_functions.iterate(work);
    }

    void read(std::uint8_t* bits, unsigned num_columns) const override
    {
        for (unsigned c = 0; c < num_columns; ++c)
            hard_decisions(in_order_of_bits(c), bits + c * d_z, d_z);
    }

    void read_totals(float* llr) const override
    {
        for (unsigned c = 0; c < d_schedule.num_columns; ++c) {
            const T* totals = in_order_of_bits(c);
            for (unsigned i = 0; i < d_z; ++i)
                llr[c * d_z + i] = totals[i] / d_scale;
        }
    }

private:
    // A run that begins with bit 0: the column is stored twice over.
    const T* in_order_of_bits(unsigned c) const
    {
        return d_now[c] + (d_z - d_schedule.final_shift[c]) % d_z;
    }

    const ldpc_schedule& d_schedule;
    const kernel_functions<T>& d_functions;
    unsigned d_z;
    unsigned d_stride;
    float d_scale = 1.0f;     // of the block at hand
    std::vector<T> d_llr;     // in the order of the bits
    std::vector<T> d_buffers; // (columns, 2, Zc + stride)
    std::vector<T> d_messages;
    std::vector<T*> d_now;
    std::vector<T*> d_next;
};

} // namespace

template <class T>
std::unique_ptr<ldpc_engine> make_block_engine(const ldpc_schedule& schedule,
                                               const kernel_functions<T>& functions)
{
    return std::make_unique<block_engine<T>>(schedule, functions);
}

template std::unique_ptr<ldpc_engine> make_block_engine(const ldpc_schedule&,
                                                        const kernel_functions<float>&);
template std::unique_ptr<ldpc_engine> make_block_engine(const ldpc_schedule&,
                                                        const kernel_functions<std::int16_t>&);
template std::unique_ptr<ldpc_engine> make_block_engine(const ldpc_schedule&,
                                                        const kernel_functions<std::int8_t>&);

} // namespace gr::resivid::phy
