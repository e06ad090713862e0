/* SPDX-License-Identifier: Apache-2.0
 *
 * How much there is room for, what a client gets that asks for nothing in particular, and who makes room when there is
 * none.
 *
 * The default arenas come from the models: inputs and outputs of a thousand samples of the largest. But no more than
 * a user's share: memory_per_user divided by channels_per_user, so that a user can have all the channels that he may
 * have. A single sample of the largest model fits in any case.
 *
 * When every channel is taken, a user who has fewer than others comes in at the expense of an idle one: that of the
 * user who has most, idle for longest. libwisp connects again when that program needs it. Channels for questions alone
 * hold no memory and are few: a new one always gets in, in place of the one that has been silent for longest, of this
 * user when he has as many as he may, or else of those who have most.
 */
#include "daemon/control/room.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/control/channels.h"
#include "daemon/control/limited_log.h"
#include "daemon/sight/counter.h"

#define IDLE_NS   (1 * NS_PER_S)
#define ARENA_MIN (256ull << 10) /* where a user's share allows it */

/* Besides: 8 attachers have an eventfd each, a socket pair and up to three descriptors of a client. */
enum {
    SAMPLES = 1024,
    PENDING_MAX = 256,
    ASKING_MAX = 64,
    ASKING_PER_USER = 8,
    FDS_BESIDES = 64 + 8 * 6,
    FDS_OF_SHARD = 4
};

/* ---- how much ---- */

/* Open or being made, dead, before their hello, and for questions alone. */
uint32_t room_connections(const struct config *config)
{
    return 2 * config->limits.channels + PENDING_MAX + ASKING_MAX;
}

/* An open channel holds its socket, a pidfd, an eventfd and three regions, and one of them twice until the welcome has
 * been sent; a dead one its memory until that has been taken apart; before the hello there is the socket, for questions
 * a pidfd beside it. */
uint32_t room_descriptors(const struct config *config)
{
    return 7 * config->limits.channels + 5 * config->limits.channels + PENDING_MAX + 2 * ASKING_MAX + FDS_BESIDES +
           FDS_OF_SHARD * config->shards;
}

/* ---- what a client gets ---- */

/* In whole pages, within what is possible. */
static uint64_t arena_for(uint64_t bytes, const struct config *config)
{
    uint64_t pages = (bytes + WIRE_PAGE - 1) / WIRE_PAGE * WIRE_PAGE;

    return MIN(MAX(pages, WIRE_ARENA_MIN), MAX(config->limits.arena, WIRE_ARENA_MIN));
}

static uint64_t cost_of(uint32_t entries, uint64_t request_arena, uint64_t response_arena)
{
    struct wire_layout layout;

    return wire_layout(entries, request_arena, response_arena, &layout, NULL) ? 0 : channel_memory_cost(&layout);
}

/* What is left of `share` for the arenas is divided as they want it, but each holds one sample. */
static void cut_to_share(struct wire_offer *offer, uint64_t share, uint64_t input, uint64_t output,
                         const struct config *config)
{
    uint64_t min = cost_of(offer->entries_default, WIRE_ARENA_MIN, WIRE_ARENA_MIN);
    uint64_t more_in = offer->request_default - WIRE_ARENA_MIN, more_out = offer->response_default - WIRE_ARENA_MIN;
    uint64_t left = share > min ? share - min : 0;

    if (more_in + more_out <= left)
        return;
    more_in = (uint64_t)((double)left * (double)more_in / (double)(more_in + more_out));
    more_out = left - more_in;
    offer->request_default = MAX(WIRE_ARENA_MIN + more_in / WIRE_PAGE * WIRE_PAGE, arena_for(input, config));
    offer->response_default = MAX(WIRE_ARENA_MIN + more_out / WIRE_PAGE * WIRE_PAGE, arena_for(output, config));
}

