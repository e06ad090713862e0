/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "daemon/models/loading.h"

enum { NICEST = 19 };

void loading_give_way(void)
{
    const struct sched_param none = { .sched_priority = 0 };

    /* Of this thread, as Linux has it. Where a filter forbids it the load of others is felt, and all is right. */
    if (sched_setscheduler(0, SCHED_BATCH, &none) || setpriority(PRIO_PROCESS, 0, NICEST))
        log_debug("loading goes on at the priority of requests: %m");
}

static int configure(struct loading *loading, FILE *errors, FILE *kept)
{
    int result = config_init(&loading->config);

    if (result)
        return refuse_errno(&loading->why, result, "configuration");
    result = loading->source->read(loading->source->argument, &loading->config, errors, &loading->why);
    if (result)
        return result;
    result = config_keep(&loading->config, loading->running, kept);
    return result ? refuse_errno(&loading->why, result, "configuration") : 0;
}

void loading_run(struct loading *loading)
{
    size_t errors_size, kept_size;
    FILE *errors = open_memstream(&loading->errors, &errors_size);
    FILE *kept = open_memstream(&loading->kept, &kept_size);

    if (errors && kept)
        loading->result = configure(loading, errors, kept);
    else
        loading->result = refuse_errno(&loading->why, -ENOMEM, "configuration");
    if (!loading->result)
        loading->result = model_set_load(&loading->config, loading->before, errors, &loading->set, &loading->why);
    if (errors)
        (void)fclose(errors); /* what there was no memory for is not told */
    if (kept)
        (void)fclose(kept);
}

void loading_deinit(struct loading *loading)
{
    config_deinit(&loading->config);
    free(loading->kept);
    free(loading->errors);
    *loading = (struct loading){ .set = NULL };
}
