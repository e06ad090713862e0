/* SPDX-License-Identifier: Apache-2.0
 *
 * Words are numbers, one after the other. In a terminal those that have come are written as they come, behind the
 * name of the input; else all of them when the answer is there.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "client/cli/decoded.h"

enum { LOOK_MS = 30 };

/* The words that are there; *count of them, freed by the caller. NULL: out of memory. */
static int32_t *take_words(const struct run *run, size_t *count)
{
    const size_t room = wisp_model_words(run->model);
    int32_t *words = memory_zalloc(room, sizeof *words);

    *count = room;
    if (words && wisp_request_words(run->request, 0, words, count))
        *count = 0;
    return words;
}

static int print_words(const struct run *run, size_t from, size_t *shown)
{
    size_t count;
    int32_t *words = take_words(run, &count);

    for (size_t i = from; words && i < count; i++)
        fprintf(run->screen.file, "%s%d", i ? " " : "", words[i]);
    *shown = words ? MAX(count, from) : from;
    free(words);
    return words ? 0 : -ENOMEM;
}

/* Where somebody sees it, and nothing else goes there. */
static bool is_shown(const struct run *run)
{
    return wisp_model_words(run->model) && run->screen.terminal && !run->json && !run->raw && !run->output;
}

int decoded_wait(const struct run *run, uint32_t patience_ms)
{
    const uint64_t until = clock_ns() + patience_ms * NS_PER_MS;
    size_t shown = 0;
    int result;

    if (!is_shown(run))
        return wisp_wait(run->request, patience_ms);
    do {
        result = wisp_wait(run->request, LOOK_MS);
        if (!result || result == WISP_E_TIMEOUT)
            (void)print_words(run, shown, &shown);
        fflush(run->screen.file);
    } while (result == WISP_E_TIMEOUT && (patience_ms == UINT32_MAX || clock_ns() < until));
    if (shown)
        fputc('\n', run->screen.file);
    return result;
}

int decoded_print(const struct run *run)
{
    size_t shown;
    int result;

    if (is_shown(run))
        return 0;
    fputs("  ", run->screen.file);
    result = print_words(run, 0, &shown);
    fputc('\n', run->screen.file);
    return result;
}

json_t *decoded_json(const struct run *run)
{
    size_t count;
    int32_t *words = take_words(run, &count);
    json_t *list = words ? json_array() : NULL;

    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_integer(words[i]));
    free(words);
    return list;
}
