/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/cpu.h"

enum { WORD_MAX = 16 };

/* What a matrix may have of the patience that is left, and what is too short for a few rounds. */
enum { PATIENCE_SHARES = 8, PATIENCE_LEAST_NS = 2 * NS_PER_MS };

/* What a line is of: a matrix, and formats; a convolution, and ways; a model. */
enum entry_kind { OF_MATRIX, OF_CONVOLUTION, OF_MODEL, ENTRY_KINDS };

/* What was measured, and what came out. */
struct entry {
    char kernels[WORD_MAX], cpu[CPU_NAME_MAX];
    enum entry_kind kind;
    char identity[CHOICE_IDENTITY_MAX];
    uint32_t half, batch;
    uint32_t rows, columns;
    uint64_t count;
    enum value_type type;
    struct choice choice;
    struct way_key key;
    struct way_choice ways;
};

struct choice_cache {
    char folder[CHOICE_FOLDER_MAX];
    struct entry *entries; /* the oldest first */
    size_t count;
    uint64_t patience_ns; /* what is left for this model */
    bool changed;
};

/* ---- one line ---- */

/* The next word of *text, without its space; NULL when there is none, or it has `max` bytes. */
static const char *next_text(char **text, char *word, size_t max)
{
    const size_t length = strcspn(*text, " ");

    if (!length || length >= max || (*text)[length] != ' ')
        return NULL;
    memcpy(word, *text, length);
    word[length] = 0;
    *text += length + 1;
    return word;
}

static const char *next_word(char **text, char word[WORD_MAX])
{
    return next_text(text, word, WORD_MAX);
}

static bool next_number(char **text, uint64_t max, uint64_t *out)
{
    char word[WORD_MAX], *end;

    if (!next_word(text, word) || strspn(word, "0123456789") != strlen(word))
        return false;
    *out = strtoull(word, &end, 10);
    return *out <= max;
}

static bool next_way(char **text, enum convolution_way *out)
{
    char word[WORD_MAX];

    return next_word(text, word) && way_find(word, out);
}

static bool ways_read(char **text, struct entry *out)
{
    bool sound = true;

    for (size_t i = 0; i < WAY_KEY_NUMBERS; i++)
        sound = sound && next_number(text, UINT64_MAX, &out->key.numbers[i]);
    for (unsigned c = 0; c < WAY_CLASSES; c++)
        sound = sound && next_way(text, &out->ways.first[c]) && next_way(text, &out->ways.other[c]);
    return sound;
}

static bool formats_read(char **text, struct entry *out)
{
    uint64_t rows, columns, first, last;
    char word[WORD_MAX];

    if (!next_number(text, UINT32_MAX, &rows) || !next_number(text, UINT32_MAX, &columns) ||
        !next_number(text, UINT64_MAX, &out->count) || !next_word(text, word) ||
        (out->type = value_type_find(word)) == VALUE_TYPES || !next_number(text, BATCH_CLASSES - 1, &first) ||
        !next_number(text, BATCH_CLASSES - 1, &last) || first > last || !next_word(text, word) ||
        !residence_find(word, &out->choice.residence))
        return false;
    out->rows = (uint32_t)rows;
    out->columns = (uint32_t)columns;
    out->choice.first = (unsigned)first;
    out->choice.last = (unsigned)last;
    for (unsigned c = 0; c < BATCH_CLASSES; c++) {
        if (!next_word(text, word) || !weight_format_find(word, &out->choice.format[c]))
            return false;
    }
    return true;
}

static bool apart_read(char **text, struct entry *out)
{
    uint64_t half, batch;

    if (!next_text(text, out->identity, sizeof out->identity) || !next_number(text, UINT32_MAX, &half) ||
        !next_number(text, UINT32_MAX, &batch))
        return false;
    out->half = (uint32_t)half;
    out->batch = (uint32_t)batch;
    return true;
}

static void ways_write(FILE *out, const struct entry *e)
{
    for (size_t i = 0; i < WAY_KEY_NUMBERS; i++)
        fprintf(out, " %" PRIu64, e->key.numbers[i]);
    for (unsigned c = 0; c < WAY_CLASSES; c++)
        fprintf(out, " %s %s", way_word(e->ways.first[c]), way_word(e->ways.other[c]));
}

static void formats_write(FILE *out, const struct entry *e)
{
    fprintf(out, " %u %u %" PRIu64 " %s %u %u %s", e->rows, e->columns, e->count, value_type_name(e->type),
            e->choice.first, e->choice.last, residence_name(e->choice.residence));
    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        fprintf(out, " %s", weight_format_at(e->choice.format[c])->name);
}

static void apart_write(FILE *out, const struct entry *e)
{
    fprintf(out, " %s %u %u", e->identity, e->half, e->batch);
}

/* By what is written for the kind, behind the kernels' name. */
static const struct {
    const char *word;
    bool (*read)(char **text, struct entry *out);
    void (*write)(FILE *out, const struct entry *entry);
} kinds[ENTRY_KINDS] = {
    [OF_MATRIX] = { "", formats_read, formats_write },
    [OF_CONVOLUTION] = { " convolution", ways_read, ways_write },
    [OF_MODEL] = { " apart", apart_read, apart_write },
};

