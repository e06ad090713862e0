/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/insist.h"
#include "daemon/service/store.h"

static bool is_ours(const char *name)
{
    return strlen(name) < STORE_NAME_MAX &&
           (!strncmp(name, STORE_CHANNEL, strlen(STORE_CHANNEL)) || !strncmp(name, STORE_ROUTES, strlen(STORE_ROUTES)));
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct passed_fd *)one)->name, ((const struct passed_fd *)other)->name);
}

static void sort_out(struct passed *passed, char **names, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + (int)i;

        if (names && names[i] && is_ours(names[i])) {
            struct passed_fd *kept = &passed->kept[passed->kept_count++];

            snprintf(kept->name, sizeof kept->name, "%s", names[i]);
            kept->fd = fd;
        } else if (!passed->sockets++) {
            passed->socket = fd;
        }
        if (names)
            free(names[i]);
    }
    free(names);
    qsort(passed->kept, passed->kept_count, sizeof *passed->kept, by_name);
}

int passed_take(struct passed *passed, struct reason *why)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);

    *passed = PASSED_NULL;
    if (count < 0)
        return refuse_errno(why, count, "sockets from systemd");
    passed->kept = calloc((size_t)count + 1, sizeof *passed->kept);
    if (!passed->kept)
        return refuse_errno(why, -ENOMEM, "descriptors from systemd");
    sort_out(passed, names, (unsigned)count);
    return 0;
}

void passed_deinit(struct passed *passed)
{
    for (unsigned i = 0; i < passed->kept_count; i++) {
        if (passed->kept[i].fd >= 0)
            close(passed->kept[i].fd);
    }
    free(passed->kept);
    *passed = PASSED_NULL;
}

unsigned store_capacity(void)
{
    const char *text = getenv("FDSTORE");
    unsigned long most = text ? strtoul(text, NULL, 10) : 0;

    return getenv("NOTIFY_SOCKET") && most < UINT32_MAX ? (unsigned)most : 0;
}

static int tell(const char *what, const char *name, const int *fds, unsigned count)
{
    char text[STORE_NAME_MAX + 64];
    int result;

    snprintf(text, sizeof text, "%s=1\nFDNAME=%s", what, name);
    result = sd_pid_notify_with_fds(0, 0, text, fds, count);
    return result < 0 ? result : result ? 0 : -ENOTCONN;
}

int store_put(const char *name, const int *fds, unsigned count)
{
    insist(is_ours(name) && count > 0 && count <= BUNDLE_FDS, "%s", name);
    return tell("FDSTORE", name, fds, count);
}

int store_remove(const char *name)
{
    insist(is_ours(name), "%s", name);
    return tell("FDSTOREREMOVE", name, NULL, 0);
}
