/* SPDX-License-Identifier: Apache-2.0
 *
 * What words stand for, where the model says so; else their numbers, one after the other. In a terminal what has come
 * is written as it comes. A character may be several words: what is not whole yet waits for the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/memory.h"
#include "base/size.h"
#include "client/cli/run/decoded.h"

enum { LOOK_MS = 30 };

#define NO_CHARACTER "\xef\xbf\xbd" /* U+FFFD */

/* The words that are there; *count of them, freed by the caller. NULL: out of memory. */
static int32_t *take_words(const struct run *run, size_t *count)
{
    const size_t room = wisp_model_words(run->model);
    int32_t *words = memory_zalloc(room, sizeof *words);

    *count = room;
    if (words && wisp_request_words(run->request, 0, words, count))
        *count = 0;
    insist(*count <= room, "%zu of %zu", *count, room);
    return words;
}

static char *numbers_of(const int32_t *words, size_t count)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; out && i < count; i++)
        fprintf(out, "%s%d", i ? " " : "", words[i]);
    return out && !fclose(out) ? text : NULL;
}

/* What there is so far, freed by the caller. NULL: out of memory. */
static char *take_text(const struct run *run)
{
    size_t count;
    cleanup_free int32_t *words = take_words(run, &count);
    char *text;

    if (!words || wisp_decode_text(run->model, words, count, &text) == 0)
        return words ? text : NULL;
    return numbers_of(words, count);
}

/* What of a text is behind the bytes that are shown; while more may come, without the end that is no character yet. */
static void show_rest(const struct run *run, const char *text, bool whole, size_t *shown)
{
    const size_t mark = strlen(NO_CHARACTER);
    size_t length = strlen(text);
    cleanup_free char *rest = NULL;

    while (!whole && length >= mark && !memcmp(text + length - mark, NO_CHARACTER, mark))
        length -= mark;
    rest = length > *shown ? strndup(text + *shown, length - *shown) : NULL;
    if (!rest)
        return;
    screen_text(&run->screen, STYLE_STRONG, rest, 0);
    fflush(run->screen.file);
    *shown = length;
}

bool decoded_is_shown(const struct run *run)
{
    return wisp_model_words(run->model) && run->screen.terminal && !run->json && !run->raw && !run->output;
}

int decoded_wait(const struct run *run, uint32_t patience_ms)
{
    const uint64_t until = clock_ns() + patience_ms * NS_PER_MS;
    size_t shown = 0;
    int result;

    insist(run->request);
    if (!decoded_is_shown(run))
        return wisp_wait(run->request, patience_ms);
    do {
        cleanup_free char *text = NULL;

        result = wisp_wait(run->request, LOOK_MS);
        if (!result || result == WISP_E_TIMEOUT)
            text = take_text(run);
        if (text)
            show_rest(run, text, !result, &shown);
    } while (result == WISP_E_TIMEOUT && (patience_ms == UINT32_MAX || clock_ns() < until));
    if (shown)
        fputc('\n', run->screen.file);
    return result;
}

int decoded_text(const struct run *run, char **text)
{
    *text = take_text(run);
    return *text ? 0 : -ENOMEM;
}

int decoded_print(const struct run *run)
{
    cleanup_free char *text = decoded_is_shown(run) ? NULL : take_text(run);

    if (decoded_is_shown(run))
        return 0;
    if (!text)
        return -ENOMEM;
    fputs("  ", run->screen.file);
    screen_text(&run->screen, *text ? STYLE_STRONG : STYLE_FAINT, *text ? text : "nothing", 0);
    fputc('\n', run->screen.file);
    return 0;
}

int decoded_json(const struct run *run, json_t *object)
{
    size_t count;
    cleanup_free int32_t *words = take_words(run, &count);
    cleanup_free char *text = NULL;
    json_t *list = words ? json_array() : NULL;

    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_integer(words[i]));
    if (words && !wisp_decode_text(run->model, words, count, &text))
        json_object_set_new(object, "text", json_string(text));
    return json_object_set_new(object, "words", list) ? -ENOMEM : 0;
}
