// SPDX-License-Identifier: GPL-3.0-or-later
#include "crc.h"

#include <stdexcept>
#include <string>

namespace gr::resivid::phy {

crc::crc(std::uint32_t poly, unsigned bits) : d_bits(bits)
{
    if (bits < 8 || bits > 24)
        throw std::invalid_argument("crc: bits must be 8 to 24, got " + std::to_string(bits));
    if (poly >> bits)
        throw std::invalid_argument("crc: the polynomial does not fit into " +
                                    std::to_string(bits) + " bits");
    const std::uint32_t top = 1u << (bits - 1);
    const std::uint32_t mask = (top << 1) - 1;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte << (bits - 8);
        for (unsigned i = 0; i < 8; ++i)
            remainder = ((remainder << 1) ^ (remainder & top ? poly : 0)) & mask;
        d_table[byte] = remainder;
    }
}

std::uint32_t crc::compute(const std::uint8_t* data, std::size_t n) const
{
    const std::uint32_t mask = (1u << d_bits) - 1;
    std::uint32_t remainder = 0;
    // Leading zeros do not change a CRC of start value 0: bits before the first whole byte come as
    // one.
    std::size_t i = 0;
    std::uint32_t byte = 0;
    while (i < n) {
        byte = byte << 1 | data[i++];
        if ((n - i) % 8 == 0) {
            remainder =
                ((remainder << 8) & mask) ^ d_table[(remainder >> (d_bits - 8)) ^ (byte & 0xff)];
            byte = 0;
        }
    }
    return remainder;
}

void crc::append(std::uint8_t* data, std::size_t n) const
{
    const std::uint32_t parity = compute(data, n);
    for (unsigned i = 0; i < d_bits; ++i)
        data[n + i] = parity >> (d_bits - 1 - i) & 1;
}

bool crc::check(const std::uint8_t* data, std::size_t n) const
{
    // A multiple of the generator leaves no remainder.
    return n >= d_bits && compute(data, n) == 0;
}

const crc CRC16(0x1021, 16);
const crc CRC24A(0x864cfb, 24);
const crc CRC24B(0x800063, 24);

} // namespace gr::resivid::phy
