/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/channel.h"
#include "libipc/message.h"
#include "libipc/wake.h"

/* ---- opening ---- */

static void requests_link(struct channel *channel)
{
    channel->free = channel->newest = channel->again = NULL;
    channel->flows = channel->free_flows = NULL;
    for (uint32_t i = channel->layout.entries; i-- > 0;) {
        struct request *request = &channel->memory.journal->requests[i];

        request->channel = channel;
        request->flow = NULL;
        request->buffer = NULL; /* what another daemon may have left is nobody's */
        if (request->state == REQUEST_FREE) {
            request->next = channel->free;
            channel->free = request;
        }
        request->place = (struct flow){ .queue = NULL };
        request->place.beside = channel->free_flows;
        channel->free_flows = &request->place;
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

static void take_memory(struct channel *channel, const struct wire_welcome *welcome, uint32_t rows_max)
{
    const struct wire_layout *layout = &channel->layout;
    const unsigned char *request = channel->memory.request.address;
    unsigned char *response = channel->memory.response.address;

    insist(channel->memory.request.size == layout->request_size &&
           channel->memory.response.size == layout->response_size);
    insist(layout->arena_offset + layout->request_arena <= layout->request_size);
    insist(layout->arena_offset + layout->response_arena <= layout->response_size);
    insist(channel->memory.pages.size >= journal_size(layout->entries));
    insist(rows_max > 0 && rows_max <= WIRE_ROWS_MAX, "%u", rows_max);
    channel->client = channel->memory.request.address;
    channel->daemon = channel->memory.response.address;
    channel->input = request + layout->arena_offset;
    channel->output = response + layout->arena_offset;
    channel->limits = (struct wire_limits){ .features = welcome->features,
                                            .request_arena = layout->request_arena,
                                            .response_arena = layout->response_arena,
                                            .rows = rows_max };
    channel->timings = welcome->features & WIRE_FEATURE_TIMINGS;
    channel->done = welcome->features & WIRE_FEATURE_DONE;
}

static void journal_write(struct journal *journal, const struct wire_welcome *welcome)
{
    insist(!journal->magic); /* written once */
    journal->version = JOURNAL_VERSION;
    journal->request_size = sizeof(struct request);
    journal->welcome = *welcome;
    /* Last, for whoever comes after a death. */
    __atomic_store_n(&journal->magic, JOURNAL_MAGIC, __ATOMIC_RELEASE);
}

void channel_attach(struct channel *channel, const struct wire_welcome *welcome, uint32_t rows_max)
{
    insist(welcome->entries == channel->layout.entries, "%u, %u", welcome->entries, channel->layout.entries);
    insist(!channel->resumed && !channel->under_way);
    take_memory(channel, welcome, rows_max);
    ring_attach_daemon(&channel->intake, &channel->finish, channel->client, channel->daemon, &channel->layout, 0);
    requests_link(channel);
    daemon_control_write(channel->daemon, welcome);
    journal_write(channel->memory.journal, welcome);
    wake_daemon_arm(channel->daemon); /* its first submission is to ring */
}

/* ---- going on with another daemon's ---- */

/* What a request was when its daemon died: nothing (any more), something that it may have died of, or one that
 * waited. */
static enum request_state state_after_death(const struct channel *channel, struct request *request)
{
    enum request_state state = request->state;

    if (state == REQUEST_FREE || request->taken_at == channel->intake.next)
        return REQUEST_FREE; /* its slot still has it */
    if (request->finished && (int32_t)(channel->finish.tail - request->finished_at) >= 0)
        return REQUEST_FREE; /* its client has it */
    if (state != REQUEST_AGAIN && (state != REQUEST_BATCHED || request->rows_now))
        request->deaths += request->deaths < UINT8_MAX;
    return REQUEST_AGAIN;
}

/* In the order in which they were taken. */
static void add_again(struct channel *channel, struct request *request)
{
    insist(request->state == REQUEST_AGAIN && request->channel == channel, "is %d", request->state);
    struct request **link = &channel->again;

    while (*link && (int32_t)((*link)->taken_at - request->taken_at) < 0)
        link = &(*link)->next;
    request->next = *link;
    *link = request;
}

bool channel_resume(struct channel *channel, uint32_t rows_max)
{
    struct journal *journal = channel->memory.journal;
    uint64_t now = clock_ns();
    uint32_t entries = channel->layout.entries, again = 0;

    take_memory(channel, &journal->welcome, rows_max);
    channel->sealed = channel->resumed = true;
    if (!ring_resume_daemon(&channel->intake, &channel->finish, channel->client, channel->daemon, &channel->layout))
        return false;
    for (uint32_t i = 0; i < entries; i++) {
        struct request *request = &journal->requests[i];

        if (request->state > REQUEST_RUN)
            return false;
        request->state = state_after_death(channel, request);
        request->deadline = (struct timer){ .due_ns = 0 };
        request->counted = false;
        request->taken_ns = MIN(request->taken_ns, now);
        again += request->state == REQUEST_AGAIN;
    }
    requests_link(channel);
    for (uint32_t i = 0; i < entries; i++) {
        if (journal->requests[i].state == REQUEST_AGAIN)
            add_again(channel, &journal->requests[i]);
    }
    /* One completion each has to find room. */
    return channel->finish.tail - channel->finish.cached_head + again <= entries;
}

bool channel_goes_before(const struct channel *channel, const struct channel *other)
{
    if (channel->account != other->account)
        return channel->account->share.charged < other->account->share.charged;
    return channel->share.charged < other->share.charged;
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

    insist(channel->socket >= 0);
    if (!channel_is_sealed(channel))
        return; /* it sleeps on nothing yet */
    /* A full socket is readable at the other end, which is all that this message is for; a closed one is an event. */
    if (wake_client(channel->client, channel->daemon) == WIRE_WAIT_SOCKET)
        (void)message_send(channel->socket, &notify, sizeof notify, NULL, 0, MSG_DONTWAIT);
}

static void state_set(struct channel *channel, enum wire_state state)
{
    insist(state == WIRE_STATE_CLOSED || !channel->leaving);
    /* Pairs with the client's acquire load of the state. */
    __atomic_store_n(&channel->daemon->state, (uint32_t)state, __ATOMIC_RELEASE);
    channel_wake(channel);
}

void channel_drain(struct channel *channel)
{
    state_set(channel, WIRE_STATE_DRAINING);
}

void channel_close(struct channel *channel)
{
    state_set(channel, WIRE_STATE_CLOSED);
}
