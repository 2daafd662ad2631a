// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What ldpc_decoder hides: a decoding run of one code block, step by step.
#pragma once

#include "ldpc_schedule.h"

#include <cstdint>
#include <memory>

namespace gr::resivid::phy {

//! A decoder of one code block: fixed rule, number format and instruction set.
class ldpc_engine
{
public:
    virtual ~ldpc_engine() = default;

    //! Begin with the LLRs of a code word.
    virtual void load(const float* llr) = 0;
    //! One layered iteration; true when every parity check holds.
    virtual bool iterate() = 0;
    //! Hard decisions of the first columns.
    virtual void read(std::uint8_t* bits, unsigned num_columns) const = 0;
    //! LLRs of all decoded columns with what the checks added.
    virtual void read_totals(float* llr) const = 0;
};

//! bits[i] = values[i] < 0. In a place of its own, because bytes alias everything.
template <class T>
inline void hard_decisions(const T* __restrict values, std::uint8_t* __restrict bits, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        bits[i] = values[i] < 0;
}

//! Kernel on one block, for T float, int16_t and int8_t.
template <class T>
std::unique_ptr<ldpc_engine> make_block_engine(const ldpc_schedule& schedule,
                                               const kernel_functions<T>& functions);

/*! \brief Exact belief propagation in double, check by check: ln tanh sums. Slow, for studies. */
std::unique_ptr<ldpc_engine> make_reference_engine(const ldpc_schedule& schedule);

} // namespace gr::resivid::phy
