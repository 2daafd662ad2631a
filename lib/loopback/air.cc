// SPDX-License-Identifier: GPL-3.0-or-later
#include "air.h"

#include "meeting_point.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace gr::resivid::loopback {
namespace {

sockaddr_un address(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1); // its length is checked
    return address;
}

bool wait_for(int socket, short events, long timeout_us)
{
    pollfd poll_of{ socket, events, 0 };
    return poll(&poll_of, 1, int((timeout_us + 999) / 1000)) > 0;
}

int new_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

bool is_sound(const message_head& head)
{
    return head.magic == message_head::MAGIC && head.num_items <= MOST_ITEMS && head.rate >= 1 &&
           head.rate <= 1e9 && std::isfinite(head.frequency) && std::abs(head.gain_db) <= 200;
}

} // namespace

sending_end::sending_end(const std::string& channel) : d_path(socket_path(channel)) {}

bool sending_end::connected()
{
    if (d_socket >= 0)
        return true;
    const auto place = address(d_path);
    d_socket = new_socket();
    if (d_socket >= 0 && connect(d_socket, reinterpret_cast<const sockaddr*>(&place), sizeof place))
        disconnect();
    return d_socket >= 0;
}

void sending_end::disconnect()
{
    if (d_socket >= 0)
        close(d_socket);
    d_socket = -1;
    d_rest.clear();
}

bool sending_end::flush(long timeout_us)
{
    while (d_socket >= 0 && !d_rest.empty()) {
        const auto sent = ::send(d_socket, d_rest.data(), d_rest.size(), MSG_NOSIGNAL);
        if (sent > 0)
            d_rest.erase(d_rest.begin(), d_rest.begin() + sent);
        else if (errno != EAGAIN && errno != EINTR)
            disconnect();
        else if (!wait_for(d_socket, POLLOUT, timeout_us))
            return false;
    }
    return d_socket >= 0;
}

bool sending_end::send(const item* items, std::size_t n, const tuning& t, long timeout_us)
{
    if (!connected() || !flush(timeout_us))
        return false;
    message_head head;
    head.num_items = std::uint32_t(n);
    head.rate = t.rate;
    head.frequency = t.frequency;
    head.gain_db = t.gain_db;
    d_rest.resize(sizeof head + n * sizeof(item));
    std::memcpy(d_rest.data(), &head, sizeof head);
    if (n > 0)
        std::memcpy(d_rest.data() + sizeof head, static_cast<const void*>(items), n * sizeof(item));
    flush(timeout_us);
    return d_socket >= 0;
}

receiving_end::receiving_end(const std::string& channel) : d_path(socket_path(channel))
{
    const auto place = address(d_path);
    d_listener = new_socket();
    unlink(d_path.c_str()); // of a process that was killed; the claim is ours
    if (d_listener < 0 ||
        bind(d_listener, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0 ||
        listen(d_listener, 1) != 0) {
        const std::string reason = std::strerror(errno);
        close(d_listener);
        throw std::runtime_error(d_path + ": cannot be made (" + reason + ")");
    }
}

receiving_end::~receiving_end()
{
    unlink(d_path.c_str());
    if (d_socket >= 0)
        close(d_socket);
    close(d_listener);
}

bool receiving_end::accept_waiting(long timeout_us)
{
    if (!wait_for(d_listener, POLLIN, timeout_us))
        return false;
    d_socket = accept4(d_listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return d_socket >= 0;
}

receiving_end::event receiving_end::leave()
{
    close(d_socket);
    d_socket = -1;
    d_bytes.clear();
    return event::left;
}

receiving_end::event receiving_end::receive(long timeout_us)
{
    if (d_socket < 0 && !accept_waiting(timeout_us))
        return event::none;
    message_head head;
    std::size_t wanted = sizeof head;
    for (;;) {
        if (d_bytes.size() >= sizeof head) {
            std::memcpy(&head, d_bytes.data(), sizeof head);
            if (!is_sound(head))
                return leave();
            wanted = sizeof head + head.num_items * sizeof(item);
            if (d_bytes.size() == wanted)
                break;
        }
        const std::size_t there = d_bytes.size();
        d_bytes.resize(wanted);
        const auto got = recv(d_socket, d_bytes.data() + there, wanted - there, 0);
        const int reason = errno;
        d_bytes.resize(there + std::size_t(std::max<ssize_t>(got, 0)));
        if (got == 0 || (got < 0 && reason != EAGAIN && reason != EINTR))
            return leave();
        if (got < 0 && !wait_for(d_socket, POLLIN, timeout_us))
            return event::none;
    }
    d_transmitter = { head.rate, head.frequency, head.gain_db };
    d_items.resize(head.num_items);
    if (head.num_items > 0)
        std::memcpy(static_cast<void*>(d_items.data()),
                    d_bytes.data() + sizeof head,
                    head.num_items * sizeof(item));
    d_bytes.clear();
    return head.num_items ? event::items : event::pause;
}

} // namespace gr::resivid::loopback
