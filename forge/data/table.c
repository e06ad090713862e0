/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text: one sample a row, the first column its label, the last its text; a first row that names them so
 * ("label", "text") is skipped. TSV has no quoting; CSV quotes a field with "…", doubled inside, and a quoted field may
 * hold line ends. Fields are unquoted in place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/readers.h"

bool table_has_name(const char *path)
{
    static const char *const endings[] = { ".tsv", ".csv", ".tsv.gz", ".csv.gz", ".tsv.xz", ".csv.xz" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

struct cursor {
    char *at, *end;
    char separator;
    bool quotes;
    unsigned line;
};

struct field {
    char *bytes;
    size_t length;
    bool last; /* of its row */
};

/* A quoted field: "" stands for ", and everything else for itself. 1 when it is not closed. */
static int take_quoted(struct cursor *cursor, struct field *out)
{
    char *to = ++cursor->at;

    out->bytes = to;
    for (;; cursor->at++) {
        if (cursor->at == cursor->end)
            return 1;
        if (*cursor->at == '"') {
            if (cursor->at + 1 == cursor->end || cursor->at[1] != '"')
                break;
            cursor->at++;
        }
        cursor->line += *cursor->at == '\n';
        *to++ = *cursor->at;
    }
    cursor->at++;
    out->length = (size_t)(to - out->bytes);
    return 0;
}

/* 0, or 1 with *what saying what is wrong. */
static int take_field(struct cursor *cursor, struct field *out, const char **what)
{
    if (cursor->quotes && cursor->at < cursor->end && *cursor->at == '"') {
        *what = "a quoted field is not closed";
        if (take_quoted(cursor, out))
            return 1;
        if (cursor->at < cursor->end && *cursor->at == '\r')
            cursor->at++;
        *what = "text after the closing quote of a field";
        if (cursor->at < cursor->end && *cursor->at != cursor->separator && *cursor->at != '\n')
            return 1;
    } else {
        out->bytes = cursor->at;
        while (cursor->at < cursor->end && *cursor->at != cursor->separator && *cursor->at != '\n')
            cursor->at++;
        out->length = (size_t)(cursor->at - out->bytes);
        if (out->length && out->bytes[out->length - 1] == '\r' && (cursor->at == cursor->end || *cursor->at == '\n'))
            out->length--;
    }
    out->last = cursor->at == cursor->end || *cursor->at == '\n';
    if (cursor->at < cursor->end)
        cursor->at++;
    return 0;
}

static bool is_word(const struct field *field, const char *const *words)
{
    for (; *words; words++) {
        if (strlen(*words) == field->length && !strncasecmp(field->bytes, *words, field->length))
            return true;
    }
    return false;
}

/* A first row that names the columns. */
static bool is_heading(const struct field *first, const struct field *last)
{
    static const char *const labels[] = { "label", "labels", "class", "category", "target", NULL };
    static const char *const texts[] = { "text", "sentence", "message", "content", "description", NULL };

    return is_word(first, labels) && is_word(last, texts);
}

static int read_row(struct cursor *cursor, struct collect *collect, const char *path, struct reason *why)
{
    struct field first, field;
    unsigned line = cursor->line, columns = 1;
    const char *what = NULL;
    uint32_t class;
    int result;

    if (take_field(cursor, &first, &what))
        return refuse(why, WISP_E_FORMAT, "%s:%u: %s", path, line, what);
    for (field = first; !field.last; columns++) {
        if (take_field(cursor, &field, &what))
            return refuse(why, WISP_E_FORMAT, "%s:%u: %s", path, line, what);
    }
    cursor->line++;
    if (columns == 1 && !first.length)
        return 0; /* an empty line */
    if (columns < 2)
        return refuse(why, WISP_E_FORMAT, "%s:%u: one column; a row is a label, a %s, and a text", path, line,
                      cursor->separator == '\t' ? "tab" : "comma");
    if (line == 1 && is_heading(&first, &field))
        return 0;
    result = media_check_text("text", field.bytes, field.length, why);
    if (!result)
        result = collect_class(collect, first.bytes, first.length, &class, why);
    if (!result)
        result = collect_text(collect, class, (struct dataset_text){ field.bytes, field.length }, why);
    return result ? refuse_in(why, result, "%s:%u", path, line) : 0;
}

int table_read(const char *path, struct collect *collect, struct reason *why)
{
    struct cursor cursor = { .line = 1 };
    void *data = NULL;
    size_t size;
    int result;

    if ((result = unpack_read(path, &data, &size, why)) || (result = collect_own(collect, data, why)))
        return result;
    cursor.at = data;
    cursor.end = cursor.at + size;
    if (size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3))
        cursor.at += 3;
    cursor.quotes = strstr(path, ".csv") != NULL;
    cursor.separator = cursor.quotes ? ',' : '\t';
    while (cursor.at < cursor.end) {
        if ((result = read_row(&cursor, collect, path, why)))
            return result;
    }
    return 0;
}
