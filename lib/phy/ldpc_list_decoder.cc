// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_list_decoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::resivid::phy {
namespace {

ldpc_settings batch_settings(ldpc_settings settings)
{
    if (settings.kernel == ldpc_kernel::belief_propagation)
        settings.kernel = ldpc_kernel::box_plus; // the reference decodes no batches
    return settings;
}

} // namespace

ldpc_list_decoder::ldpc_list_decoder(unsigned base_graph,
                                     unsigned lifting_size,
                                     unsigned info_bits,
                                     const crc& code,
                                     const ldpc_settings& settings,
                                     const std::vector<unsigned>& rows)
    : d_decoder(base_graph, lifting_size, settings, rows), d_code(&code), d_info_bits(info_bits)
{
    if (settings.guesses == 0 || info_bits > MAX_LIST_BITS)
        return;
    d_batch = std::make_unique<ldpc_batch_decoder>(
        base_graph, lifting_size, batch_settings(settings), rows);
    d_totals.resize(code_word_bits());
    d_found.resize(code_word_bits());
    d_order.resize(info_bits);
    d_guesses.resize(std::min(settings.guesses, info_bits));
}

ldpc_result ldpc_list_decoder::decode(const float* llr, std::uint8_t* code_word)
{
    ldpc_result result = d_decoder.decode(llr, code_word);
    if (!d_batch || (result.parity_ok && d_code->check(code_word, d_info_bits)))
        return result;
    find_guesses();
    for (std::size_t i = 0; i < d_guesses.size(); i += d_batch->lanes()) {
        const unsigned num = std::min<std::size_t>(d_batch->lanes(), d_guesses.size() - i);
        if (d_batch->decode_guesses(
                llr, d_guesses.data() + i, num, *d_code, d_info_bits, d_found.data())) {
            std::copy(d_found.begin(), d_found.end(), code_word);
            result.parity_ok = true;
            break;
        }
    }
    return result;
}

void ldpc_list_decoder::find_guesses()
{
    d_decoder.read_totals(d_totals.data());
    std::iota(d_order.begin(), d_order.end(), 0u);
    std::partial_sort(d_order.begin(),
                      d_order.begin() + d_guesses.size(),
                      d_order.end(),
                      [this](unsigned a, unsigned b) {
                          const float x = std::fabs(d_totals[a]);
                          const float y = std::fabs(d_totals[b]);
                          return x < y || (x == y && a < b);
                      });
    for (std::size_t i = 0; i < d_guesses.size(); ++i)
        d_guesses[i] = { d_order[i], !(d_totals[d_order[i]] < 0) };
}

} // namespace gr::resivid::phy
