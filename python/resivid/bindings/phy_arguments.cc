// SPDX-License-Identifier: GPL-3.0-or-later
#include "phy_arguments.h"

#include "phy/ldpc_tables.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace gr::resivid::phy::python {
namespace {

[[noreturn]] void refuse(const char* name, const std::string& expected)
{
    throw std::invalid_argument(name + (" must " + expected));
}

void check_integers(const py::array& a, const char* name)
{
    const char kind = a.dtype().kind();
    if (kind != 'b' && kind != 'i' && kind != 'u')
        refuse(name, "hold integers 0 and 1, got " + std::string(py::str(a.dtype())));
}

} // namespace

unsigned in_range(const char* name, integer number, std::int64_t low, std::int64_t high)
{
    if (number.value < low || number.value > high)
        refuse(name,
               "be " + std::to_string(low) + (high == low + 1 ? " or " : " to ") +
                   std::to_string(high) + ", got " + std::to_string(number.value));
    return unsigned(number.value);
}

unsigned to_bits_per_symbol(integer number)
{
    if (number.value < 2 || number.value > 8 || number.value % 2)
        refuse("bits_per_symbol", "be 2, 4, 6 or 8, got " + std::to_string(number.value));
    return unsigned(number.value);
}

unsigned to_base_graph(integer number) { return in_range("base_graph", number, 1, 2); }

unsigned to_rate_1024(integer number) { return in_range("rate_1024", number, 1, 1023); }

unsigned to_redundancy_version(integer number)
{
    return in_range("redundancy_version", number, 0, 3);
}

unsigned to_lifting_size(integer number)
{
    const unsigned size = in_range("lifting_size", number, 2, 384);
    lifting_set(size); // throws when the table has no such size
    return size;
}

ldpc_settings to_ldpc_settings(const std::string& kernel, integer max_iterations, integer guesses)
{
    constexpr std::int64_t MAX_GUESSES = 1024;
    return { find_ldpc_kernel(kernel),
             in_range("max_iterations", max_iterations, 1, MAX_UNSIGNED),
             "",
             in_range("guesses", guesses, 0, MAX_GUESSES) };
}

unsigned to_row(integer row, unsigned num_rows)
{
    if (row.value < 0 || row.value >= num_rows)
        throw std::out_of_range("row must be 0 to " + std::to_string(num_rows - 1) + ", got " +
                                std::to_string(row.value));
    return unsigned(row.value);
}

std::vector<mcs_row> to_table(const table_rows& rows)
{
    std::vector<mcs_row> table;
    for (const auto& [bits_per_symbol, rate_1024, snr_db] : rows)
        table.push_back({ to_bits_per_symbol(bits_per_symbol), to_rate_1024(rate_1024), snr_db });
    return table;
}

bit_array to_bits(const bits_argument& argument, const char* name)
{
    const auto given = py::array::ensure(argument.object);
    if (!given)
        refuse(name, "be an array of 0 and 1");
    if (given.size() > 0)
        check_integers(given, name);
    const auto wide = array<std::int64_t>::ensure(given);
    if (std::any_of(wide.data(), wide.data() + wide.size(), [](auto b) { return b < 0 || b > 1; }))
        refuse(name, "hold 0 and 1 only");
    return bit_array::ensure(given);
}

bit_array to_bits(const bits_argument& argument, const char* name, py::ssize_t n)
{
    const bit_array bits = to_bits(argument, name);
    check_size(bits, name, n);
    return bits;
}

void check_size(const py::array& a, const char* name, py::ssize_t n)
{
    if (a.ndim() != 1 || (n >= 0 && a.size() != n))
        refuse(name,
               "be a vector of " + (n < 0 ? "any length" : std::to_string(n) + " elements") +
                   ", got " + std::to_string(a.ndim()) + " dimensions and " +
                   std::to_string(a.size()) + " elements");
}

void check_matrix(const py::array& a, const char* name, py::ssize_t columns)
{
    if (a.ndim() != 2 || a.shape(1) != columns)
        refuse(name,
               "have shape (n, " + std::to_string(columns) + "), got " +
                   std::string(py::str(a.attr("shape"))));
}

void check_finite(const float_array& a, const char* name)
{
    // An exponent of ones carries over into the sign. No branch: it vectorises, and batches come
    // here.
    constexpr std::uint32_t MAGNITUDE = 0x7fffffff, LOWEST_EXPONENT_BIT = 0x00800000;
    const float* values = a.data();
    std::uint32_t carries = 0;
    for (py::ssize_t i = 0, n = a.size(); i < n; ++i) {
        std::uint32_t bits;
        std::memcpy(&bits, values + i, sizeof bits);
        carries |= (bits & MAGNITUDE) + LOWEST_EXPONENT_BIT;
    }
    if (carries > MAGNITUDE)
        refuse(name, "be finite");
}

void check_finite(const symbol_array& a, const char* name)
{
    const auto finite = [](auto v) { return std::isfinite(v.real()) && std::isfinite(v.imag()); };
    if (!std::all_of(a.data(), a.data() + a.size(), finite))
        refuse(name, "be finite");
}

} // namespace gr::resivid::phy::python
