/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "client/cli/facts.h"

enum { KEY_COLUMNS = 14, INDENT = 2, DEPTH_MAX = 4, TEXT_MAX = 4096, LIST_MAX = 12 /* more is data */ };

const char *member_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

uint64_t member_count(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    const json_int_t value = json_integer_value(member);

    if (json_is_true(member))
        return 1;
    return value > 0 ? (uint64_t)value : 0;
}

double member_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

json_t *text_json(const char *text)
{
    cleanup_free char *valid = text_to_utf8(text);

    if (!valid)
        json_note_short();
    return valid ? json_string(valid) : NULL;
}

const char *format_shape(const json_t *shape, char *buffer, size_t capacity)
{
    size_t used = 0;

    insist(capacity > 0);
    *buffer = '\0';
    for (size_t i = 0; i < json_array_size(shape) && used < capacity; i++)
        used += (size_t)snprintf(buffer + used, capacity - used, "%s%lld", i ? "x" : "",
                                 (long long)json_integer_value(json_array_get(shape, i)));
    return buffer;
}

void fact_print(const struct screen *screen, const char *key, const char *format, ...)
{
    cleanup_free char *text = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text = NULL;
        return;
    }
    fprintf(screen->file, "%*s", INDENT, "");
    screen_text(screen, STYLE_FAINT, key, KEY_COLUMNS);
    fputc(' ', screen->file);
    screen_text(screen, STYLE_PLAIN, text, 0);
    fputc('\n', screen->file);
}

static void print_value(const struct screen *screen, const char *key, const json_t *value)
{
    cleanup_free char *text = NULL;

    if (json_string_length(value) > TEXT_MAX) {
        fact_print(screen, key, "%zu bytes; --json prints them", json_string_length(value));
        return;
    }
    if (json_array_size(value) > LIST_MAX) {
        fact_print(screen, key, "%zu entries; --json prints them", json_array_size(value));
        return;
    }
    if (json_is_string(value)) {
        fact_print(screen, key, "%s", json_string_value(value));
        return;
    }
    text = json_to_text(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    fact_print(screen, key, "%s", text ? text : "");
}

static void print_object(const struct screen *screen, const json_t *object, const char *prefix, int depth)
{
    const char *key;
    json_t *value;

    insist(depth >= 0 && depth <= DEPTH_MAX, "%d", depth);
    json_object_foreach((json_t *)object, key, value)
    {
        cleanup_free char *path = NULL;

        if (asprintf(&path, "%s%s%s", prefix, *prefix ? "." : "", key) < 0) {
            path = NULL;
            return;
        }
        if (json_is_object(value) && depth < DEPTH_MAX)
            print_object(screen, value, path, depth + 1);
        else
            print_value(screen, path, value);
    }
}

void facts_print(const struct screen *screen, const json_t *object, const char *prefix)
{
    print_object(screen, object, prefix, 0);
}

void words_print(const struct screen *screen, const json_t *words)
{
    size_t column = 0;

    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        size_t columns = text_columns(word ? word : "") + 2;

        if (!column || column + columns > screen->columns) {
            fprintf(screen->file, "%s%*s", i ? "\n" : "", INDENT, "");
            column = INDENT;
        }
        screen_text(screen, STYLE_PLAIN, word ? word : "", 0);
        if (i + 1 < json_array_size(words))
            fputs(", ", screen->file);
        column += columns;
    }
    if (column)
        fputc('\n', screen->file);
}
