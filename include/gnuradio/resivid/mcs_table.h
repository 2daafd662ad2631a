/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <tuple>
#include <vector>

namespace gr {
namespace resivid {

/*! \brief Rows (bits per symbol, 1024 times the code rate, threshold Es/N0 in dB), lowest first.
 * Python's `McsTable.as_tuples()` gives it; the row's index is what tags and messages `mcs` hold.
 */
using mcs_table = std::vector<std::tuple<int, int, float>>;

} // namespace resivid
} // namespace gr
