/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/socket_path.h"
#include "daemon/service/listen.h"
#include "daemon/users/peer.h"

enum { BACKLOG = 256, LOCK_TRIES = 100 };

#define LOCK_PAUSE_NS (20 * NS_PER_MS)

/* ---- systemd's ---- */

static int take_passed(struct listener *listener, struct passed *passed, struct reason *why)
{
    int fd = passed->socket;
    int result;

    if (passed->sockets != 1)
        return refuse(
            why, WISP_E_CONFIG,
            "systemd passed %u sockets: the socket unit is to have one ListenSequentialPacket=", passed->sockets);
    result = sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0);
    if (result < 0)
        return refuse_errno(why, result, "the socket that systemd passed");
    if (!result)
        return refuse(why, WISP_E_CONFIG,
                      "systemd passed something else than a listening SEQPACKET socket: use ListenSequentialPacket=");
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return refuse_errno(why, -errno, "the socket that systemd passed");
    *listener = LISTENER_NULL;
    listener->fd = fd;
    return 0;
}

/* ---- our own ---- */

/* Held while looking for another daemon and taking its place. */
struct lock {
    char *path;
    int fd;
};

/* Ours alone, so that nobody else can hold it: 1; 0 when it is not there any more; or -errno. */
static int check_lock(const struct lock *lock, struct reason *why)
{
    struct stat ours, there;

    if (fstat(lock->fd, &ours))
        return refuse_errno(why, -errno, "%s", lock->path);
    if (!S_ISREG(ours.st_mode) || ours.st_uid != geteuid() || ours.st_mode & 077)
        return refuse(why, -EPERM, "%s is not a file of this user's alone: remove it, or listen elsewhere (--socket)",
                      lock->path);
    return !lstat(lock->path, &there) && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* The socket is what somebody has asked for; of the lock beside it nobody needs to know. */
static int refuse_folder(const char *path, struct reason *why)
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 0;

    return refuse(why, -ENOENT, "the folder %.*s of the socket does not exist: make it with mkdir -p %.*s", length,
                  path, length, path);
}

/* 1, 0 when it is to be tried again, or -errno. */
static int lock_try(struct lock *lock, struct reason *why)
{
    int result;

    lock->fd = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (lock->fd < 0 && errno == ENOENT)
        return refuse_folder(lock->path, why);
    if (lock->fd < 0)
        return refuse_errno(why, -errno, "%s", lock->path);
    result = check_lock(lock, why);
    if (result <= 0)
        return result;
    if (!flock(lock->fd, LOCK_EX | LOCK_NB))
        return check_lock(lock, why);
    return errno == EWOULDBLOCK || errno == EINTR ? 0 : refuse_errno(why, -errno, "locking %s", lock->path);
}

static int lock_take(struct lock *lock, const char *path, struct reason *why)
{
    const struct timespec pause = clock_timespec(LOCK_PAUSE_NS);

    *lock = (struct lock){ .fd = -1 };
    if (asprintf(&lock->path, "%s.lock", path) < 0) {
        lock->path = NULL;
        return refuse_errno(why, -ENOMEM, "%s", path);
    }
    for (int i = 0; i < LOCK_TRIES; i++) {
        int result = lock_try(lock, why);

        if (result)
            return result > 0 ? 0 : result;
        close(steal_fd(&lock->fd));
        nanosleep(&pause, NULL);
    }
    return refuse(why, -EAGAIN, "%s is held by another wispd that is starting", lock->path);
}

/* Removed while it is held: whoever waits for it sees that it has gone, and makes another. */
static void lock_give(const struct lock *lock, bool held)
{
    if (held)
        unlink(lock->path);
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock->path);
}

/* Whether whoever listens at the other end is still there. A process that died with io_uring polls under way leaves a
 * listener that takes connections for a moment more, until the kernel has taken its ring apart. */
static bool is_alive(int connected)
{
    struct ucred peer;
    socklen_t length = sizeof peer;

    return getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &peer, &length) || !kill(peer.pid, 0) || errno != ESRCH;
}

/* Whether somebody answers at the address: 1, 0, or -errno. */
static int somebody_answers(const struct sockaddr_un *address)
{
    cleanup_close int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (probe < 0)
        return -errno;
    if (!connect(probe, (const struct sockaddr *)address, sizeof *address))
        return is_alive(probe);
    /* EAGAIN: its queue is full; EPROTOTYPE: it is a socket of another type. */
    if (errno == EAGAIN || errno == EPROTOTYPE)
        return 1;
    return errno == ECONNREFUSED ? 0 : -errno;
}

