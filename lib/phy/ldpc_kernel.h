// SPDX-License-Identifier: GPL-3.0-or-later
//! \file What the vectorised LDPC kernels work on, and the instruction sets they are built for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gr::resivid::phy {

//! The edges of one base graph row.
struct kernel_layer {
    unsigned first_edge;
    unsigned num_edges;
};

/*! \brief State of a decoding run in the number format T of a kernel (float, int16_t, int8_t).
 *
 * One block: the totals of a column (channel plus all messages) stand in the order of the checks of
 * the layer that wrote them last, so that a layer finds its bits in one contiguous run, `turn`
 * places further on. A column is stored twice over, one run behind the other, so that no run wraps
 * around, and it has two buffers, because a layer reads with a turn and writes without one.
 *
 * A batch, one block a lane: totals in the order of the bits, lane by lane, stored once.
 *
 * Plain pointers, because the kernels must not instantiate anything of the standard library. */
template <class T>
struct kernel_work {
    unsigned lifting_size; // Zc
    unsigned stride;       // elements of a message: Zc in whole vectors; Zc vectors in a batch
    unsigned num_layers;
    const kernel_layer* layers;
    const unsigned* column;     // of an edge
    const unsigned* turn;       // of an edge; the shift P_ij in a batch
    const unsigned* final_turn; // of an edge, when all layers are done
    T** now;                    // totals of a column: Zc + stride elements; stride in a batch
    T** next;                   // the buffer that the next layer of a column writes
    T* messages;                // (edges, stride): check to bit
};

//! The kernels of one check rule in one number format.
template <class T>
struct kernel_functions {
    float scale;    //!< steps of T in an LLR of 1, save in a block of strong ones
    float typical;  //!< steps of half of the LLRs of a block, at most: see fitting_scale
    unsigned lanes; //!< elements of T in a vector
    //! LLRs to T: scaled, rounded and limited; one that is not a number becomes 0.
    void (*quantise)(const float* llr, T* out, std::size_t n, float scale);
    //! One layered iteration; true when every parity check holds.
    bool (*iterate)(kernel_work<T>& work);
    //! The same for `lanes` blocks: failed[lane] is below 0 when a check of the block fails.
    void (*iterate_batch)(kernel_work<T>& work, T* failed);
};

//! Kernels of one instruction set.
struct kernel_set {
    const char* name;
    kernel_functions<float> box_plus;
    kernel_functions<std::int16_t> box_plus_int16;
    kernel_functions<std::int8_t> box_plus_int8;
    kernel_functions<std::int8_t> min_sum_int8;
};

//! Names of the instruction sets that this processor has, the widest first; the last is "baseline".
std::vector<std::string> instruction_sets();

/*! \brief Kernels of an instruction set; "" is the widest.
 *  \throws std::invalid_argument when this processor or this build does not have it. */
const kernel_set& find_kernels(const std::string& instruction_set = "");

} // namespace gr::resivid::phy
