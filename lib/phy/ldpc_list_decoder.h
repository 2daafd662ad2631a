// SPDX-License-Identifier: GPL-3.0-or-later
//! \file LDPC decoding with a second try from guesses of unreliable bits.
#pragma once

#include "ldpc_batch_decoder.h"

#include <memory>
#include <vector>

namespace gr::resivid::phy {

/*! \brief Belief propagation, and where it fails, again from guesses.
 *
 * A block of a few hundred bits that fails is mostly held by a few bits that the checks agree on
 * wrongly. The `guesses` information bits with the least reliable totals are taken in turn, the
 * punctured ones among them: each is set to the opposite of what belief propagation made of it, and
 * the block is decoded from its start, a guess a vector lane. The first code word that meets the
 * CRC is the result. Three of four failures at k = 256 are mended so, at a few ms each. Compare
 * Varnica, Fossorier and Kavcic, "Augmented belief propagation decoding of low-density parity check
 * codes", IEEE Trans. Commun. 55(7), 2007.
 *
 * A wrong code word passes a CRC of L bits once in 2^L, and `guesses` of them may be tried.
 * No allocation after construction. */
class ldpc_list_decoder
{
public:
    /*! Parameters and exceptions of ldpc_decoder.
     *  \param info_bits K': information bits with their CRC, which ends them; no guesses above
     *         MAX_LIST_BITS. */
    ldpc_list_decoder(unsigned base_graph,
                      unsigned lifting_size,
                      unsigned info_bits,
                      const crc& code,
                      const ldpc_settings& settings = {},
                      const std::vector<unsigned>& rows = {});

    static constexpr unsigned MAX_LIST_BITS = 2048;

    unsigned code_word_bits() const { return d_decoder.code_word_bits(); }

    //! As ldpc_decoder; the iterations are those before the guesses.
    ldpc_result decode(const float* llr, std::uint8_t* code_word);

    //! As ldpc_decoder, before the guesses.
    void read_totals(float* llr) const { d_decoder.read_totals(llr); }

private:
    void find_guesses();

    ldpc_decoder d_decoder;
    std::unique_ptr<ldpc_batch_decoder> d_batch; // none without guesses
    const crc* d_code;
    unsigned d_info_bits;
    std::vector<float> d_totals;
    std::vector<unsigned> d_order; // information bits, the least reliable first
    std::vector<ldpc_guess> d_guesses;
    std::vector<std::uint8_t> d_found;
};

} // namespace gr::resivid::phy