/* Whether the path is free to bind: absent, or a socket that nobody answers on, which is removed. */
static int make_room(const struct sockaddr_un *address, struct reason *why)
{
    struct stat status;
    int answered;

    if (lstat(address->sun_path, &status))
        return errno == ENOENT ? 0 : refuse_errno(why, -errno, "%s", address->sun_path);
    if (!S_ISSOCK(status.st_mode))
        return refuse(why, WISP_E_CONFIG, "%s exists and is not a socket: remove it, or listen elsewhere (--socket)",
                      address->sun_path);
    answered = somebody_answers(address);
    if (answered < 0)
        return refuse_errno(why, answered, "%s", address->sun_path);
    if (answered)
        return refuse(why, WISP_E_BUSY, "another daemon answers on %s: stop it, or listen elsewhere (--socket)",
                      address->sun_path);
    if (unlink(address->sun_path) && errno != ENOENT)
        return refuse_errno(why, -errno, "removing the stale socket %s", address->sun_path);
    return 0;
}

/* The mode is the socket's before it has a name, and the mask leaves just that of it. chmod() of the name would leave a
 * moment with another mode, and would change what somebody else has put there meanwhile, or what a link there leads to.
 * What was bound and cannot be listened on is removed, while the lock is held. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, uint32_t mode, struct reason *why)
{
    mode_t before = umask(~(mode_t)mode & 0777);
    const bool bound = !fchmod(fd, (mode_t)mode) && !bind(fd, (const struct sockaddr *)address, sizeof *address);
    int result = bound ? 0 : -errno;

    umask(before);
    if (!result && listen(fd, BACKLOG))
        result = -errno;
    if (bound && result)
        unlink(address->sun_path);
    return result ? refuse_errno(why, result, "listening on %s", address->sun_path) : 0;
}

static int bind_in_turn(struct listener *listener, const struct sockaddr_un *address, uint32_t mode, struct reason *why)
{
    cleanup_close int fd = -1;
    struct stat status;
    int result = make_room(address, why);

    if (result)
        return result;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return refuse_errno(why, -errno, "socket");
    result = bind_with_mode(fd, address, mode, why);
    if (result)
        return result;
    if (lstat(address->sun_path, &status)) {
        result = refuse_errno(why, -errno, "%s", address->sun_path);
        unlink(address->sun_path);
        return result;
    }
    if (!S_ISSOCK(status.st_mode))
        return refuse(why, WISP_E_CONFIG,
                      "%s was replaced while it was made: listen in a folder that is yours alone (--socket)",
                      address->sun_path);
    *listener = (struct listener){ .fd = steal_fd(&fd), .device = status.st_dev, .inode = status.st_ino };
    return 0;
}

static int make_own(struct listener *listener, const char *path, uint32_t mode, struct reason *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    cleanup_free char *copy = strdup(path);
    struct lock lock;
    int result;

    if (!copy)
        return refuse_errno(why, -ENOMEM, "%s", path);
    if (strlen(path) >= sizeof address.sun_path)
        return refuse(why, WISP_E_CONFIG, "%s: a socket's path has at most %zu characters", path,
                      sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    result = socket_make_folder(path);
    if (result)
        return refuse_errno(why, result, "making the folder of %s", path);
    result = lock_take(&lock, path, why);
    if (result) {
        lock_give(&lock, false);
        return result;
    }
    result = bind_in_turn(listener, &address, mode, why);
    lock_give(&lock, true);
    if (!result)
        listener->path = steal(&copy);
    return result;
}

int listener_open(struct listener *listener, struct passed *passed, const char *path, uint32_t mode, struct reason *why)
{
    int result = passed->sockets ? take_passed(listener, passed, why) : make_own(listener, path, mode, why);

    if (!result && peer_refuse_descriptors(listener->fd))
        log_notice(
            "this kernel lets clients send descriptors (Linux 6.16 does not): one that is slow to close holds up "
            "everybody who connects or asks");
    return result;
}

void listener_close(struct listener *listener)
{
    struct stat status;

    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->path && !lstat(listener->path, &status) && status.st_dev == listener->device &&
        status.st_ino == listener->inode)
        unlink(listener->path);
    free(listener->path);
    *listener = LISTENER_NULL;
}
