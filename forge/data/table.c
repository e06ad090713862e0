/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text: one sample a row (rows.h), of which one column is the label and one the text (columns.h). Text is
 * UTF-8, with or without a byte order mark, or UTF-16 with one. What a table's labels look like is checked at its end:
 * a heading that was taken for a sample, or a text that was taken for the label, betrays itself there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/columns.h"
#include "forge/data/readers.h"
#include "media/text/utf16.h"

enum { DOUBT_ROWS_MIN = 4 };

bool table_has_name(const char *path)
{
    static const char *const endings[] = { ".tsv", ".csv", ".tsv.gz", ".csv.gz", ".tsv.xz", ".csv.xz" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

static int add_row(const struct rows *rows, const struct columns *columns, struct collect *collect, struct reason *why)
{
    const struct field *label = &rows->fields[columns->label], *text = &rows->fields[columns->text];
    uint32_t class;
    int result = media_check_text("text", text->bytes, text->length, why);

    if (!result)
        result = collect_class(collect, label->bytes, label->length, &class, why);
    if (result)
        return collect_skip(collect, refuse_in(why, result, "%s:%u", rows->path, rows->row_line), why);
    result = collect_text(collect, class, (struct dataset_text){ text->bytes, text->length }, why);
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

    if (set->count < DOUBT_ROWS_MIN)
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
        snprintf(set->doubt, sizeof set->doubt,
                 "%zu labels, as \"%.60s\", join others of them; this version learns one label for a sample: leave out "
                 "rows with several, or keep one of each",
                 joined, example);
    if (alone && !columns->named && !collect->wish->labels && collect->name_count - 1 <= set->count / 2)
        return refuse(why, WISP_E_FORMAT, "%s: %s, and --label-column 1 for a sample", path, set->doubt);
    return 0;
}

/* The next row that has the right number of fields; others are left out where that is wished. */
static int next_row(struct rows *rows, struct collect *collect, bool *more, struct reason *why)
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
    struct columns columns = { 0, 1, false, false };
    bool more = false;
    int result = rows_next(rows, &more, why);

    if (!result && more)
        result = columns_find(rows, collect->wish, &columns, why);
    if (!result && more && columns.heading)
        result = next_row(rows, collect, &more, why);
    while (!result && more) {
        result = add_row(rows, &columns, collect, why);
        if (!result)
            result = next_row(rows, collect, &more, why);
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
    result = rows_init(&rows, path, strstr(path, ".csv") != NULL, data, size, why);
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
