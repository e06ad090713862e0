/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/log.h"
#include "daemon/models/kept.h"
#include "daemon/models/loading.h"

enum { NICEST = 19 };

void loading_give_way(void)
{
    const struct sched_param none = { .sched_priority = 0 };

    /* Of this thread, as Linux has it. Where a filter forbids it the load of others is felt, and all is right. */
    if (sched_setscheduler(0, SCHED_BATCH, &none) || setpriority(PRIO_PROCESS, 0, NICEST))
        log_debug("loading goes on at the priority of requests: %m");
}

/* What is said of models comes from there, and all else from what is running. */
static int take_models(struct config *config, struct config *from, const struct config *running)
{
    int result = config_keep(from, running, NULL);

    if (result)
        return result;
    from->log_level = running->log_level;
    from->cache = running->cache;
    from->tune = running->tune;
    from->rollback = running->rollback;
    config_deinit(config);
    *config = *from;
    *from = (struct config){ .file = NULL };
    return 0;
}

/* A set that was kept. */
static int read_kept(const char *path, struct config *config, const struct config *running, struct reason *why)
{
    struct config kept;
    int result = config_init(&kept);

    if (result)
        return refuse_errno(why, result, "configuration");
    result = config_read(path, &kept, NULL, why);
    if (!result && (result = take_models(config, &kept, running)))
        (void)refuse_errno(why, result, "configuration");
    config_deinit(&kept);
    return result;
}

static int read_before(struct loading *loading)
{
    char path[KEPT_FOLDER_MAX];

    if (!loading->folder)
        return refuse(&loading->why, WISP_E_NO_MODEL,
                      "nothing is kept to go back to: wispd keeps it in $STATE_DIRECTORY, or wisp in $XDG_STATE_HOME, "
                      "unless the configuration says `rollback: false`");
    if (!kept_before(loading->folder, path))
        return refuse(&loading->why, WISP_E_NO_MODEL, "there is no set of models before this one to go back to");
    return read_kept(path, &loading->config, loading->running, &loading->why);
}

static int read_configured(struct loading *loading, FILE *errors, FILE *restart)
{
    int result = loading->source->read(loading->source->argument, &loading->config, errors, &loading->why);

    if (result)
        return result;
    result = config_keep(&loading->config, loading->running, restart);
    return result ? refuse_errno(&loading->why, result, "configuration") : 0;
}

static int load(struct loading *loading, FILE *errors, FILE *restart)
{
    int result = config_init(&loading->config);

    if (result)
        return refuse_errno(&loading->why, result, "configuration");
    result = loading->kind == LOADING_BEFORE ? read_before(loading) : read_configured(loading, errors, restart);
    return result ? result : model_set_load(&loading->config, loading->before, errors, &loading->set, &loading->why);
}

void loading_run(struct loading *loading)
{
    size_t errors_size, restart_size;
    FILE *errors = open_memstream(&loading->errors, &errors_size);
    FILE *restart = open_memstream(&loading->restart, &restart_size);

    insist(!loading->set && loading->before);

    if (errors && restart)
        loading->result = load(loading, errors, restart);
    else
        loading->result = refuse_errno(&loading->why, -ENOMEM, "configuration");
    if (errors)
        (void)fclose(errors); /* what there was no memory for is not told */
    if (restart)
        (void)fclose(restart);
}

/* Loads the set at `path`, which shares what it can with the one that is there, and takes its place. */
static int exchange(const char *path, struct config *config, struct model_set **set, struct reason *why)
{
    struct config kept = { .file = NULL };
    struct model_set *other = NULL;
    int result = read_kept(path, &kept, config, why);

    if (!result)
        result = model_set_load(&kept, *set, NULL, &other, why);
    if (!result) {
        const struct config configured = *config;

        *config = kept;
        kept = configured;
        model_set_release(*set);
        *set = other;
    }
    config_deinit(&kept);
    return result;
}

bool loading_instead(const char *folder, struct config *config, struct model_set **set)
{
    cleanup_free char *text = NULL;
    char path[KEPT_FOLDER_MAX];
    struct reason why = { "" };

    if (kept_text(folder, config, *set, &text) || !kept_instead(folder, text, path))
        return false;
    if (exchange(path, config, set, &why)) {
        log_error("the configured models were rolled back from, but what was gone back to cannot be served: %s",
                  why.text);
        return false;
    }
    log_warning("the configured models were rolled back from: serving those before; `wisp reload` serves what is "
                "configured");
    return true;
}

void loading_deinit(struct loading *loading)
{
    config_deinit(&loading->config);
    free(loading->restart);
    free(loading->errors);
    *loading = (struct loading){ .set = NULL };
}
