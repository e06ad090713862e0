/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure show --curves: the history of this machine as a page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outcome.h"
#include "base/size.h"
#include "forge/cost/series.h"
#include "forge/draw/charts/curves.h"
#include "forge/verbs/structure_picture.h"

enum { EVENTS = 2, NETWORKS_MAX = 8 /* whose curves are drawn when the page is of all */ };

static const enum store_event events[EVENTS] = { STORE_BUILT, STORE_TRAINED };

struct page {
    struct history histories[EVENTS];
    struct curve_run *runs;
    size_t run_count;
    struct series series[EVENTS * NETWORKS_MAX];
    size_t series_count;
};

static void page_deinit(struct page *page)
{
    for (int e = 0; e < EVENTS; e++)
        history_deinit(&page->histories[e]);
    free(page->runs);
    free(page);
}

/* The runs of one network, or of all. */
static int take_runs(struct page *page, const char *hash)
{
    page->runs = calloc(page->histories[0].count + page->histories[1].count + 1, sizeof *page->runs);
    if (!page->runs)
        return -ENOMEM;
    for (int e = 0; e < EVENTS; e++) {
        for (size_t i = 0; i < page->histories[e].count; i++) {
            const struct store_record *r = &page->histories[e].records[i];

            if (hash && strcmp(r->hash, hash) != 0)
                continue;
            page->runs[page->run_count++] = (struct curve_run){ .trained = r->event == STORE_TRAINED,
                                                                .connections = (double)r->connections,
                                                                .density = r->density,
                                                                .bytes = (double)r->bytes,
                                                                .seconds = r->seconds,
                                                                .accuracy = r->accuracy };
        }
    }
    return 0;
}

static int take_series_of(struct page *page, const struct structure *structure)
{
    for (int e = 0; e < EVENTS; e++) {
        int result = series_of_structure(structure, &page->histories[e], &page->series[page->series_count++]);

        if (result)
            return result;
    }
    return 0;
}

/* Of its network. */
static bool is_newest(const struct history *history, size_t at)
{
    for (size_t i = history->count; --i > at;) {
        if (!strcmp(history->records[i].hash, history->records[at].hash))
            return false;
    }
    return true;
}

/* Of the networks that were done last. */
static int take_series(struct page *page)
{
    for (int e = 0; e < EVENTS; e++) {
        const struct history *history = &page->histories[e];
        size_t networks = 0;

        for (size_t i = history->count; i-- && networks < NETWORKS_MAX;) {
            struct series *series = &page->series[page->series_count];
            int result = is_newest(history, i) ? series_of_runs(history->records[i].hash, history, series) : 0;

            if (result)
                return result;
            if (!is_newest(history, i) || !series->count)
                continue;
            page->series_count++;
            networks++;
        }
    }
    return 0;
}

static int draw(const struct page *page, const char *title, const struct picture_options *options, struct reason *why)
{
    struct curve lines[ARRAY_SIZE(page->series)];
    struct curves curves = { .title = title, .runs = page->runs, .run_count = page->run_count, .curves = lines };
    struct scene scene;
    int result;

    for (size_t i = 0; i < page->series_count; i++)
        lines[curves.curve_count++] = (struct curve){ page->series[i].points, page->series[i].count };
    result = draw_curves(&curves, &scene, why);
    if (result)
        return result;
    result = pictures_write(&scene, options, why);
    scene_deinit(&scene);
    return result;
}

/* `structure` NULL: of all. */
static int make(const char *verb, const struct structure *structure, const char *title, struct page *page,
                const char *database, const struct picture_options *options)
{
    char hash[STORE_HASH_MAX] = "";
    struct reason why;
    int result = 0;

    if (structure)
        history_hash(structure, hash);
    for (int e = 0; e < EVENTS && !result; e++)
        result = history_read(database, events[e], &page->histories[e], &why);
    if (result)
        return fail(verb, exit_for_input(result), "%s", why.text);
    result = take_runs(page, structure ? hash : NULL);
    if (!result && !page->run_count)
        return fail(verb, EXIT_DATA,
                    "nothing was built or trained here yet%s%s; `wisp build` and `wisp train` keep the history",
                    structure ? " of " : "", structure ? title : "");
    if (!result)
        result = structure ? take_series_of(page, structure) : take_series(page);
    if (result)
        return fail(verb, EXIT_FAILED, "out of memory");
    result = draw(page, title, options, &why);
    return result ? fail(verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

int curves_make(const char *verb, const struct plan_options *plan, const struct picture_options *options)
{
    struct page *page = calloc(1, sizeof *page);
    struct structure structure;
    const char *title;
    int status;

    if (!page)
        return fail(verb, EXIT_FAILED, "out of memory");
    if (!plan->structure && !plan->layers) {
        status = make(verb, NULL, "History", page, plan->database, options);
        page_deinit(page);
        return status;
    }
    status = structure_from_options(verb, plan, NULL, &structure);
    if (!status) {
        title = structure.name[0] ? structure.name : plan->layers ? plan->layers : "this structure";
        status = make(verb, &structure, title, page, plan->database, options);
        structure_deinit(&structure);
    }
    page_deinit(page);
    return status;
}
