// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Samples from the transmitter's process to the receiver's: a Unix socket, messages on it.
#pragma once

#include "channel.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gr::resivid::loopback {

constexpr std::size_t MOST_ITEMS = 8192; //!< of a message

/*! \brief Head of a message; items follow. Both ends run on one machine: native byte order. */
struct message_head {
    static constexpr std::uint32_t MAGIC = 0x314c5652; // "RVL1"

    std::uint32_t magic = MAGIC;
    std::uint32_t num_items = 0; //!< at most MOST_ITEMS; 0: the transmitter pauses
    double rate = 0, frequency = 0, gain_db = 0;
};

/*! \brief The transmitter's end. Without a receiver nothing is connected. */
class sending_end
{
public:
    explicit sending_end(const std::string& channel);
    ~sending_end() { disconnect(); }

    //! Connected, or tried just now. A receiver that came is found, one that left is noticed.
    bool connected();

    /*! \brief One message of at most MOST_ITEMS. What the socket does not take within the timeout
     *  is kept and goes first next time. \return false: nothing was taken. */
    bool send(const item* items, std::size_t n, const tuning& t, long timeout_us);

private:
    bool flush(long timeout_us);
    void disconnect();

    std::string d_path;
    int d_socket = -1;
    std::vector<char> d_rest; // of a message that is partly sent
};

/*! \brief The receiver's end: one transmitter at a time, whatever order they start in. */
class receiving_end
{
public:
    enum class event { none, items, pause, left };

    //! \throws std::runtime_error the socket cannot be made.
    explicit receiving_end(const std::string& channel);
    ~receiving_end();

    //! Wait for the next event. Bytes that are no message end the connection.
    event receive(long timeout_us);

    const std::vector<item>& items() const { return d_items; } //!< of event::items
    const tuning& transmitter() const { return d_transmitter; }
    bool connected() const { return d_socket >= 0; }

private:
    bool accept_waiting(long timeout_us);
    event leave();

    std::string d_path;
    int d_listener = -1, d_socket = -1;
    std::vector<char> d_bytes; // not yet a whole message
    std::vector<item> d_items;
    tuning d_transmitter;
};

} // namespace gr::resivid::loopback
