/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/data/columns.h"

enum { NONE = -1 };

static const char *const label_words[] = { "label",    "labels", "class",       "classes",   "category",
                                           "target",   "intent", "class index", "sentiment", "emotion",
                                           "language", "lang",   "topic",       "v1" };
static const char *const text_words[] = { "text",  "sentence", "message",   "content", "description", "review",
                                          "body",  "sms",      "utterance", "tweet",   "comment",     "document",
                                          "title", "headline", "question",  "v2" };

static bool is_name(const struct field *field, const char *name)
{
    return strlen(name) == field->length && !strncasecmp(field->bytes, name, field->length);
}

static bool is_one_of(const struct field *field, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_name(field, words[i]))
            return true;
    }
    return false;
}

/* The only column that one of the words names; NONE when there is none, or more than one. */
static long find_known(const struct rows *first, const char *const *words, size_t count)
{
    long found = NONE;

    for (size_t i = 0; i < first->count; i++) {
        if (!is_one_of(&first->fields[i], words, count))
            continue;
        if (found != NONE)
            return NONE;
        found = (long)i;
    }
    return found;
}

/* "'label', 'id', 'text'", as much as fits. */
static const char *list_columns(const struct rows *first, char *text, size_t size)
{
    size_t used = 0;

    *text = 0;
    for (size_t i = 0; i < first->count && used + 32 < size; i++) {
        int shown = (int)MIN(first->fields[i].length, (size_t)20);

        used += (size_t)snprintf(text + used, size - used, "%s'%.*s%s'", i ? ", " : "", shown, first->fields[i].bytes,
                                 first->fields[i].length > 20 ? "…" : "");
    }
    return text;
}

/* A wished column: by the name that the first row has, else by number. */
static int find_wished(const struct rows *first, const char *option, const char *wish, long *out, bool *heading,
                       struct reason *why)
{
    char names[256];
    uint64_t number;

    for (size_t i = 0; i < first->count; i++) {
        if (is_name(&first->fields[i], wish)) {
            *out = (long)i;
            *heading = true;
            return 0;
        }
    }
    if (parse_count(wish, &number) && number >= 1 && number <= first->count) {
        *out = (long)number - 1;
        return 0;
    }
    return refuse(why, WISP_E_FORMAT,
                  "%s:%u: %s %s: there is no such column; the first row has %s, and numbers are 1 to %zu", first->path,
                  first->row_line, option, wish, list_columns(first, names, sizeof names), first->count);
}

static int refuse_columns(const struct rows *first, struct reason *why)
{
    char names[256];

    return refuse(why, WISP_E_FORMAT,
                  "%s:%u: %zu columns (%s): say which they are by --label-column and --text-column, by name or number",
                  first->path, first->row_line, first->count, list_columns(first, names, sizeof names));
}

static int refuse_one_column(const struct rows *first, struct reason *why)
{
    const struct field *only = &first->fields[0];
    bool semicolon = first->quotes && memchr(only->bytes, ';', only->length);
    bool tab = first->quotes && memchr(only->bytes, '\t', only->length);

    return refuse(why, WISP_E_FORMAT, "%s:%u: one column; a row is a label, a %s, and a text%s", first->path,
                  first->row_line, first->quotes ? "comma" : "tab",
                  tab         ? " (this one has tabs: call the file .tsv)"
                  : semicolon ? " (this one has semicolons: save the table with commas)"
                              : "");
}

/* What no wish says: from names that are known, else by place. */
static int guess_rest(const struct rows *first, const struct dataset_wish *wish, long *label, long *text, bool *heading,
                      struct reason *why)
{
    long known_label = find_known(first, label_words, ARRAY_SIZE(label_words));
    long known_text = find_known(first, text_words, ARRAY_SIZE(text_words));
    bool known = known_label != NONE && known_text != NONE;

    if (!wish->label_column && !wish->text_column) {
        if (first->count > 2)
            return refuse_columns(first, why);
        *heading = known;
        *label = known ? known_label : 0;
        *text = 1 - *label;
        return 0;
    }
    if (first->count > 2 && *label == NONE)
        *label = known_label;
    if (first->count > 2 && *text == NONE)
        *text = known_text;
    if (first->count == 2)
        *(*label == NONE ? label : text) = *label == NONE ? 1 - *text : 1 - *label;
    return *label == NONE || *text == NONE ? refuse_columns(first, why) : 0;
}

static bool is_target(const struct columns *c, size_t column)
{
    for (size_t i = 0; i < c->target_count; i++) {
        if (c->targets[i] == column)
            return true;
    }
    return false;
}

/* The columns of numbers, and the text: the one wished for, one with a known name, or the only one left. */
static int find_targets(const struct rows *first, const struct dataset_wish *wish, struct columns *out,
                        struct reason *why)
{
    cleanup_free char *list = strdup(wish->target_columns);
    char *rest = list, *name;
    long text = NONE, column;
    int result = list ? 0 : refuse_errno(why, -ENOMEM, "%s", first->path);

    while (!result && (name = strsep(&rest, ","))) {
        if (out->target_count == COLUMNS_TARGETS_MAX)
            return refuse(why, WISP_E_FORMAT, "--target-columns: at most %d", COLUMNS_TARGETS_MAX);
        result = find_wished(first, "--target-columns", name, &column, &out->heading, why);
        if (!result)
            out->targets[out->target_count++] = (size_t)column;
    }
    if (!result && wish->text_column)
        result = find_wished(first, "--text-column", wish->text_column, &text, &out->heading, why);
    if (result)
        return result;
    if (text == NONE)
        text = find_known(first, text_words, ARRAY_SIZE(text_words));
    for (size_t i = 0; text == NONE && first->count == out->target_count + 1 && i < first->count; i++)
        text = is_target(out, i) ? NONE : (long)i;
    if (text == NONE)
        return refuse_columns(first, why);
    if (is_target(out, (size_t)text))
        return refuse(why, WISP_E_FORMAT, "%s: column %ld is text and target", first->path, text + 1);
    out->text = (size_t)text;
    return 0;
}

