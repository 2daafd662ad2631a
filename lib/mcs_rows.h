/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "packet_block.h"
#include "phy/mcs.h"
#include <gnuradio/resivid/mcs_table.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace gr {
namespace resivid {

//! `value` where a block needs at least 1; throws std::invalid_argument, which names it, below
//! that.
inline unsigned at_least_one(const char* name, int value)
{
    if (value < 1) {
        throw std::invalid_argument(std::string(name) + ": expected at least 1, got " +
                                    std::to_string(value));
    }
    return static_cast<unsigned>(value);
}

//! The table as lib/phy takes it.
inline std::vector<phy::mcs_row> phy_rows(const mcs_table& table)
{
    std::vector<phy::mcs_row> rows;
    for (const auto& [bits_per_symbol, rate_1024, snr_db] : table) {
        rows.push_back({ at_least_one("bits_per_symbol", bits_per_symbol),
                         at_least_one("rate_1024", rate_1024),
                         snr_db });
    }
    return rows;
}

/*! \brief The row that the packet's tag `mcs` names.
 *  \throws std::invalid_argument when the tag is missing, no integer or outside of the table. */
inline unsigned row_of(const packet& packet, unsigned num_rows)
{
    static const pmt::pmt_t key = pmt::intern("mcs");
    const pmt::pmt_t tag = packet.tag(key);
    const long row = pmt::is_integer(tag) ? pmt::to_long(tag) : -1;
    if (row < 0 || row >= static_cast<long>(num_rows)) {
        throw std::invalid_argument("tag mcs: expected a row from 0 to " +
                                    std::to_string(num_rows - 1) + ", got " + pmt_text(tag));
    }
    return static_cast<unsigned>(row);
}

} // namespace resivid
} // namespace gr
