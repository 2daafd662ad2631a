// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Cyclic redundancy checks of TS 38.212 5.1, bit by bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gr::resivid::phy {

/*! \brief CRC with zero start value, most significant bit first, no inversion: TS 38.212 5.1.
 *
 * With start value 0 the CRC of all zeros is zero; the link is guarded against null input by
 * its scrambling (scrambler.h). */
class crc
{
public:
    /*! \param poly generator without its leading term, so CRC16 is 0x1021.
     *  \param bits length L of the CRC, 8..24.
     *  \throws std::invalid_argument when bits is out of range or poly does not fit into it. */
    crc(std::uint32_t poly, unsigned bits);

    unsigned bits() const { return d_bits; } //!< L

    //! The CRC of n bits (one 0 or 1 a byte), as a number of L bits.
    std::uint32_t compute(const std::uint8_t* data, std::size_t n) const;

    //! Write the CRC of data[0..n) to data[n..n+L), first parity bit first.
    void append(std::uint8_t* data, std::size_t n) const;

    //! True when the last L of the n bits are the CRC of those before; false when n < L.
    bool check(const std::uint8_t* data, std::size_t n) const;

private:
    unsigned d_bits;
    std::array<std::uint32_t, 256> d_table; // remainder after eight shifts
};

extern const crc CRC16;  //!< gCRC16 = D^16 + D^12 + D^5 + 1
extern const crc CRC24A; //!< transport blocks above 3,824 bits
extern const crc CRC24B; //!< code blocks of a segmented transport block

} // namespace gr::resivid::phy
