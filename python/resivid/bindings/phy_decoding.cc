// SPDX-License-Identifier: GPL-3.0-or-later
//! \file LDPC decoding in Python.
#include "interruptible.h"
#include "phy/ldpc_batch_decoder.h"
#include "phy/ldpc_decoder.h"
#include "phy/parallel.h"
#include "phy_arguments.h"

#include <tuple>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

std::vector<unsigned> to_rows(const std::vector<integer>& rows)
{
    std::vector<unsigned> checked;
    for (const integer row : rows)
        checked.push_back(in_range("rows", row, 0, MAX_UNSIGNED));
    return checked;
}

float_array to_llrs(const py::object& argument)
{
    const auto given = py::array::ensure(argument);
    const auto llr = float_array::ensure(given ? given : argument);
    if (!llr || (given && given.dtype().kind() == 'c'))
        throw std::invalid_argument("llr must be an array of real numbers");
    return llr;
}

py::tuple decode_matrix(const py::object& argument,
                        integer base_graph,
                        integer lifting_size,
                        const std::string& kernel,
                        integer max_iterations,
                        const std::vector<integer>& rows,
                        bool batch,
                        integer threads,
                        const std::string& instruction_set)
{
    const float_array llr = to_llrs(argument);
    ldpc_job job;
    job.base_graph = to_base_graph(base_graph);
    job.lifting_size = to_lifting_size(lifting_size);
    job.settings = to_ldpc_settings(kernel, max_iterations);
    job.settings.instruction_set = instruction_set;
    job.rows = to_rows(rows);
    job.batch = batch;
    job.threads = in_range("threads", threads, 0, MAX_THREADS);
    check_matrix(llr, "llr", get_base_graph(job.base_graph).num_columns * job.lifting_size);
    check_finite(llr, "llr");
    const py::ssize_t n = llr.shape(0);
    bit_array bits({ n, llr.shape(1) });
    std::vector<ldpc_result> results(n);
    {
        std::uint8_t* out = bits.mutable_data();
        const float* in = llr.data();
        const std::size_t length = llr.shape(1);
        decode_blocks(job, in, 0, out, results.data()); // refuses wrong settings
        in_slices(n, [&](std::size_t first, std::size_t num) {
            decode_blocks(
                job, in + first * length, num, out + first * length, results.data() + first);
        });
    }
    array<bool> parity_ok(n);
    array<unsigned> iterations(n);
    for (py::ssize_t i = 0; i < n; ++i) {
        parity_ok.mutable_at(i) = results[i].parity_ok;
        iterations.mutable_at(i) = results[i].iterations;
    }
    return py::make_tuple(bits, parity_ok, iterations);
}

} // namespace

void bind_decoding(py::module& m)
{
    m.def("ldpc_kernels", &ldpc_kernel_names, "Names of the check rules of the LDPC decoder.");
    m.def("instruction_sets",
          &instruction_sets,
          "Instruction sets that the LDPC kernels can use on this machine, the widest first.");
    m.attr("DEFAULT_LDPC_KERNEL") = DEFAULT_LDPC_KERNEL_NAME;
    m.attr("DEFAULT_LDPC_GUESSES") = DEFAULT_LDPC_GUESSES;
    m.attr("DEFAULT_LDPC_ITERATIONS") = DEFAULT_LDPC_ITERATIONS;
    m.def("ldpc_decode",
          &decode_matrix,
          "llr"_a,
          "base_graph"_a,
          "lifting_size"_a,
          "kernel"_a = DEFAULT_LDPC_KERNEL_NAME,
          "max_iterations"_a = DEFAULT_LDPC_ITERATIONS,
          "rows"_a = py::list(),
          "batch"_a = false,
          "threads"_a = 0,
          "instruction_set"_a = "",
          "Decode whole code words: LLRs ln P(0)/P(1), float32 (n, N), to (bits, parity_ok,\n"
          "iterations) of shapes (n, N), (n,) and (n,); N is 68 or 52 times the lifting size, the\n"
          "first 2 lifting sizes of them never sent.\n\n"
          "An LLR is finite, 0 for a bit not sent. rows: base graph rows to use, rising, see\n"
          "rate_matcher.useful_rows; all without. batch: one block a vector lane, for many short\n"
          "blocks. threads: 0 is one a core; results do not depend on it. Raises ValueError, with\n"
          "what is allowed, for a wrong number, shape or name.");
    py::class_<ldpc_decoder>(m, "ldpc_decoder", "Layered belief propagation, one code block.")
        .def(py::init([](integer base_graph,
                         integer lifting_size,
                         integer max_iterations,
                         const std::vector<integer>& rows,
                         const std::string& kernel,
                         const std::string& instruction_set) {
                 auto settings = to_ldpc_settings(kernel, max_iterations);
                 settings.instruction_set = instruction_set;
                 return ldpc_decoder(to_base_graph(base_graph),
                                     to_lifting_size(lifting_size),
                                     settings,
                                     to_rows(rows));
             }),
             "base_graph"_a,
             "lifting_size"_a,
             "max_iterations"_a = DEFAULT_LDPC_ITERATIONS,
             "rows"_a = py::list(),
             "kernel"_a = DEFAULT_LDPC_KERNEL_NAME,
             "instruction_set"_a = "")
        .def(
            "decode",
            [](ldpc_decoder& d, const py::object& argument) {
                const float_array llr = to_llrs(argument);
                check_size(llr, "llr", d.code_word_bits());
                check_finite(llr, "llr");
                bit_array bits(d.code_word_bits());
                const auto result = d.decode(llr.data(), bits.mutable_data());
                return std::make_tuple(bits, result.parity_ok, result.iterations);
            },
            "llr"_a,
            "LLRs ln P(0)/P(1) of a whole code word, see ldpc_decode, to (bits, parity_ok, "
            "iterations).");
}

} // namespace gr::resivid::phy::python
