/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "daemon/control/models.h"
#include "daemon/control/reload.h"
#include "daemon/models/changes.h"
#include "daemon/models/heaps.h"
#include "daemon/models/kept.h"

#define PATIENCE_NS (500 * NS_PER_MS)

enum phase {
    PHASE_IDLE,
    PHASE_LOADING, /* the loader has it */
    PHASE_USING,   /* the shard has been given it */
    PHASE_KEEPING, /* it serves; the loader keeps it on disk */
};

struct reload {
    struct helper *loader;
    struct helper_job load, keep;
    const struct config_source *source;
    char folder[KEPT_FOLDER_MAX]; /* where sets are kept, */
    int folder_fd;                /* by this process alone; -1: nowhere */
    enum phase phase;
    uint32_t begun, asked;        /* by number: what is under way, or was; what has been asked for, */
    enum loading_kind asked_kind; /* of this kind */
    struct loading loading;
    struct serving *awaited;     /* what the shards are going over to */
    struct model_set *kept;      /* what is kept on disk: held */
    const struct config *config; /* of it: in force */
    uint64_t began_ns, took_ns;
    bool can_roll_back; /* what serves is on disk: the loader's, while that has it */
    struct reload_answer answer;
    struct reload_counts counts;
};

/* ---- the loader's thread ---- */

static void load(struct helper_job *job)
{
    struct reload *reload = (struct reload *)((char *)job - offsetof(struct reload, load));

    loading_give_way();
    loading_run(&reload->loading);
}

static void keep(struct helper_job *job)
{
    struct reload *reload = (struct reload *)((char *)job - offsetof(struct reload, keep));
    struct reason why = { "" };
    int result;

    loading_give_way();
    if (reload->loading.kind == LOADING_BEFORE)
        result = kept_has_gone_back(reload->folder, &why);
    else
        result = kept_serves(reload->folder, reload->config, reload->kept, &why);
    reload->can_roll_back = !result;
    if (result)
        log_warning("there will be no rollback to the models that are served now: %s", why.text);
}

/* ---- beginning and end ---- */

int reload_new(const struct config_source *source, struct reload **out)
{
    struct reload *reload = calloc(1, sizeof *reload);
    int result;

    if (!reload)
        return -ENOMEM;
    reload->source = source;
    reload->load.run = load;
    reload->keep.run = keep;
    result = helper_new("wispd-loader", &reload->loader);
    if (result) {
        free(reload);
        return result;
    }
    reload->folder_fd = kept_open(reload->folder);
    *out = reload;
    return 0;
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
    model_set_release(reload->kept);
    free(reload->answer.text);
    if (reload->folder_fd >= 0)
        close(reload->folder_fd);
    free(reload);
}

/* Where sets are kept; NULL: nowhere, or nobody wants them to be. */
static const char *folder_of(const struct wispd *daemon)
{
    return daemon->reload->folder_fd >= 0 && daemon->config->rollback ? daemon->reload->folder : NULL;
}

void reload_instead(struct wispd *daemon, struct model_set **set)
{
    const char *folder = folder_of(daemon);

    daemon->reload->counts.rolled_back = folder && loading_instead(folder, daemon->config, set);
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
    static const char *const what[] = {
        [LOADING_CONFIGURED] = "reload: reading the configuration, and what has changed",
        [LOADING_BEFORE] = "rollback: reading what was served before",
    };
    struct reload *reload = daemon->reload;

    insist(reload->phase == PHASE_IDLE && !reload->loading.set, "is %d", reload->phase);
    reload->begun++;
    reload->phase = PHASE_LOADING;
    reload->began_ns = clock_ns();
    reload->loading = (struct loading){ .kind = reload->asked_kind,
                                        .folder = folder_of(daemon),
                                        .source = reload->source,
                                        .running = daemon->config,
                                        .before = model_set_hold(daemon->set) };
    log_info("%s", what[reload->asked_kind]);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=loading models",
               (unsigned long long)(reload->began_ns / NS_PER_US));
    helper_ask(reload->loader, &reload->load);
}

int reload_ask(struct wispd *daemon, enum loading_kind kind, struct connection *asker)
{
    struct reload *reload = daemon->reload;

    if (daemon->stopping)
        return WISP_E_SHUTDOWN;
    if (reload->asked != reload->begun && reload->asked_kind != kind)
        return WISP_E_BUSY;
    /* Not by one that has begun: it may have read the files before they changed. */
    reload->asked = reload->begun + 1;
    reload->asked_kind = kind;
    if (asker)
        asker->reload = reload->asked;
    if (reload->phase == PHASE_IDLE)
        begin(daemon);
    return 0;
}

