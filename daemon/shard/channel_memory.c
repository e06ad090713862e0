/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/shard/channel_memory.h"

uint64_t channel_memory_cost(const struct wire_layout *layout)
{
    /* Either region is at most WIRE_ARENA_MAX and a few pages: no overflow. */
    return layout->request_size + layout->response_size + journal_size(layout->entries);
}

static int make(struct channel_memory *memory, const struct wire_layout *layout, struct reason *why)
{
    int result = region_create(&memory->request, "wisp-request", layout->request_size, false, why);

    if (!result)
        result = region_create(&memory->response, "wisp-response", layout->response_size, true, why);
    if (result)
        return result;
    memory->response_fd = region_reopen_readonly(&memory->response);
    if (memory->response_fd < 0)
        return refuse_errno(why, memory->response_fd, "reopening the response region");
    memory->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (memory->eventfd < 0)
        return refuse_errno(why, -errno, "eventfd");
    result = region_create(&memory->pages, "wisp-journal", journal_size(layout->entries), true, why);
    memory->journal = memory->pages.address;
    return result;
}

int channel_memory_make(struct channel_memory *memory, const struct wire_layout *layout, struct reason *why)
{
    int result;

    *memory = CHANNEL_MEMORY_NULL;
    result = make(memory, layout, why);
    if (result)
        channel_memory_unmake(memory);
    return result;
}

int channel_memory_try(struct reason *why)
{
    struct channel_memory memory;
    struct wire_layout layout;
    int result = wire_layout(WIRE_ENTRIES_MIN, WIRE_ARENA_MIN, WIRE_ARENA_MIN, &layout, why);

    if (!result)
        result = channel_memory_make(&memory, &layout, why);
    if (!result)
        channel_memory_unmake(&memory);
    if (result == -ENOENT)
        return refuse(why, WISP_E_CONFIG,
                      "/proc is not mounted here, and clients' memory is passed on through it: mount it");
    return result ? refuse_in(why, result, "no memory can be shared") : 0;
}

static void close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void channel_memory_unmake(struct channel_memory *memory)
{
    memory->journal = NULL;
    region_deinit(&memory->pages);
    region_deinit(&memory->request);
    region_deinit(&memory->response);
    close_at(&memory->response_fd);
    close_at(&memory->eventfd);
}
