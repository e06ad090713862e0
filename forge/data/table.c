/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text: one sample a row (rows.h), of which one column is the label and one the text (columns.h). Text is
 * UTF-8, with or without a byte order mark, or UTF-16 with one. What a table's labels look like is checked at its end:
 * a heading that was taken for a sample, or a text that was taken for the label, betrays itself there.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/columns.h"
#include "forge/data/kept.h"
#include "forge/data/readers.h"
#include "media/text/utf16.h"

enum { DOUBT_ROWS_MIN = 4 };

bool table_has_name(const char *path)
{
    static const char *const endings[] = { ".tsv", ".csv", ".tsv.gz", ".csv.gz", ".tsv.xz", ".csv.xz" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

bool table_has_quotes(const char *path)
{
    static const char *const endings[] = { ".csv", ".csv.gz", ".csv.xz" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

enum { ROW_LABELS_MAX = 256 };

/* What a row says that its text is. */
struct row_target {
    uint32_t classes[ROW_LABELS_MAX];
    size_t class_count;
    float numbers[COLUMNS_TARGETS_MAX];
};

static void add_class(struct row_target *target, uint32_t class)
{
    for (size_t i = 0; i < target->class_count; i++) {
        if (target->classes[i] == class)
            return;
    }
    target->classes[target->class_count++] = class;
}

/* "a|b", or nothing: no label. */
static int read_set(const struct field *field, char separator, struct collect *collect, struct row_target *out,
                    struct reason *why)
{
    const char *at = field->bytes, *end = at + field->length;
    int result = 0;

    while (at < end && !result) {
        const char *next = memchr(at, separator, (size_t)(end - at));
        size_t length = (size_t)((next ? next : end) - at);
        uint32_t class;

        if (out->class_count == ROW_LABELS_MAX)
            return refuse(why, WISP_E_FORMAT, "more than %d labels", ROW_LABELS_MAX);
        result = collect_class(collect, at, length, &class, why);
        if (!result)
            add_class(out, class);
        if (next && next + 1 == end)
            return refuse(why, WISP_E_FORMAT, "an empty label after the last '%c'", separator);
        at += length + 1;
    }
    return result;
}

static int read_numbers(const struct rows *rows, const struct columns *columns, struct row_target *out,
                        struct reason *why)
{
    for (size_t i = 0; i < columns->target_count; i++) {
        const struct field *field = &rows->fields[columns->targets[i]];
        char text[64], *end = text;

        if (field->length && field->length < sizeof text) {
            memcpy(text, field->bytes, field->length);
            text[field->length] = 0;
            out->numbers[i] = strtof(text, &end);
        }
        if (end == text || *end || !isfinite(out->numbers[i]))
            return refuse(why, WISP_E_FORMAT, "column %zu: \"%.*s\" is no finite number", columns->targets[i] + 1,
                          (int)MIN(field->length, (size_t)40), field->bytes);
    }
    return 0;
}

static int read_target(const struct rows *rows, const struct columns *columns, struct collect *collect,
                       struct row_target *out, struct reason *why)
{
    const struct field *label = &rows->fields[columns->label];

    if (collect->wish->pairs)
        return media_check_text("target", rows->fields[columns->targets[0]].bytes,
                                rows->fields[columns->targets[0]].length, why);
    if (collect->wish->unlabelled)
        return 0;
    if (columns->target_count)
        return read_numbers(rows, columns, out, why);
    if (collect->wish->label_separator)
        return read_set(label, *collect->wish->label_separator, collect, out, why);
    return collect_class(collect, label->bytes, label->length, &out->classes[0], why);
}

static int add_target(struct collect *collect, const struct field *text, struct reason *why)
{
    return collect_target(collect, (struct dataset_text){ text->bytes, text->length }, why);
}

static int add_row(const struct rows *rows, const struct columns *columns, struct collect *collect, struct reason *why)
{
    const struct field *text = &rows->fields[columns->text];
    struct row_target target = { .class_count = 0 };
    bool set = collect->wish->label_separator && !columns->target_count;
    int result = media_check_text("text", text->bytes, text->length, why);

    if (!result)
        result = read_target(rows, columns, collect, &target, why);
    if (result)
        return collect_skip(collect, refuse_in(why, result, "%s:%u", rows->path, rows->row_line), why);
    if (collect->wish->tags == TAGS_KEPT) {
        result = kept_collect(text, &rows->fields[columns->targets[0]], collect, why);
        return result ? result : collect_line(collect, rows->row_line, why);
    }
    result =
        collect_text(collect, set ? 0 : target.classes[0], (struct dataset_text){ text->bytes, text->length }, why);
    if (!result && set)
        result = collect_set(collect, target.classes, target.class_count, why);
    if (!result && collect->wish->pairs)
        result = add_target(collect, &rows->fields[columns->targets[0]], why);
    else if (!result && columns->target_count)
        result = collect_numbers(collect, target.numbers, columns->target_count, why);
    return result ? result : collect_line(collect, rows->row_line, why);
}

static bool first_label_stands_alone(const struct dataset *set)
{
    if (set->lines[0] != 1)
        return false;
    for (size_t i = 1; i < set->count; i++) {
        if (set->classes[i] == set->classes[0])
            return false;
    }
    return true;
}

/* "2,27" beside "2" and "27", as sets write it whose samples have several labels each; how many are so, and the first.
 */
static size_t count_joined(const struct collect *collect, const char **example)
{
    size_t joined = 0;

    for (size_t i = 0; i < collect->name_count; i++) {
        const char *name = collect->names[i], *last = name + strlen(name);
        size_t first = strcspn(name, ",;|");

        while (last > name && !strchr(",;|", last[-1]))
            last--;
        if (!name[first] || !collect_has(collect, name, first) || !collect_has(collect, last, strlen(last)))
            continue;
        if (!joined++)
            *example = name;
    }
    return joined;
}

/* What makes one doubt that the columns were the right ones; the set's sentence for people. With the model's labels
 * there is no doubt of those that are among them. A heading that nobody called a sample is refused. */
static int doubt(const struct collect *collect, const struct columns *columns, const char *path, struct reason *why)
{
    struct dataset *set = collect->set;
    bool alone = !columns->heading && first_label_stands_alone(set);
    const char *example = NULL;
    size_t joined = count_joined(collect, &example);

    if (set->count < DOUBT_ROWS_MIN || set->unlabelled || set->set_starts || set->numbers)
        return 0;
    if (collect->name_count - alone > set->count / 2)
        snprintf(set->doubt, sizeof set->doubt,
                 "%zu different labels in %zu rows: is column %zu the text? --label-column and --text-column say which "
                 "is which",
                 collect->name_count, set->count, columns->label + 1);
    else if (alone)
        snprintf(
            set->doubt, sizeof set->doubt,
            "the label \"%.60s\" occurs once, in line 1: it looks like a heading; --label-column \"%.60s\" takes it "
            "for one",
            collect->names[set->classes[0]], collect->names[set->classes[0]]);
    else if (collect->name_count == 1)
        snprintf(set->doubt, sizeof set->doubt,
                 "all %zu rows have the label \"%.60s\": is column %zu the label? --label-column says which it is",
                 set->count, collect->names[0], columns->label + 1);
    else if (joined > 1)
        snprintf(
            set->doubt, sizeof set->doubt,
            "%zu labels, as \"%.60s\", join others of them: --label-separator takes them apart, for a network that "
            "ends in a sigmoid",
            joined, example);
    if (alone && !columns->named && !collect->wish->labels && collect->name_count - 1 <= set->count / 2)
        return refuse(why, WISP_E_FORMAT, "%s: %s, and --label-column 1 for a sample", path, set->doubt);
    return 0;
}

int table_next(struct rows *rows, struct collect *collect, bool *more, struct reason *why)
{
    int result;

    do {
        result = rows_next(rows, more, why);
        if (!rows->ragged)
            return result;
        result = collect_skip(collect, result, why);
    } while (!result);
    return result;
}

static int read_rows(struct rows *rows, struct collect *collect, struct reason *why)
{
    struct columns columns = { .text = 1 };
    bool more = false;
    int result = rows_next(rows, &more, why);

    if (!result && more)
        result = columns_find(rows, collect->wish, &columns, why);
    if (!result && more && columns.heading)
        result = table_next(rows, collect, &more, why);
    while (!result && more) {
        result = add_row(rows, &columns, collect, why);
        if (!result)
            result = table_next(rows, collect, &more, why);
    }
    if (!result && collect->set->count)
        result = doubt(collect, &columns, rows->path, why);
    return result;
}

int table_take(const char *path, void *data, size_t size, struct collect *collect, struct reason *why)
{
    struct rows rows = { .at = NULL };
    int result = text_unmark(path, &data, &size, why);

    if (result)
        free(data);
    if (result || (result = collect_own(collect, data, why)))
        return result;
    result = rows_init(&rows, path, table_has_quotes(path), data, size, why);
    if (!result)
        result = read_rows(&rows, collect, why);
    rows_deinit(&rows);
    return result;
}

int table_read(const char *path, struct collect *collect, struct reason *why)
{
    void *data = NULL;
    size_t size;
    int result = unpack_read(path, &data, &size, why);

    return result ? result : table_take(path, data, size, collect, why);
}
