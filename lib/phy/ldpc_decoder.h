// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Layered LDPC decoding of single code blocks.
#pragma once

#include "crc.h"
#include "ldpc_engine.h"
#include "ldpc_tables.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gr::resivid::phy {

/*! \brief Check rule and number format of a decoder.
 *
 * Box-plus with linear correction, sign(a b) min(|a|,|b|) + max(0, 5/8 - |a+b|/4)
 * - max(0, 5/8 - |a-b|/4), is as good as exact belief propagation within 0.02 dB. */
enum class ldpc_kernel {
    belief_propagation, //!< exact, double, slow: for studies
    box_plus,           //!< box-plus of all other inputs, float
    box_plus_int16,     //!< one box-plus an input, 16-bit: the default
    box_plus_int8,      //!< the same in 8 bits, 0.05 dB behind
    min_sum_int8,       //!< normalised (3/4) min-sum: fastest, 0.2 to 0.8 dB behind
};
constexpr ldpc_kernel DEFAULT_LDPC_KERNEL = ldpc_kernel::box_plus_int16;
constexpr const char* DEFAULT_LDPC_KERNEL_NAME = "box-plus-int16";

//! Names of the kernels in that order: "belief-propagation", "box-plus", "box-plus-int16", ...
const std::vector<std::string>& ldpc_kernel_names();

//! \throws std::invalid_argument for an unknown name.
ldpc_kernel find_ldpc_kernel(const std::string& name);

constexpr unsigned DEFAULT_LDPC_ITERATIONS = 50; //!< at most; the mean is below 10 at BLER 0.002

constexpr unsigned DEFAULT_LDPC_GUESSES = 32;

//! What one decoding run came to.
struct ldpc_result {
    bool parity_ok;      //!< every parity check used holds
    unsigned iterations; //!< layered iterations run, at least 1
};

/*! \brief How a decoder shall work. */
struct ldpc_settings {
    ldpc_kernel kernel = DEFAULT_LDPC_KERNEL;
    unsigned max_iterations = DEFAULT_LDPC_ITERATIONS; //!< at least 1
    std::string instruction_set = "";                  //!< see find_kernels
    unsigned guesses = DEFAULT_LDPC_GUESSES; //!< of ldpc_list_decoder; the others make none
};

//! \throws std::invalid_argument when max_iterations is 0.
void check_iterations(const ldpc_settings& settings);

/*! \brief Layered belief propagation with early stop, one code block at a time.
 *
 * LLR = ln P(bit 0) / P(bit 1). No allocation after construction. */
class ldpc_decoder
{
public:
    /*! \param rows base graph rows to use, rising; empty means all (see rate_matcher::useful_rows).
     *  \throws std::invalid_argument for an unknown graph, lifting size, row, kernel or instruction
     *  set, or 0 iterations. */
    ldpc_decoder(unsigned base_graph,
                 unsigned lifting_size,
                 const ldpc_settings& settings = {},
                 const std::vector<unsigned>& rows = {});

    unsigned systematic_bits() const; //!< K
    unsigned code_word_bits() const;  //!< 68 Zc or 52 Zc

    /*! \brief Decode one code block.
     *  \param llr code_word_bits() LLRs; 0 for bits not sent. One that is not a number counts as
     *  not sent; infinite ones are limited.
     *  \param code_word code_word_bits() hard decisions, one bit a byte; parity bits that only
     *  unused rows know stay undecided.
     *  \param stop_crc stop also when the first stop_bits bits end with this CRC. */
    ldpc_result decode(const float* llr,
                       std::uint8_t* code_word,
                       const crc* stop_crc = nullptr,
                       unsigned stop_bits = 0);

    //! LLRs of the latest run, code_word_bits(): channel and all that the checks added.
    void read_totals(float* llr) const;

private:
    std::unique_ptr<const ldpc_schedule> d_schedule; // its address stays when the decoder moves
    unsigned d_max_iterations;
    std::unique_ptr<ldpc_engine> d_engine;
};

} // namespace gr::resivid::phy
