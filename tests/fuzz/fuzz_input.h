// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Numbers and arrays drawn from the bytes of a fuzzer; they never run out.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

namespace fuzz {

//! What the code under test must never do.
struct violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(bool condition, const char* message)
{
    if (!condition)
        throw violation(message);
}

/*! \brief Draws single values from the bytes, and arrays from a generator that the bytes seed. */
class input
{
public:
    input(const std::uint8_t* data, std::size_t size) : d_data(data), d_size(size) {}

    std::uint32_t word()
    {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < 4; ++i)
            value = value << 8 | byte();
        return value;
    }

    unsigned between(unsigned low, unsigned high)
    {
        return low + unsigned(word() % (std::uint64_t(high) - low + 1));
    }

    //! Small, at the edge of its type, or anything.
    unsigned any_number()
    {
        switch (byte() % 4) {
        case 0:
            return between(0, 20);
        case 1:
            return 0u - between(0, 40);
        case 2:
            return between(0, 20000);
        default:
            return word();
        }
    }

    //! Any bit pattern, or one of those that break careless arithmetic.
    float any_float()
    {
        using limits = std::numeric_limits<float>;
        constexpr float AWKWARD[] = { 0.0f,  -0.0f, limits::quiet_NaN(),  limits::infinity(),
                                      1.0f,  -1.0f, -limits::infinity(),  limits::max(),
                                      1e30f, 1e-6f, limits::denorm_min(), limits::lowest() };
        if (byte() % 2)
            return AWKWARD[byte() % std::size(AWKWARD)];
        const std::uint32_t bits = word();
        float value;
        std::memcpy(&value, &bits, sizeof(value));
        return value;
    }

    //! Noise of some scale, with a share of values of any kind.
    std::vector<float> floats(std::size_t n)
    {
        std::mt19937 generator(word());
        std::normal_distribution<float> normal;
        const float scale = std::pow(10.0f, float(between(0, 12)) - 6.0f);
        const unsigned hostile = between(0, 256); // of 256
        std::vector<float> values(n);
        for (auto& value : values)
            value = generator() % 256 < hostile ? any_float() : scale * normal(generator);
        return values;
    }

    std::vector<std::complex<float>> symbols(std::size_t n)
    {
        const auto parts = floats(2 * n);
        std::vector<std::complex<float>> values(n);
        for (std::size_t i = 0; i < n; ++i)
            values[i] = { parts[2 * i], parts[2 * i + 1] };
        return values;
    }

    //! Bytes of any value where bits are expected, or bits.
    std::vector<std::uint8_t> bytes(std::size_t n)
    {
        std::mt19937 generator(word());
        const std::uint8_t mask = byte() % 2 ? 1 : 255;
        std::vector<std::uint8_t> values(n);
        for (auto& value : values)
            value = generator() & mask;
        return values;
    }

private:
    std::uint8_t byte()
    {
        if (d_next < d_size)
            return d_data[d_next++];
        d_next++;
        return std::uint8_t(d_next * 2654435761u >> 24); // beyond the end: some fixed sequence
    }

    const std::uint8_t* d_data;
    std::size_t d_size;
    std::size_t d_next = 0;
};

} // namespace fuzz
