// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Where transmitter and receiver of a channel find each other: files in one folder.
#pragma once

#include <string>

namespace gr::resivid::loopback {

/*! \brief The folder RESIVID_LOOPBACK_DIR, else one of the user's own that nobody else may enter.
 *  \throws std::runtime_error it cannot be made or belongs to somebody else. */
std::string folder();

//! Socket of the receiver of a channel. \throws std::runtime_error its path is too long.
std::string socket_path(const std::string& channel);

//! Whether the test pulled the plug: the file CHANNEL.unplugged is there.
bool is_unplugged(const std::string& channel);

/*! \brief A claim that ends with the object or the process. */
class claim
{
public:
    //! \throws std::runtime_error "busy" when another process has it.
    claim(const std::string& channel, const std::string& direction);
    ~claim();
    claim(const claim&) = delete;
    claim& operator=(const claim&) = delete;

private:
    int d_file;
};

} // namespace gr::resivid::loopback