/* Whoever waits for the one that is done is told by reload_take_answer(). */
static void answer(struct wispd *daemon, int status, const char *text)
{
    struct reload *reload = daemon->reload;

    free(reload->answer.text);
    reload->answer = (struct reload_answer){ .number = reload->begun, .status = status, .text = strdup(text) };
}

bool reload_take_answer(struct reload *reload, struct reload_answer *out)
{
    *out = reload->answer;
    reload->answer = (struct reload_answer){ .number = 0 };
    return out->number;
}

static const char *const kind_names[] = { [LOADING_CONFIGURED] = "reload", [LOADING_BEFORE] = "rollback" };

static void say_ready(const struct wispd *daemon, const char *refused)
{
    const char *rolled_back = daemon->reload->counts.rolled_back ? "; those before what is configured" : "";
    const unsigned count = daemon->set->model_count;
    const char *over = loop_name(daemon->loop);

    if (refused)
        sd_notifyf(0, "READY=1\nSTATUS=serving %u model%s over %s; the last %s was refused: %.200s", count,
                   count == 1 ? "" : "s", over, kind_names[daemon->reload->loading.kind], refused);
    else
        sd_notifyf(0, "READY=1\nSTATUS=serving %u model%s over %s%s", count, count == 1 ? "" : "s", over, rolled_back);
}

static void finish(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;
    const bool loaded = reload->loading.before; /* and it was not the start */

    put_down(reload);
    reload->kept = model_set_release(reload->kept);
    if (loaded)
        heaps_trim();
    reload->awaited = NULL;
    reload->phase = PHASE_IDLE;
    if (reload->asked != reload->begun && !daemon->stopping)
        begin(daemon);
}

/* The set serves, and is kept. */
static void finish_good(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;
    char *text;

    if (reload->loading.set) { /* not that of the start, which nobody has asked for */
        text = changes_text(&reload->loading, reload->took_ns, reload->can_roll_back);
        answer(daemon, WISP_OK, text ? text : "{}");
        free(text);
    }
    finish(daemon);
}

static void refuse_it(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;
    const struct loading *loading = &reload->loading;
    const char *text = loading->errors && *loading->errors ? loading->errors : loading->why.text;

    *(loading->kind == LOADING_BEFORE ? &reload->counts.rollbacks_refused : &reload->counts.refused) += 1;
    log_error("%s: refused, the models of before go on: %s", kind_names[loading->kind], loading->why.text);
    say_ready(daemon, loading->why.text);
    answer(daemon, loading->result, text);
    finish(daemon);
}

static void use(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;
    struct loading *loading = &reload->loading;

    insist(!loading->result == !!loading->set, "%d", loading->result);
    if (!loading->result)
        loading->result = models_use(daemon, loading->set, &loading->why);
    if (loading->result) {
        refuse_it(daemon);
        return;
    }
    reload->phase = PHASE_USING;
    reload->awaited = daemon->newest;
}

void reload_loaded(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;

    if (!helper_done(reload->loader))
        return;
    insist(reload->phase == PHASE_LOADING || reload->phase == PHASE_KEEPING, "is %d", reload->phase);
    if (reload->phase == PHASE_LOADING)
        use(daemon);
    else
        finish_good(daemon);
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

/* Has what serves kept on disk, where it is to be; whoever asked is answered after that, so that he may write over the
 * files again. */
static void keep_it(struct wispd *daemon)
{
    struct reload *reload = daemon->reload;

    reload->can_roll_back = false;
    if (!folder_of(daemon)) {
        finish_good(daemon);
        return;
    }
    insist(!reload->kept && (reload->phase == PHASE_USING || reload->phase == PHASE_IDLE), "is %d", reload->phase);
    reload->phase = PHASE_KEEPING;
    reload->kept = model_set_hold(daemon->set);
    reload->config = daemon->config;
    helper_ask(reload->loader, &reload->keep);
}

void reload_started(struct wispd *daemon)
{
    heaps_shrink();
    if (!daemon->reload->counts.rolled_back) /* it is there already */
        keep_it(daemon);
}

void reload_in_use(struct wispd *daemon, const struct serving *serving)
{
    struct reload *reload = daemon->reload;
    struct loading *loading;

    if (!reload || serving != reload->awaited)
        return;
    insist(reload->phase == PHASE_USING, "is %d", reload->phase);
    loading = &reload->loading;
    reload->counts.done++;
    reload->counts.rolled_back = loading->kind == LOADING_BEFORE;
    reload->took_ns = clock_ns() - reload->began_ns;
    adopt(daemon, &loading->config);
    changes_log(loading, reload->took_ns);
    say_ready(daemon, NULL);
    reload->awaited = NULL;
    keep_it(daemon);
}