void room_offer(struct wispd *daemon)
{
    const struct config *config = daemon->config;
    struct wire_offer *offer = &daemon->offer;
    uint64_t input = 0, output = 0, cost;

    for (uint32_t i = 0; i < daemon->set->model_count; i++) {
        input = MAX(input, wire_block_length(&daemon->set->models[i].input, 1));
        output = MAX(output, wire_block_length(&daemon->set->models[i].output, 1));
    }
    *offer = (struct wire_offer){
        .abi_min = WIRE_ABI_MIN,
        .abi_max = WIRE_ABI_MAX,
        .features = WIRE_FEATURES,
        .entries_default = MIN((uint32_t)WIRE_ENTRIES_DEFAULT, config->limits.entries),
        .entries_max = config->limits.entries,
        .request_default = arena_for(MAX(SAMPLES * input, ARENA_MIN), config),
        .response_default = arena_for(MAX(SAMPLES * output, ARENA_MIN), config),
        .arena_max = config->limits.arena,
    };
    insist(config->limits.channels_per_user > 0);
    cut_to_share(offer, config->limits.memory_per_user / config->limits.channels_per_user, input, output, config);
    cost = cost_of(offer->entries_default, offer->request_default, offer->response_default);
    insist(offer->request_default % WIRE_PAGE == 0 && offer->response_default % WIRE_PAGE == 0);
    if (cost > config->limits.memory_per_user / config->limits.channels_per_user)
        log_notice(
            "a channel takes %llu KiB by default, so limits.memory_per_user is enough for %llu of a user's %u channels",
            (unsigned long long)cost >> 10, (unsigned long long)(config->limits.memory_per_user / cost),
            config->limits.channels_per_user);
}

/* ---- who makes room ---- */

static uint64_t last_active(const struct connection *connection)
{
    uint64_t asked = MAX(connection->asked_ns, connection->accepted_ns);

    return MAX(counter_read(&connection->channel.active_ns), asked);
}

static bool is_idle(const struct connection *connection, uint64_t now_ns)
{
    return connection->state == CONNECTION_OPEN && !counter_read(&connection->channel.under_way) &&
           !connection->outbox.busy && now_ns - last_active(connection) >= IDLE_NS;
}

void room_make(struct wispd *daemon, const struct user *user)
{
    struct connection *victim = NULL;
    uint64_t now = clock_ns();

    for (uint32_t i = 0; i < daemon->table.capacity; i++) {
        struct connection *connection = &daemon->table.connections[i];

        if (!is_idle(connection, now) || connection->user->channels <= user->channels)
            continue;
        if (!victim || connection->user->channels > victim->user->channels ||
            (connection->user == victim->user && last_active(connection) < last_active(victim)))
            victim = connection;
    }
    if (!victim)
        return;
    insist(victim->served && victim->user != user);
    log_limited(victim, LOG_LEVEL_INFO, "idle, and all channels are taken: closed for another user");
    daemon->given_up++;
    channels_hang_up(daemon, victim);
}

/* Whether `channel` makes room before `other` does: that of the user who has more, or who has been silent for longer.
 */
static bool goes_before(const struct connection *connection, const struct connection *other)
{
    if (connection->user->asking != other->user->asking)
        return connection->user->asking > other->user->asking;
    return connection->asked_ns < other->asked_ns;
}

/* Of one user's channels for questions, or of all. */
static struct connection *first_to_go(const struct connection_table *table, const struct user *user)
{
    struct connection *found = NULL;

    for (uint32_t i = 0; i < table->capacity; i++) {
        struct connection *connection = &table->connections[i];

        if (connection->state == CONNECTION_ASKING && (!user || connection->user == user) &&
            (!found || goes_before(connection, found)))
            found = connection;
    }
    return found;
}

void room_make_asking(struct wispd *daemon, const struct user *user)
{
    struct connection *victim = NULL;

    if (user->asking >= ASKING_PER_USER)
        victim = first_to_go(&daemon->table, user);
    else if (daemon->table.asking >= ASKING_MAX)
        victim = first_to_go(&daemon->table, NULL);
    if (victim)
        channels_hang_up(daemon, victim);
}
