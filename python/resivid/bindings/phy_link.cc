// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The whole transmit and receive chain in Python.
#include "phy/link_decoder.h"

#include "phy/link_encoder.h"
#include "phy_arguments.h"
#include <limits>

#include <algorithm>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

symbol_array encode_many(link_encoder& e, integer number, const bits_argument& argument)
{
    const unsigned row = to_row(number, e.num_rows());
    const bit_array payloads = to_bits(argument, "payloads");
    check_matrix(payloads, "payloads", e.payload_bits(row));
    symbol_array out({ payloads.shape(0), py::ssize_t(e.symbols()) });
    for (py::ssize_t n = 0; n < payloads.shape(0); ++n)
        e.encode(row, payloads.data(n), out.mutable_data(n));
    return out;
}

py::tuple decode_many(link_decoder& d, integer number, const symbol_array& symbols)
{
    const unsigned row = to_row(number, d.num_rows());
    check_matrix(symbols, "symbols", d.symbols());
    const py::ssize_t num = symbols.shape(0);
    bit_array payloads({ num, py::ssize_t(d.payload_bits(row)) });
    array<bool> crc_ok(num);
    array<unsigned> iterations(num);
    float_array snr_db(num);
    for (py::ssize_t n = 0; n < num; ++n) {
        const auto& result = d.decode(row, symbols.data(n));
        std::copy(result.payload.begin(), result.payload.end(), payloads.mutable_data(n));
        crc_ok.mutable_at(n) = result.crc_ok;
        iterations.mutable_at(n) = result.iterations;
        snr_db.mutable_at(n) = result.snr_db;
    }
    return py::make_tuple(payloads, crc_ok, iterations, snr_db);
}

} // namespace

void bind_link(py::module& m)
{
    py::class_<link_result>(m, "link_result", "One decoded key frame.")
        .def_property_readonly(
            "payload",
            [](const link_result& r) { return bit_array(r.payload.size(), r.payload.data()); },
            "uint8 (A,): hard decisions also when crc_ok is false.")
        .def_readonly("crc_ok", &link_result::crc_ok, "Every CRC and every parity check holds.")
        .def_readonly("iterations",
                      &link_result::iterations,
                      "Layered iterations, the largest of all code blocks.")
        .def_readonly(
            "snr_db", &link_result::snr_db, "Es/N0 estimate; NaN when a symbol is not finite.");
    py::class_<link_encoder>(
        m,
        "link_encoder",
        "Payload to symbols; table rows are (bits_per_symbol, rate_1024, snr_db).")
        .def(py::init([](integer symbols, const table_rows& table, integer redundancy_version) {
                 return link_encoder(in_range("symbols", symbols, 1, MAX_SYMBOLS),
                                     to_table(table),
                                     to_redundancy_version(redundancy_version));
             }),
             "symbols"_a,
             "table"_a,
             "redundancy_version"_a = 0)
        .def_property_readonly("symbols", &link_encoder::symbols, "Symbols of a key frame.")
        .def_property_readonly("num_rows", &link_encoder::num_rows, "Rows of the table.")
        .def(
            "payload_bits",
            [](const link_encoder& e, integer row) {
                return e.payload_bits(to_row(row, e.num_rows()));
            },
            "row"_a,
            "Payload of a key frame with this row, without CRC.")
        .def(
            "format",
            [](const link_encoder& e, integer row) { return e.format(to_row(row, e.num_rows())); },
            "row"_a,
            "block_format of this row.")
        .def(
            "encode",
            [](link_encoder& e, integer number, const bits_argument& argument) {
                const unsigned row = to_row(number, e.num_rows());
                const bit_array payload = to_bits(argument, "payload", e.payload_bits(row));
                symbol_array out(e.symbols());
                e.encode(row, payload.data(), out.mutable_data());
                return out;
            },
            "row"_a,
            "payload"_a,
            "uint8 (A,) to complex64 (symbols,).")
        .def("encode_many",
             &encode_many,
             "row"_a,
             "payloads"_a,
             "uint8 (n, A) to complex64 (n, symbols).");
    py::class_<link_decoder>(m, "link_decoder", "Symbols to payload, with CRC and SNR estimate.")
        .def(py::init([](integer symbols,
                         const table_rows& table,
                         integer max_iterations,
                         integer redundancy_version,
                         const std::string& kernel,
                         integer guesses) {
                 return link_decoder(in_range("symbols", symbols, 1, MAX_SYMBOLS),
                                     to_table(table),
                                     to_ldpc_settings(kernel, max_iterations, guesses),
                                     to_redundancy_version(redundancy_version));
             }),
             "symbols"_a,
             "table"_a,
             "max_iterations"_a = DEFAULT_LDPC_ITERATIONS,
             "redundancy_version"_a = 0,
             "kernel"_a = DEFAULT_LDPC_KERNEL_NAME,
             "guesses"_a = DEFAULT_LDPC_GUESSES)
        .def_property_readonly("symbols", &link_decoder::symbols, "Symbols of a key frame.")
        .def_property_readonly("num_rows", &link_decoder::num_rows, "Rows of the table.")
        .def(
            "payload_bits",
            [](const link_decoder& d, integer row) {
                return d.payload_bits(to_row(row, d.num_rows()));
            },
            "row"_a,
            "Payload of a key frame with this row, without CRC.")
        .def(
            "decode",
            [](link_decoder& d, integer row, const symbol_array& symbols, float phase_noise) {
                check_size(symbols, "symbols", d.symbols());
                const float estimated = std::numeric_limits<float>::quiet_NaN();
                return link_result(
                    d.decode(to_row(row, d.num_rows()), symbols.data(), estimated, phase_noise));
            },
            "row"_a,
            "symbols"_a,
            "phase_noise"_a = 0.0f,
            "complex64 (symbols,) to a link_result; phase_noise is the variance in rad^2 of the "
            "carrier's step from symbol to symbol: where it is high, a block that fails is "
            "decoded again at better phases.")
        .def("decode_many",
             &decode_many,
             "row"_a,
             "symbols"_a,
             "complex64 (n, symbols) to (payloads (n, A), crc_ok, iterations, snr_db (n,) each).");
}

} // namespace gr::resivid::phy::python
