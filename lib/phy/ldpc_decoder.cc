// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_decoder.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

constexpr unsigned LANES = 16; // floats of the widest vector register (AVX-512)

/* Correction of the box-plus: ln(1 + exp(-x)) for x >= 0 is close to this line. */
inline float correction(float x) { return std::max(0.0f, 0.625f - 0.25f * x); }

inline float box_plus(float a, float b)
{
    const float magnitude = std::min(std::fabs(a), std::fabs(b));
    return std::copysign(magnitude, a * b) + correction(std::fabs(a + b)) -
           correction(std::fabs(a - b));
}

// n is a multiple of LANES
void box_plus(const float* a, const float* b, float* out, unsigned n)
{
    for (unsigned i = 0; i < n; ++i)
        out[i] = box_plus(a[i], b[i]);
}

} // namespace

ldpc_decoder::ldpc_decoder(unsigned base_graph,
                           unsigned lifting_size,
                           unsigned max_iterations,
                           const std::vector<unsigned>& rows)
    : d_graph(get_base_graph(base_graph)),
      d_z(lifting_size),
      d_stride((lifting_size + LANES - 1) / LANES * LANES),
      d_max_iterations(max_iterations)
{
    if (max_iterations == 0)
        throw std::invalid_argument("max_iterations must be at least 1, got 0");
    for (unsigned row : rows)
        if (row >= d_graph.num_rows)
            throw std::invalid_argument("rows must be below " + std::to_string(d_graph.num_rows) +
                                        ", got " + std::to_string(row));
    unsigned last_row = d_graph.num_rows;
    unsigned max_degree = 0;
    for (const auto& edge : lift(base_graph, lifting_size)) {
        if (!rows.empty() && std::find(rows.begin(), rows.end(), edge.row) == rows.end())
            continue;
        if (edge.row != last_row)
            d_layers.push_back({ unsigned(d_edges.size()), 0 });
        last_row = edge.row;
        d_edges.push_back(edge);
        max_degree = std::max(max_degree, ++d_layers.back().num_edges);
    }
    d_total.resize(code_word_bits());
    d_messages.resize(d_edges.size() * d_stride);
    d_inputs.resize(max_degree * d_stride);
    d_prefix.resize(max_degree * d_stride);
    d_suffix.resize(d_stride);
    d_syndrome.resize(d_z);
}

ldpc_result ldpc_decoder::decode(const float* llr, std::uint8_t* code_word)
{
    std::copy_n(llr, d_total.size(), d_total.begin());
    std::fill(d_messages.begin(), d_messages.end(), 0.0f);
    ldpc_result result{ false, 0 };
    while (!result.parity_ok && result.iterations < d_max_iterations) {
        for (const auto& l : d_layers)
            update(l);
        for (std::size_t i = 0; i < d_total.size(); ++i)
            code_word[i] = d_total[i] < 0;
        result.parity_ok = parity_holds(code_word);
        ++result.iterations;
    }
    return result;
}

void ldpc_decoder::update(const layer& l)
{
    gather(l);
    combine(l);
    scatter(l);
}

// Bit to check: what the bit knows from all other checks, turned to the order of the checks.
void ldpc_decoder::gather(const layer& l)
{
    for (unsigned e = 0; e < l.num_edges; ++e) {
        const auto& edge = d_edges[l.first_edge + e];
        const float* total = d_total.data() + edge.column * d_z;
        const float* message = d_messages.data() + (l.first_edge + e) * d_stride;
        float* input = d_inputs.data() + e * d_stride;
        const unsigned head = d_z - edge.shift;
        for (unsigned i = 0; i < head; ++i)
            input[i] = total[i + edge.shift] - message[i];
        for (unsigned i = head; i < d_z; ++i)
            input[i] = total[i - head] - message[i];
    }
}

// Check to bit: box-plus of all other inputs, from the front and from the back.
void ldpc_decoder::combine(const layer& l)
{
    const unsigned n = d_stride;
    const unsigned last = l.num_edges - 1; // every row has at least three edges
    const float* input = d_inputs.data();
    float* prefix = d_prefix.data();
    float* suffix = d_suffix.data();
    float* message = d_messages.data() + l.first_edge * n;
    std::copy_n(input, n, prefix);
    for (unsigned e = 1; e < last; ++e)
        box_plus(prefix + (e - 1) * n, input + e * n, prefix + e * n, n);
    std::copy_n(prefix + (last - 1) * n, n, message + last * n);
    std::copy_n(input + last * n, n, suffix);
    for (unsigned e = last - 1; e > 0; --e) {
        box_plus(prefix + (e - 1) * n, suffix, message + e * n, n);
        box_plus(suffix, input + e * n, suffix, n);
    }
    std::copy_n(suffix, n, message);
}

void ldpc_decoder::scatter(const layer& l)
{
    for (unsigned e = 0; e < l.num_edges; ++e) {
        const auto& edge = d_edges[l.first_edge + e];
        float* total = d_total.data() + edge.column * d_z;
        const float* message = d_messages.data() + (l.first_edge + e) * d_stride;
        const float* input = d_inputs.data() + e * d_stride;
        const unsigned head = d_z - edge.shift;
        for (unsigned i = 0; i < head; ++i)
            total[i + edge.shift] = input[i] + message[i];
        for (unsigned i = head; i < d_z; ++i)
            total[i - head] = input[i] + message[i];
    }
}

bool ldpc_decoder::parity_holds(const std::uint8_t* code_word)
{
    for (const auto& l : d_layers) {
        std::fill(d_syndrome.begin(), d_syndrome.end(), 0);
        for (unsigned e = 0; e < l.num_edges; ++e) {
            const auto& edge = d_edges[l.first_edge + e];
            const std::uint8_t* bits = code_word + edge.column * d_z;
            const unsigned head = d_z - edge.shift;
            for (unsigned i = 0; i < head; ++i)
                d_syndrome[i] ^= bits[i + edge.shift];
            for (unsigned i = head; i < d_z; ++i)
                d_syndrome[i] ^= bits[i - head];
        }
        if (std::any_of(d_syndrome.begin(), d_syndrome.end(), [](auto s) { return s != 0; }))
            return false;
    }
    return true;
}

} // namespace gr::resivid::phy
