// SPDX-License-Identifier: GPL-3.0-or-later
//! \file One layered iteration of the LDPC kernels, for any check rule and number format.
#pragma once

#include "ldpc_kernel.h"
#include "ldpc_kernel_rules.h"
#include "ldpc_scale.h"

namespace gr::resivid::phy::KERNEL_NAMESPACE {

constexpr unsigned MAX_DEGREE = 19; // edges of a base graph row

template <class T, class rule>
inline void update_layer(kernel_work<T>& w, const kernel_layer& layer)
{
    const unsigned* column = w.column + layer.first_edge;
    const unsigned* turn = w.turn + layer.first_edge;
    T* messages = w.messages + std::size_t(layer.first_edge) * w.stride;
    T* read[MAX_DEGREE];
    T* written[MAX_DEGREE];
    for (unsigned e = 0; e < layer.num_edges; ++e) {
        read[e] = w.now[column[e]];
        written[e] = w.next[column[e]];
        w.now[column[e]] = written[e];
        w.next[column[e]] = read[e];
        read[e] += turn[e];
    }
    // From the last vector to the first: what the last one stores behind its Zc is overwritten.
    for (unsigned i = w.stride; i > 0;) {
        i -= LANES<T>;
        vec<T> input[MAX_DEGREE];
        rule check;
        for (unsigned e = 0; e < layer.num_edges; ++e) {
            input[e] = subtract(load(read[e] + i), load(messages + e * w.stride + i));
            check.take(input[e]);
        }
        check.finish();
        for (unsigned e = 0; e < layer.num_edges; ++e) {
            const vec<T> message = check.message(input[e]);
            const vec<T> total = add(input[e], message);
            store(messages + e * w.stride + i, message);
            store(written[e] + i, total);
            store(written[e] + w.lifting_size + i, total);
        }
    }
}

template <class T>
inline bool parity_holds(const kernel_work<T>& w, const kernel_layer& layer)
{
    for (unsigned i = 0; i < w.stride; i += LANES<T>) {
        vec<T> sum{};
        for (unsigned e = layer.first_edge; e < layer.first_edge + layer.num_edges; ++e)
            sum = sign_product(sum, load(w.now[w.column[e]] + w.final_turn[e] + i));
        for (unsigned k = w.lifting_size; k < i + LANES<T>; ++k)
            sum[k - i] = 0; // behind the last check
        if (any_negative<T>(sum))
            return false;
    }
    return true;
}

template <class T, class rule>
bool iterate(kernel_work<T>& w)
{
    for (unsigned l = 0; l < w.num_layers; ++l)
        update_layer<T, rule>(w, w.layers[l]);
    for (unsigned l = 0; l < w.num_layers; ++l)
        if (!parity_holds(w, w.layers[l]))
            return false;
    return true;
}

template <class T>
inline T* bits_of(const kernel_work<T>& w, unsigned edge, unsigned check)
{
    const unsigned i = check + w.turn[edge];
    return w.now[w.column[edge]] + (i < w.lifting_size ? i : i - w.lifting_size) * LANES<T>;
}

template <class T, class rule>
inline void update_batch_layer(kernel_work<T>& w, const kernel_layer& layer)
{
    T* messages = w.messages + std::size_t(layer.first_edge) * w.stride;
    for (unsigned i = 0; i < w.lifting_size; ++i) {
        vec<T> input[MAX_DEGREE];
        T* total[MAX_DEGREE];
        rule check;
        for (unsigned e = 0; e < layer.num_edges; ++e) {
            total[e] = bits_of(w, layer.first_edge + e, i);
            input[e] = subtract(load(total[e]), load(messages + e * w.stride + i * LANES<T>));
            check.take(input[e]);
        }
        check.finish();
        for (unsigned e = 0; e < layer.num_edges; ++e) {
            const vec<T> message = check.message(input[e]);
            store(messages + e * w.stride + i * LANES<T>, message);
            store(total[e], add(input[e], message));
        }
    }
}

template <class T>
inline vec<T> batch_parity(const kernel_work<T>& w, const kernel_layer& layer)
{
    vec<T> any{};
    for (unsigned i = 0; i < w.lifting_size; ++i) {
        vec<T> sum{};
        for (unsigned e = layer.first_edge; e < layer.first_edge + layer.num_edges; ++e)
            sum = sign_product(sum, load(bits_of(w, e, i)));
        any = either_sign(any, sum);
    }
    return any;
}

template <class T, class rule>
void iterate_batch(kernel_work<T>& w, T* failed)
{
    for (unsigned l = 0; l < w.num_layers; ++l)
        update_batch_layer<T, rule>(w, w.layers[l]);
    vec<T> any{};
    for (unsigned l = 0; l < w.num_layers && !all_negative<T>(any); ++l)
        any = either_sign(any, batch_parity(w, w.layers[l]));
    // 1 or -1: the sign bits alone mean something, and as a float the rest may be no number
    store(failed, with_sign(magnitude(vec<T>{} + 1), any));
}

// Only 0 becomes 0: a trace of evidence keeps its sign (scrambler.h).
template <class format>
void quantise(const float* __restrict llr,
              typename format::value* __restrict out,
              std::size_t n,
              float scale)
{
    constexpr float MAX = format::MAX_INPUT;
    constexpr bool INTEGER = format::SCALE > 1;
    for (std::size_t i = 0; i < n; ++i) {
        const float x = llr[i] == llr[i] ? llr[i] : 0.0f;
        float size = x < 0 ? -x : x;
        size = (size < MAX_LLR ? size : MAX_LLR) * scale + (INTEGER ? 0.5f : 0.0f);
        size = size < MAX ? size : MAX;
        size = INTEGER && size < 1.0f ? 1.0f : size;
        out[i] = x == 0 ? 0 : typename format::value(x < 0 ? -size : size);
    }
}

template <class format, template <class> class rule>
constexpr kernel_functions<typename format::value> functions()
{
    using T = typename format::value;
    return { format::SCALE,     format::TYPICAL,           LANES<T>,
             &quantise<format>, &iterate<T, rule<format>>, &iterate_batch<T, rule<format>> };
}

constexpr kernel_set make_kernels(const char* name)
{
    return { name,
             functions<float_format, full_box_plus>(),
             functions<int16_format<32>, fast_box_plus>(),
             functions<int8_format<4, 63>, fast_box_plus>(),
             functions<int8_format<6, 63>, min_sum>() };
}

} // namespace gr::resivid::phy::KERNEL_NAMESPACE
