/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/control/accept.h"
#include "daemon/control/attach.h"
#include "daemon/control/channels.h"
#include "daemon/control/events.h"
#include "daemon/control/handshake.h"
#include "daemon/control/keep.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/questions.h"
#include "daemon/control/reload.h"
#include "daemon/control/shards.h"
#include "daemon/control/stop.h"

enum { EVENTS = 64 };

#define LOOK_NS (20 * NS_PER_MS) /* after a thread was asked for a sign of life */

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
        if (daemon->reload)
            (void)reload_ask(daemon, LOADING_CONFIGURED, NULL);
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

/* The watchdog of systemd hears from us as long as every thread that clients wait for comes round. Not that of the log:
 * whoever does not read it is not to have us restarted. They are asked, and looked at a moment later: what it hears is
 * never older than that moment, so that it counts from when a thread has stopped. */
static void watchdog_ask(struct wispd *daemon, uint64_t now_ns)
{
    daemon->asked_ns = now_ns;
    helper_ask_beat(daemon->helper);
    shards_ask_beat(daemon);
}

/* Whether all have answered, and it has been told. Whoever has not by the next time is stuck. */
static bool watchdog_tell(struct wispd *daemon, bool late)
{
    static const char then[] = "until it comes round, the watchdog is not told that all is well";
    const bool helper = helper_lives(daemon->helper);
    const uint32_t shard = shards_find_stuck(daemon);
    const bool all = helper && shard == daemon->shards;

    if (all)
        sd_notify(0, "WATCHDOG=1");
    else if (late && !daemon->stuck && !helper)
        log_error("wispd-helper is stuck: %s", then);
    else if (late && !daemon->stuck)
        log_error("wispd-shard of shard %u is stuck: %s", shard, then);
    daemon->stuck = !all && (late || daemon->stuck);
    return all;
}

static int on_watchdog(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    const uint64_t now = clock_ns(), again = daemon->asked_ns + daemon->watchdog_ns;
    uint64_t next = now + MIN(LOOK_NS, daemon->watchdog_ns / 4);

    (void)connection, (void)event;
    if (daemon->asked_ns && watchdog_tell(daemon, now >= again)) {
        daemon->asked_ns = 0;
        next = again;
    } else if (!daemon->asked_ns || now >= again) {
        watchdog_ask(daemon, now);
    }
    return loop_timer(daemon->loop, next, event_token(EVENT_WATCHDOG, NULL));
}

static int on_helper(struct wispd *daemon, struct connection *none, const struct loop_event *event)
{
    struct helper_job *job;

    (void)none, (void)event;
    while ((job = helper_done(daemon->helper))) {
        struct connection *connection = connection_of_job(job);

        insist(connection->job_out && (connection->state == CONNECTION_MAKING || connection->state == CONNECTION_DEAD ||
                                       connection->state == CONNECTION_OPEN),
               "is %d", connection->state);
        connection->job_out = false;
        if (connection->state == CONNECTION_MAKING)
            handshake_finish(daemon, connection);
        else
            channels_retire(daemon, connection);
    }
    return 0;
}

static int on_attacher(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection, (void)event;
    attachers_ready(daemon);
    return 0;
}

static int on_loaded(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection, (void)event;
    reload_loaded(daemon);
    questions_answer_reload(daemon);
    return 0;
}

/* What has come is taken after every look at the events. */
static int on_reports(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)daemon, (void)connection, (void)event;
    return 0;
}

static int on_stop_now(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)connection, (void)event;
    stop_now(daemon);
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

static int on_keep(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    (void)event;
    (void)keep_channel(daemon, connection);
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
    [EVENT_REPORTS] = { on_reports, false },
    [EVENT_LOADED] = { on_loaded, false },
    [EVENT_STOP_NOW] = { on_stop_now, false },
    [EVENT_SOCKET] = { on_socket, true },
    [EVENT_QUESTION] = { on_question, true },
    [EVENT_KEEP] = { on_keep, true },
    [EVENT_GONE] = { on_gone, true },
    [EVENT_ATTACHER] = { on_attacher, false },
    [EVENT_HELLO_DUE] = { on_hello_due, true },
    [EVENT_HELLO_LATE] = { on_hello_late, true },
};

int events_handle(struct wispd *daemon, uint64_t until_ns)
{
    struct loop_event events[EVENTS];
    int count = loop_wait(daemon->loop, events, EVENTS, until_ns);
    int result = count < 0 ? count : 0;

    for (int i = 0; !result && i < count; i++) {
        uint64_t token = events[i].token;
        enum event_kind kind = (enum event_kind)(token >> 56);
        struct connection *connection = NULL;

        insist(kind < EVENT_KINDS && handlers[kind].handle, "%d", kind);
        if (handlers[kind].of_channel) {
            connection = connection_find(&daemon->table, (uint32_t)(token >> 32 & 0xffffff), (uint32_t)token);
            if (!connection)
                continue;
        }
        result = handlers[kind].handle(daemon, connection, &events[i]);
    }
    return result;
}
