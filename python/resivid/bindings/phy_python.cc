// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Python bindings of lib/phy on NumPy arrays; needs no GNU Radio.
#include "phy/awgn_channel.h"
#include "phy/ldpc_decoder.h"
#include "phy/link_decoder.h"
#include "phy/link_encoder.h"
#include "phy/mcs_selector.h"
#include "phy/snr_estimator.h"

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <tuple>

namespace py = pybind11;
using namespace pybind11::literals;
using namespace gr::resivid::phy;

namespace {

template <class T>
using array = py::array_t<T, py::array::c_style | py::array::forcecast>;
using bit_array = array<std::uint8_t>;
using float_array = array<float>;
using symbol_array = array<std::complex<float>>;
using table_rows = std::vector<std::tuple<unsigned, unsigned, float>>;

std::vector<mcs_row> to_table(const table_rows& rows)
{
    std::vector<mcs_row> table;
    for (const auto& [bits_per_symbol, rate_1024, snr_db] : rows)
        table.push_back({ bits_per_symbol, rate_1024, snr_db });
    return table;
}

// A vector of n elements, or any number when n is -1.
void check_size(const py::array& a, const char* name, py::ssize_t n)
{
    if (a.ndim() != 1 || (n >= 0 && a.size() != n))
        throw std::invalid_argument(std::string(name) + " must be a vector of " +
                                    (n < 0 ? "any length" : std::to_string(n) + " elements") +
                                    ", got " + std::to_string(a.ndim()) + " dimensions and " +
                                    std::to_string(a.size()) + " elements");
}

void check_matrix(const py::array& a, const char* name, py::ssize_t columns)
{
    if (a.ndim() != 2 || a.shape(1) != columns)
        throw std::invalid_argument(std::string(name) + " must have shape (n, " +
                                    std::to_string(columns) + ")");
}

void check_bits(const bit_array& bits, const char* name)
{
    if (std::any_of(bits.data(), bits.data() + bits.size(), [](auto b) { return b > 1; }))
        throw std::invalid_argument(std::string(name) + " must hold 0 and 1 only");
}

void check_bits(const bit_array& bits, const char* name, py::ssize_t n)
{
    check_size(bits, name, n);
    check_bits(bits, name);
}

void bind_crc(py::module& m)
{
    py::class_<crc>(m, "crc", "CRC of TS 38.212 5.1 over bits, one a byte; start value 0.")
        .def(py::init<std::uint32_t, unsigned>(), "poly"_a, "bits"_a)
        .def_property_readonly("bits", &crc::bits)
        .def(
            "compute",
            [](const crc& c, const bit_array& data) {
                check_bits(data, "data", -1);
                return c.compute(data.data(), data.size());
            },
            "data"_a,
            "The CRC of uint8 (n,) as a number.")
        .def(
            "append",
            [](const crc& c, const bit_array& data) {
                check_bits(data, "data", -1);
                bit_array out(data.size() + c.bits());
                std::copy_n(data.data(), data.size(), out.mutable_data());
                c.append(out.mutable_data(), data.size());
                return out;
            },
            "data"_a,
            "uint8 (n,) to uint8 (n + bits,): the data and their CRC.")
        .def(
            "check",
            [](const crc& c, const bit_array& data) {
                check_bits(data, "data", -1);
                return c.check(data.data(), data.size());
            },
            "data"_a);
    m.attr("CRC16") = CRC16;
    m.attr("CRC24A") = CRC24A;
    m.attr("CRC24B") = CRC24B;
}

void bind_transport_block(py::module& m)
{
    py::class_<block_format>(m, "block_format", "Sizes of a transport block, in bits.")
        .def_readonly("payload_bits", &block_format::payload_bits)
        .def_readonly("crc_bits", &block_format::crc_bits)
        .def_readonly("coded_bits", &block_format::coded_bits)
        .def_readonly("bits_per_symbol", &block_format::bits_per_symbol)
        .def_readonly("base_graph", &block_format::base_graph)
        .def_readonly("num_code_blocks", &block_format::num_code_blocks)
        .def_readonly("code_block_bits", &block_format::code_block_bits)
        .def_readonly("code_block_crc", &block_format::code_block_crc)
        .def_readonly("lifting_size", &block_format::lifting_size)
        .def_readonly("systematic_bits", &block_format::systematic_bits)
        .def("rate_matched_bits", &block_format::rate_matched_bits, "r"_a);
    m.def("select_base_graph", &select_base_graph, "payload_bits"_a, "rate_1024"_a);
    m.def("segment_block",
          &segment_block,
          "payload_bits"_a,
          "rate_1024"_a,
          "bits_per_symbol"_a,
          "coded_bits"_a);
    m.def("plan_block", &plan_block, "symbols"_a, "rate_1024"_a, "bits_per_symbol"_a);
    m.def("transport_block_size",
          &transport_block_size,
          "symbols"_a,
          "rate_1024"_a,
          "bits_per_symbol"_a,
          "Payload bits A of a key frame: A and its CRCs fill (rate_1024 symbols Qm) >> 10 bits.");
    m.def(
        "segment",
        [](const block_format& f, const bit_array& payload) {
            check_bits(payload, "payload", f.payload_bits);
            bit_array out({ f.num_code_blocks, f.systematic_bits });
            block_segmenter(f).segment(payload.data(), out.mutable_data());
            return out;
        },
        "format"_a,
        "payload"_a,
        "uint8 (A,) to code blocks, uint8 (C, K), with CRCs; filler bits are 0.");
}

void bind_ldpc(py::module& m)
{
    m.def("lifting_sizes", &lifting_sizes);
    m.def(
        "parity_check",
        [](unsigned base_graph, unsigned z) {
            std::vector<unsigned> rows;
            std::vector<unsigned> columns;
            for (const auto& edge : lift(base_graph, z))
                for (unsigned i = 0; i < z; ++i) {
                    rows.push_back(edge.row * z + i);
                    columns.push_back(edge.column * z + (i + edge.shift) % z);
                }
            return std::make_pair(array<unsigned>(rows.size(), rows.data()),
                                  array<unsigned>(columns.size(), columns.data()));
        },
        "base_graph"_a,
        "lifting_size"_a,
        "Rows and columns of the ones of H, uint32 (edges * Z,) each.");
    m.def(
        "ldpc_encode",
        [](unsigned base_graph, unsigned z, const bit_array& bits) {
            ldpc_encoder encoder(base_graph, z);
            check_bits(bits, "bits", encoder.systematic_bits());
            bit_array out(encoder.code_word_bits());
            std::copy_n(bits.data(), bits.size(), out.mutable_data());
            encoder.encode(out.mutable_data());
            return out;
        },
        "base_graph"_a,
        "lifting_size"_a,
        "bits"_a,
        "K systematic bits to the whole code word, with the 2 Z bits that are never sent.");
    py::class_<ldpc_decoder>(m, "ldpc_decoder", "Layered belief propagation, one code block.")
        .def(py::init<unsigned, unsigned, unsigned, const std::vector<unsigned>&>(),
             "base_graph"_a,
             "lifting_size"_a,
             "max_iterations"_a = 20,
             "rows"_a = std::vector<unsigned>{})
        .def(
            "decode",
            [](ldpc_decoder& d, const float_array& llr) {
                check_size(llr, "llr", d.code_word_bits());
                bit_array bits(d.code_word_bits());
                const auto result = d.decode(llr.data(), bits.mutable_data());
                return std::make_tuple(bits, result.parity_ok, result.iterations);
            },
            "llr"_a,
            "LLRs ln P(0)/P(1) of a whole code word to (bits, parity_ok, iterations).");
}

void bind_rate_matcher(py::module& m)
{
    py::class_<rate_matcher>(m, "rate_matcher", "Circular buffer and interleaver, TS 38.212 5.4.2.")
        .def(py::init<const block_format&, unsigned, unsigned>(),
             "format"_a,
             "coded_bits"_a,
             "redundancy_version"_a = 0)
        .def("useful_rows", &rate_matcher::useful_rows)
        .def(
            "match",
            [](const rate_matcher& r, const bit_array& code_word) {
                check_bits(code_word, "code_word", r.code_word_bits());
                bit_array out(r.coded_bits());
                r.match(code_word.data(), out.mutable_data());
                return out;
            },
            "code_word"_a)
        .def(
            "recover",
            [](const rate_matcher& r, const float_array& llr) {
                check_size(llr, "llr", r.coded_bits());
                float_array out(r.code_word_bits());
                r.recover(llr.data(), out.mutable_data());
                return out;
            },
            "llr"_a);
    m.def(
        "gold_sequence",
        [](std::uint32_t c_init, std::size_t n) {
            const auto sequence = gold_sequence(c_init, n);
            return bit_array(sequence.size(), sequence.data());
        },
        "c_init"_a,
        "n"_a,
        "c(0..n) of TS 38.211 5.2.1.");
    m.attr("SCRAMBLER_INIT") = SCRAMBLER_INIT;
}

void bind_qam(py::module& m)
{
    m.def(
        "qam_map",
        [](const bit_array& bits, unsigned bits_per_symbol) {
            const qam_mapper mapper(bits_per_symbol);
            check_bits(bits, "bits", -1);
            if (bits.size() % bits_per_symbol)
                throw std::invalid_argument("bits must fill whole symbols");
            symbol_array out(bits.size() / bits_per_symbol);
            mapper.map(bits.data(), out.mutable_data(), out.size());
            return out;
        },
        "bits"_a,
        "bits_per_symbol"_a,
        "uint8 (n Qm,) to complex64 (n,) of mean energy 1, TS 38.211 5.1.");
    m.def(
        "qam_llr",
        [](const symbol_array& symbols, unsigned bits_per_symbol, float noise_variance) {
            const soft_demapper demapper(bits_per_symbol);
            check_size(symbols, "symbols", -1);
            if (!(noise_variance > 0))
                throw std::invalid_argument("noise_variance must be above 0");
            float_array out(symbols.size() * bits_per_symbol);
            demapper.demap(symbols.data(), symbols.size(), noise_variance, out.mutable_data());
            return out;
        },
        "symbols"_a,
        "bits_per_symbol"_a,
        "noise_variance"_a,
        "complex64 (n,) to exact LLRs ln P(0)/P(1), float32 (n Qm,).");
    m.def(
        "blind_snr_db",
        [](const symbol_array& symbols, unsigned bits_per_symbol) {
            check_size(symbols, "symbols", -1);
            return blind_snr_estimator(bits_per_symbol).estimate_db(symbols.data(), symbols.size());
        },
        "symbols"_a,
        "bits_per_symbol"_a);
    m.def(
        "known_symbols_snr_db",
        [](const symbol_array& received, const symbol_array& sent) {
            check_size(received, "received", -1);
            check_size(sent, "sent", received.size());
            return known_symbols_snr_db(received.data(), sent.data(), received.size());
        },
        "received"_a,
        "sent"_a);
}

void bind_link_control(py::module& m)
{
    py::class_<mcs_selector>(m, "mcs_selector", "The MCS row for estimated SNRs, equation (8).")
        .def(py::init<std::vector<float>, float, unsigned, unsigned>(),
             "thresholds_db"_a,
             "hysteresis_db"_a = 0.5f,
             "window"_a = 8,
             "start_row"_a = 0)
        .def_property_readonly("row", &mcs_selector::row)
        .def("select", &mcs_selector::select, "snr_db"_a);
    py::class_<awgn_channel>(m, "awgn_channel", "White Gaussian noise for symbols of energy 1.")
        .def(py::init<std::uint64_t>(), "seed"_a)
        .def(
            "apply",
            [](awgn_channel& c, const symbol_array& symbols, float snr_db) {
                symbol_array out(
                    std::vector<py::ssize_t>(symbols.shape(), symbols.shape() + symbols.ndim()));
                c.apply(symbols.data(), out.mutable_data(), symbols.size(), snr_db);
                return out;
            },
            "symbols"_a,
            "snr_db"_a,
            "complex64 of any shape, with noise at Es/N0 in dB; each call goes on in the "
            "sequence.");
}

symbol_array encode_many(link_encoder& e, unsigned row, const bit_array& payloads)
{
    check_matrix(payloads, "payloads", e.payload_bits(row));
    check_bits(payloads, "payloads");
    symbol_array out({ payloads.shape(0), py::ssize_t(e.symbols()) });
    for (py::ssize_t n = 0; n < payloads.shape(0); ++n)
        e.encode(row, payloads.data(n), out.mutable_data(n));
    return out;
}

py::tuple decode_many(link_decoder& d, unsigned row, const symbol_array& symbols)
{
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

void bind_link(py::module& m)
{
    py::class_<link_result>(m, "link_result", "One decoded key frame.")
        .def_property_readonly(
            "payload",
            [](const link_result& r) { return bit_array(r.payload.size(), r.payload.data()); })
        .def_readonly("crc_ok", &link_result::crc_ok)
        .def_readonly("iterations", &link_result::iterations)
        .def_readonly("snr_db", &link_result::snr_db);
    py::class_<link_encoder>(
        m,
        "link_encoder",
        "Payload to symbols; table rows are (bits_per_symbol, rate_1024, snr_db).")
        .def(py::init([](unsigned symbols, const table_rows& table, unsigned redundancy_version) {
                 return link_encoder(symbols, to_table(table), redundancy_version);
             }),
             "symbols"_a,
             "table"_a,
             "redundancy_version"_a = 0)
        .def_property_readonly("symbols", &link_encoder::symbols)
        .def_property_readonly("num_rows", &link_encoder::num_rows)
        .def("payload_bits", &link_encoder::payload_bits, "row"_a)
        .def("format", &link_encoder::format, "row"_a, py::return_value_policy::copy)
        .def(
            "encode",
            [](link_encoder& e, unsigned row, const bit_array& payload) {
                check_bits(payload, "payload", e.payload_bits(row));
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
        .def(py::init([](unsigned symbols,
                         const table_rows& table,
                         unsigned max_iterations,
                         unsigned redundancy_version) {
                 return link_decoder(symbols, to_table(table), max_iterations, redundancy_version);
             }),
             "symbols"_a,
             "table"_a,
             "max_iterations"_a = 20,
             "redundancy_version"_a = 0)
        .def_property_readonly("symbols", &link_decoder::symbols)
        .def_property_readonly("num_rows", &link_decoder::num_rows)
        .def("payload_bits", &link_decoder::payload_bits, "row"_a)
        .def(
            "decode",
            [](link_decoder& d, unsigned row, const symbol_array& symbols) {
                check_size(symbols, "symbols", d.symbols());
                return link_result(d.decode(row, symbols.data()));
            },
            "row"_a,
            "symbols"_a,
            "complex64 (symbols,) to a link_result.")
        .def("decode_many",
             &decode_many,
             "row"_a,
             "symbols"_a,
             "complex64 (n, symbols) to (payloads (n, A), crc_ok, iterations, snr_db (n,) each).");
}

} // namespace

PYBIND11_MODULE(phy_python, m)
{
    m.doc() = "Physical layer of gr-resivid: 5G NR LDPC, QAM, SNR estimation, without GNU Radio.";
#ifdef RESIVID_VERSION
    m.attr("__version__") = RESIVID_VERSION;
#endif
    bind_crc(m);
    bind_transport_block(m);
    bind_ldpc(m);
    bind_rate_matcher(m);
    bind_qam(m);
    bind_link_control(m);
    bind_link(m);
}
