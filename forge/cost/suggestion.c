/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "forge/cost/suggestion.h"

/* The sparsest that is good enough, and the best of all. */
static void search(const struct history *history, const char *hash, double accuracy, const struct store_record **chosen,
                   const struct store_record **best)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct store_record *r = &history->records[i];

        if (strcmp(r->hash, hash) != 0 || r->accuracy < 0)
            continue;
        if (!*best || r->accuracy > (*best)->accuracy)
            *best = r;
        if (r->accuracy >= accuracy && (!*chosen || r->density < (*chosen)->density))
            *chosen = r;
    }
}

int suggestion_find(const struct structure *structure, double accuracy, const char *database, struct store_record *out,
                    struct reason *why)
{
    const struct store_record *chosen = NULL, *best = NULL;
    char hash[STORE_HASH_MAX];
    struct history history;
    int result = history_read(database, STORE_TRAINED, &history, why);

    if (result)
        return result;
    history_hash(structure, hash);
    search(&history, hash, accuracy, &chosen, &best);
    if (chosen)
        *out = *chosen;
    else if (best)
        result = refuse(why, WISP_E_INVALID,
                        "no network of this structure reached %.2f %% here; the best, %.6g %% sparse, reached %.2f %%",
                        100 * accuracy, 100 * (1 - best->density), 100 * best->accuracy);
    else
        result = refuse(why, WISP_E_INVALID,
                        "no network of this structure was trained here, so nothing is known of its accuracy; `wisp "
                        "structure history` lists what was");
    history_deinit(&history);
    return result;
}

void suggestion_say(const char *verb, const struct store_record *run)
{
    char when[32] = "";
    time_t time = (time_t)run->time;
    struct tm local;

    if (localtime_r(&time, &local))
        strftime(when, sizeof when, ", trained on %Y-%m-%d %H:%M", &local);
    fprintf(stderr, "wisp %s: chose sparsity %.6g by method %s: it reached %.2f %% on validation samples here%s\n",
            verb, 1 - run->density, run->method, 100 * run->accuracy, when);
}