/* The only one, the other one than the label, or the one that has a known name. */
static long guess_text(const struct rows *first, long label, bool *heading)
{
    const long known = find_known(first, text_words, ARRAY_SIZE(text_words));
    const long named = find_known(first, label_words, ARRAY_SIZE(label_words));

    *heading |= known != NONE || named != NONE;
    if (label == NONE)
        label = named;
    if (known != NONE)
        return known;
    if (first->count == 2)
        return label == 0 || label == NONE;
    return first->count == 1 ? 0 : NONE;
}

static int find_text(const struct rows *first, const struct dataset_wish *wish, struct columns *out, struct reason *why)
{
    long text = NONE, label = NONE;
    int result = 0;

    if (wish->text_column)
        result = find_wished(first, "--text-column", wish->text_column, &text, &out->heading, why);
    else if (wish->label_column)
        result = find_wished(first, "--label-column", wish->label_column, &label, &out->heading, why);
    if (!result && text == NONE)
        text = guess_text(first, label, &out->heading);
    if (result)
        return result;
    if (text == NONE)
        return refuse_columns(first, why);
    out->text = (size_t)text;
    return 0;
}

/* Names of the two columns of a pair, and how to say which they are. */
struct pair_words {
    const char *source[8], *target[8], *advice;
};

static const struct pair_words pair_of_texts = { { "source", "src" },
                                                 { "target", "tgt", "translation" },
                                                 "--text-column and --target-columns, by name or number" };
static const struct pair_words pair_of_sound = {
    { "file", "file_name", "filename", "path", "audio", "wav", "recording" },
    { "transcript", "transcription", "sentence", "text", "words" },
    "a heading, as \"file\" and \"transcript\", or --text-column and --target-columns, by name or number"
};

static int refuse_pairs(const struct rows *first, const struct pair_words *words, struct reason *why)
{
    char names[256];

    return refuse(why, WISP_E_FORMAT, "%s:%u: %zu columns (%s): say which are the pair by %s", first->path,
                  first->row_line, first->count, list_columns(first, names, sizeof names), words->advice);
}

static size_t count_words(const char *const words[8])
{
    size_t count = 0;

    while (count < 8 && words[count])
        count++;
    return count;
}

static int find_pairs(const struct rows *first, const struct dataset_wish *wish, struct columns *out,
                      struct reason *why)
{
    const struct pair_words *words = wish->kind == MEDIA_AUDIO ? &pair_of_sound : &pair_of_texts;
    const size_t sources = count_words(words->source), targets = count_words(words->target);
    long source = find_known(first, words->source, sources), target = find_known(first, words->target, targets);
    int result = 0;

    if (wish->text_column)
        result = find_wished(first, "--text-column", wish->text_column, &source, &out->heading, why);
    if (!result && wish->target_columns)
        result = find_wished(first, "--target-columns", wish->target_columns, &target, &out->heading, why);
    if (result)
        return result;
    if (first->count == 2 && (source == NONE || target == NONE)) {
        source = source != NONE ? source : target != NONE ? 1 - target : 0;
        target = 1 - source;
    }
    if (source == NONE || target == NONE)
        return refuse_pairs(first, words, why);
    if (source == target)
        return refuse(why, WISP_E_FORMAT, "%s: source and target are the same column, %ld", first->path, source + 1);
    out->heading |= is_one_of(&first->fields[source], words->source, sources) &&
                    is_one_of(&first->fields[target], words->target, targets);
    out->text = (size_t)source;
    out->targets[out->target_count++] = (size_t)target;
    return 0;
}

int columns_find(const struct rows *first, const struct dataset_wish *wish, struct columns *out, struct reason *why)
{
    long label = NONE, text = NONE;
    bool heading = false;
    int result = 0;

    if (wish->pairs || wish->scores) {
        *out = (struct columns){ .named = true };
        return find_pairs(first, wish, out, why);
    }
    if (wish->unlabelled) {
        *out = (struct columns){ .text = 0 };
        return find_text(first, wish, out, why);
    }
    if (first->count < 2)
        return refuse_one_column(first, why);
    if (wish->target_columns) {
        *out = (struct columns){ .named = true };
        return find_targets(first, wish, out, why);
    }
    if (wish->label_column)
        result = find_wished(first, "--label-column", wish->label_column, &label, &heading, why);
    if (!result && wish->text_column)
        result = find_wished(first, "--text-column", wish->text_column, &text, &heading, why);
    if (!result && (label == NONE || text == NONE))
        result = guess_rest(first, wish, &label, &text, &heading, why);
    if (result)
        return result;
    if (label == text)
        return refuse(why, WISP_E_FORMAT, "%s: label and text are the same column, %ld", first->path, label + 1);
    /* Numbers say nothing of a first row with names; words that only a heading has do. */
    heading |= is_one_of(&first->fields[label], label_words, ARRAY_SIZE(label_words)) &&
               is_one_of(&first->fields[text], text_words, ARRAY_SIZE(text_words));
    *out = (struct columns){ .label = (size_t)label,
                             .text = (size_t)text,
                             .heading = heading,
                             .named = wish->label_column || wish->text_column };
    return 0;
}