/* A matrix has no word: its line goes on with a number. */
static enum entry_kind kind_of(const char *line)
{
    enum entry_kind kind = OF_MODEL;

    while (kind != OF_MATRIX && strncmp(line - 1, kinds[kind].word, strlen(kinds[kind].word)) != 0)
        kind--;
    return kind;
}

static bool entry_read(char *line, struct entry *out)
{
    char word[WORD_MAX];

    *out = (struct entry){ .rows = 0 };
    if (!next_word(&line, out->kernels))
        return false;
    out->kind = kind_of(line);
    if ((out->kind != OF_MATRIX && !next_word(&line, word)) || !kinds[out->kind].read(&line, out))
        return false;
    if (!*line || strlen(line) >= sizeof out->cpu)
        return false;
    memcpy(out->cpu, line, strlen(line) + 1);
    return true;
}

static void entry_write(FILE *out, const struct entry *e)
{
    fprintf(out, "%s%s", e->kernels, kinds[e->kind].word);
    kinds[e->kind].write(out, e);
    fprintf(out, " %s\n", e->cpu);
}

static bool entry_is_of(const struct entry *a, const struct entry *b)
{
    return !strcmp(a->kernels, b->kernels) && a->kind == b->kind && !memcmp(&a->key, &b->key, sizeof a->key) &&
           !strcmp(a->identity, b->identity) && a->half == b->half && a->batch == b->batch && a->rows == b->rows &&
           a->columns == b->columns && a->count == b->count && a->type == b->type &&
           a->choice.first == b->choice.first && a->choice.last == b->choice.last &&
           a->choice.residence == b->choice.residence && !strcmp(a->cpu, b->cpu);
}

static struct entry entry_of(const struct kernels *kernels, const struct csr *w, const struct choice *choice)
{
    struct entry made = {
        .rows = w->rows, .columns = w->columns, .count = w->count, .type = w->type, .choice = *choice
    };

    snprintf(made.kernels, sizeof made.kernels, "%s", kernels->name);
    cpu_name(made.cpu);
    return made;
}

static struct entry entry_of_ways(const struct kernels *kernels, const struct way_key *key)
{
    struct entry made = { .kind = OF_CONVOLUTION, .key = *key };

    snprintf(made.kernels, sizeof made.kernels, "%s", kernels->name);
    cpu_name(made.cpu);
    return made;
}

static struct entry entry_of_model(const struct kernels *kernels, const struct apart_key *key)
{
    struct entry made = { .kind = OF_MODEL, .half = key->half, .batch = key->batch };

    snprintf(made.identity, sizeof made.identity, "%s", key->identity);
    snprintf(made.kernels, sizeof made.kernels, "%s", kernels->name);
    cpu_name(made.cpu);
    return made;
}

/* ---- the file ---- */

/* Grows where a format becomes faster, or takes what it did not: what was chosen before it is chosen anew. */
enum { EDITION = 2 };

/* Other versions and other lists of formats have other speeds. */
static void head_write(FILE *out)
{
    fprintf(out, "wisp %s weight formats", WISP_VERSION);
    for (unsigned f = 0; weight_format_at(f); f++)
        fprintf(out, " %s", weight_format_at(f)->name);
    fprintf(out, " ways");
    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++)
        fprintf(out, " %s", way_word((enum convolution_way)way));
    fprintf(out, " apart %d\n", EDITION);
}

static bool head_is_ours(const char *line)
{
    cleanup_free char *ours = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&ours, &size);

    if (!memory)
        return false;
    head_write(memory);
    if (fclose(memory) || !ours)
        return false;
    return strlen(line) + 1 == size && !strncmp(line, ours, size - 1);
}

/* Lines as strings, in place; false: something is not as this version writes it. */
static bool lines_read(struct choice_cache *cache, char *text, size_t size)
{
    char *end = memchr(text, '\n', size);

    if (!end || memchr(text, 0, size))
        return false;
    *end = 0;
    if (!head_is_ours(text))
        return false;
    for (char *line = end + 1; line < text + size; line = end + 1) {
        end = strchr(line, '\n');
        if (!end || cache->count == CHOICE_CACHE_LINES)
            return false;
        *end = 0;
        if (!entry_read(line, &cache->entries[cache->count++]))
            return false;
    }
    return true;
}

static void path_of(const struct choice_cache *cache, char path[CHOICE_FOLDER_MAX + 32])
{
    snprintf(path, CHOICE_FOLDER_MAX + 32, "%s/" CHOICE_CACHE_FILE, cache->folder);
}

