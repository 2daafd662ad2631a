// SPDX-License-Identifier: GPL-3.0-or-later
//! \file LDPC decoding of many code blocks of one size.
#pragma once

#include "ldpc_decoder.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gr::resivid::phy {

//! A bit of a code word and the value to take it for.
struct ldpc_guess {
    unsigned bit;
    bool value;
};

/*! \brief Decodes as many code blocks at once as a vector has lanes.
 *
 * No lane is idle at a small lifting size and nothing turns, so it is faster than one block after
 * the other where latency does not count; results are the same to the bit. All blocks go on until
 * the last one is done. No allocation after construction. */
class ldpc_batch_decoder
{
public:
    //! Parameters and exceptions of ldpc_decoder; belief_propagation has no batch.
    ldpc_batch_decoder(unsigned base_graph,
                       unsigned lifting_size,
                       const ldpc_settings& settings = {},
                       const std::vector<unsigned>& rows = {});
    ldpc_batch_decoder(ldpc_batch_decoder&&) noexcept;
    ~ldpc_batch_decoder();

    unsigned lanes() const;          //!< blocks decoded at once
    unsigned code_word_bits() const; //!< 68 Zc or 52 Zc

    /*! \brief Decode `num` code blocks, at most lanes().
     *  \param llr (num, code_word_bits()), as for ldpc_decoder.
     *  \param code_words (num, code_word_bits()) hard decisions.
     *  \param results (num). */
    void decode(const float* llr, unsigned num, std::uint8_t* code_words, ldpc_result* results);

    /*! \brief Decode one code block several times, each time with another bit taken as known.
     *
     * Ends as soon as one of the runs meets every parity check and the CRC.
     *  \param guesses (num), num at most lanes().
     *  \param code_word code_word_bits() hard decisions of that run; undefined when there is none.
     *  \return whether there is one. */
    bool decode_guesses(const float* llr,
                        const ldpc_guess* guesses,
                        unsigned num,
                        const crc& code,
                        unsigned num_bits,
                        std::uint8_t* code_word);

    class engine;

private:
    std::unique_ptr<const ldpc_schedule> d_schedule;
    std::unique_ptr<engine> d_engine;
};

/*! \brief Which blocks to decode, and how. */
struct ldpc_job {
    unsigned base_graph = 2;
    unsigned lifting_size = 2;
    std::vector<unsigned> rows = {}; //!< see ldpc_decoder
    ldpc_settings settings = {};
    bool batch = false;   //!< ldpc_batch_decoder instead of ldpc_decoder
    unsigned threads = 0; //!< at most MAX_THREADS; 0: one for every core
};

/*! \brief Decode n code blocks on several threads; the result does not depend on their number.
 *  \param llr (n, N), code_words (n, N), results (n), N code word bits.
 *  \throws std::invalid_argument as the decoders do. */
void decode_blocks(const ldpc_job& job,
                   const float* llr,
                   std::size_t n,
                   std::uint8_t* code_words,
                   ldpc_result* results);

} // namespace gr::resivid::phy
