/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/users/peer.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

int peer_process(int socket, pid_t pid)
{
    socklen_t length = sizeof(int);
    int fd;

    /* Of the process itself, whatever has become of its number, and from any namespace. */
    if (!getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &length))
        return fd;
    if (errno != ENOPROTOOPT)
        return errno == EINVAL ? -ESRCH : -errno; /* before 6.16, of one that has been reaped */
    /* By number: a client that ended a moment ago, and whose number another process has now, would be kept for as long
     * as that lives, as without a pidfd. */
    if (pid <= 0)
        return -ENODATA;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0)
        return fd;
    return errno == ENOSYS || errno == EPERM ? -ENODATA : -errno;
}

int peer_refuse_descriptors(int socket)
{
    static const int no = 0;

    return setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no) ? -errno : 0;
}