int choice_cache_open(const char *folder, struct choice_cache **out)
{
    struct choice_cache *cache = calloc(1, sizeof *cache);
    char path[CHOICE_FOLDER_MAX + 32];
    cleanup_free void *text = NULL;
    size_t size;

    if (cache)
        cache->entries = calloc(CHOICE_CACHE_LINES, sizeof *cache->entries);
    if (!cache || !cache->entries) {
        choice_cache_free(cache);
        return -ENOMEM;
    }
    cache->patience_ns = CHOICE_PATIENCE_NS;
    *out = cache;
    if (!folder)
        return 0;
    snprintf(cache->folder, sizeof cache->folder, "%s", folder);
    path_of(cache, path);
    if (!file_read(path, CHOICE_CACHE_BYTES, &text, &size, NULL) && !lines_read(cache, text, size))
        cache->count = 0;
    return 0;
}

struct choice_cache *choice_cache_usual(void)
{
    char folder[CHOICE_FOLDER_MAX];
    struct choice_cache *cache = NULL;

    return choice_cache_folder(folder) && !choice_cache_open(folder, &cache) ? cache : NULL;
}

struct choice_cache *choice_cache_free(struct choice_cache *cache)
{
    if (cache) {
        free(cache->entries);
        free(cache);
    }
    return NULL;
}

int choice_cache_save(struct choice_cache *cache, struct reason *why)
{
    cleanup_free char *text = NULL;
    char path[CHOICE_FOLDER_MAX + 32];
    struct file_part part;
    FILE *memory;

    if (!cache->changed || !*cache->folder)
        return 0;
    memory = open_memstream(&text, &part.size);
    if (!memory)
        return refuse_errno(why, -ENOMEM, "choices of weight formats");
    head_write(memory);
    for (size_t i = 0; i < cache->count; i++)
        entry_write(memory, &cache->entries[i]);
    if (fclose(memory) || !text)
        return refuse_errno(why, -ENOMEM, "choices of weight formats");
    part.data = text;
    path_of(cache, path);
    if (mkdir(cache->folder, 0755) && errno != EEXIST)
        return refuse_errno(why, -errno, "%s", cache->folder);
    cache->changed = false;
    return file_write(path, &part, 1, why);
}

/* ---- choices ---- */

bool choice_cache_find(const struct choice_cache *cache, const struct kernels *kernels, const struct csr *w,
                       struct choice *out)
{
    const struct entry wanted = entry_of(kernels, w, out);

    for (size_t i = 0; i < cache->count; i++) {
        if (!entry_is_of(&cache->entries[i], &wanted) || !choice_can(&cache->entries[i].choice, kernels, w))
            continue;
        *out = cache->entries[i].choice;
        return true;
    }
    return false;
}

static void add(struct choice_cache *cache, struct entry entry)
{
    if (cache->count == CHOICE_CACHE_LINES)
        memmove(cache->entries, cache->entries + 1, --cache->count * sizeof *cache->entries);
    cache->entries[cache->count++] = entry;
    cache->changed = true;
}

void choice_cache_add(struct choice_cache *cache, const struct kernels *kernels, const struct csr *w,
                      const struct choice *choice)
{
    add(cache, entry_of(kernels, w, choice));
}

bool choice_cache_find_ways(const struct choice_cache *cache, const struct kernels *kernels, const struct way_key *key,
                            struct way_choice *out)
{
    const struct entry wanted = entry_of_ways(kernels, key);

    for (size_t i = 0; i < cache->count; i++) {
        if (!entry_is_of(&cache->entries[i], &wanted))
            continue;
        *out = cache->entries[i].ways;
        return true;
    }
    return false;
}

void choice_cache_add_ways(struct choice_cache *cache, const struct kernels *kernels, const struct way_key *key,
                           const struct way_choice *choice)
{
    struct entry made = entry_of_ways(kernels, key);

    made.ways = *choice;
    add(cache, made);
}

bool choice_cache_find_apart(const struct choice_cache *cache, const struct kernels *kernels,
                             const struct apart_key *key)
{
    const struct entry wanted = entry_of_model(kernels, key);

    for (size_t i = 0; *key->identity && i < cache->count; i++) {
        if (entry_is_of(&cache->entries[i], &wanted))
            return true;
    }
    return false;
}

void choice_cache_add_apart(struct choice_cache *cache, const struct kernels *kernels, const struct apart_key *key)
{
    if (*key->identity)
        add(cache, entry_of_model(kernels, key));
}

void choice_cache_set_patience(struct choice_cache *cache, uint64_t ns)
{
    cache->patience_ns = ns;
}

uint64_t choice_cache_patience(const struct choice_cache *cache)
{
    const uint64_t share = cache->patience_ns / PATIENCE_SHARES;

    return share < PATIENCE_LEAST_NS ? 0 : share;
}

void choice_cache_spend(struct choice_cache *cache, uint64_t ns)
{
    cache->patience_ns -= MIN(cache->patience_ns, ns);
}

bool choice_cache_folder(char folder[CHOICE_FOLDER_MAX])
{
    const char *service = getenv("CACHE_DIRECTORY"), *user = getenv("XDG_CACHE_HOME");
    int length = 0;

    if (service && *service == '/')
        length = snprintf(folder, CHOICE_FOLDER_MAX, "%s", service);
    else if (user && *user == '/')
        length = snprintf(folder, CHOICE_FOLDER_MAX, "%s/wisp", user);
    return length > 0 && length < CHOICE_FOLDER_MAX;
}
