/* SPDX-License-Identifier: Apache-2.0
 *
 * A text, as it might as well have been written: a stretch of it, without some of its words, with slips of the keys.
 * UTF-8 in, UTF-8 out. Something to read is always left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forge/train/augment/augment.h"

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

static bool is_blank(char byte)
{
    return (unsigned char)byte <= ' ';
}

static void crop(double probability, struct rng *rng, const char **text, size_t *length)
{
    enum { LEAST = 12 };
    size_t characters = 0, begin, kept, at = 0;
    const char *from = *text;

    if (!(rng_double(rng) < probability))
        return;
    for (size_t i = 0; i < *length; i++)
        characters += begins_character(from[i]);
    if (characters <= LEAST)
        return;
    kept = LEAST + rng_below(rng, characters - LEAST + 1);
    begin = rng_below(rng, characters - kept + 1);
    for (; begin; at++)
        begin -= at + 1 < *length && begins_character(from[at + 1]);
    *text = from + at;
    for (; kept && at < *length; at++)
        kept -= at + 1 == *length || begins_character(from[at + 1]);
    *length = (size_t)(from + at - *text);
}

static size_t count_words(const char *text, size_t length)
{
    size_t words = 0;

    for (size_t i = 0; i < length; i++)
        words += !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1]));
    return words;
}

/* In place: each word goes with this probability, and the blanks before it; but one, which is drawn. */
static void drop_words(double probability, struct rng *rng, char *text, size_t *length)
{
    const size_t words = count_words(text, *length), stays = words ? rng_below(rng, words) : 0;
    size_t word = 0, used = 0;

    for (size_t at = 0; at < *length && words;) {
        size_t end = at;
        bool dropped;

        while (end < *length && is_blank(text[end]))
            end++;
        while (end < *length && !is_blank(text[end]))
            end++;
        dropped = word < words && rng_double(rng) < probability && word != stays;
        word++;
        if (!dropped) {
            memmove(text + used, text + at, end - at);
            used += end - at;
        }
        at = end;
    }
    *length = words ? used : *length;
}

enum slip { SLIP_LEFT_OUT, SLIP_TWICE, SLIP_OTHER, SLIP_SWAPPED, SLIPS /* how many there are; none */ };

/* Bytes of the character at `at`. */
static size_t character(const char *text, size_t length, size_t at)
{
    size_t end = at + 1;

    while (end < length && !begins_character(text[end]))
        end++;
    return end - at;
}

/* `out` has room for twice the text. Returns how long it is. */
static size_t mistype(double probability, struct rng *rng, const char *text, size_t length, char *out)
{
    size_t used = 0, size;

    for (size_t at = 0; at < length; at += size) {
        const bool slips = !is_blank(text[at]) && rng_double(rng) < probability;
        const enum slip slip = slips ? (enum slip)rng_below(rng, SLIPS) : SLIPS;
        size_t next;

        size = character(text, length, at);
        next = at + size < length && slip == SLIP_SWAPPED ? character(text, length, at + size) : 0;
        if (slip == SLIP_LEFT_OUT)
            continue;
        if (slip == SLIP_OTHER) {
            out[used++] = (char)('a' + rng_below(rng, 26));
            continue;
        }
        memcpy(out + used, text + at + size, next);
        memcpy(out + used + next, text + at, size);
        used += next + size;
        if (slip == SLIP_TWICE) {
            memcpy(out + used, text + at, size);
            used += size;
        }
        size += next;
    }
    return used;
}

int augment_text(const struct augment *augment, struct rng *rng, struct augmented_text *text)
{
    char *made;
    size_t length;

    crop(augment->amount[AUGMENT_CROP], rng, &text->bytes, &text->length);
    if (!(augment->amount[AUGMENT_DROP] > 0 || augment->amount[AUGMENT_TYPOS] > 0))
        return 0;
    text->own = made = memory_alloc(text->length, 3);
    if (!made)
        return -ENOMEM;
    length = text->length;
    memcpy(made, text->bytes, length);
    if (augment->amount[AUGMENT_DROP] > 0)
        drop_words(augment->amount[AUGMENT_DROP], rng, made, &length);
    if (augment->amount[AUGMENT_TYPOS] > 0) {
        const size_t typed = mistype(augment->amount[AUGMENT_TYPOS], rng, made, length, made + text->length);

        if (!count_words(made + text->length, typed)) /* all of it was left out */
            return 0;
        made += text->length;
        length = typed;
    }
    text->bytes = made;
    text->length = length;
    return 0;
}
