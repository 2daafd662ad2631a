// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_decoder.h"

#include <algorithm>
#include <stdexcept>

namespace gr::resivid::phy {
namespace {

std::unique_ptr<ldpc_engine> make_engine(const ldpc_schedule& schedule,
                                         const ldpc_settings& settings)
{
    const kernel_set& kernels = find_kernels(settings.instruction_set);
    switch (settings.kernel) {
    case ldpc_kernel::belief_propagation:
        return make_reference_engine(schedule);
    case ldpc_kernel::box_plus:
        return make_block_engine(schedule, kernels.box_plus);
    case ldpc_kernel::box_plus_int16:
        return make_block_engine(schedule, kernels.box_plus_int16);
    case ldpc_kernel::box_plus_int8:
        return make_block_engine(schedule, kernels.box_plus_int8);
    case ldpc_kernel::min_sum_int8:
        return make_block_engine(schedule, kernels.min_sum_int8);
    }
    throw std::invalid_argument("unknown kernel");
}

} // namespace

const std::vector<std::string>& ldpc_kernel_names()
{
    static const std::vector<std::string> NAMES{
        "belief-propagation", "box-plus", "box-plus-int16", "box-plus-int8", "min-sum-int8"
    };
    return NAMES;
}

ldpc_kernel find_ldpc_kernel(const std::string& name)
{
    const auto& names = ldpc_kernel_names();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end())
        return ldpc_kernel(found - names.begin());
    std::string list;
    for (const auto& known : names)
        list += (list.empty() ? "" : ", ") + known;
    throw std::invalid_argument("kernel must be one of " + list + ", got " + name);
}

void check_iterations(const ldpc_settings& settings)
{
    if (settings.max_iterations == 0)
        throw std::invalid_argument("max_iterations must be at least 1, got 0");
}

ldpc_decoder::ldpc_decoder(unsigned base_graph,
                           unsigned lifting_size,
                           const ldpc_settings& settings,
                           const std::vector<unsigned>& rows)
    : d_schedule(std::make_unique<ldpc_schedule>(base_graph, lifting_size, rows)),
      d_max_iterations(settings.max_iterations),
      d_engine(make_engine(*d_schedule, settings))
{
    check_iterations(settings);
}

unsigned ldpc_decoder::systematic_bits() const
{
    return d_schedule->graph.num_systematic * d_schedule->lifting_size;
}

unsigned ldpc_decoder::code_word_bits() const
{
    return d_schedule->graph.num_columns * d_schedule->lifting_size;
}

ldpc_result ldpc_decoder::decode(const float* llr,
                                 std::uint8_t* code_word,
                                 const crc* stop_crc,
                                 unsigned stop_bits)
{
    ldpc_result result{ false, 0 };
    bool stop = false;
    d_engine->load(llr);
    while (!stop && result.iterations < d_max_iterations) {
        stop = result.parity_ok = d_engine->iterate();
        ++result.iterations;
        if (stop_crc && !stop) {
            d_engine->read(code_word, d_schedule->graph.num_systematic);
            stop = stop_crc->check(code_word, stop_bits);
        }
    }
    d_engine->read(code_word, d_schedule->num_columns);
    const std::size_t decoded = d_schedule->num_columns * d_schedule->lifting_size;
    hard_decisions(llr + decoded, code_word + decoded, code_word_bits() - decoded);
    return result;
}

void ldpc_decoder::read_totals(float* llr) const
{
    const std::size_t decoded = d_schedule->num_columns * d_schedule->lifting_size;
    d_engine->read_totals(llr);
    std::fill(llr + decoded, llr + code_word_bits(), 0.0f);
}

} // namespace gr::resivid::phy
