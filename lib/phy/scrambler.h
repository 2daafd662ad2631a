// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Scrambling of coded bits with the Gold sequence of TS 38.211 5.2.1, as in 7.3.1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

/*! \brief c(0..n) of TS 38.211 5.2.1 for c_init (31 bits), one bit a byte. */
std::vector<std::uint8_t> gold_sequence(std::uint32_t c_init, std::size_t n);

/*! \brief c_init of this link, a constant ("RVID" in ASCII).
 *
 * Why scramble: zeros with a CRC of start value 0 are a valid code word, so a constant input would
 * decode to an all-zero block with a good CRC; and a flat payload would give a constant symbol. */
constexpr std::uint32_t SCRAMBLER_INIT = 0x52564944;

/*! \brief Adds the sequence to bits and turns LLRs back. */
class scrambler
{
public:
    explicit scrambler(std::size_t max_bits, std::uint32_t c_init = SCRAMBLER_INIT);

    //! bits[i] ^= c(i), i < n <= max_bits.
    void scramble(std::uint8_t* bits, std::size_t n) const;

    /*! \brief LLRs of scrambled bits to LLRs of the bits, limited to +-MAX_LLR.
     *
     * A bit without evidence (0 or not a number) counts as a received 0 by a hair before it is
     * turned back: a null input then meets the sequence, not the all-zero code word. */
    void descramble(float* llr, std::size_t n) const;

    static constexpr float MAX_LLR = 500.0f;
    static constexpr float NO_EVIDENCE_LLR = 1e-6f;

private:
    std::vector<std::uint8_t> d_sequence;
};

} // namespace gr::resivid::phy
