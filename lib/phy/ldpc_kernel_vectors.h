// SPDX-License-Identifier: GPL-3.0-or-later
/*! \file Vectors for the LDPC kernels: GCC's vector types (clang has them too), VECTOR_BYTES wide.
 *
 * The ldpc_kernel_*.cc files alone include this, each compiled for another instruction set.
 * Everything stands in a namespace of that set and nothing comes from the standard library: the
 * linker keeps one copy of an inline function, and it must not be one with the wrong instructions.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace gr::resivid::phy::KERNEL_NAMESPACE {

template <class T>
struct vector_of {
    typedef T type __attribute__((vector_size(VECTOR_BYTES)));
};
template <class T>
using vec = typename vector_of<T>::type;
template <class T>
constexpr unsigned LANES = VECTOR_BYTES / sizeof(T);

using float_vec = vec<float>;
using int_vec = vec<std::int32_t>;
using short_vec = vec<std::int16_t>;
using byte_vec = vec<std::int8_t>;
using ushort_vec = vec<std::uint16_t>;
using ubyte_vec = vec<std::uint8_t>;

template <class T>
inline vec<T> load(const T* from)
{
    vec<T> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

template <class T>
inline void store(T* to, vec<T> v)
{
    __builtin_memcpy(to, &v, sizeof v);
}

template <class T>
inline vec<T> all(T value)
{
    return vec<T>{} + value;
}

template <class V>
inline V smaller(V a, V b)
{
    return a < b ? a : b;
}

template <class V>
inline V larger(V a, V b)
{
    return a > b ? a : b;
}

// Unsigned, so that the magnitude of the smallest integer fits.
inline float_vec magnitude(float_vec a) { return (float_vec)((int_vec)a & INT32_MAX); }
inline ushort_vec magnitude(short_vec a) { return a < 0 ? -(ushort_vec)a : (ushort_vec)a; }
inline ubyte_vec magnitude(byte_vec a) { return a < 0 ? -(ubyte_vec)a : (ubyte_vec)a; }

// m with the sign of s
inline float_vec with_sign(float_vec m, float_vec s)
{
    return (float_vec)((int_vec)m | ((int_vec)s & INT32_MIN));
}
inline short_vec with_sign(ushort_vec m, short_vec s) { return (short_vec)(s < 0 ? -m : m); }
inline byte_vec with_sign(ubyte_vec m, byte_vec s) { return (byte_vec)(s < 0 ? -m : m); }

// Its sign bits are those of the product.
template <class V>
inline V sign_product(V a, V b)
{
    return a ^ b;
}
inline float_vec sign_product(float_vec a, float_vec b)
{
    return (float_vec)((int_vec)a ^ (int_vec)b);
}

// The union of the sign bits
template <class V>
inline V either_sign(V a, V b)
{
    return a | b;
}
inline float_vec either_sign(float_vec a, float_vec b)
{
    return (float_vec)((int_vec)a | (int_vec)b);
}

// a + b and a - b, integers limited to their range: the one thing vector types cannot say.
inline float_vec add(float_vec a, float_vec b) { return a + b; }
inline float_vec subtract(float_vec a, float_vec b) { return a - b; }

#if VECTOR_BYTES == 64
#define SATURATING(NAME, VECTOR, BITS, X86, NEON)                                                  \
    inline VECTOR NAME(VECTOR a, VECTOR b)                                                         \
    {                                                                                              \
        return (VECTOR)_mm512_##X86##_epi##BITS((__m512i)a, (__m512i)b);                           \
    }
#elif VECTOR_BYTES == 32
#define SATURATING(NAME, VECTOR, BITS, X86, NEON)                                                  \
    inline VECTOR NAME(VECTOR a, VECTOR b)                                                         \
    {                                                                                              \
        return (VECTOR)_mm256_##X86##_epi##BITS((__m256i)a, (__m256i)b);                           \
    }
#elif defined(__SSE2__)
#define SATURATING(NAME, VECTOR, BITS, X86, NEON)                                                  \
    inline VECTOR NAME(VECTOR a, VECTOR b)                                                         \
    {                                                                                              \
        return (VECTOR)_mm_##X86##_epi##BITS((__m128i)a, (__m128i)b);                              \
    }
#elif defined(__ARM_NEON)
#define SATURATING(NAME, VECTOR, BITS, X86, NEON)                                                  \
    inline VECTOR NAME(VECTOR a, VECTOR b) { return (VECTOR)NEON##_s##BITS(a, b); }
#else
#define SATURATING(NAME, VECTOR, BITS, X86, NEON)                                                  \
    inline VECTOR NAME(VECTOR a, VECTOR b)                                                         \
    {                                                                                              \
        for (unsigned i = 0; i < LANES<std::int##BITS##_t>; ++i) {                                 \
            const int exact = NAME##_exact(a[i], b[i]);                                            \
            a[i] = exact < INT##BITS##_MIN   ? INT##BITS##_MIN                                     \
                   : exact > INT##BITS##_MAX ? INT##BITS##_MAX                                     \
                                             : exact;                                              \
        }                                                                                          \
        return a;                                                                                  \
    }
inline int add_exact(int a, int b) { return a + b; }
inline int subtract_exact(int a, int b) { return a - b; }
#endif
SATURATING(add, byte_vec, 8, adds, vqaddq)
SATURATING(add, short_vec, 16, adds, vqaddq)
SATURATING(subtract, byte_vec, 8, subs, vqsubq)
SATURATING(subtract, short_vec, 16, subs, vqsubq)
#undef SATURATING

// Whether any, or every, element has its sign bit set
template <class T>
inline bool any_negative(vec<T> v)
{
    typedef std::uint64_t words __attribute__((vector_size(VECTOR_BYTES)));
    constexpr std::uint64_t SIGNS = sizeof(T) == 1   ? 0x8080808080808080
                                    : sizeof(T) == 2 ? 0x8000800080008000
                                                     : 0x8000000080000000;
    const words w = (words)v;
    std::uint64_t any = 0;
    for (unsigned i = 0; i < VECTOR_BYTES / 8; ++i)
        any |= w[i];
    return (any & SIGNS) != 0;
}

template <class T>
inline bool all_negative(vec<T> v)
{
    typedef std::uint64_t words __attribute__((vector_size(VECTOR_BYTES)));
    const words w = ~(words)v;
    return !any_negative<T>((vec<T>)w);
}

} // namespace gr::resivid::phy::KERNEL_NAMESPACE
