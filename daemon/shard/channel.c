/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "daemon/shard/channel.h"
#include "libipc/message.h"
#include "libipc/wake.h"

/* ---- opening ---- */

static void requests_link(struct channel *channel)
{
    channel->free = NULL;
    channel->flows = channel->free_flows = NULL;
    for (uint32_t i = channel->layout.entries; i-- > 0;) {
        struct request *request = &channel->memory.requests[i];

        request->channel = channel;
        request->next = channel->free;
        channel->free = request;
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

void channel_attach(struct channel *channel, const struct wire_welcome *welcome, uint32_t rows_max)
{
    const struct wire_layout *layout = &channel->layout;
    const unsigned char *request = channel->memory.request.address;
    unsigned char *response = channel->memory.response.address;

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
    ring_attach_daemon(&channel->intake, &channel->finish, request, response, layout, 0);
    requests_link(channel);
    daemon_control_write(channel->daemon, welcome);
    wake_daemon_arm(channel->daemon); /* its first submission is to ring */
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

void channel_close(struct channel *channel)
{
    state_set(channel, WIRE_STATE_CLOSED);
}
