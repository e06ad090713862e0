/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings and what is said in them. A table (rows.h) names a file a row, relative to the table's own folder, and its
 * transcript. In a folder it is SPLIT.tsv or SPLIT.csv, or SPLIT/metadata.tsv or .csv.
 *
 * Whether transcripts are taken by characters or by words (units.h) follows from the model: from its labels, or, where
 * it has none yet, from how many scores it has at each position: one for each unit and one for what is none.
 *
 * A recording is tried by the model's description of its input, so that one that is too long for it, or too short for
 * its transcript, is found by name and line before anything is learned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/columns.h"
#include "forge/data/readers.h"
#include "forge/data/units.h"
#include "media/text/utf16.h"

struct recording {
    struct field file, text;
    uint32_t line;
};

struct transcripts {
    struct collect *collect;
    const char *path;   /* of the table */
    size_t folder;      /* bytes of it that say its folder, with the slash */
    struct units units; /* how they are taken apart */
    struct recording *list;
    size_t count, capacity;
    uint32_t *classes; /* the units of the one at hand */
    size_t class_count, class_capacity;
};

static void transcripts_deinit(struct transcripts *t)
{
    free(t->list);
    free(t->classes);
}

/* ---- the table ---- */

static int find_table(const char *folder, const char *split, char **out, struct reason *why)
{
    static const char *const endings[] = { ".tsv", ".csv", "/metadata.tsv", "/metadata.csv" };

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        cleanup_free char *path = NULL;

        if (asprintf(&path, "%s/%s%s", folder, split, endings[i]) < 0)
            return refuse_errno(why, -ENOMEM, "%s", folder);
        if (access(path, F_OK))
            continue;
        *out = steal(&path);
        return 0;
    }
    return refuse(why, WISP_E_FORMAT,
                  "%s: neither %s.tsv or %s.csv in it, nor %s/metadata.csv: a table with a column of files and one of "
                  "what is said in them",
                  folder, split, split, split);
}

static int add_recording(struct transcripts *t, const struct rows *rows, const struct columns *columns,
                         struct reason *why)
{
    const struct recording r = { rows->fields[columns->text], rows->fields[columns->targets[0]], rows->row_line };
    int result = 0;

