// SPDX-License-Identifier: GPL-3.0-or-later
#include "meeting_point.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace gr::resivid::loopback {

std::string folder()
{
    const char* chosen = std::getenv("RESIVID_LOOPBACK_DIR");
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    std::string path;
    if (chosen && *chosen)
        path = chosen;
    else if (runtime && *runtime)
        path = std::string(runtime) + "/resivid_loopback";
    else
        path = "/tmp/resivid_loopback-" + std::to_string(getuid());
    struct stat found;
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        throw std::runtime_error(path + ": cannot be made (" + std::strerror(errno) + ")");
    // in /tmp anybody could have made it, or a link in its place
    if (lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != getuid())
        throw std::runtime_error(path + ": is no folder of this user");
    return path;
}

std::string socket_path(const std::string& channel)
{
    const std::string path = folder() + "/" + channel + ".socket";
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        throw std::runtime_error(path + ": the path is too long for a socket");
    return path;
}

bool is_unplugged(const std::string& channel)
{
    return access((folder() + "/" + channel + ".unplugged").c_str(), F_OK) == 0;
}

claim::claim(const std::string& channel, const std::string& direction)
{
    const std::string path = folder() + "/" + channel + "." + direction + ".lock";
    d_file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d_file < 0)
        throw std::runtime_error(path + ": cannot be opened (" + std::strerror(errno) + ")");
    if (flock(d_file, LOCK_EX | LOCK_NB) != 0) {
        close(d_file);
        throw std::runtime_error("device busy: another process uses loopback channel " + channel +
                                 " to " + (direction == "tx" ? "transmit" : "receive"));
    }
}

claim::~claim() { close(d_file); }

} // namespace gr::resivid::loopback
