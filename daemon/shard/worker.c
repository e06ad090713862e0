/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/insist.h"
#include "base/pool.h"
#include "daemon/event/pulse.h"
#include "daemon/shard/doorbell.h"
#include "daemon/shard/pass.h"
#include "daemon/shard/serve.h"
#include "daemon/shard/worker.h"
#include "libipc/wake.h"

enum { EVENTS = 64, MAILS_BESIDES = 2 * WORKER_QUEUE_SETS + SLOW_RECORDS + 8 };

#define SHARD_THREAD "wispd-shard" /* and, of its others, the number behind it */

enum order { ORDER_SERVE, ORDER_LEAVE, ORDER_USE, ORDER_DRAIN, ORDER_REST, ORDER_BEAT, ORDER_QUIT };

/* A report that worker_report() keeps for itself. */
enum { REPORT_BEAT = REPORT_FAILED + 1 };

struct worker {
    struct worker_setup setup;
    struct mailbox orders;  /* the control thread writes, */
    struct mailbox reports; /* and reads */
    pthread_t thread;
    sem_t started;
    /* the thread's */
    struct shard shard;
    struct loop *loop;
    struct reason why; /* it could not be made */
    int error;
    int bound[CONFIG_THREADS_MAX]; /* each thread's own: whether it could be */
    bool quit;
    bool drained; /* it has been reported */
    /* the control thread's */
    pthread_t control; /* which that is */
    struct pulse pulse;
    bool asked; /* for a sign of life */
    bool running;
};

static bool is_control(const struct worker *worker)
{
    return pthread_equal(pthread_self(), worker->control);
}

/* A mailbox holds all that can be under way at once: two orders and three reports for each channel, and what is said
 * of sets of queues and of the whole. */
static void post(struct mailbox *box, uint32_t kind, void *subject)
{
    const bool posted = mailbox_post(box, (struct mail){ .kind = kind, .subject = subject });

    insist(posted, "kind %u", kind);
}

/* ---- the thread ---- */

static void serve(struct worker *worker, struct channel *channel)
{
    shard_serve(&worker->shard, channel);
    if (doorbell_listen(worker->loop, channel))
        shard_break(&worker->shard, channel, "its doorbell cannot be heard");
}

static void leave(struct worker *worker, struct channel *channel)
{
    doorbell_forget(worker->loop, channel);
    shard_leave(&worker->shard, channel);
    post(&worker->reports, REPORT_LEFT, channel);
}

static void come_round(void *argument, unsigned part, unsigned parts)
{
    (void)argument, (void)part, (void)parts;
}

static void carry_out(struct worker *worker, const struct mail *order)
{
    switch ((enum order)order->kind) {
    case ORDER_SERVE:
        serve(worker, order->subject);
        break;
    case ORDER_LEAVE:
        leave(worker, order->subject);
        break;
    case ORDER_USE:
        shard_use(&worker->shard, order->subject);
        post(&worker->reports, REPORT_IN_USE, order->subject);
        break;
    case ORDER_DRAIN:
        shard_drain(&worker->shard, clock_ns());
        break;
    case ORDER_REST:
        shard_rest(&worker->shard);
        break;
    case ORDER_BEAT:
        pool_run(worker->shard.pool, come_round, NULL);
        post(&worker->reports, REPORT_BEAT, NULL);
        break;
    case ORDER_QUIT:
        worker->quit = true;
    }
}

/* Between two passes. Whether there was one. */
static bool take_orders(struct worker *worker)
{
    struct mail order;
    bool taken = false;

    insist(!is_control(worker));

    while (!worker->quit && mailbox_take(&worker->orders, &order)) {
        carry_out(worker, &order);
        taken = true;
    }
    return taken;
}

static void handle_event(struct worker *worker, const struct loop_event *event)
{
    uint32_t index = (uint32_t)(event->token >> 32 & 0xffffff);
    enum shard_event kind = (enum shard_event)(event->token >> 56);
    struct channel *channel;

    if (kind == SHARD_EVENT_ORDERS)
        return; /* they are looked at in any case */
    insist(index < worker->shard.capacity, "%u of %u", index, worker->shard.capacity);
    channel = worker->shard.channels[index];
    if (!channel || channel->generation != (uint32_t)event->token)
        return;
    if (kind == SHARD_EVENT_DOORBELL_AGAIN) {
        doorbell_again(worker->loop, channel);
    } else if (!doorbell_rung(worker->loop, &worker->shard, channel, event) && !channel->told) {
        channel->told = true;
        post(&worker->reports, REPORT_THROTTLED, channel);
    }
}

