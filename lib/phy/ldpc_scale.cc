// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_scale.h"

#include <cmath>

namespace gr::resivid::phy {
namespace {

// In a place of its own, so that the compiler counts in vectors.
std::size_t count_beyond(const float* __restrict llr, std::size_t n, float limit)
{
    unsigned beyond = 0;
    for (std::size_t i = 0; i < n; ++i)
        beyond += std::fabs(llr[i]) > limit;
    return beyond;
}

} // namespace

float fitting_scale(const float* llr, std::size_t n, float scale, float typical)
{
    const std::size_t heard = count_beyond(llr, n, 0.5f / scale);
    if (16 * count_beyond(llr, n, typical / scale) <= 15 * heard)
        return scale;
    typical *= 0.75f;
    while (typical < MAX_LLR * scale && 2 * count_beyond(llr, n, typical / scale) > heard)
        scale /= 2;
    return scale;
}

} // namespace gr::resivid::phy
