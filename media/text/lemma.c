/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/spec/media.h"
#include "media/text/lemma.h"

/* As code points; NULL without memory. */
static utf8proc_int32_t *points_of(const char *text, size_t length, size_t *count)
{
    utf8proc_int32_t *points = memory_alloc(length + 1, sizeof *points);

    *count = 0;
    for (size_t at = 0; points && at < length;) {
        const utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &points[*count]);

        if (used <= 0)
            break;
        at += (size_t)used;
        ++*count;
    }
    return points;
}

static void lower(utf8proc_int32_t *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        points[i] = utf8proc_tolower(points[i]);
}

static char *text_of(const utf8proc_int32_t *points, size_t count, const char *more)
{
    char *text = malloc(4 * count + strlen(more) + 1);
    size_t used = 0;

    for (size_t i = 0; text && i < count; i++)
        used += (size_t)utf8proc_encode_char(points[i], (utf8proc_uint8_t *)text + used);
    if (text)
        memcpy(text + used, more, strlen(more) + 1);
    return text;
}

static size_t shared(const utf8proc_int32_t *a, size_t a_count, const utf8proc_int32_t *b, size_t b_count)
{
    size_t count = 0;

    while (count < MIN(a_count, b_count) && a[count] == b[count])
        count++;
    return count;
}

static void write_script(char script[static LEMMA_SCRIPT_MAX], char first, size_t cut, const char *added)
{
    char less[24] = "";
    int length;

    if (cut)
        snprintf(less, sizeof less, "-%zu", cut);
    length = snprintf(script, LEMMA_SCRIPT_MAX, "%c%s%s%s", first, less, *added ? "+" : "", added);
    if (length >= LEMMA_SCRIPT_MAX)
        *script = '\0';
}

int lemma_script(const char *form, size_t form_length, const char *lemma, size_t lemma_length,
                 char script[static LEMMA_SCRIPT_MAX])
{
    size_t form_count, small_count, lemma_count, as_it_is, small;
    cleanup_free utf8proc_int32_t *a = points_of(form, form_length, &form_count);
    cleanup_free utf8proc_int32_t *l = points_of(form, form_length, &small_count);
    cleanup_free utf8proc_int32_t *b = points_of(lemma, lemma_length, &lemma_count);
    cleanup_free char *added = NULL;
    bool is_small;

    if (!a || !l || !b)
        return -ENOMEM;
    lower(l, small_count);
    as_it_is = shared(a, form_count, b, lemma_count);
    small = shared(l, small_count, b, lemma_count);
    is_small = small > as_it_is;
    small = MAX(small, as_it_is);
    added = text_of(b + small, lemma_count - small, "");
    if (!added)
        return -ENOMEM;
    write_script(script, is_small ? 'l' : '=', form_count - small, added);
    return 0;
}

char *lemma_apply(const char *form, size_t length, const char *script)
{
    size_t count, cut = 0;
    cleanup_free utf8proc_int32_t *points = points_of(form, length, &count);
    const char *at = script + 1;

    if (!points)
        return NULL;
    if (*script == 'l')
        lower(points, count);
    else if (*script != '=')
        return text_of(points, count, "");
    if (*at == '-') {
        char *end;

        cut = strtoul(at + 1, &end, 10);
        at = end;
    }
    return text_of(points, count - MIN(cut, count), *at == '+' ? at + 1 : "");
}

int media_lemma(const char *word, size_t word_length, const char *label, size_t *length, char **out)
{
    const char *space = strchr(label, ' ');

    *out = NULL;
    *length = strlen(label);
    if (!space || (space[1] != '=' && space[1] != 'l'))
        return 0;
    *length = (size_t)(space - label);
    *out = lemma_apply(word, word_length, space + 1);
    return *out ? 0 : -ENOMEM;
}
