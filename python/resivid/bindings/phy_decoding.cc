// SPDX-License-Identifier: GPL-3.0-or-later
//! \file LDPC decoding in Python.
#include "phy/ldpc_decoder.h"
#include "phy_arguments.h"

#include <tuple>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

void bind_decoding(py::module& m)
{
    py::class_<ldpc_decoder>(m, "ldpc_decoder", "Layered belief propagation, one code block.")
        .def(py::init([](integer base_graph,
                         integer lifting_size,
                         integer max_iterations,
                         const std::vector<integer>& rows,
                         const std::string& kernel,
                         const std::string& instruction_set) {
                 auto settings = to_ldpc_settings(kernel, max_iterations);
                 settings.instruction_set = instruction_set;
                 std::vector<unsigned> checked;
                 for (const integer row : rows)
                     checked.push_back(in_range("rows", row, 0, MAX_UNSIGNED));
                 return ldpc_decoder(
                     to_base_graph(base_graph), to_lifting_size(lifting_size), settings, checked);
             }),
             "base_graph"_a,
             "lifting_size"_a,
             "max_iterations"_a = DEFAULT_LDPC_ITERATIONS,
             "rows"_a = py::list(),
             "kernel"_a = DEFAULT_LDPC_KERNEL_NAME,
             "instruction_set"_a = "")
        .def(
            "decode",
            [](ldpc_decoder& d, const float_array& llr) {
                check_size(llr, "llr", d.code_word_bits());
                bit_array bits(d.code_word_bits());
                const auto result = d.decode(llr.data(), bits.mutable_data());
                return std::make_tuple(bits, result.parity_ok, result.iterations);
            },
            "llr"_a,
            "Finite LLRs ln P(0)/P(1) of a whole code word to (bits, parity_ok, iterations).");
}

} // namespace gr::resivid::phy::python
