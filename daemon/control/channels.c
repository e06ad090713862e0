/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control/channels.h"

void channels_help(struct wispd *daemon, struct channel *channel, void (*run)(struct helper_job *job))
{
    channel->job_out = true;
    channel->job.run = run;
    helper_ask(daemon->helper, &channel->job);
}

/* On the helper's thread. */
static void unmake_memory(struct helper_job *job)
{
    channel_memory_unmake(&channel_of_job(job)->memory);
}

/* Moves a DEAD channel on, when nothing uses it any more. */
void channels_retire(struct wispd *daemon, struct channel *channel)
{
    if (!channel_is_over(channel))
        return;
    channel_leave(channel);
    if (channel->memory.requests)
        channels_help(daemon, channel, unmake_memory);
    else
        channel_release(&daemon->table, channel);
}

void channels_hang_up(struct wispd *daemon, struct channel *channel)
{
    loop_timer_cancel(daemon->loop, event_token(EVENT_HELLO_DUE, channel));
    loop_timer_cancel(daemon->loop, event_token(EVENT_HELLO_LATE, channel));
    loop_timer_cancel(daemon->loop, event_token(EVENT_DOORBELL_AGAIN, channel));
    loop_timer_cancel(daemon->loop, event_token(EVENT_QUESTION, channel));
    loop_cancel(daemon->loop, channel->socket);
    loop_cancel(daemon->loop, channel->process);
    if (channel->state == CHANNEL_OPEN)
        loop_cancel(daemon->loop, channel->memory.eventfd);
    shard_forget(&daemon->shard, channel);
    if (channel->job_out && helper_take_back(daemon->helper, &channel->job))
        channel->job_out = false; /* nobody needs its memory any more */
    channel_close(&daemon->table, channel);
    channels_retire(daemon, channel);
}

void channels_end(struct wispd *daemon)
{
    struct channel_table *table = &daemon->table;
    uint32_t count = table->channels ? table->capacity : 0;

    for (uint32_t i = 0; i < count; i++) {
        if (table->channels[i].state != CHANNEL_FREE && table->channels[i].state != CHANNEL_DEAD)
            channels_hang_up(daemon, &table->channels[i]);
    }
    daemon->helper = helper_free(daemon->helper); /* whatever it had is ours again */
    for (uint32_t i = 0; i < count; i++) {
        if (table->channels[i].state == CHANNEL_FREE)
            continue;
        channel_memory_unmake(&table->channels[i].memory);
        channel_release(table, &table->channels[i]);
    }
}
