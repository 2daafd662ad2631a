// SPDX-License-Identifier: GPL-3.0-or-later
//! \file QAM mapping, soft demapping in Python.
#include "phy/qam.h"
#include "phy_arguments.h"

#include <cmath>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

llr_rule to_llr_rule(const std::string& name)
{
    if (name == "exact")
        return llr_rule::exact;
    if (name == "max-log")
        return llr_rule::max_log;
    throw std::invalid_argument("rule must be exact or max-log, got " + name);
}

} // namespace

void bind_qam(py::module& m)
{
    m.def(
        "qam_map",
        [](const bits_argument& argument, integer bits_per_symbol) {
            const unsigned qm = to_bits_per_symbol(bits_per_symbol);
            const qam_mapper mapper(qm);
            const bit_array bits = to_bits(argument, "bits", -1);
            if (bits.size() % qm)
                throw std::invalid_argument("bits must be a multiple of " + std::to_string(qm) +
                                            ", got " + std::to_string(bits.size()));
            symbol_array out(bits.size() / qm);
            mapper.map(bits.data(), out.mutable_data(), out.size());
            return out;
        },
        "bits"_a,
        "bits_per_symbol"_a,
        "uint8 (n Qm,) to complex64 (n,) of mean energy 1, TS 38.211 5.1.");
    m.def(
        "qam_llr",
        [](const symbol_array& symbols,
           integer bits_per_symbol,
           float noise_variance,
           const std::string& rule) {
            const unsigned qm = to_bits_per_symbol(bits_per_symbol);
            const soft_demapper demapper(qm, to_llr_rule(rule));
            check_size(symbols, "symbols", -1);
            check_finite(symbols, "symbols");
            if (!(noise_variance > 0) || !std::isfinite(noise_variance))
                throw std::invalid_argument("noise_variance must be above 0 and finite, got " +
                                            std::to_string(noise_variance));
            float_array out(symbols.size() * qm);
            demapper.demap(symbols.data(), symbols.size(), noise_variance, out.mutable_data());
            check_finite(out, "LLRs of these symbols at this noise_variance");
            return out;
        },
        "symbols"_a,
        "bits_per_symbol"_a,
        "noise_variance"_a,
        "rule"_a = "exact",
        "Finite complex64 (n,) to LLRs ln P(0)/P(1), float32 (n Qm,); rule is exact or max-log.");
}

} // namespace gr::resivid::phy::python
