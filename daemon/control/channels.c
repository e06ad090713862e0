/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control/channels.h"
#include "base/insist.h"
#include "daemon/control/attach.h"
#include "daemon/control/keep.h"
#include "daemon/control/shards.h"
#include "daemon/shard/serve.h"

void channels_help(struct wispd *daemon, struct connection *connection, void (*run)(struct helper_job *job))
{
    insist(!connection->job_out && connection->state != CONNECTION_FREE, "is %d", connection->state);
    connection->job_out = true;
    connection->job.run = run;
    helper_ask(daemon->helper, &connection->job);
}

/* On the helper's thread. */
static void unmake_memory(struct helper_job *job)
{
    channel_memory_unmake(&connection_of_job(job)->channel.memory);
}

/* On the helper's thread. */
static void unmap(struct helper_job *job)
{
    region_deinit(&connection_of_job(job)->channel.memory.detached);
}

void channels_unmap(struct wispd *daemon, struct connection *connection)
{
    channels_help(daemon, connection, unmap);
}

/* Moves a DEAD channel on, when nothing uses it any more. */
void channels_retire(struct wispd *daemon, struct connection *connection)
{
    if (!connection_is_over(connection))
        return;
    connection_leave(connection);
    if (connection->channel.memory.journal)
        channels_help(daemon, connection, unmake_memory);
    else
        connection_release(&daemon->table, connection);
}

void channels_hang_up(struct wispd *daemon, struct connection *connection)
{
    loop_timer_cancel(daemon->loop, event_token(EVENT_HELLO_DUE, connection));
    loop_timer_cancel(daemon->loop, event_token(EVENT_HELLO_LATE, connection));
    loop_timer_cancel(daemon->loop, event_token(EVENT_QUESTION, connection));
    loop_timer_cancel(daemon->loop, event_token(EVENT_KEEP, connection));
    loop_cancel(daemon->loop, connection->socket);
    loop_cancel(daemon->loop, connection->process);
    keep_forget(daemon, connection);
    if (connection->served)
        worker_leave(shards_of(daemon, connection), &connection->channel);
    if (connection->job_out && helper_take_back(daemon->helper, &connection->job))
        connection->job_out = false; /* nobody needs its memory any more */
    connection_close(&daemon->table, connection);
    channels_retire(daemon, connection);
}

void channels_serve(struct wispd *daemon, struct connection *connection)
{
    insist(connection->state == CONNECTION_OPEN && !connection->served, "is %d", connection->state);
    connection->served = true;
    worker_serve(shards_of(daemon, connection), &connection->channel);
}

void channels_left(struct wispd *daemon, struct connection *connection)
{
    connection_left(connection);
    channels_retire(daemon, connection);
}

/* Its client is told nothing: another daemon goes on with it. */
static void leave_behind(struct wispd *daemon, struct connection *connection)
{
    if (connection->served && !connection->channel.leaving)
        shard_leave_behind(&connection->channel);
    *connection->stored = 0;
    connection->served = false;
    channels_hang_up(daemon, connection);
}

static bool goes_on(const struct wispd *daemon, const struct connection *connection)
{
    return daemon->stopping && connection->state == CONNECTION_OPEN && *connection->stored;
}

/* The shards have ended: what they served, and had not left, is left here. */
static void end(struct wispd *daemon, struct connection *connection)
{
    if (connection->served && !connection->channel.leaving)
        shard_leave(worker_shard(shards_of(daemon, connection)), &connection->channel);
    if (connection->state != CONNECTION_DEAD) {
        connection->served = false;
        channels_hang_up(daemon, connection);
    } else if (connection->served) {
        channels_left(daemon, connection);
    }
}

/* Those that end first: they leave lists in which requests of those that go on stand, too, whose memory goes. */
void channels_end(struct wispd *daemon)
{
    struct connection_table *table = &daemon->table;
    uint32_t count = table->connections ? table->capacity : 0;

    shards_stop(daemon);
    for (uint32_t i = 0; i < count; i++) {
        if (table->connections[i].state != CONNECTION_FREE && !goes_on(daemon, &table->connections[i]))
            end(daemon, &table->connections[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (table->connections[i].state != CONNECTION_FREE && goes_on(daemon, &table->connections[i]))
            leave_behind(daemon, &table->connections[i]);
    }
    attachers_end(daemon);
    daemon->helper = helper_free(daemon->helper); /* whatever it had is ours again */
    for (uint32_t i = 0; i < count; i++) {
        if (table->connections[i].state == CONNECTION_FREE)
            continue;
        channel_memory_unmake(&table->connections[i].channel.memory);
        connection_release(table, &table->connections[i]);
    }
}
