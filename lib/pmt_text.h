/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <pmt/pmt.h>
#include <string>

namespace gr {
namespace resivid {

//! A message as text for a log line, cut where it would not fit one.
inline std::string pmt_text(const pmt::pmt_t& message)
{
    constexpr std::size_t max_length = 60;
    const std::string text = pmt::write_string(message);
    return text.size() <= max_length ? text : text.substr(0, max_length) + "...";
}

} // namespace resivid
} // namespace gr
