/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/control/models.h"
#include "daemon/control/questions.h"
#include "daemon/control/reload.h"
#include "daemon/models/changes.h"

#define PATIENCE_NS (500 * NS_PER_MS)

struct reload {
    struct helper *loader;
    struct helper_job job;
    const struct config_source *source;
    struct loading loading;
    struct queue_set *awaited; /* that the shard has been given; NULL: none */
    uint32_t begun, asked;     /* by number: what is under way, and what has been asked for */
    bool under_way;            /* from its beginning until the shard has gone over, or it has been refused */
    uint64_t began_ns;
    struct reload_counts counts;
};

static void load(struct helper_job *job)
{
    struct reload *reload = (struct reload *)((char *)job - offsetof(struct reload, job));

    loading_give_way();
    loading_run(&reload->loading);
}

int reload_new(const struct config_source *source, struct reload **out)
{
    struct reload *reload = calloc(1, sizeof *reload);
    int result;

    if (!reload)
        return -ENOMEM;
    reload->source = source;
    reload->job.run = load;
    result = helper_new("wispd-loader", &reload->loader);
    if (result)
        free(reload);
    else
        *out = reload;
    return result;
}

/* Lets go of what was loaded, whether or not it serves. */
static void put_down(struct reload *reload)
{
    model_set_release(reload->loading.set);
    model_set_release((struct model_set *)reload->loading.before);
    loading_deinit(&reload->loading);
}

void reload_end(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;

    daemon->reload = NULL;
    if (!reload || !helper_end(reload->loader, PATIENCE_NS))
        return; /* what it works on stays, until the process goes */
    put_down(reload);
    free(reload);
}

int reload_eventfd(const struct reload *reload)
{
    return helper_eventfd(reload->loader);
}

bool reload_may(const struct connection *connection)
{
    return !connection->uid || connection->uid == geteuid();
}

struct reload_counts reload_counts(const struct reload *reload)
{
    return reload->counts;
}

/* ---- one after the other ---- */

static void begin(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;

    reload->begun++;
    reload->under_way = true;
    reload->began_ns = clock_ns();
    reload->loading =
        (struct loading){ .source = reload->source, .running = daemon->config, .before = model_set_hold(daemon->set) };
    log_info("reload: reading the configuration, and what has changed");
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=loading models",
               (unsigned long long)(reload->began_ns / NS_PER_US));
    helper_ask(reload->loader, &reload->job);
}

void reload_ask(struct wispd *daemon, struct connection *asker)
{
    struct reload *reload = daemon->reload;

    if (daemon->stopping)
        return;
    /* Not by one that has begun: it may have read the files before they changed. */
    reload->asked = reload->begun + 1;
    if (asker)
        asker->reload = reload->asked;
    if (!reload->under_way)
        begin(daemon);
}

/* Whoever waits for the one that is done. */
static void answer(struct wispd *daemon, int status, const char *text)
{
    const uint32_t number = daemon->reload->begun;

    for (uint32_t i = 0; i < daemon->table.capacity; i++) {
        struct connection *connection = &daemon->table.connections[i];

        if (connection->reload != number)
            continue;
        connection->reload = 0;
        questions_answer_late(daemon, connection, status, strdup(text));
    }
}

static void say_ready(const struct wispd *daemon, const char *refused)
{
    sd_notifyf(0, "READY=1\nSTATUS=serving %u model%s over %s%s%.200s", daemon->set->model_count,
               daemon->set->model_count == 1 ? "" : "s", loop_name(daemon->loop),
               refused ? "; the last reload was refused: " : "", refused ? refused : "");
}

static void finish(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;

    put_down(reload);
    reload->awaited = NULL;
    reload->under_way = false;
    if (reload->asked != reload->begun && !daemon->stopping)
        begin(daemon);
}

static void refuse_it(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;
    const struct loading *loading = &reload->loading;
    const char *text = loading->errors && *loading->errors ? loading->errors : loading->why.text;

    reload->counts.refused++;
    log_error("reload: refused, the models of before go on: %s", loading->why.text);
    say_ready(daemon, loading->why.text);
    answer(daemon, loading->result, text);
    finish(daemon);
}

void reload_loaded(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;
    struct loading *loading = &reload->loading;

    if (!helper_done(reload->loader))
        return;
    if (!loading->result)
        loading->result = models_use(daemon, loading->set, &loading->why);
    if (loading->result)
        refuse_it(daemon);
    else
        reload->awaited = daemon->queues; /* the newest */
}

/* What is in force from now on, in the place that everybody knows. */
static void adopt(struct wispd *daemon, struct config *fresh)
{
    const struct config before = *daemon->config;

    *daemon->config = *fresh;
    *fresh = before;
    if (daemon->config->log_level != before.log_level)
        log_set_level(daemon->config->log_level);
}

void reload_in_use(struct wispd *daemon, const struct queue_set *queues)
{
    struct reload *reload = daemon->reload;
    struct loading *loading;
    char *text;

    if (!reload || queues != reload->awaited)
        return;
    loading = &reload->loading;
    reload->counts.done++;
    adopt(daemon, &loading->config);
    text = changes_text(loading, clock_ns() - reload->began_ns);
    changes_log(loading, clock_ns() - reload->began_ns);
    say_ready(daemon, NULL);
    answer(daemon, WISP_OK, text ? text : "{}");
    free(text);
    finish(daemon);
}
