// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Gray-mapped QAM of TS 38.211 5.1 and its LLRs.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

/*! \brief A square constellation as two equal amplitude axes of unit symbol energy.
 *
 * Even bits of a symbol name the level on the real axis, odd bits that on the imaginary axis.
 * The table is built from the nested formula of TS 38.211 5.1.3 to 5.1.6, so that an order is one
 * number: 2 QPSK, 4 16QAM, 6 64QAM, 8 256QAM. */
class constellation
{
public:
    /*! \throws std::invalid_argument when bits_per_symbol is not 2, 4, 6 or 8. */
    explicit constellation(unsigned bits_per_symbol);

    unsigned bits_per_symbol() const { return 2 * d_bits_per_axis; } //!< Qm
    unsigned bits_per_axis() const { return d_bits_per_axis; }

    //! Level by the axis' bits, first bit most significant.
    const std::vector<float>& levels() const { return d_levels; }

private:
    unsigned d_bits_per_axis;
    std::vector<float> d_levels;
};

/*! \brief Bits (one a byte, the lowest bit of each counts) to symbols of mean energy 1. */
class qam_mapper
{
public:
    explicit qam_mapper(unsigned bits_per_symbol);
    void map(const std::uint8_t* bits, std::complex<float>* symbols, std::size_t num_symbols) const;

private:
    constellation d_constellation;
};

//! How `soft_demapper` adds up the levels that agree in a bit.
enum class llr_rule {
    exact,   //!< ln sum exp(-(y - s)^2 / N0): the a-posteriori LLR
    max_log, //!< the nearest level alone; at most ln(sqrt(M) / 2) away from the exact LLR
};

/*! \brief Symbols to LLRs, LLR = ln P(bit 0) / P(bit 1): positive means 0.
 *
 * For circular Gaussian noise of variance N0 (N0/2 an axis) and equally likely bits: per axis the
 * sum over the levels with bit 0 less that over the levels with bit 1. QPSK is the same under both
 * rules. */
class soft_demapper
{
public:
    //! \throws std::invalid_argument when bits_per_symbol is not 2, 4, 6 or 8.
    explicit soft_demapper(unsigned bits_per_symbol, llr_rule rule = llr_rule::exact);

    /*! \param noise_variance N0 relative to symbol energy 1, above 0.
     *  \param llr num_symbols x Qm values; NaN where a symbol is not finite. */
    void demap(const std::complex<float>* symbols,
               std::size_t num_symbols,
               float noise_variance,
               float* llr) const;

private:
    void demap_bit(unsigned bit, const float* y, std::size_t n, float inverse_n0, float* llr) const;

    unsigned d_bits_per_axis;
    llr_rule d_rule;
    // Levels by bit of the axis and value of this bit.
    std::vector<std::array<std::vector<float>, 2>> d_levels;
};

} // namespace gr::resivid::phy
