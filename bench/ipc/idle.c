/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <wisp/wisp.h>

#include "../e2e.h"
#include "base/clock.h"
#include "idle.h"

/* What was done for the daemon's beginning, and for connecting, is over by then; both sides sleep. */
static void rest(unsigned seconds)
{
    const struct timespec pause = { .tv_sec = seconds };

    nanosleep(&pause, NULL);
}

/* Of one thread, in nanoseconds (proc_pid_schedstat). */
static uint64_t thread_ns(pid_t pid, const char *thread)
{
    char path[320];
    uint64_t ns = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, thread);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64, &ns) != 1) /* NOLINT(cert-err34-c): the kernel's own number */
        ns = 0;
    fclose(file);
    return ns;
}

static uint64_t process_ns(pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    uint64_t sum = 0;
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    folder = opendir(path);
    if (!folder)
        return 0;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] != '.')
            sum += thread_ns(pid, entry->d_name);
    }
    closedir(folder);
    return sum;
}

/* Each with a channel of its own, and a trip made, so that it is served as the others are. */
static int connect_all(const struct idle *idle, wisp_client **clients)
{
    const struct wisp_options options = { .size = sizeof options,
                                          .socket_path = idle->socket,
                                          .connect_ms = 30000,
                                          .entries = 1,
                                          .input_bytes = 4096,
                                          .output_bytes = 4096 };

    for (uint64_t i = 0; i < idle->clients; i++) {
        uint64_t ns;

        if (wisp_connect(&clients[i], &options) || wisp_ping(clients[i], UINT32_MAX, &ns))
            return complain("an idle client");
    }
    return 0;
}

static uint64_t measure(pid_t pid, unsigned seconds, uint64_t *own_ns)
{
    uint64_t begin, own;

    rest(1);
    begin = process_ns(pid);
    own = process_ns(getpid());
    rest(seconds);
    *own_ns = process_ns(getpid()) - own;
    return process_ns(pid) - begin;
}

int idle_measure(const struct idle *idle, struct idle_times *out)
{
    wisp_client **clients = calloc(idle->clients, sizeof(wisp_client *));
    uint64_t own;
    int result;

    if (!clients)
        return -1;
    out->without_ns = measure(idle->daemon, (unsigned)idle->seconds, &own);
    result = connect_all(idle, clients);
    if (!result)
        out->daemon_ns = measure(idle->daemon, (unsigned)idle->seconds, &out->clients_ns);
    for (uint64_t i = 0; i < idle->clients; i++)
        wisp_close(clients[i]);
    free(clients);
    return result;
}