static int handle_events(struct worker *worker, uint64_t until_ns)
{
    struct loop_event events[EVENTS];
    int count = loop_wait(worker->loop, events, EVENTS, until_ns);

    for (int i = 0; i < count; i++)
        handle_event(worker, &events[i]);
    return count < 0 ? count : 0;
}

/* What the passes have brought about that the control thread has to hear. */
static void report(struct worker *worker, bool idle)
{
    struct shard *shard = &worker->shard;
    struct channel *channel;
    struct slow_request *slow;
    struct queue_set *queues;

    while ((slow = slow_take(&shard->slow)))
        post(&worker->reports, REPORT_SLOW, slow);
    while (shard->broken && (channel = shard_take_broken(shard)))
        post(&worker->reports, REPORT_BROKEN, channel);
    while (shard->serving && shard->serving->older && (queues = shard_give_back(shard)))
        post(&worker->reports, REPORT_DONE_WITH, queues);
    /* Every channel that may be read is active by now, so a pass without work has seen them all. */
    if (shard->draining && idle && !shard->under_way && !worker->drained) {
        worker->drained = true;
        post(&worker->reports, REPORT_DRAINED, NULL);
    }
}

/* Until a doorbell, an order, or the time when the shard has to look again by itself. */
static int sleep_on_events(struct worker *worker, uint64_t now_ns)
{
    uint64_t until = LOOP_FOREVER;
    int result;

    if (!shard_arm(&worker->shard, now_ns, &until) || !mailbox_arm(&worker->orders))
        return 0;
    result = handle_events(worker, until);
    mailbox_disarm(&worker->orders);
    return result;
}

static int pass_after_pass(struct worker *worker)
{
    struct shard *shard = &worker->shard;
    uint64_t idle_since = 0; /* 0: at work */
    int result = loop_edge(worker->loop, worker->orders.eventfd, shard_token(SHARD_EVENT_ORDERS, NULL));

    while (!result) {
        uint64_t now = clock_ns();
        bool worked = shard_turn(shard, now);

        report(worker, !worked);
        worked |= take_orders(worker);
        if (worker->quit)
            break;
        if (worked)
            idle_since = 0;
        else if (!idle_since)
            idle_since = now;
        if (loop_pending(worker->loop, now))
            result = handle_events(worker, 0);
        else if (!worked && now - idle_since < shard->spin_ns && shard->active_count)
            cpu_pause();
        else if (!worked)
            result = sleep_on_events(worker, now);
    }
    return result;
}

static int bind(uint32_t processor)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    return sched_setaffinity(0, sizeof one, &one) ? -errno : 0;
}

static void begin_part(void *argument, unsigned part, unsigned parts)
{
    struct worker *worker = argument;
    char name[16];

    (void)parts;
    if (part) {
        snprintf(name, sizeof name, SHARD_THREAD "-%u", part % CONFIG_THREADS_MAX);
        (void)pthread_setname_np(pthread_self(), name);
    }
    if (worker->setup.processors)
        worker->bound[part] = bind(worker->setup.processors[part]);
}

/* Before any memory is made, which is then near. */
static int begin_threads(struct worker *worker)
{
    const uint32_t threads = worker->setup.threads;
    int result;

    insist(threads > 0 && threads <= CONFIG_THREADS_MAX, "%u", threads);
    result = threads > 1 ? pool_new(threads, &worker->shard.pool) : 0;

    if (result)
        return refuse_thread(&worker->why, result, "threads: starting %u for a shard", threads);
    if (worker->shard.pool)
        pool_crowd(worker->shard.pool, worker->setup.crowded);
    pool_run(worker->shard.pool, begin_part, worker);
    for (uint32_t i = 0; !result && i < threads; i++) {
        if (worker->bound[i])
            result = refuse_errno(&worker->why, worker->bound[i], "pin: binding a thread to processor %u",
                                  worker->setup.processors[i]);
    }
    return result;
}

/* The loop belongs to the thread that makes it. */
static void *work(void *argument)
{
    struct worker *worker = argument;

    worker->error = begin_threads(worker);
    if (!worker->error)
        worker->error = loop_new(worker->setup.loop, worker->setup.channels, &worker->loop, NULL, &worker->why);
    sem_post(&worker->started);
    if (worker->loop) {
        worker->error = pass_after_pass(worker);
        worker->loop = loop_free(worker->loop);
        if (worker->error)
            post(&worker->reports, REPORT_FAILED, NULL);
    }
    return NULL;
}

