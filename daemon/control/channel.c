/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/control/channel.h"
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
        table->channels[i].socket = table->channels[i].process = -1;
        table->channels[i].memory = CHANNEL_MEMORY_NULL;
    }
    return 0;
}

void channel_table_deinit(struct channel_table *table)
{
    free(table->channels);
    *table = (struct channel_table){ .channels = NULL };
}

struct channel *channel_accept(struct channel_table *table, int socket, struct user *user)
{
    for (uint32_t i = 0; i < table->capacity; i++) {
        struct channel *channel = &table->channels[i];

        if (channel->state != CHANNEL_FREE)
            continue;
        channel->state = CHANNEL_PENDING;
        channel->generation++;
        channel->socket = socket;
        channel->accepted_ns = clock_ns();
        channel->user = user;
        user->pending++;
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

int channel_agree(struct channel_table *table, struct channel *channel, const struct users *users,
                  const struct wire_welcome *welcome, struct reason *why)
{
    int result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena, &channel->layout, why);
    uint64_t cost;

    if (result)
        return result;
    cost = channel_memory_cost(&channel->layout);
    result = users_charge(users, channel->user, cost, why);
    if (result)
        return result;
    channel->charged = cost;
    channel->welcome = *welcome;
    channel->user->pending--;
    channel->state = CHANNEL_MAKING;
    table->pending--;
    return 0;
}

void channel_ask_only(struct channel_table *table, struct channel *channel, const struct wire_welcome *welcome)
{
    channel->welcome = *welcome;
    channel->active_ns = clock_ns();
    channel->user->pending--;
    channel->user->asking++;
    channel->state = CHANNEL_ASKING;
    table->pending--;
    table->asking++;
}

bool channel_table_is_crowded(const struct channel_table *table, uint32_t max)
{
    return table->used - table->pending - table->asking - table->dead > max || table->dead >= max;
}

static void requests_link(struct channel *channel)
{
    channel->free = NULL;
    for (uint32_t i = channel->layout.entries; i-- > 0;) {
        struct request *request = &channel->memory.requests[i];

        request->channel = channel;
        request->next = channel->free;
        channel->free = request;
    }
}

static void daemon_control_write(struct wire_daemon_control *control, const struct wire_welcome *welcome)
{
    control->abi = welcome->abi;
    control->features = welcome->features;
    control->epoch = welcome->epoch;
    control->state = WIRE_STATE_READY;
    control->magic = WIRE_MAGIC;
}

void channel_open(struct channel_table *table, struct channel *channel, uint32_t rows_max)
{
    const struct wire_layout *layout = &channel->layout;
    const unsigned char *request = channel->memory.request.address;
    unsigned char *response = channel->memory.response.address;

    channel->client = channel->memory.request.address;
    channel->daemon = channel->memory.response.address;
    channel->input = request + layout->arena_offset;
    channel->output = response + layout->arena_offset;
    channel->limits = (struct wire_limits){ .features = channel->welcome.features,
                                            .request_arena = layout->request_arena,
                                            .response_arena = layout->response_arena,
                                            .rows = rows_max };
    channel->timings = channel->welcome.features & WIRE_FEATURE_TIMINGS;
    ring_attach_daemon(&channel->intake, &channel->finish, request, response, layout, 0);
    requests_link(channel);
    daemon_control_write(channel->daemon, &channel->welcome);
    channel->state = CHANNEL_OPEN;
    channel->active_ns = 0;
    table->open++;
}

bool channel_is_sealed(struct channel *channel)
{
    if (!channel->sealed)
        channel->sealed = region_is_sealed(&channel->memory.request);
    return channel->sealed;
}

/* ---- waking ---- */

void channel_wake(struct channel *channel)
{
    const struct wire_control notify = { .header = {
                                             .magic = WIRE_MAGIC, .type = WIRE_NOTIFY, .length = sizeof notify } };

    if (!channel_is_sealed(channel))
        return; /* it sleeps on nothing yet */
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

void channel_drop_reply(struct channel *channel)
{
    struct outbox *outbox = &channel->outbox;

    if (outbox->own)
        channel->user->answers -= outbox->own_length;
    free(outbox->own);
    *outbox = (struct outbox){ .busy = false };
}

void channel_close(struct channel_table *table, struct channel *channel)
{
    if (channel->state == CHANNEL_PENDING) {
        table->pending--;
        channel->user->pending--;
    }
    if (channel->state == CHANNEL_ASKING) {
        table->asking--;
        channel->user->asking--;
    }
    if (channel->state == CHANNEL_OPEN) {
        table->open--;
        state_set(channel, WIRE_STATE_CLOSED);
    }
    close(channel->socket);
    if (channel->process >= 0)
        close(channel->process);
    channel->socket = channel->process = -1;
    channel_drop_reply(channel);
    channel->state = CHANNEL_DEAD;
    table->dead++;
}

bool channel_is_over(const struct channel *channel)
{
    return channel->state == CHANNEL_DEAD && !channel->under_way && !channel->job_out;
}

void channel_leave(struct channel *channel)
{
    if (!channel->charged)
        return;
    users_leave(channel->user, channel->charged);
    channel->charged = 0;
    channel->leaving = true;
}

void channel_release(struct channel_table *table, struct channel *channel)
{
    channel_leave(channel);
    if (channel->leaving)
        users_left(channel->user);
    channel->leaving = false;
    channel->user = NULL;
    channel->client = NULL;
    channel->daemon = NULL;
    channel->input = NULL;
    channel->output = NULL;
    channel->free = NULL;
    channel->active = channel->starved = channel->throttled = channel->to_wake = false;
    channel->broken = NULL;
    channel->sealed = false;
    channel->doorbells_wasted = 0;
    channel->name[0] = 0;
    channel->state = CHANNEL_FREE;
    table->dead--;
    table->used--;
}
