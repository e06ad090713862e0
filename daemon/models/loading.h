/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a set of models beside the one that serves: the configuration read again, every model of it, or all that is
 * wrong with them (docs/design/reload.md).
 *
 * On a thread of its own, one at a time. What it is given stays as it is meanwhile.
 */
#ifndef DAEMON_MODELS_LOADING_H
#define DAEMON_MODELS_LOADING_H

#include "daemon/models/set.h"

/* Where configurations come from. */
struct config_source {
    /* Into one that config_init() has made, with `errors` as config_read() has them. */
    int (*read)(const void *argument, struct config *config, FILE *errors, struct reason *why);
    const void *argument;
};

enum loading_kind { LOADING_CONFIGURED, LOADING_BEFORE };

struct loading {
    /* given: */
    enum loading_kind kind;
    const char *folder; /* where sets are kept (kept.h); NULL: nowhere */
    const struct config_source *source;
    const struct config *running;
    const struct model_set *before; /* that serves: whoever asks holds it */
    /* made: */
    struct config config;  /* as it will be in force */
    char *restart;         /* keys that a start alone can change, a line each */
    struct model_set *set; /* held; NULL: it failed, */
    int result;            /* with this, */
    struct reason why;
    char *errors; /* and a line for each thing that is wrong; "" or NULL: the reason says it */
};

/* This thread gives way to all others from now on. It is so for ever. */
void loading_give_way(void);

void loading_run(struct loading *loading);

/* At a start, with what was configured and loaded. Where that was rolled back from, configuration and set become what
 * was gone back to, and it says so. */
bool loading_instead(const char *folder, struct config *config, struct model_set **set);

/* Frees what was made, but for the set, which is for whoever counts (set.h). */
void loading_deinit(struct loading *loading);

#endif
