/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/control/accept.h"
#include "daemon/control/channels.h"
#include "daemon/control/doorbell.h"
#include "daemon/control/handshake.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/questions.h"
#include "daemon/control/room.h"
#include "daemon/control/stop.h"
#include "daemon/control/wispd.h"
#include "daemon/shard/pass.h"
#include "daemon/shard/spin.h"
#include "libipc/wake.h"

enum { EVENTS = 64, WATCHES_PER_CHANNEL = 3 };

/* ---- from nothing to listening, and back ---- */

static int loop_open(struct wispd *daemon, struct reason *why)
{
    static const enum loop_kind kinds[] = {
        [CONFIG_LOOP_AUTO] = LOOP_AUTO, [CONFIG_LOOP_URING] = LOOP_URING, [CONFIG_LOOP_EPOLL] = LOOP_EPOLL
    };
    struct reason fallback = { "" };
    int result = loop_new(kinds[daemon->config->loop], WATCHES_PER_CHANNEL * daemon->table.capacity, &daemon->loop,
                          &fallback, why);

    if (!result && fallback.text[0])
        log_notice("event loop: epoll, because io_uring is not to be had (%s)", fallback.text);
    return result;
}

/* What the hard limit allows is taken; what it does not is said. */
static void raise_descriptor_limit(const struct config *config)
{
    rlim_t wanted = room_descriptors(config);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = MIN(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
        log_warning(
            "%u channels need up to %llu open files, the limit is %llu: raise LimitNOFILE= or lower limits.channels",
            config->limits.channels, (unsigned long long)wanted, (unsigned long long)limit.rlim_cur);
}

static uint64_t epoch_make(void)
{
    uint64_t epoch = 0;

    if (getrandom(&epoch, sizeof epoch, GRND_NONBLOCK) != sizeof epoch || !epoch)
        epoch = clock_ns() | 1;
    return epoch;
}

static int wispd_init(struct wispd *daemon, struct reason *why)
{
    const struct config *config = daemon->config;
    uint32_t capacity = room_connections(config);
    int result = model_set_load(config, NULL, &daemon->set, why);

    if (result)
        return result;
    result = channel_memory_try(why);
    if (result)
        return result;
    raise_descriptor_limit(config);
    room_offer(daemon);
    result = users_init(&daemon->users, capacity, config->limits.channels_per_user, config->limits.memory_per_user);
    if (!result)
        result = connection_table_init(&daemon->table, capacity);
    if (!result)
        result = shard_init(&daemon->shard, capacity);
    if (!result)
        result = queue_set_new(daemon->set, &daemon->queues);
    if (!result)
        shard_use(&daemon->shard, daemon->queues);
    if (!result)
        result = helper_new(&daemon->helper);
    if (result)
        return refuse_errno(why, result, "starting");
    result = loop_open(daemon, why);
    if (result)
        return result;
    return listener_open(&daemon->listener, config->socket, config->socket_mode, why);
}

int wispd_new(const struct config *config, struct wispd **out, struct reason *why)
{
    struct wispd *daemon = calloc(1, sizeof *daemon);
    int result;

    if (!daemon)
        return refuse_errno(why, -ENOMEM, "starting");
    daemon->config = config;
    daemon->listener = LISTENER_NULL;
    daemon->signals = -1;
    daemon->epoch = epoch_make();
    daemon->started_ns = clock_ns();
    daemon->spin_ns = spin_choose(config->spin_ns);
    result = wispd_init(daemon, why);
    if (result) {
        wispd_free(daemon);
        return result;
    }
    *out = daemon;
    return 0;
}

struct wispd *wispd_free(struct wispd *daemon)
{
    if (!daemon)
        return NULL;
    channels_end(daemon);
    listener_close(&daemon->listener);
    loop_free(daemon->loop);
    queue_set_free(daemon->queues);
    shard_deinit(&daemon->shard);
    connection_table_deinit(&daemon->table);
    users_deinit(&daemon->users);
    model_set_release(daemon->set);
    free(daemon);
    return NULL;
}

/* ---- events ---- */

static int on_listener(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection;
    return accept_ready(daemon, event);
}

static int on_accept_again(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection, (void)event;
    return accept_begin(daemon);
}

/* One step towards debugging, and back to what was configured. */
static void set_log_level(enum log_level level)
{
    log_set_level(level);
    log_at(MIN(level, LOG_LEVEL_NOTICE), "the log level is now %s", log_level_name(level));
}

static void take_signal(struct wispd *daemon, uint32_t signal)
{
    switch (signal) {
    case SIGHUP:
        log_warning("SIGHUP: the configuration is read at start only; use systemctl restart wispd");
        break;
    case SIGUSR1:
        set_log_level(MIN(log_get_level() + 1, (unsigned)LOG_LEVEL_DEBUG));
        break;
    case SIGUSR2:
        set_log_level(daemon->config->log_level);
        break;
    default:
        stop_begin(daemon);
    }
}

static int on_signal(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    struct signalfd_siginfo info;

    (void)connection, (void)event;
    while (read(daemon->signals, &info, sizeof info) == sizeof info)
        take_signal(daemon, info.ssi_signo);
    return loop_ready(daemon->loop, daemon->signals, POLLIN, event_token(EVENT_SIGNAL, NULL));
}

static int on_watchdog(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection, (void)event;
    /* For every thread that clients wait for. Not for the log's: whoever does not read it is not to have us restarted.
     */
    bool lives = helper_lives(daemon->helper);

    if (lives)
        sd_notify(0, "WATCHDOG=1");
    else if (!daemon->stuck)
        log_error("the helper is stuck: until it comes round, the watchdog is not told that all is well");
    daemon->stuck = !lives;
    return loop_timer(daemon->loop, clock_ns() + daemon->watchdog_ns, event_token(EVENT_WATCHDOG, NULL));
}

static int on_helper(struct wispd *daemon, struct connection *none, const struct loop_event *event)
{
    struct helper_job *job;

    (void)none, (void)event;
    while ((job = helper_done(daemon->helper))) {
        struct connection *connection = connection_of_job(job);

        connection->job_out = false;
        if (connection->state == CONNECTION_MAKING)
            handshake_finish(daemon, connection);
        else
            channels_retire(daemon, connection);
    }
    return 0;
}

static int on_stop_now(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection, (void)event;
    log_warning("stopping with %llu requests unanswered", (unsigned long long)daemon->shard.under_way);
    daemon->done = true;
    return 0;
}

static int on_socket(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    if (connection->state == CONNECTION_PENDING)
        handshake_ready(daemon, connection);
    else
        questions_ready(daemon, connection, event);
    return 0;
}

static int on_question(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)event;
    questions_answer(daemon, connection);
    return 0;
}

