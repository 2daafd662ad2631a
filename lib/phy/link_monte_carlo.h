// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Block errors of the link over AWGN, counted: encode, modulate, add noise, demap, decode.
#pragma once

#include "ldpc_decoder.h"
#include "transport_block.h"

#include <cstdint>

namespace gr::resivid::phy {

/*! \brief Which link, at which SNR, and which blocks of its endless sequence. */
struct monte_carlo_settings {
    block_format format;           //!< of one block, see plan_block and plan_information_bits
    float snr_db = 0.0f;           //!< Es/N0
    std::uint64_t seed = 0;        //!< names the sequence of payloads and noise
    std::uint64_t first_block = 0; //!< number of the first block in the sequence
    std::uint64_t num_blocks = 0;  //!< how many
    ldpc_settings decoding;        //!< of the LDPC decoder
    bool known_snr = false;        //!< demapper with the true SNR instead of the estimate
    unsigned threads = 0;          //!< at most MAX_THREADS; 0: one for every core
};

/*! \brief What became of the blocks. Sums: results of parts of a sequence add up. */
struct monte_carlo_counts {
    std::uint64_t blocks = 0;
    std::uint64_t errors = 0;         //!< CRC or parity failed, or the payload is wrong
    std::uint64_t undetected = 0;     //!< of them: wrong payloads that passed
    std::uint64_t bit_errors = 0;     //!< payload bits whose hard decision is wrong
    std::uint64_t iterations_sum = 0; //!< layered iterations over all blocks

    monte_carlo_counts& operator+=(const monte_carlo_counts& other);
};

/*! \brief Count the block errors.
 *
 * Payload and noise of a block depend on seed and block number alone, so that the counts do not
 * depend on the threads nor on how a sequence is cut into runs.
 *  \throws std::invalid_argument when a setting is out of range. */
monte_carlo_counts simulate_blocks(const monte_carlo_settings& settings);

} // namespace gr::resivid::phy
