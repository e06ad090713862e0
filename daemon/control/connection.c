/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "daemon/control/connection.h"

static struct channel channel_of_slot(uint32_t index, uint32_t generation)
{
    return (struct channel){ .index = index, .generation = generation, .socket = -1, .memory = CHANNEL_MEMORY_NULL };
}

int connection_table_init(struct connection_table *table, uint32_t capacity, uint32_t shards)
{
    insist(capacity <= CONNECTIONS_MAX && shards > 0 && shards <= CONFIG_SHARDS_MAX, "%u, %u", capacity, shards);
    *table = (struct connection_table){ .capacity = capacity, .shards = shards };
    table->connections = calloc(capacity, sizeof *table->connections);
    if (!table->connections)
        return -ENOMEM;
    for (uint32_t i = 0; i < capacity; i++) {
        table->connections[i].socket = table->connections[i].process = -1;
        table->connections[i].channel = channel_of_slot(i, 0);
    }
    return 0;
}

void connection_table_deinit(struct connection_table *table)
{
    free(table->connections);
    *table = (struct connection_table){ .connections = NULL };
}

struct connection *connection_accept(struct connection_table *table, int socket, struct user *user)
{
    for (uint32_t i = 0; i < table->capacity; i++) {
        struct connection *connection = &table->connections[i];

        if (connection->state != CONNECTION_FREE)
            continue;
        insist(table->used < table->capacity, "%u of %u", table->used, table->capacity);
        insist(!connection->served && !connection->job_out && !connection->charged && !connection->outbox.busy);
        insist(connection->socket < 0 && connection->process < 0);
        connection->state = CONNECTION_PENDING;
        connection->channel.generation++;
        connection->socket = connection->channel.socket = socket;
        connection->accepted_ns = clock_ns();
        connection->user = user;
        user->pending++;
        table->used++;
        table->pending++;
        return connection;
    }
    return NULL;
}

struct connection *connection_find(struct connection_table *table, uint32_t index, uint32_t generation)
{
    struct connection *connection;

    if (index >= table->capacity)
        return NULL;
    connection = &table->connections[index];
    if (connection->channel.generation != generation || connection->state == CONNECTION_FREE ||
        connection->state == CONNECTION_DEAD)
        return NULL;
    return connection;
}

/* ---- opening ---- */

/* That which has fewest channels, of those that do not go; of several the first. */
static uint32_t choose_shard(const struct connection_table *table)
{
    uint32_t channels[CONFIG_SHARDS_MAX] = { 0 }, fewest = 0;

    for (uint32_t i = 0; table->shards > 1 && i < table->capacity; i++) {
        const struct connection *connection = &table->connections[i];

        if (connection->state == CONNECTION_MAKING || connection->state == CONNECTION_OPEN)
            channels[connection->shard]++;
    }
    for (uint32_t i = 1; i < table->shards; i++)
        fewest = channels[i] < channels[fewest] ? i : fewest;
    insist(fewest < table->shards);
    return fewest;
}

int connection_agree(struct connection_table *table, struct connection *connection, const struct users *users,
                     const struct wire_welcome *welcome, struct reason *why)
{
    int result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena,
                             &connection->channel.layout, why);
    const uint32_t shard = choose_shard(table);
    uint64_t cost;

    insist(connection->state == CONNECTION_PENDING && !connection->charged, "is %d", connection->state);

    if (result)
        return result;
    cost = channel_memory_cost(&connection->channel.layout);
    result = users_charge(users, connection->user, shard, cost, why);
    if (result)
        return result;
    connection->charged = cost;
    connection->shard = shard;
    connection->channel.allowance = &connection->user->allowance;
    connection->channel.tally = connection->user->tallies[shard];
    connection->welcome = *welcome;
    insist(connection->user->pending > 0 && table->pending > 0);
    connection->user->pending--;
    connection->state = CONNECTION_MAKING;
    table->pending--;
    return 0;
}

void connection_ask_only(struct connection_table *table, struct connection *connection,
                         const struct wire_welcome *welcome)
{
    insist(connection->state == CONNECTION_PENDING, "is %d", connection->state);
    insist(connection->user->pending > 0 && table->pending > 0);
    connection->welcome = *welcome;
    connection->asked_ns = clock_ns();
    connection->user->pending--;
    connection->user->asking++;
    connection->state = CONNECTION_ASKING;
    table->pending--;
    table->asking++;
}

void connection_open(struct connection_table *table, struct connection *connection)
{
    insist(connection->state == CONNECTION_MAKING && connection->channel.memory.journal, "is %d", connection->state);
    connection->state = CONNECTION_OPEN;
    table->open++;
}

bool connection_table_is_crowded(const struct connection_table *table, uint32_t most)
{
    insist(table->used >= table->pending + table->asking + table->dead, "%u", table->used);
    return table->used - table->pending - table->asking - table->dead > most || table->dead >= most;
}

/* ---- closing ---- */

void connection_drop_reply(struct connection *connection)
{
    struct outbox *outbox = &connection->outbox;

    insist(!outbox->own || connection->user->answers >= outbox->own_length);
    if (outbox->own)
        connection->user->answers -= outbox->own_length;
    free(outbox->own);
    *outbox = (struct outbox){ .busy = false };
}

static void close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void connection_close(struct connection_table *table, struct connection *connection)
{
    insist(connection->state != CONNECTION_FREE && connection->state != CONNECTION_DEAD, "is %d", connection->state);
    if (connection->state == CONNECTION_PENDING) {
        insist(table->pending > 0 && connection->user->pending > 0);
        table->pending--;
        connection->user->pending--;
    }
    if (connection->state == CONNECTION_ASKING) {
        insist(table->asking > 0 && connection->user->asking > 0);
        table->asking--;
        connection->user->asking--;
    }
    if (connection->state == CONNECTION_OPEN)
        table->open--;
    if (!connection->served)
        close_at(&connection->socket);
    close_at(&connection->process);
    connection_drop_reply(connection);
    connection->reload = 0;
    connection->state = CONNECTION_DEAD;
    table->dead++;
}

void connection_left(struct connection *connection)
{
    insist(connection->served && connection->state == CONNECTION_DEAD, "is %d", connection->state);
    connection->served = false;
    close_at(&connection->socket);
}

bool connection_is_over(const struct connection *connection)
{
    return connection->state == CONNECTION_DEAD && !connection->served && !connection->job_out;
}

void connection_leave(struct connection *connection)
{
    if (!connection->charged)
        return;
    insist(connection->state == CONNECTION_DEAD && !connection->leaving, "is %d", connection->state);
    users_leave(connection->user, connection->charged);
    connection->charged = 0;
    connection->leaving = true;
}

void connection_release(struct connection_table *table, struct connection *connection)
{
    insist(connection->state == CONNECTION_DEAD && !connection->served, "is %d", connection->state);
    insist(!connection->channel.memory.journal && connection->channel.memory.request.fd < 0);
    connection_leave(connection);
    if (connection->leaving)
        users_left(connection->user);
    connection->leaving = connection->never_kept = false;
    connection->user = NULL;
    connection->channel = channel_of_slot(connection->channel.index, connection->channel.generation);
    connection->asked_ns = 0;
    connection->name[0] = connection->stored[0] = 0;
    connection->state = CONNECTION_FREE;
    insist(table->dead > 0 && table->used > 0);
    table->dead--;
    table->used--;
}