static int on_gone(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)event;
    log_limited(connection, LOG_LEVEL_DEBUG, "its process has ended");
    channels_hang_up(daemon, connection);
    return 0;
}

static int on_hello_due(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)event;
    if (connection->state == CONNECTION_PENDING)
        handshake_ready(daemon, connection);
    return 0;
}

static int on_hello_late(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)event;
    if (connection->state == CONNECTION_PENDING)
        channels_hang_up(daemon, connection);
    return 0;
}

static int on_doorbell(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    doorbell_arrived(daemon, connection, event);
    return 0;
}

static int on_doorbell_again(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)event;
    doorbell_again(daemon, connection);
    return 0;
}

/* What a handler returns ends the daemon: it would be deaf from here on. */
static const struct {
    int (*handle)(struct wispd *daemon, struct connection *connection, const struct loop_event *event);
    bool of_channel;
} handlers[EVENT_KINDS] = {
    [EVENT_LISTENER] = { on_listener, false },
    [EVENT_ACCEPT_AGAIN] = { on_accept_again, false },
    [EVENT_SIGNAL] = { on_signal, false },
    [EVENT_WATCHDOG] = { on_watchdog, false },
    [EVENT_HELPER] = { on_helper, false },
    [EVENT_STOP_NOW] = { on_stop_now, false },
    [EVENT_SOCKET] = { on_socket, true },
    [EVENT_DOORBELL] = { on_doorbell, true },
    [EVENT_QUESTION] = { on_question, true },
    [EVENT_GONE] = { on_gone, true },
    [EVENT_HELLO_DUE] = { on_hello_due, true },
    [EVENT_HELLO_LATE] = { on_hello_late, true },
    [EVENT_DOORBELL_AGAIN] = { on_doorbell_again, true },
};

