/* SPDX-License-Identifier: Apache-2.0
 *
 * Kills a daemon, and connects to its socket all the while: knock SOCKET PID MILLISECONDS. Says "killed_us T refused N
 * of N longest_us N": when it was killed, by the clock that systemd's ...TimestampMonotonic have, how many connects
 * were not taken, and how long the longest one took. Exit status 1 where it could not begin.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { GAP_US = 2000 };

/* Whether somebody, or the queue of a socket that nobody has closed, takes it. */
static int is_refused(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int refused;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0;
    if (refused)
        perror(path);
    close(fd);
    return refused;
}

int main(int argc, char **argv)
{
    const pid_t pid = argc == 4 ? (pid_t)strtol(argv[2], NULL, 10) : 0;
    const uint64_t length = argc == 4 ? strtoull(argv[3], NULL, 10) * NS_PER_MS : 0, killed = clock_ns();
    uint64_t longest = 0;
    unsigned tries = 0, refused = 0;

    if (pid < 2 || kill(pid, SIGKILL)) {
        perror("knock: killing");
        return 1;
    }
    for (uint64_t now = killed; now < killed + length; tries++) {
        const uint64_t begin = now;

        refused += (unsigned)is_refused(argv[1]);
        now = clock_ns();
        longest = now - begin > longest ? now - begin : longest;
        usleep(GAP_US);
        now = clock_ns();
    }
    printf("killed_us %llu refused %u of %u longest_us %llu\n", (unsigned long long)(killed / NS_PER_US), refused,
           tries, (unsigned long long)(longest / NS_PER_US));
    return 0;
}
