/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "sparse/construct/exchange_reader.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct span span_trim(struct span span)
{
    while (span.at < span.end && is_blank(*span.at))
        span.at++;
    while (span.at < span.end && is_blank(span.end[-1]))
        span.end--;
    return span;
}

bool reader_line(struct exchange_reader *reader, struct span *line)
{
    const char *stop;

    if (reader->rest.at == reader->rest.end)
        return false;
    stop = memchr(reader->rest.at, '\n', (size_t)(reader->rest.end - reader->rest.at));
    *line = span_trim((struct span){ reader->rest.at, stop ? stop : reader->rest.end });
    reader->rest.at = stop ? stop + 1 : reader->rest.end;
    reader->line++;
    return true;
}

bool span_is(struct span span, const char *word)
{
    size_t length = (size_t)(span.end - span.at);

    return length == strlen(word) && !strncasecmp(span.at, word, length);
}

const char *span_shown(struct span span, char out[static SPAN_SHOWN])
{
    size_t length = MIN((size_t)(span.end - span.at), SPAN_SHOWN - 1);

    for (size_t i = 0; i < length; i++)
        out[i] = span.at[i] >= 0x20 && span.at[i] < 0x7f ? span.at[i] : '?';
    out[length] = 0;
    return out;
}

bool span_whole(struct span span, uint64_t *out)
{
    *out = 0;
    if (span.at == span.end || span.end - span.at > 18)
        return false;
    for (; span.at < span.end; span.at++) {
        if (*span.at < '0' || *span.at > '9')
            return false;
        *out = *out * 10 + (uint64_t)(*span.at - '0');
    }
    return true;
}

/* Whether its digits, up to an exponent, say something else than 0. */
static bool says_more_than_zero(const char *text)
{
    return text[strcspn(text, "123456789eE")] > '0' && text[strcspn(text, "123456789eE")] <= '9';
}

int reader_weight(struct exchange_reader *reader, struct span field, float *out, struct reason *why)
{
    size_t length = (size_t)(field.end - field.at);
    cleanup_free char *longer = NULL;
    char buffer[64], *text = buffer, *stop, shown[SPAN_SHOWN];

    if (length >= sizeof buffer && !(text = longer = malloc(length + 1)))
        return refuse_errno(why, -ENOMEM, "%s:%u", reader->name, reader->line);
    memcpy(text, field.at, length);
    text[length] = 0;
    *out = strtof(text, &stop);
    /* strtof() also reads hexadecimal, "inf" and "nan". */
    if (!length || stop != text + length || strspn(text, "0123456789+-.eE") != length || !isfinite(*out))
        return refuse(why, WISP_E_FORMAT, "%s:%u: \"%s\" is no weight; a finite number is expected", reader->name,
                      reader->line, span_shown(field, shown));
    if (*out == 0 && says_more_than_zero(text) && !reader->info.vanished++)
        reader->info.vanished_line = reader->line;
    return 0;
}

static int outside(const struct exchange_reader *reader, uint64_t row, uint64_t column, struct reason *why)
{
    bool turned = row - reader->base < reader->columns && column - reader->base < reader->rows;

    return refuse(why, WISP_E_FORMAT,
                  "%s:%u: connection %" PRIu64 ", %" PRIu64 " is outside a layer of %u outputs and %u inputs "
                  "(numbered from %u)%s",
                  reader->name, reader->line, row, column, reader->rows, reader->columns, reader->base,
                  turned ? "; are output and input exchanged?" : "");
}

int reader_add(struct exchange_reader *reader, uint64_t row, uint64_t column, float value, struct reason *why)
{
    if (row < reader->base || row - reader->base >= reader->rows || column < reader->base ||
        column - reader->base >= reader->columns)
        return outside(reader, row, column, why);
    if (reader->count == reader->capacity) {
        uint64_t capacity = MAX(1024, reader->capacity * 2);
        struct triplet *larger = realloc(reader->list, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(why, -ENOMEM, "%s", reader->name);
        reader->list = larger;
        reader->capacity = capacity;
    }
    reader->list[reader->count++] =
        (struct triplet){ (uint32_t)(row - reader->base), (uint32_t)(column - reader->base), value, reader->line };
    return 0;
}