static int handle_events(struct wispd *daemon, uint64_t until_ns)
{
    struct loop_event events[EVENTS];
    int count = loop_wait(daemon->loop, events, EVENTS, until_ns);
    int result = count < 0 ? count : 0;

    for (int i = 0; !result && i < count; i++) {
        uint64_t token = events[i].token;
        enum event_kind kind = (enum event_kind)(token >> 56);
        struct connection *connection = NULL;

        if (handlers[kind].of_channel) {
            connection = connection_find(&daemon->table, (uint32_t)(token >> 32 & 0xffffff), (uint32_t)token);
            if (!connection)
                continue;
        }
        result = handlers[kind].handle(daemon, connection, &events[i]);
    }
    return result;
}

/* ---- the main loop ---- */

/* Channels that broke the protocol are closed. */
static void look_after(struct wispd *daemon)
{
    struct channel *channel;

    while ((channel = shard_take_broken(&daemon->shard))) {
        struct connection *connection = connection_of(channel);

        log_limited(connection, LOG_LEVEL_NOTICE, "%s: closed", channel->broken);
        channels_hang_up(daemon, connection);
    }
}

static int begin(struct wispd *daemon, int signals)
{
    uint64_t watchdog_us = 0;
    int result;

    daemon->signals = signals;
    result = loop_ready(daemon->loop, signals, POLLIN, event_token(EVENT_SIGNAL, NULL));
    if (!result)
        result = loop_edge(daemon->loop, helper_eventfd(daemon->helper), event_token(EVENT_HELPER, NULL));
    if (!result)
        result = accept_begin(daemon);
    if (!result && sd_watchdog_enabled(0, &watchdog_us) > 0) {
        daemon->watchdog_ns = watchdog_us * NS_PER_US / 3;
        result = loop_timer(daemon->loop, clock_ns(), event_token(EVENT_WATCHDOG, NULL));
    }
    if (result)
        return result;
    log_info("serving %u model%s on %s: event loop %s, kernels %s, looks for %llu us before it sleeps",
             daemon->set->model_count, daemon->set->model_count == 1 ? "" : "s",
             daemon->listener.path ? daemon->listener.path : "a socket from systemd", loop_name(daemon->loop),
             daemon->set->kernels->name, (unsigned long long)(daemon->spin_ns / NS_PER_US));
    sd_notifyf(0, "READY=1\nSTATUS=serving %u model%s over %s", daemon->set->model_count,
               daemon->set->model_count == 1 ? "" : "s", loop_name(daemon->loop));
    return 0;
}

int wispd_run(struct wispd *daemon, int signals)
{
    uint64_t idle_since = 0; /* 0: at work */
    int result = begin(daemon, signals);

    while (!result && !daemon->done) {
        uint64_t now = clock_ns();
        uint64_t until = LOOP_FOREVER;
        bool worked = shard_turn(&daemon->shard, now);

        if (worked)
            idle_since = 0;
        else if (!idle_since)
            idle_since = now;
        if (daemon->shard.broken)
            look_after(daemon);
        if (daemon->stopping)
            stop_continue(daemon, worked);
        if (loop_pending(daemon->loop, now))
            result = handle_events(daemon, 0);
        else if (!worked && now - idle_since < daemon->spin_ns && daemon->shard.active_count)
            wake_pause();
        else if (!worked && !daemon->done && shard_arm(&daemon->shard, now, &until))
            result = handle_events(daemon, until);
    }
    return result;
}