    if (!r.file.length || memchr(r.file.bytes, 0, r.file.length))
        result = refuse(why, WISP_E_FORMAT, "no file is named");
    if (!result)
        result = media_check_text("the transcript", r.text.bytes, r.text.length, why);
    if (result)
        return collect_skip(t->collect, refuse_in(why, result, "%s:%u", rows->path, rows->row_line), why);
    if (t->count == t->capacity) {
        const size_t capacity = MAX((size_t)256, 2 * t->capacity);
        struct recording *larger = realloc(t->list, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(why, -ENOMEM, "cannot hold %zu transcripts", capacity);
        t->list = larger;
        t->capacity = capacity;
    }
    t->list[t->count++] = r;
    return 0;
}

static int read_rows(struct transcripts *t, struct rows *rows, struct reason *why)
{
    struct columns columns = { .text = 0 };
    bool more = false;
    int result = rows_next(rows, &more, why);

    if (!result && more)
        result = columns_find(rows, t->collect->wish, &columns, why);
    if (!result && more && columns.heading)
        result = table_next(rows, t->collect, &more, why);
    while (!result && more) {
        result = add_recording(t, rows, &columns, why);
        if (!result)
            result = table_next(rows, t->collect, &more, why);
    }
    return result;
}

static int read_table(struct transcripts *t, struct reason *why)
{
    struct rows rows = { .at = NULL };
    void *data = NULL;
    size_t size;
    int result = unpack_read(t->path, &data, &size, why);

    if (result)
        return result;
    result = text_unmark(t->path, &data, &size, why);
    if (result)
        free(data);
    if (result || (result = collect_own(t->collect, data, why)))
        return result;
    result = rows_init(&rows, t->path, table_has_quotes(t->path), data, size, why);
    if (!result)
        result = read_rows(t, &rows, why);
    rows_deinit(&rows);
    return result;
}

/* ---- units ---- */

static int count_units(const struct transcripts *t, struct units units, size_t *out, struct reason *why)
{
    struct collect seen;
    int result = collect_init(&seen, t->collect->wish, why);
    const char *unit;
    size_t length;
    uint32_t class;

    for (size_t i = 0; !result && i < t->count; i++) {
        units_begin(&units, t->list[i].text.bytes, t->list[i].text.length);
        while (!result && units_next(&units, &unit, &length))
            result = collect_class(&seen, unit, length, &class, why);
        if (result)
            refuse_in(why, result, "%s:%u", t->path, t->list[i].line);
    }
    *out = seen.name_count;
    collect_deinit(&seen);
    return result;
}

/* Characters if the model has a score for each, else words. */
static int choose_units(struct transcripts *t, struct reason *why)
{
    const struct dataset_wish *wish = t->collect->wish;
    const struct units characters = { .spaces = true }, words = { .words = true };
    size_t character_count, word_count = 0;
    int result;

    t->units = wish->labels ? units_of_labels(wish->labels, wish->label_count) : characters;
    if (wish->labels && strcmp(wish->labels[0], UNITS_BLANK) != 0)
        return refuse(why, WISP_E_FORMAT, "the model's first label is \"%.60s\"; of transcripts it is " UNITS_BLANK,
                      wish->labels[0]);
    if (wish->labels)
        return 0;
    result = count_units(t, characters, &character_count, why);
    if (result || character_count + 1 == wish->scores)
        return result;
    t->units = words;
    result = count_units(t, words, &word_count, why);
    if (result || word_count + 1 == wish->scores)
        return result;
    return refuse(why, WISP_E_FORMAT,
                  "%s: its transcripts have %zu different characters and %zu words; with one for none of them that is "
                  "%zu or %zu scores at each position, and the model has %zu",
                  t->path, character_count, word_count, character_count + 1, word_count + 1, wish->scores);
}

static int add_unit(struct transcripts *t, const char *unit, size_t length, struct reason *why)
{
    uint32_t class;
    int result = collect_class(t->collect, unit, length, &class, why);

    if (!result && !class)
        result = refuse(why, WISP_E_FORMAT, "\"" UNITS_BLANK "\" stands for what is no word");
    if (result)
        return result;
    if (t->class_count == t->class_capacity) {
        const size_t capacity = MAX((size_t)64, 2 * t->class_capacity);
        uint32_t *larger = realloc(t->classes, capacity * sizeof *larger);

        if (!larger)
            return refuse_errno(why, -ENOMEM, "cannot hold a transcript of %zu units", capacity);
        t->classes = larger;
        t->class_capacity = capacity;
    }
    t->classes[t->class_count++] = class;
    return 0;
}

static int take_apart(struct transcripts *t, const struct field *text, struct reason *why)
{
    const char *unit;
    size_t length;
    int result = 0;

    t->class_count = 0;
    units_begin(&t->units, text->bytes, text->length);
    while (!result && units_next(&t->units, &unit, &length))
        result = add_unit(t, unit, length, why);
    return result;
}

/* ---- recordings ---- */

/* Two alike need a position between them. */
static size_t positions_wanted(const struct transcripts *t)
{
    size_t wanted = t->class_count;

    for (size_t i = 1; i < t->class_count; i++)
        wanted += t->classes[i] == t->classes[i - 1];
    return wanted;
}

static int check_fit(const struct transcripts *t, const struct media_sound *sound, struct reason *why)
{
    struct collect *collect = t->collect;
    const struct dataset_wish *wish = collect->wish;
    const size_t wanted = positions_wanted(t);
    uint32_t dimensions[4];
    size_t frames, positions;
    int result;

    if (!collect->scratch)
        collect->scratch = memory_alloc(media_elements(wish->media), sizeof *collect->scratch);
    if (!collect->scratch)
        return refuse_errno(why, -ENOMEM, "a sound");
    result = media_encode_sound(wish->media, sound, collect->scratch, &frames, why);
    if (!result)
        result = media_check_frames(wish->media, frames, why);
    if (result)
        return result;
    media_shape(wish->media, dimensions);
    positions = dataset_positions(frames, dimensions[1], wish->positions);
    if (wanted <= positions)
        return 0;
    return refuse(why, WISP_E_FORMAT, "its %zu %s take %zu positions, and the model has %zu for %.2f s of sound",
                  t->class_count, t->units.words ? "words" : "characters", wanted, positions,
                  (double)sound->count / sound->rate);
}

static int read_sound(const struct transcripts *t, const char *path, struct media_sound *out, struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size;
    int result = file_read(path, MEDIA_FILE_MAX, &data, &size, why);

    if (!result)
        result = media_decode_sound(path, data, size, out, why);
    if (result)
        return result;
    result = check_fit(t, out, why);
    if (!result)
        return 0;
    free(out->samples);
    return refuse_in(why, result, "%s", path);
}

static int read_recording(struct transcripts *t, const struct recording *r, struct reason *why)
{
    const bool absolute = *r->file.bytes == '/';
    struct collect *collect = t->collect;
    struct media_sound sound = { .samples = NULL };
    cleanup_free char *path = NULL;
    int result = take_apart(t, &r->text, why);

    if (asprintf(&path, "%.*s%.*s", absolute ? 0 : (int)t->folder, t->path, (int)r->file.length, r->file.bytes) < 0)
        return refuse_errno(why, -ENOMEM, "%s", t->path);
    if (!result)
        result = read_sound(t, path, &sound, why);
    if (result)
        return collect_skip(collect, refuse_in(why, result, "%s:%u", t->path, r->line), why);
    result = collect_own(collect, sound.samples, why);
    if (!result)
        result = collect_sound(collect, 0, sound, why);
    if (!result)
        result = collect_set(collect, t->classes, t->class_count, why);
    return result ? result : collect_name(collect, path, why);
}

static int read_all(struct transcripts *t, struct reason *why)
{
    const char *slash = strrchr(t->path, '/');
    uint32_t blank;
    int result = read_table(t, why);

    t->folder = slash ? (size_t)(slash + 1 - t->path) : 0;
    if (!result)
        result = choose_units(t, why);
    if (!result)
        result = collect_class(t->collect, UNITS_BLANK, strlen(UNITS_BLANK), &blank, why);
    t->collect->first_is_none = true;
    for (size_t i = 0; !result && i < t->count; i++)
        result = read_recording(t, &t->list[i], why);
    return result ? result : reader_check_split(t->collect, t->path, false, why);
}

int transcripts_read(const char *path, bool is_folder, struct collect *collect, struct reason *why)
{
    struct transcripts t = { .collect = collect, .path = path };
    cleanup_free char *found = NULL;
    int result = 0;

    if (is_folder)
        result = find_table(path, collect->wish->split, &found, why);
    else if (!table_has_name(path))
        result = refuse(why, WISP_E_FORMAT,
                        "%s: what is said in recordings is read from a .tsv or .csv, with a column of files and one of "
                        "transcripts",
                        path);
    if (found)
        t.path = found;
    if (!result)
        result = read_all(&t, why);
    transcripts_deinit(&t);
    return result;
}
