// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE crc
#include <boost/test/unit_test.hpp>

#include "phy/crc.h"

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace gr::resivid::phy;
using bits = std::vector<std::uint8_t>;

namespace {

// Generators of TS 38.212 5.1 as lists of exponents.
const std::vector<unsigned> G16{ 16, 12, 5, 0 };
const std::vector<unsigned> G24A{ 24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0 };
const std::vector<unsigned> G24B{ 24, 23, 6, 5, 1, 0 };

// Long division on paper: the remainder of data times D^L.
bits remainder_by_long_division(bits data, const std::vector<unsigned>& generator)
{
    const unsigned length = generator.front();
    const std::size_t n = data.size();
    data.resize(n + length, 0);
    for (std::size_t i = 0; i < n; ++i)
        if (data[i])
            for (unsigned exponent : generator)
                data[i + length - exponent] ^= 1;
    return bits(data.end() - length, data.end());
}

bits random_bits(std::size_t n, unsigned seed)
{
    std::mt19937 generator(seed);
    bits data(n);
    for (auto& b : data)
        b = generator() & 1;
    return data;
}

void compare(const crc& c, const std::vector<unsigned>& generator)
{
    for (std::size_t n : { 0, 1, 7, 8, 9, 15, 16, 24, 100, 1050, 3825 }) {
        bits data = random_bits(n, n);
        const bits expected = remainder_by_long_division(data, generator);
        data.resize(n + c.bits());
        c.append(data.data(), n);
        BOOST_TEST(bits(data.begin() + n, data.end()) == expected,
                   boost::test_tools::per_element());
        BOOST_TEST(c.check(data.data(), data.size()));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(equals_long_division)
{
    compare(CRC16, G16);
    compare(CRC24A, G24A);
    compare(CRC24B, G24B);
}

BOOST_AUTO_TEST_CASE(known_check_value)
{
    // CRC-16/XMODEM, the same polynomial and start value, of the ASCII text "123456789" is 0x31c3.
    bits data;
    for (char c : std::string("123456789"))
        for (int i = 7; i >= 0; --i)
            data.push_back(c >> i & 1);
    BOOST_TEST(CRC16.compute(data.data(), data.size()) == 0x31c3u);
}

BOOST_AUTO_TEST_CASE(every_single_error_is_seen)
{
    bits data = random_bits(116, 3);
    CRC16.append(data.data(), 100);
    for (auto& b : data) {
        b ^= 1;
        BOOST_TEST(!CRC16.check(data.data(), data.size()));
        b ^= 1;
    }
    BOOST_TEST(!CRC16.check(data.data(), 15)); // shorter than the CRC
}

BOOST_AUTO_TEST_CASE(refuses_wrong_arguments)
{
    BOOST_CHECK_THROW(crc(0x1, 7), std::invalid_argument);
    BOOST_CHECK_THROW(crc(0x1, 25), std::invalid_argument);
    BOOST_CHECK_THROW(crc(0x11021, 16), std::invalid_argument);
}
