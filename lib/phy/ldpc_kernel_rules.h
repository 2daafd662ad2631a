// SPDX-License-Identifier: GPL-3.0-or-later
/*! \file Number formats and check rules of the LDPC kernels.
 *
 * A rule `take`s the inputs x_1, x_2, ... of a check one by one and, after `finish`, gives the
 * `message` to the bit of each, in the same order. A vector holds that many checks. */
#pragma once

#include "ldpc_kernel_vectors.h"

namespace gr::resivid::phy::KERNEL_NAMESPACE {

/* SCALE steps are an LLR of 1; fewer in a block where nearly all are beyond TYPICAL steps
 * (fitting_scale). An input is at most MAX_INPUT and a message at most MAX_MESSAGE,
 * which is more: a wrong bit that one check alone knows can be turned. INFINITE is the box-plus of
 * no inputs.
 *
 * In 16 bits no total ever clips. In 8 bits it may, after two messages at their limit: TYPICAL is
 * low enough that this costs little. */
struct float_format {
    using value = float;
    using magnitude = float;
    static constexpr int SCALE = 1;
    static constexpr float INFINITE = 1e9f;
    static constexpr float TYPICAL = 1e3f;
    static constexpr float MAX_INPUT = 1e4f;
};
template <int STEPS>
struct int16_format {
    using value = std::int16_t;
    using magnitude = std::uint16_t;
    static constexpr int SCALE = STEPS;
    static constexpr magnitude INFINITE = INT16_MAX;
    static constexpr magnitude MAX_MESSAGE = 1023;
    static constexpr float TYPICAL = 500;
    static constexpr float MAX_INPUT = 1000;
    static constexpr int MAX_COLUMN_WEIGHT = 30; // of base graph 1; 23 of base graph 2
    static_assert(MAX_COLUMN_WEIGHT * MAX_MESSAGE + int(MAX_INPUT) <= INT16_MAX, "totals may clip");
};
template <int STEPS, int LIMIT>
struct int8_format {
    using value = std::int8_t;
    using magnitude = std::uint8_t;
    static constexpr int SCALE = STEPS;
    static constexpr magnitude INFINITE = INT8_MAX;
    static constexpr magnitude MAX_MESSAGE = LIMIT;
    static constexpr float TYPICAL = LIMIT / 2;
    static constexpr float MAX_INPUT = LIMIT - 3;
};

// ln(1 + exp(-x)) for x >= 0 is close to the line max(0, 5/8 - x/4).
template <class format>
inline float_vec correction(float_vec x)
{
    return larger(0.625f - 0.25f * x, all(0.0f));
}
template <class format, class M>
inline M correction(M x)
{
    // 2 / 4 of a step: the shift rounds
    constexpr typename format::magnitude START = format::SCALE * 5 / 2 + 2;
    return (START - smaller(x, all(START))) >> 2;
}

/* Box-plus of all inputs but one's own, from the front and from the back:
 * sign(a b) min(|a|,|b|) + correction(|a + b|) - correction(|a - b|). */
template <class format>
class full_box_plus
{
public:
    inline void take(float_vec x)
    {
        d_input[d_count] = x;
        d_message[d_count++] = d_front;
        d_front = box_plus(d_front, x);
    }
    inline void finish()
    {
        float_vec back = all(format::INFINITE);
        while (d_count > 0) {
            --d_count;
            d_message[d_count] = box_plus(d_message[d_count], back);
            back = box_plus(back, d_input[d_count]);
        }
    }
    inline float_vec message(float_vec) { return d_message[d_count++]; }

private:
    static float_vec box_plus(float_vec a, float_vec b)
    {
        const float_vec low = smaller(magnitude(a), magnitude(b));
        return with_sign(low, sign_product(a, b)) + correction<format>(magnitude(a + b)) -
               correction<format>(magnitude(a - b));
    }

    static constexpr unsigned MAX_DEGREE = 19;
    float_vec d_input[MAX_DEGREE];
    float_vec d_message[MAX_DEGREE];
    float_vec d_front = all(format::INFINITE);
    unsigned d_count = 0;
};

/* The same rule with one box-plus an input: the least reliable bit gets the box-plus of all others,
 * which is exact, and the others get that of all inputs, whose least one dominates theirs. After
 * Jones, Valles, Smith and Villasenor, "Approximate-MIN* constraint node updating for LDPC code
 * decoding", MILCOM 2003. */
template <class format>
class fast_box_plus
{
    using V = vec<typename format::value>;
    using M = vec<typename format::magnitude>;

public:
    inline void take(V x)
    {
        const M a = magnitude(x);
        d_sign = sign_product(d_sign, x);
        d_others = box_plus(d_others, larger(a, d_least));
        d_least = smaller(a, d_least);
    }
    inline void finish()
    {
        d_every = smaller(box_plus(d_others, d_least), all(format::MAX_MESSAGE));
        d_others = smaller(d_others, all(format::MAX_MESSAGE));
    }
    // Two inputs may both be the least: the box-plus of all others is then right for either.
    inline V message(V x) const
    {
        return with_sign(magnitude(x) == d_least ? d_others : d_every, sign_product(d_sign, x));
    }

private:
    static M box_plus(M a, M b)
    {
        const M low = smaller(a, b);
        const M high = larger(a, b);
        const M plus = low + correction<format>(M(low + high));
        const M minus = correction<format>(M(high - low));
        return larger(plus, minus) - minus;
    }

    M d_least = all(format::INFINITE);
    M d_others = all(format::INFINITE);
    M d_every{};
    V d_sign{};
};

// Normalised min-sum: 3/4 of the least magnitude of the other inputs.
template <class format>
class min_sum
{
    using V = vec<typename format::value>;
    using M = vec<typename format::magnitude>;

public:
    inline void take(V x)
    {
        const M a = magnitude(x);
        d_sign = sign_product(d_sign, x);
        d_second = smaller(d_second, larger(a, d_least));
        d_least = smaller(a, d_least);
    }
    inline void finish()
    {
        d_to_least = normalise(d_second);
        d_to_others = normalise(d_least);
    }
    inline V message(V x) const
    {
        return with_sign(magnitude(x) == d_least ? d_to_least : d_to_others,
                         sign_product(d_sign, x));
    }

private:
    static M normalise(M a) { return smaller(M(a - (a >> 2)), all(format::MAX_MESSAGE)); }

    M d_least = all(format::INFINITE);
    M d_second = all(format::INFINITE);
    M d_to_least{};
    M d_to_others{};
    V d_sign{};
};

} // namespace gr::resivid::phy::KERNEL_NAMESPACE