/* ---- beginning and end ---- */

static int start(struct worker *worker, struct reason *why)
{
    int result = pthread_create(&worker->thread, NULL, work, worker);

    if (result)
        return refuse_thread(why, -result, "the shard's thread");
    worker->running = true;
    (void)pthread_setname_np(worker->thread, SHARD_THREAD);
    while (sem_wait(&worker->started))
        continue; /* a signal */
    if (!worker->error)
        return 0;
    *why = worker->why;
    return worker->error;
}

int worker_new(const struct worker_setup *setup, struct worker **out, struct reason *why)
{
    struct worker *worker = calloc(1, sizeof *worker);
    int result;

    if (!worker)
        return refuse_errno(why, -ENOMEM, "the shard");
    worker->control = pthread_self();
    worker->setup = *setup;
    worker->orders = worker->reports = MAILBOX_NULL;
    sem_init(&worker->started, 0, 0);
    result = shard_init(&worker->shard, setup->channels, setup->shards * setup->threads);
    worker->shard.spin_ns = setup->spin_ns;
    if (!result)
        result = mailbox_init(&worker->orders, 2 * setup->channels + MAILS_BESIDES);
    if (!result)
        result = mailbox_init(&worker->reports, 3 * setup->channels + MAILS_BESIDES);
    result = result ? refuse_errno(why, result, "the shard") : start(worker, why);
    if (result)
        worker_free(worker);
    else
        *out = worker;
    return result;
}

void worker_stop(struct worker *worker)
{
    if (!worker || !worker->running)
        return;
    post(&worker->orders, ORDER_QUIT, NULL);
    pthread_join(worker->thread, NULL);
    worker->running = false;
}

struct worker *worker_free(struct worker *worker)
{
    if (!worker)
        return NULL;
    worker_stop(worker);
    mailbox_deinit(&worker->orders);
    mailbox_deinit(&worker->reports);
    /* Not before all channels have left: what each pays for a pass in the middle is by its threads. */
    worker->shard.pool = pool_free(worker->shard.pool);
    shard_deinit(&worker->shard);
    sem_destroy(&worker->started);
    free(worker);
    return NULL;
}

/* ---- orders and reports ---- */

void worker_serve(struct worker *worker, struct channel *channel)
{
    insist(is_control(worker) && channel->index < worker->setup.channels, "%u", channel->index);
    post(&worker->orders, ORDER_SERVE, channel);
}

void worker_leave(struct worker *worker, struct channel *channel)
{
    insist(is_control(worker) && channel->index < worker->setup.channels, "%u", channel->index);
    post(&worker->orders, ORDER_LEAVE, channel);
}

void worker_use(struct worker *worker, struct queue_set *queues)
{
    insist(is_control(worker) && !queues->held);
    post(&worker->orders, ORDER_USE, queues);
}

void worker_drain(struct worker *worker)
{
    insist(is_control(worker));
    post(&worker->orders, ORDER_DRAIN, NULL);
}

void worker_rest(struct worker *worker)
{
    insist(is_control(worker));
    post(&worker->orders, ORDER_REST, NULL);
}

bool worker_report(struct worker *worker, struct mail *mail)
{
    insist(is_control(worker));
    while (mailbox_take(&worker->reports, mail)) {
        if (mail->kind != REPORT_BEAT)
            return true;
        worker->asked = false;
    }
    return false;
}

int worker_eventfd(const struct worker *worker)
{
    return worker->reports.eventfd;
}

bool worker_arm(struct worker *worker)
{
    return mailbox_arm(&worker->reports);
}

void worker_disarm(struct worker *worker)
{
    mailbox_disarm(&worker->reports);
}

void worker_ask_beat(struct worker *worker)
{
    insist(is_control(worker));
    if (!worker->asked)
        post(&worker->orders, ORDER_BEAT, NULL);
    worker->asked = true;
    pulse_ask(&worker->pulse, worker->thread);
}

bool worker_lives(struct worker *worker)
{
    insist(is_control(worker));
    return pulse_beats(&worker->pulse, worker->thread, !worker->asked);
}

int worker_error(const struct worker *worker)
{
    return worker->error;
}

struct shard *worker_shard(struct worker *worker)
{
    return &worker->shard;
}
