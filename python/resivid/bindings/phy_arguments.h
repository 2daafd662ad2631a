// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Arguments from Python: NumPy arrays and numbers, checked before lib/phy sees them.
#pragma once

#include "phy/ldpc_decoder.h"
#include "phy/mcs.h"

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <complex>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

namespace py = pybind11;

namespace gr::resivid::phy::python {

/*! \brief A Python integer of any size, kept within 64 bits.
 *
 * pybind11 refuses -1 for an unsigned argument with a TypeError and a list of signatures; taken as
 * this, it comes to a check that names the allowed range. */
struct integer {
    std::int64_t value;
};

//! Bits, one a byte: anything NumPy makes an array of, checked by `to_bits`.
struct bits_argument {
    py::object object;
};

template <class T>
using array = py::array_t<T, py::array::c_style | py::array::forcecast>;
using bit_array = array<std::uint8_t>;
using float_array = array<float>;
using symbol_array = array<std::complex<float>>;
using table_rows = std::vector<std::tuple<integer, integer, float>>;

constexpr std::int64_t MAX_UNSIGNED = std::numeric_limits<unsigned>::max();

//! The number. \throws std::invalid_argument, with the range, when it is not in low..high.
unsigned in_range(const char* name, integer number, std::int64_t low, std::int64_t high);

//! Qm. \throws std::invalid_argument when it is not 2, 4, 6 or 8.
unsigned to_bits_per_symbol(integer number);

//! 1 or 2, R x 1024, 0 to 3, one of the 51 Zc. \throws std::invalid_argument with the range.
unsigned to_base_graph(integer number);
unsigned to_rate_1024(integer number);
unsigned to_redundancy_version(integer number);
unsigned to_lifting_size(integer number);

//! Kernel by name, iterations, at least 1, and guesses. \throws std::invalid_argument with what is
//! allowed.
ldpc_settings
to_ldpc_settings(const std::string& kernel, integer max_iterations, integer guesses = { 0 });

//! Row of a table. \throws std::out_of_range (IndexError), with the range.
unsigned to_row(integer row, unsigned num_rows);

//! Rows (bits_per_symbol, rate_1024, snr_db). \throws std::invalid_argument for a number out of
//! range.
std::vector<mcs_row> to_table(const table_rows& rows);

/*! \brief 0 and 1 of any integer type as uint8.
 *  \throws std::invalid_argument for anything else, also for 256, which a cast would make a 0. */
bit_array to_bits(const bits_argument& bits, const char* name);

//! The same, for a vector of n elements, or of any length when n is -1.
bit_array to_bits(const bits_argument& bits, const char* name, py::ssize_t n);

//! \throws std::invalid_argument unless `a` is a vector of n elements, or of any length when n is
//! -1.
void check_size(const py::array& a, const char* name, py::ssize_t n);

//! \throws std::invalid_argument unless `a` has the shape (any, columns).
void check_matrix(const py::array& a, const char* name, py::ssize_t columns);

//! \throws std::invalid_argument when an element is infinite or not a number.
void check_finite(const float_array& a, const char* name);
void check_finite(const symbol_array& a, const char* name);

// One a file: phy_coding.cc, phy_qam.cc and so on.
void bind_crc(py::module& m);
void bind_transport_block(py::module& m);
void bind_ldpc_encoder(py::module& m);
void bind_rate_matcher(py::module& m);
void bind_qam(py::module& m);
void bind_decoding(py::module& m);
void bind_snr_estimator(py::module& m);
void bind_link_control(py::module& m);
void bind_channel(py::module& m);
void bind_link(py::module& m);
void bind_monte_carlo(py::module& m);
void bind_stage_times(py::module& m);

} // namespace gr::resivid::phy::python

namespace pybind11::detail {

template <>
struct type_caster<gr::resivid::phy::python::integer> {
    PYBIND11_TYPE_CASTER(gr::resivid::phy::python::integer, const_name("int"));

    bool load(handle source, bool /* convert */)
    {
        const auto index = reinterpret_steal<object>(PyNumber_Index(source.ptr()));
        if (!index) {
            PyErr_Clear();
            return false;
        }
        using limits = std::numeric_limits<std::int64_t>;
        int overflow = 0;
        value.value = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
        if (overflow)
            value.value = overflow > 0 ? limits::max() : limits::min();
        return true;
    }
};

template <>
struct type_caster<gr::resivid::phy::python::bits_argument> {
    PYBIND11_TYPE_CASTER(gr::resivid::phy::python::bits_argument, const_name("numpy.ndarray"));

    bool load(handle source, bool /* convert */)
    {
        value.object = reinterpret_borrow<object>(source);
        return true;
    }
};

} // namespace pybind11::detail
