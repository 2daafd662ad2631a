/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <exception>
#include <pmt/pmt.h>
#include <string>

namespace gr {
namespace resivid {

//! A message as text for a log line, cut where it would not fit one. Throws for no message.
inline std::string pmt_text(const pmt::pmt_t& message)
{
    constexpr std::size_t max_length = 60;
    try {
        const std::string text = pmt::write_string(message);
        return text.size() <= max_length ? text : text.substr(0, max_length) + "...";
    } catch (const std::exception&) {
        return "a message that has no text"; // PMT knows types that it cannot write
    }
}

} // namespace resivid
} // namespace gr
