/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/channel.h"
#include "libipc/message.h"
#include "libipc/wake.h"

int channel_table_init(struct channel_table *table, uint32_t capacity)
{
    *table = (struct channel_table){ .capacity = capacity };
    table->channels = calloc(capacity, sizeof *table->channels);
    if (!table->channels)
        return -ENOMEM;
    for (uint32_t i = 0; i < capacity; i++) {
        table->channels[i].index = i;
        table->channels[i].socket = table->channels[i].eventfd = -1;
        table->channels[i].request = table->channels[i].response = REGION_NULL;
    }
    return 0;
}

void channel_table_deinit(struct channel_table *table)
{
    free(table->channels);
    *table = (struct channel_table){ .channels = NULL };
}

struct channel *channel_accept(struct channel_table *table, int socket)
{
    for (uint32_t i = 0; i < table->capacity; i++) {
        struct channel *channel = &table->channels[i];

        if (channel->state != CHANNEL_FREE)
            continue;
        channel->state = CHANNEL_PENDING;
        channel->generation++;
        channel->socket = socket;
        channel->accepted_ns = clock_ns();
        table->used++;
        table->pending++;
        return channel;
    }
    return NULL;
}

struct channel *channel_find(struct channel_table *table, uint32_t index, uint32_t generation)
{
    struct channel *channel;

    if (index >= table->capacity)
        return NULL;
    channel = &table->channels[index];
    if (channel->generation != generation || channel->state == CHANNEL_FREE || channel->state == CHANNEL_DEAD)
        return NULL;
    return channel;
}

/* ---- opening ---- */

uint64_t channel_cost(const struct wire_layout *layout)
{
    /* Both sizes are at most WIRE_ARENA_MAX and a few pages: no overflow. */
    return layout->request_size + layout->response_size + layout->entries * sizeof(struct request);
}

static int requests_make(struct channel *channel, uint32_t entries)
{
    channel->requests = calloc(entries, sizeof *channel->requests);
    if (!channel->requests)
        return -ENOMEM;
    channel->free = NULL;
    for (uint32_t i = entries; i-- > 0;) {
        channel->requests[i].channel = channel;
        channel->requests[i].next = channel->free;
        channel->free = &channel->requests[i];
    }
    return 0;
}

static int memory_make(struct channel *channel, const struct wire_layout *layout, struct reason *why)
{
    int result = region_create(&channel->request, "wisp-request", layout->request_size, false, why);

    if (!result)
        result = region_create(&channel->response, "wisp-response", layout->response_size, true, why);
    if (result)
        return result;
    channel->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (channel->eventfd < 0)
        return refuse_errno(why, -errno, "eventfd");
    result = requests_make(channel, layout->entries);
    return result ? refuse_errno(why, result, "%u requests", layout->entries) : 0;
}

static void memory_drop(struct channel *channel)
{
    free(channel->requests);
    channel->requests = channel->free = NULL;
    region_deinit(&channel->request);
    region_deinit(&channel->response);
    if (channel->eventfd >= 0)
        close(channel->eventfd);
    channel->eventfd = -1;
    channel->client = NULL;
    channel->daemon = NULL;
    channel->input = NULL;
    channel->output = NULL;
}

static void daemon_control_write(struct wire_daemon_control *control, const struct wire_welcome *welcome)
{
    control->abi = welcome->abi;
    control->features = welcome->features;
    control->epoch = welcome->epoch;
    control->state = WIRE_STATE_READY;
    control->magic = WIRE_MAGIC;
}

int channel_open(struct channel_table *table, struct channel *channel, const struct wire_welcome *welcome,
                 uint32_t rows_most, int *response_fd, struct reason *why)
{
    struct wire_layout layout;
    int result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena, &layout, why);

    if (!result)
        result = memory_make(channel, &layout, why);
    if (!result) {
        *response_fd = region_reopen_readonly(&channel->response);
        if (*response_fd < 0)
            result = refuse_errno(why, *response_fd, "reopening the response region");
    }
    if (result) {
        memory_drop(channel);
        return result;
    }
    channel->client = channel->request.address;
    channel->daemon = channel->response.address;
    channel->input = (const unsigned char *)channel->request.address + layout.arena_offset;
    channel->output = (unsigned char *)channel->response.address + layout.arena_offset;
    channel->limits = (struct wire_limits){ .request_arena = layout.request_arena,
                                            .response_arena = layout.response_arena,
                                            .rows = rows_most };
    channel->receipts = welcome->features & WIRE_FEATURE_RECEIPT;
    ring_attach_daemon(&channel->intake, &channel->finish, channel->request.address, channel->response.address, &layout,
                       0);
    daemon_control_write(channel->daemon, welcome);
    channel->state = CHANNEL_OPEN;
    channel->active_ns = 0;
    table->pending--;
    table->open++;
    return 0;
}

/* ---- waking ---- */

void channel_wake(struct channel *channel)
{
    const struct wire_control notify = { .header = {
                                             .magic = WIRE_MAGIC, .type = WIRE_NOTIFY, .length = sizeof notify } };

    /* A full socket is readable at the other end, which is all that this message is for; a closed one is an event. */
    if (wake_client(channel->client, channel->daemon) == WIRE_WAIT_SOCKET)
        (void)message_send(channel->socket, &notify, sizeof notify, NULL, 0, MSG_DONTWAIT);
}

static void state_set(struct channel *channel, enum wire_state state)
{
    /* Pairs with the client's acquire load of the state. */
    __atomic_store_n(&channel->daemon->state, (uint32_t)state, __ATOMIC_RELEASE);
    channel_wake(channel);
}

void channel_drain(struct channel *channel)
{
    state_set(channel, WIRE_STATE_DRAINING);
}

/* ---- closing ---- */

void channel_close(struct channel_table *table, struct channel *channel)
{
    if (channel->state == CHANNEL_PENDING)
        table->pending--;
    else
        table->open--;
    if (channel->state == CHANNEL_OPEN)
        state_set(channel, WIRE_STATE_CLOSED);
    close(channel->socket);
    channel->socket = -1;
    free(channel->outbox.text);
    channel->outbox = (struct outbox){ .text = NULL };
    channel->state = CHANNEL_DEAD;
    if (!channel->under_way)
        channel_reclaim(table, channel);
}

void channel_reclaim(struct channel_table *table, struct channel *channel)
{
    memory_drop(channel);
    if (channel->memory)
        users_release(channel->user, channel->memory);
    channel->memory = 0;
    channel->user = NULL;
    channel->hot = channel->starved = channel->throttled = channel->broken = channel->to_wake = false;
    channel->kicks_wasted = 0;
    channel->name[0] = 0;
    channel->state = CHANNEL_FREE;
    table->used--;
}
