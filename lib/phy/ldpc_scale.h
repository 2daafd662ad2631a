// SPDX-License-Identifier: GPL-3.0-or-later
//! \file How strong the LLRs of a block may be in a decoder's number format.
#pragma once

#include <cstddef>

namespace gr::resivid::phy {

constexpr float MAX_LLR = 0x1p100f; //!< infinite LLRs count as this

/*! \brief Steps of a number format in an LLR of 1, for one block.
 *
 * `scale`, unless 15 of 16 LLRs are beyond `typical` steps: then halved until at most half of them
 * are beyond 3/4 of that. Strong LLRs alone fill an integer format: the totals of a column clip, a
 * clipped total less one of its messages is too small, and wrong bits are never mended. A block
 * with weak LLRs beside the strong ones, as high QAM has at its threshold, keeps their scale:
 * box-plus of many weak inputs needs it. LLRs below half a step count as not heard. */
float fitting_scale(const float* llr, std::size_t n, float scale, float typical);

} // namespace gr::resivid::phy
