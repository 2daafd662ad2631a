// SPDX-License-Identifier: GPL-3.0-or-later
//! \file CRC, segmentation, LDPC encoding, rate matching, scrambling in Python.
#include "phy/ldpc_encoder.h"
#include "phy/ldpc_tables.h"
#include "phy/rate_matcher.h"
#include "phy/scrambler.h"
#include "phy/transport_block.h"
#include "phy_arguments.h"

#include <algorithm>
#include <utility>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {
constexpr std::int64_t MAX_GOLD_INIT = 0x7fffffff; // 31 bits
} // namespace

void bind_crc(py::module& m)
{
    py::class_<crc>(m, "crc", "CRC of TS 38.212 5.1 over bits, one a byte; start value 0.")
        .def(py::init([](integer poly, integer bits) {
                 const unsigned length = in_range("bits", bits, 8, 24);
                 return crc(in_range("poly", poly, 0, (1 << length) - 1), length);
             }),
             "poly"_a,
             "bits"_a)
        .def_property_readonly("bits", &crc::bits, "Length of the CRC.")
        .def(
            "compute",
            [](const crc& c, const bits_argument& argument) {
                const bit_array data = to_bits(argument, "data", -1);
                return c.compute(data.data(), data.size());
            },
            "data"_a,
            "The CRC of uint8 (n,) as a number.")
        .def(
            "append",
            [](const crc& c, const bits_argument& argument) {
                const bit_array data = to_bits(argument, "data", -1);
                bit_array out(data.size() + c.bits());
                std::copy_n(data.data(), data.size(), out.mutable_data());
                c.append(out.mutable_data(), data.size());
                return out;
            },
            "data"_a,
            "uint8 (n,) to uint8 (n + bits,): the data and their CRC.")
        .def(
            "check",
            [](const crc& c, const bits_argument& argument) {
                const bit_array data = to_bits(argument, "data", -1);
                return c.check(data.data(), data.size());
            },
            "data"_a,
            "Whether uint8 (n,), data and their CRC, is without an error that the CRC finds.");
    m.attr("CRC16") = CRC16;
    m.attr("CRC24A") = CRC24A;
    m.attr("CRC24B") = CRC24B;
}

void bind_transport_block(py::module& m)
{
    py::class_<block_format>(m, "block_format", "Sizes of a transport block, in bits.")
        .def_readonly("payload_bits", &block_format::payload_bits, "A")
        .def_readonly("crc_bits",
                      &block_format::crc_bits,
                      "L of the transport block: 16 up to A = 3,824, else 24")
        .def_readonly("coded_bits", &block_format::coded_bits, "G: bits on the channel")
        .def_readonly("bits_per_symbol", &block_format::bits_per_symbol, "Qm")
        .def_readonly("base_graph", &block_format::base_graph, "1 or 2")
        .def_readonly("num_code_blocks", &block_format::num_code_blocks, "C")
        .def_readonly("code_block_bits",
                      &block_format::code_block_bits,
                      "K': payload and CRCs of a code block, without filler bits")
        .def_readonly("code_block_crc", &block_format::code_block_crc, "24 when C > 1, else 0")
        .def_readonly("lifting_size", &block_format::lifting_size, "Zc")
        .def_readonly("systematic_bits",
                      &block_format::systematic_bits,
                      "K: 22 Zc or 10 Zc, with filler bits")
        .def(
            "rate_matched_bits",
            [](const block_format& f, integer r) {
                return f.rate_matched_bits(in_range("r", r, 0, f.num_code_blocks - 1));
            },
            "r"_a,
            "E of code block r, TS 38.212 5.4.2.1.")
        .def_property_readonly("code_rate",
                               &block_format::code_rate,
                               "Bits of the code blocks over bits on the channel.");
    m.def(
        "select_base_graph",
        [](integer payload_bits, integer rate_1024) {
            return select_base_graph(in_range("payload_bits", payload_bits, 1, MAX_BLOCK_BITS),
                                     to_rate_1024(rate_1024));
        },
        "payload_bits"_a,
        "rate_1024"_a,
        "1 or 2 for a payload and a target rate, TS 38.212 6.2.2.");
    m.def(
        "segment_block",
        [](integer payload_bits, integer rate_1024, integer bits_per_symbol, integer coded_bits) {
            return segment_block(in_range("payload_bits", payload_bits, 1, MAX_BLOCK_BITS),
                                 to_rate_1024(rate_1024),
                                 to_bits_per_symbol(bits_per_symbol),
                                 in_range("coded_bits", coded_bits, 1, MAX_BLOCK_BITS));
        },
        "payload_bits"_a,
        "rate_1024"_a,
        "bits_per_symbol"_a,
        "coded_bits"_a,
        "Format for a payload of exactly payload_bits bits on coded_bits bits of the channel.");
    m.def(
        "plan_block",
        [](integer symbols, integer rate_1024, integer bits_per_symbol) {
            return plan_block(in_range("symbols", symbols, 1, MAX_SYMBOLS),
                              to_rate_1024(rate_1024),
                              to_bits_per_symbol(bits_per_symbol));
        },
        "symbols"_a,
        "rate_1024"_a,
        "bits_per_symbol"_a,
        "Format of a key frame: its bits and CRCs fill (rate_1024 symbols Qm) >> 10 bits.");
    m.def(
        "transport_block_size",
        [](integer symbols, integer rate_1024, integer bits_per_symbol) {
            return transport_block_size(in_range("symbols", symbols, 1, MAX_SYMBOLS),
                                        to_rate_1024(rate_1024),
                                        to_bits_per_symbol(bits_per_symbol));
        },
        "symbols"_a,
        "rate_1024"_a,
        "bits_per_symbol"_a,
        "Payload bits A of `plan_block`.");
    m.def(
        "segment",
        [](const block_format& f, const bits_argument& argument) {
            const bit_array payload = to_bits(argument, "payload", f.payload_bits);
            bit_array out({ f.num_code_blocks, f.systematic_bits });
            block_segmenter(f).segment(payload.data(), out.mutable_data());
            return out;
        },
        "format"_a,
        "payload"_a,
        "uint8 (A,) to code blocks, uint8 (C, K), with CRCs; filler bits are 0.");
}

