/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "daemon/service/bundle.h"

enum { ATTEMPTS_MAX = 3 }; /* daemons that did not live to see a channel served */

/* ---- which is which ---- */

enum part { PART_SOCKET, PART_EVENTFD, PART_REQUEST, PART_RESPONSE, PART_JOURNAL };

_Static_assert(PART_JOURNAL + 1 == BUNDLE_FDS, "a descriptor a part");

static const char *const part_links[] = {
    [PART_SOCKET] = "socket:",
    [PART_EVENTFD] = "anon_inode:[eventfd]",
    [PART_REQUEST] = "/memfd:wisp-request ",
    [PART_RESPONSE] = "/memfd:wisp-response ",
    [PART_JOURNAL] = "/memfd:wisp-journal ",
};

static int find_part(int fd)
{
    char path[64], link[64];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    length = readlink(path, link, sizeof link - 1);
    if (length < 0)
        return -errno;
    link[length] = 0;
    for (size_t i = 0; i < ARRAY_SIZE(part_links); i++) {
        if (!strncmp(link, part_links[i], strlen(part_links[i])))
            return (int)i;
    }
    return -ENOENT;
}

/* Each part once. The descriptors move into `parts`. */
static int sort_out(int parts[BUNDLE_FDS], struct passed_fd *fds, unsigned count, struct reason *why)
{
    for (unsigned i = 0; i < count; i++) {
        int part = find_part(fds[i].fd);

        if (part < 0 || parts[part] >= 0)
            return refuse(why, WISP_E_INVALID, "a descriptor that is no part of a channel, or twice the same");
        parts[part] = steal_fd(&fds[i].fd);
    }
    return count == BUNDLE_FDS ? 0 : refuse(why, WISP_E_INVALID, "%u descriptors of %d", count, BUNDLE_FDS);
}

/* ---- what they hold ---- */

int journal_check(const struct journal *copy, size_t size, struct wire_layout *layout, struct reason *why)
{
    const struct wire_welcome *welcome = &copy->welcome;
    int result;

    if (copy->magic != JOURNAL_MAGIC || copy->version != JOURNAL_VERSION ||
        copy->request_size != sizeof(struct request))
        return refuse(why, WISP_E_INVALID, "another build of wispd has written it");
    if (copy->attempts >= ATTEMPTS_MAX)
        return refuse(why, WISP_E_INVALID, "%u daemons have ended before they served it", copy->attempts);
    if (copy->asking)
        return refuse(why, WISP_E_INVALID, "it waits for an answer that nobody has");
    if (welcome->status || welcome->abi < WIRE_ABI_MIN || welcome->abi > WIRE_ABI_MAX ||
        welcome->features & ~WIRE_FEATURES)
        return refuse(why, WISP_E_INVALID, "what was agreed on is nothing that this daemon offers");
    if (!memchr(copy->name, 0, sizeof copy->name))
        return refuse(why, WISP_E_INVALID, "its name has no end");
    result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena, layout, why);
    if (result)
        return result;
    return size == journal_size(layout->entries)
               ? 0
               : refuse(why, WISP_E_INVALID, "%zu bytes for %u requests", size, layout->entries);
}

/* The attempt is noted before anything else is looked at. */
static int open_journal(struct bundle *bundle, int *fd, struct reason *why)
{
    struct channel_memory *memory = &bundle->memory;
    struct journal copy;
    struct stat status;
    int result;

    if (fstat(*fd, &status) || status.st_size < (off_t)sizeof copy)
        return refuse(why, WISP_E_INVALID, "no journal");
    result = region_map(&memory->pages, steal_fd(fd), (size_t)status.st_size, true, why);
    if (result)
        return result;
    memory->journal = memory->pages.address;
    memcpy(&copy, memory->journal, sizeof copy);
    memory->journal->attempts++;
    result = journal_check(&copy, memory->pages.size, &bundle->layout, why);
    bundle->welcome = copy.welcome;
    memcpy(bundle->name, copy.name, sizeof bundle->name);
    return result;
}

static int open_regions(struct bundle *bundle, int parts[BUNDLE_FDS], struct reason *why)
{
    struct channel_memory *memory = &bundle->memory;
    const struct wire_daemon_control *control;
    int result = region_map(&memory->request, steal_fd(&parts[PART_REQUEST]), bundle->layout.request_size, false, why);

    if (!result && !region_is_sealed(&memory->request))
        result = refuse(why, WISP_E_INVALID, "its client has not sealed it yet");
    if (!result)
        result =
            region_map(&memory->response, steal_fd(&parts[PART_RESPONSE]), bundle->layout.response_size, true, why);
    if (result)
        return result;
    control = memory->response.address;
    return control->magic == WIRE_MAGIC && control->abi == bundle->welcome.abi && control->state == WIRE_STATE_READY
               ? 0
               : refuse(why, WISP_E_INVALID, "it was closed");
}

static int is_seqpacket(int fd)
{
    int type = 0;
    socklen_t length = sizeof type;

    return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) && type == SOCK_SEQPACKET;
}

static int fill(struct bundle *bundle, int parts[BUNDLE_FDS], struct reason *why)
{
    int result;

    if (!is_seqpacket(parts[PART_SOCKET]))
        return refuse(why, WISP_E_INVALID, "no socket of a client");
    bundle->socket = steal_fd(&parts[PART_SOCKET]);
    bundle->memory.eventfd = steal_fd(&parts[PART_EVENTFD]);
    result = open_journal(bundle, &parts[PART_JOURNAL], why);
    return result ? result : open_regions(bundle, parts, why);
}

int bundle_open(struct bundle *bundle, struct passed_fd *fds, unsigned count, struct reason *why)
{
    int parts[BUNDLE_FDS] = { -1, -1, -1, -1, -1 };
    int result;

    *bundle = (struct bundle){ .memory = CHANNEL_MEMORY_NULL, .socket = -1 };
    result = sort_out(parts, fds, count, why);
    if (!result)
        result = fill(bundle, parts, why);
    for (int i = 0; i < BUNDLE_FDS; i++) {
        if (parts[i] < 0)
            continue;
        shutdown(parts[i], SHUT_RDWR); /* whoever else still has the socket */
        close(parts[i]);
    }
    if (!result)
        return 0;
    channel_memory_unmake(&bundle->memory);
    if (bundle->socket >= 0) {
        shutdown(bundle->socket, SHUT_RDWR);
        close(steal_fd(&bundle->socket));
    }
    return result;
}
