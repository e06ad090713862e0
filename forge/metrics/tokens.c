/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/metrics/chinese.h"
#include "forge/metrics/tokens.h"

void tokens_deinit(struct tokens *tokens)
{
    free(tokens->list);
    *tokens = (struct tokens){ .list = NULL };
}

static void add(struct tokens *tokens, const char *bytes, size_t length)
{
    tokens->list[tokens->count++] = XXH3_64bits(bytes, length);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void take_words(struct tokens *tokens, const char *text, size_t length)
{
    for (size_t at = 0, begin; at < length;) {
        while (at < length && is_space(text[at]))
            at++;
        begin = at;
        while (at < length && !is_space(text[at]))
            at++;
        if (at > begin)
            add(tokens, text + begin, at - begin);
    }
}

static size_t character(const char *text, size_t left)
{
    const unsigned char first = (unsigned char)*text;
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    return MIN(length, left);
}

static void trim(const char **text, size_t *length)
{
    while (*length && is_space((*text)[*length - 1]))
        --*length;
    while (*length && is_space(**text)) {
        ++*text;
        --*length;
    }
}

static void take_characters(struct tokens *tokens, const char *text, size_t length, bool spaces)
{
    if (spaces)
        trim(&text, &length);
    for (size_t at = 0, used; at < length; at += used) {
        used = character(text + at, length - at);
        if (spaces || !is_space(text[at]))
            add(tokens, text + at, used);
    }
}

static void take_alnum(struct tokens *tokens, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = isascii(text[i]) && isalnum(text[i]) ? (char)tolower(text[i]) : ' ';
    take_words(tokens, text, length);
}

/* ---- 13a ---- */

/* "&quot;", "&amp;", "&lt;" and "&gt;" are what they stand for; line ends are spaces. */
static size_t unescape(char *text, size_t length)
{
    static const struct {
        const char *name;
        char c;
    } names[] = { { "&quot;", '"' }, { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };

    for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
        const size_t size = strlen(names[n].name);
        size_t used = 0;

        for (size_t at = 0; at < length; used++) {
            const bool found = length - at >= size && !memcmp(text + at, names[n].name, size);

            text[used] = found ? names[n].c : text[at];
            at += found ? size : 1;
        }
        length = used;
    }
    for (size_t i = 0; i < length; i++)
        text[i] = text[i] == '\n' ? ' ' : text[i];
    return length;
}

static bool stands_apart(char c)
{
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
           (c >= ':' && c <= '@') || c == '/';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put_apart(char *out, size_t *used, char c)
{
    out[(*used)++] = ' ';
    out[(*used)++] = c;
    out[(*used)++] = ' ';
}

/* Four rules, one after the other, each over the whole as those before left it: a pair that a rule has taken is over
 * for it. */
static size_t apply(int rule, const char *in, size_t length, char *out)
{
    size_t used = 0;

    for (size_t at = 0; at < length; at++) {
        const char c = in[at], next = at + 1 < length ? in[at + 1] : '\0';
        const bool pair = at + 1 < length;

        if (rule == 0 && stands_apart(c)) {
            put_apart(out, &used, c);
        } else if (pair && ((rule == 1 && !is_digit(c) && (next == '.' || next == ',')) ||
                            (rule == 3 && is_digit(c) && next == '-'))) {
            out[used++] = c;
            put_apart(out, &used, next);
            at++;
        } else if (rule == 2 && pair && (c == '.' || c == ',') && !is_digit(next)) {
            put_apart(out, &used, c);
            out[used++] = next;
            at++;
        } else {
            out[used++] = c;
        }
    }
    return used;
}

/* The rules over the text in `a`, which has as much room as `b`: 81 times its own. */
static int take_regular(struct tokens *tokens, char *a, char *b, size_t length)
{
    for (int rule = 0; rule < 4; rule++) {
        length = apply(rule, a, length, b);
        memcpy(a, b, length);
    }
    free(tokens->list);
    tokens->list = memory_alloc(length + 1, sizeof *tokens->list);
    if (!tokens->list)
        return -ENOMEM;
    take_words(tokens, a, length);
    return 0;
}

static int take_13a(struct tokens *tokens, char *text, size_t length)
{
    cleanup_free char *a = malloc(81 * (length + 2)), *b = malloc(81 * (length + 2));

    if (!a || !b)
        return -ENOMEM;
    length = unescape(text, length);
    a[0] = ' ';
    memcpy(a + 1, text, length);
    a[length + 1] = ' ';
    return take_regular(tokens, a, b, length + 2);
}

/* No space before and behind the text: that is so, as well. */
static int take_zh(struct tokens *tokens, const char *text, size_t length)
{
    cleanup_free char *a = malloc(3 * 81 * (length + 1)), *b = malloc(3 * 81 * (length + 1));

    if (!a || !b)
        return -ENOMEM;
    trim(&text, &length);
    return take_regular(tokens, a, b, chinese_apart(text, length, a));
}

int tokens_init(struct tokens *tokens, enum tokens_of of, const char *text, size_t length)
{
    cleanup_free char *copy = malloc(length + 1);

    *tokens = (struct tokens){ .list = memory_alloc(length + 1, sizeof *tokens->list) };
    if (!tokens->list || !copy)
        return -ENOMEM;
    memcpy(copy, text, length);
    if (of == TOKENS_13A)
        return take_13a(tokens, copy, length);
    if (of == TOKENS_ZH)
        return take_zh(tokens, copy, length);
    if (of == TOKENS_WORDS)
        take_words(tokens, text, length);
    else if (of == TOKENS_ALNUM)
        take_alnum(tokens, copy, length);
    else
        take_characters(tokens, text, length, of == TOKENS_CHARACTERS);
    return 0;
}