void bind_ldpc_encoder(py::module& m)
{
    m.def("lifting_sizes", &lifting_sizes, "The 51 lifting sizes Zc of Table 5.3.2-1, rising.");
    m.def(
        "parity_check",
        [](integer base_graph, integer lifting_size) {
            const unsigned z = to_lifting_size(lifting_size);
            std::vector<unsigned> rows;
            std::vector<unsigned> columns;
            for (const auto& edge : lift(to_base_graph(base_graph), z))
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
        [](integer base_graph, integer lifting_size, const bits_argument& argument) {
            ldpc_encoder encoder(to_base_graph(base_graph), to_lifting_size(lifting_size));
            const bit_array bits = to_bits(argument, "bits", encoder.systematic_bits());
            bit_array out(encoder.code_word_bits());
            std::copy_n(bits.data(), bits.size(), out.mutable_data());
            encoder.encode(out.mutable_data());
            return out;
        },
        "base_graph"_a,
        "lifting_size"_a,
        "bits"_a,
        "K systematic bits to the whole code word, with the 2 Z bits that are never sent.");
}

void bind_rate_matcher(py::module& m)
{
    py::class_<rate_matcher>(m, "rate_matcher", "Circular buffer and interleaver, TS 38.212 5.4.2.")
        .def(py::init([](const block_format& f, integer coded_bits, integer redundancy_version) {
                 return rate_matcher(f,
                                     in_range("coded_bits", coded_bits, 1, MAX_BLOCK_BITS),
                                     to_redundancy_version(redundancy_version));
             }),
             "format"_a,
             "coded_bits"_a,
             "redundancy_version"_a = 0)
        .def("useful_rows",
             &rate_matcher::useful_rows,
             "Base graph rows that help the decoder: the first four, and those whose parity bits "
             "are sent.")
        .def(
            "match",
            [](const rate_matcher& r, const bits_argument& argument) {
                const bit_array code_word = to_bits(argument, "code_word", r.code_word_bits());
                bit_array out(r.coded_bits());
                r.match(code_word.data(), out.mutable_data());
                return out;
            },
            "code_word"_a,
            "uint8 (68 Zc,) or (52 Zc,) to E interleaved bits, uint8 (E,).")
        .def(
            "recover",
            [](const rate_matcher& r, const float_array& llr) {
                check_size(llr, "llr", r.coded_bits());
                check_finite(llr, "llr");
                float_array out(r.code_word_bits());
                r.recover(llr.data(), out.mutable_data());
                return out;
            },
            "llr"_a,
            "Finite LLRs float32 (E,) to those of the code word: repeated bits add up, bits not "
            "sent "
            "get 0, filler bits a large number.");
    m.def(
        "gold_sequence",
        [](integer c_init, integer n) {
            const auto sequence = gold_sequence(in_range("c_init", c_init, 0, MAX_GOLD_INIT),
                                                in_range("n", n, 0, MAX_UNSIGNED));
            return bit_array(sequence.size(), sequence.data());
        },
        "c_init"_a,
        "n"_a,
        "c(0..n) of TS 38.211 5.2.1.");
    m.attr("SCRAMBLER_INIT") = SCRAMBLER_INIT;
}

} // namespace gr::resivid::phy::python
