/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/insist.h"
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

/* Nobody uses any of it any more. */
static void buffer_unmap(struct buffer *buffer)
{
    if (buffer->address)
        munmap((void *)buffer->address, buffer->size);
    *buffer = (struct buffer){ .address = NULL };
}

void channel_memory_unmake(struct channel_memory *memory)
{
    memory->journal = NULL;
    region_deinit(&memory->pages);
    region_deinit(&memory->request);
    region_deinit(&memory->response);
    region_deinit(&memory->detached);
    for (uint32_t i = 0; i < WIRE_BUFFERS_MAX; i++)
        buffer_unmap(&memory->buffers[i]);
    close_at(&memory->response_fd);
    close_at(&memory->eventfd);
}

/* ---- buffers ---- */

struct buffer *buffer_take(struct channel_memory *memory, uint64_t number)
{
    struct buffer *buffer = number < WIRE_BUFFERS_MAX ? &memory->buffers[number] : NULL;

    if (!buffer || !buffer_size(buffer))
        return NULL;
    /* Pairs with buffer_close(): counted before it is looked whether it closes. */
    __atomic_fetch_add(&buffer->uses, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&buffer->closed, __ATOMIC_SEQ_CST))
        return buffer;
    buffer_put(buffer);
    return NULL;
}

void buffer_put(struct buffer *buffer)
{
    uint64_t uses;

    /* Pairs with buffer_close(): what was read of it was read before. */
    uses = __atomic_fetch_sub(&buffer->uses, 1, __ATOMIC_RELEASE);
    insist(uses > 0);
}

uint64_t buffer_size(const struct buffer *buffer)
{
    return __atomic_load_n(&buffer->size, __ATOMIC_ACQUIRE); /* pairs with buffer_open() */
}

void buffer_open(struct buffer *buffer, struct region *region)
{
    insist(!buffer->address && !buffer_size(buffer));
    insist(region->size > 0 && region->size % WIRE_PAGE == 0, "%zu", region->size);
    buffer->address = region->address;
    __atomic_store_n(&buffer->closed, 0, __ATOMIC_RELEASE);          /* pairs with buffer_take(), */
    __atomic_store_n(&buffer->size, region->size, __ATOMIC_RELEASE); /* and buffer_size() */
    *region = REGION_NULL;
}

bool buffer_close(struct buffer *buffer, struct region *region)
{
    insist(buffer->address && buffer_size(buffer));
    /* Pairs with buffer_take(): closed before it is looked whether it is used. */
    __atomic_store_n(&buffer->closed, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&buffer->uses, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&buffer->closed, 0, __ATOMIC_RELEASE);
        return false;
    }
    insist(!region->address); /* the one before has been unmapped */
    *region = (struct region){ .fd = -1, .address = (void *)buffer->address, .size = buffer->size };
    __atomic_store_n(&buffer->size, 0, __ATOMIC_RELEASE); /* `closed` stays: who has seen the size sees that */
    buffer->address = NULL;
    return true;
}
