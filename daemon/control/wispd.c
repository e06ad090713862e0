/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/control/accept.h"
#include "daemon/control/channels.h"
#include "daemon/control/events.h"
#include "daemon/control/keep.h"
#include "daemon/control/models.h"
#include "daemon/control/reload.h"
#include "daemon/control/reports.h"
#include "daemon/control/resume.h"
#include "daemon/control/room.h"
#include "daemon/control/shards.h"
#include "daemon/control/wispd.h"
#include "daemon/service/processors.h"
#include "daemon/service/spin.h"

enum { WATCHES_PER_CHANNEL = 2 };

/* ---- from nothing to listening, and back ---- */

_Static_assert((int)CONFIG_LOOP_AUTO == LOOP_AUTO && (int)CONFIG_LOOP_URING == LOOP_URING &&
                   (int)CONFIG_LOOP_EPOLL == LOOP_EPOLL,
               "the configuration names the loops that there are, in their order");

/* The control thread's, and each shard's with its thread. */
static int loops_open(struct wispd *daemon, struct reason *why)
{
    const struct worker_setup setup = { .loop = (enum loop_kind)daemon->config->loop,
                                        .channels = daemon->table.capacity,
                                        .shards = daemon->config->shards,
                                        .threads = daemon->config->threads,
                                        .spin_ns = daemon->spin_ns,
                                        .crowded =
                                            processors_are_taken(daemon->config->shards * daemon->config->threads) };
    struct reason fallback = { "" };
    int result = loop_new(setup.loop, WATCHES_PER_CHANNEL * setup.channels, &daemon->loop, &fallback, why);

    if (!result && fallback.text[0])
        log_notice("event loop: epoll, because io_uring is not to be had (%s)", fallback.text);
    return result ? result : shards_start(daemon, &setup, why);
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

static int parts_make(struct wispd *daemon, struct reason *why)
{
    const struct config *config = daemon->config;
    uint32_t capacity = room_connections(config);
    int result = channel_memory_try(why);

    if (result)
        return result;
    raise_descriptor_limit(config);
    result = users_init(&daemon->users, capacity, config->limits.channels_per_user, config->limits.memory_per_user);
    if (!result)
        result = connection_table_init(&daemon->table, capacity, config->shards);
    if (result)
        return refuse_errno(why, result, "starting");
    result = helper_new("wispd-helper", &daemon->helper);
    return result ? refuse_thread(why, result, "the helper's thread") : loops_open(daemon, why);
}

/* The first set, with the numbers of the last one of a daemon before. */
static int load_first(struct wispd *daemon, struct model_set **set, struct reason *why)
{
    struct model_set before = { .holders = 1 };
    bool known = resume_routes(daemon, &before.routes);
    int result = model_set_load(daemon->config, known ? &before : NULL, NULL, set, why);

    routes_deinit(&before.routes);
    return result;
}

static int wispd_init(struct wispd *daemon, const struct config_source *source, struct reason *why)
{
    const struct config *config = daemon->config;
    struct model_set *set = NULL;
    int result = passed_take(&daemon->passed, why);

    keep_begin(daemon);
    if (!result)
        result = load_first(daemon, &set, why);
    if (!result && source && (result = reload_new(source, &daemon->reload)))
        (void)refuse_thread(why, result, "the loader's thread");
    if (!result && source)
        reload_instead(daemon, &set);
    if (!result)
        result = parts_make(daemon, why);
    if (!result)
        result = models_use(daemon, set, why);
    model_set_release(set); /* the daemon holds it */
    return result ? result
                  : listener_open(&daemon->listener, &daemon->passed, config->socket, config->socket_mode, why);
}

int wispd_new(struct config *config, const struct config_source *source, struct wispd **out, struct reason *why)
{
    struct wispd *daemon = calloc(1, sizeof *daemon);
    int result;

    if (!daemon)
        return refuse_errno(why, -ENOMEM, "starting");
    daemon->config = config;
    daemon->listener = LISTENER_NULL;
    daemon->passed = PASSED_NULL;
    daemon->signals = -1;
    daemon->epoch = epoch_make();
    daemon->started_ns = clock_ns();
    daemon->spin_ns = spin_choose(config->spin_ns, config->shards * config->threads);
    result = wispd_init(daemon, source, why);
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
    reload_end(daemon);
    channels_end(daemon);
    listener_close(&daemon->listener);
    shards_free(daemon);
    models_end(daemon);
    loop_free(daemon->loop);
    connection_table_deinit(&daemon->table);
    users_deinit(&daemon->users);
    passed_deinit(&daemon->passed);
    free(daemon);
    return NULL;
}

/* ---- the main loop ---- */

static int begin(struct wispd *daemon, int signals)
{
    uint64_t watchdog_us = 0;
    int result;

    daemon->signals = signals;
    result = loop_ready(daemon->loop, signals, POLLIN, event_token(EVENT_SIGNAL, NULL));
    if (!result)
        result = loop_edge(daemon->loop, helper_eventfd(daemon->helper), event_token(EVENT_HELPER, NULL));
    if (!result && daemon->reload)
        result = loop_edge(daemon->loop, reload_eventfd(daemon->reload), event_token(EVENT_LOADED, NULL));
    if (!result)
        result = shards_listen(daemon);
    if (!result)
        resume_channels(daemon);
    if (!result)
        result = accept_begin(daemon);
    if (!result && sd_watchdog_enabled(0, &watchdog_us) > 0) {
        daemon->watchdog_ns = watchdog_us * NS_PER_US / 3;
        result = loop_timer(daemon->loop, clock_ns(), event_token(EVENT_WATCHDOG, NULL));
    }
    if (result)
        return result;
    log_info("serving %u model%s on %s: event loop %s, kernels %s, %u shard%s of %u thread%s, looks for %llu us before "
             "it sleeps",
             daemon->set->model_count, daemon->set->model_count == 1 ? "" : "s",
             daemon->listener.path ? daemon->listener.path : "a socket from systemd", loop_name(daemon->loop),
             daemon->set->kernels->name, daemon->shards, daemon->shards == 1 ? "" : "s", daemon->config->threads,
             daemon->config->threads == 1 ? "" : "s", (unsigned long long)(daemon->spin_ns / NS_PER_US));
    sd_notifyf(0, "READY=1\nSTATUS=serving %u model%s over %s", daemon->set->model_count,
               daemon->set->model_count == 1 ? "" : "s", loop_name(daemon->loop));
    if (daemon->reload)
        reload_started(daemon);
    return 0;
}

int wispd_run(struct wispd *daemon, int signals)
{
    int result = begin(daemon, signals);

    insist(!daemon->drained);
    while (!result && !daemon->done) {
        result = reports_take(daemon);
        if (!result && !daemon->done && shards_arm(daemon))
            result = events_handle(daemon, LOOP_FOREVER);
        shards_disarm(daemon);
    }
    return result;
}
