/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "base/suggest.h"
#include "forge/data/collect.h"
#include "media/text/utf16.h"

struct storage {
    void **blocks;
    size_t count, capacity;
};

struct dataset *dataset_free(struct dataset *dataset)
{
    struct storage *storage;

    if (!dataset)
        return NULL;
    storage = dataset->storage;
    for (size_t i = 0; storage && i < storage->count; i++)
        free(storage->blocks[i]);
    if (storage)
        free(storage->blocks);
    for (size_t i = 0; dataset->labels && i < dataset->label_count; i++)
        free(dataset->labels[i]);
    for (size_t i = 0; i < DATASET_SKIPPED_NAMED; i++)
        free(dataset->skipped.first[i]);
    free(storage);
    free(dataset->names);
    free(dataset->lines);
    free(dataset->labels);
    free(dataset->classes);
    free(dataset->set);
    free(dataset->set_starts);
    free(dataset->numbers);
    free(dataset->targets);
    free(dataset->pictures);
    free(dataset->sounds);
    free(dataset->texts);
    free(dataset->pairs);
    free(dataset->recordings);
    dataset_free(dataset->noise);
    dataset_free(dataset->rest);
    free(dataset);
    return NULL;
}

int collect_init(struct collect *collect, const struct dataset_wish *wish, struct reason *why)
{
    *collect = (struct collect){ .set = calloc(1, sizeof *collect->set), .wish = wish };
    if (!collect->set || !(collect->set->storage = calloc(1, sizeof(struct storage)))) {
        collect_deinit(collect);
        return refuse_errno(why, -ENOMEM, "cannot read the data");
    }
    collect->set->kind = wish->kind;
    collect->set->unlabelled = wish->unlabelled;
    return 0;
}

void collect_deinit(struct collect *collect)
{
    for (size_t i = 0; i < collect->name_count; i++)
        free(collect->names[i]);
    free(collect->names);
    free(collect->slots);
    free(collect->scratch);
    dataset_free(collect->set);
    *collect = (struct collect){ .set = NULL };
}

int dataset_own(struct dataset *dataset, void *block, struct reason *why)
{
    struct storage *storage = dataset->storage;

    if (storage->count == storage->capacity) {
        size_t capacity = MAX((size_t)64, storage->capacity * 2);
        void **larger = realloc(storage->blocks, capacity * sizeof *larger);

        if (!larger) {
            free(block);
            return refuse_errno(why, -ENOMEM, "cannot hold the data");
        }
        storage->blocks = larger;
        storage->capacity = capacity;
    }
    storage->blocks[storage->count++] = block;
    return 0;
}

int collect_own(struct collect *collect, void *block, struct reason *why)
{
    return dataset_own(collect->set, block, why);
}

/* ---- classes ---- */

static uint32_t *find_slot(const struct collect *collect, const char *name, size_t length)
{
    size_t mask = collect->slot_count - 1, at = XXH3_64bits(name, length) & mask;

    while (collect->slots[at]) {
        const char *known = collect->names[collect->slots[at] - 1];

        if (strlen(known) == length && !memcmp(known, name, length))
            break;
        at = (at + 1) & mask;
    }
    return &collect->slots[at];
}

bool collect_has(const struct collect *collect, const char *name, size_t length)
{
    return collect->slot_count && *find_slot(collect, name, length);
}

static int grow_names(struct collect *collect)
{
    size_t capacity = MAX((size_t)64, collect->name_capacity * 2);
    char **names = realloc(collect->names, capacity * sizeof *names);
    uint32_t *slots = calloc(capacity * 2, sizeof *slots);

    if (names)
        collect->names = names;
    if (!names || !slots) {
        free(slots);
        return -ENOMEM;
    }
    free(collect->slots);
    collect->slots = slots;
    collect->slot_count = capacity * 2;
    collect->name_capacity = capacity;
    for (size_t i = 0; i < collect->name_count; i++)
        *find_slot(collect, names[i], strlen(names[i])) = (uint32_t)i + 1;
    return 0;
}

int collect_class(struct collect *collect, const char *name, size_t length, uint32_t *out, struct reason *why)
{
    uint32_t *slot;

    if (!length || length > COLLECT_LABEL_BYTES)
        return refuse(why, WISP_E_FORMAT, "a label has 1 to %d bytes, this one has %zu%s", COLLECT_LABEL_BYTES, length,
                      length ? "; is it the text? --label-column says which column the label is" : "");
    if (memchr(name, 0, length))
        return refuse(why, WISP_E_FORMAT, "a zero byte in a label");
    if (media_check_text("label", name, length, why))
        return WISP_E_FORMAT;
    if (collect->name_count == collect->name_capacity && grow_names(collect))
        return refuse_errno(why, -ENOMEM, "cannot hold the labels");
    slot = find_slot(collect, name, length);
    if (!*slot) {
        if (collect->name_count == COLLECT_LABELS_MAX)
            return refuse(why, WISP_E_FORMAT, "more than %d different labels: is this column the label?",
                          COLLECT_LABELS_MAX);
        collect->names[collect->name_count] = strndup(name, length);
        if (!collect->names[collect->name_count])
            return refuse_errno(why, -ENOMEM, "cannot hold the labels");
        *slot = (uint32_t)++collect->name_count;
    }
    *out = *slot - 1;
    return 0;
}

/* ---- samples ---- */

static int grow(void **array, size_t capacity, size_t size)
{
    void *larger = realloc(*array, capacity * size);

    if (!larger)
        return -ENOMEM;
    *array = larger;
    return 0;
}

/* Room for `wanted`, doubling; at least one, so that an empty array is there. */
static int grow_to(void **array, size_t *capacity, size_t wanted, size_t size)
{
    size_t larger = MAX(*capacity * 2, MAX(wanted, (size_t)64));

    if (*array && wanted <= *capacity)
        return 0;
    if (grow(array, larger, size))
        return -ENOMEM;
    *capacity = larger;
    return 0;
}

/* Room for one more of the kind, and its class. */
static int add_sample(struct collect *collect, uint32_t class, void **array, size_t size, struct reason *why)
{
    struct dataset *set = collect->set;

    if (set->count == COLLECT_SAMPLES_MAX)
        return refuse(why, WISP_E_FORMAT, "more than %d samples", COLLECT_SAMPLES_MAX);
    if (set->count == collect->capacity) {
        size_t capacity = MAX((size_t)1024, collect->capacity * 2);

        if (grow((void **)&set->classes, capacity, sizeof *set->classes) || grow(array, capacity, size) ||
            (set->targets && grow((void **)&set->targets, capacity, sizeof *set->targets)) ||
            (set->names && grow((void **)&set->names, capacity, sizeof *set->names)) ||
            (set->lines && grow((void **)&set->lines, capacity, sizeof *set->lines)))
            return refuse_errno(why, -ENOMEM, "cannot hold %zu samples", capacity);
        collect->capacity = capacity;
    }
    collect->max = MAX(collect->max, class);
    set->classes[set->count++] = class;
    if (collect->wish->step)
        collect->wish->step(collect->wish->argument, set->count);
    return 0;
}

int collect_picture(struct collect *collect, uint32_t class, struct media_picture picture, struct reason *why)
{
    struct dataset *set = collect->set;
    int result = add_sample(collect, class, (void **)&set->pictures, sizeof *set->pictures, why);

    if (!result)
        set->pictures[set->count - 1] = picture;
    return result;
}

int collect_sound(struct collect *collect, uint32_t class, struct media_sound sound, struct reason *why)
{
    struct dataset *set = collect->set;
    int result = add_sample(collect, class, (void **)&set->sounds, sizeof *set->sounds, why);

    if (!result)
        set->sounds[set->count - 1] = sound;
    return result;
}

int collect_text(struct collect *collect, uint32_t class, struct dataset_text text, struct reason *why)
{
    struct dataset *set = collect->set;
    int result = add_sample(collect, class, (void **)&set->texts, sizeof *set->texts, why);

    if (!result)
        set->texts[set->count - 1] = text;
    return result;
}

int collect_set(struct collect *collect, const uint32_t *classes, size_t count, struct reason *why)
{
    struct dataset *set = collect->set;
    uint64_t begin = set->set_starts ? set->set_starts[set->count - 1] : 0;

    if (grow_to((void **)&set->set_starts, &collect->starts_capacity, set->count + 1, sizeof *set->set_starts) ||
        grow_to((void **)&set->set, &collect->set_capacity, begin + count, sizeof *set->set))
        return refuse_errno(why, -ENOMEM, "cannot hold the labels of %zu samples", set->count);
    set->set_starts[set->count - 1] = begin;
    set->set_starts[set->count] = begin + count;
    if (count)
        memcpy(set->set + begin, classes, count * sizeof *classes);
    return 0;
}

int collect_numbers(struct collect *collect, const float *numbers, size_t count, struct reason *why)
{
    struct dataset *set = collect->set;

    if (grow_to((void **)&set->numbers, &collect->number_capacity, set->count * count, sizeof *set->numbers))
        return refuse_errno(why, -ENOMEM, "cannot hold the numbers of %zu samples", set->count);
    memcpy(set->numbers + (set->count - 1) * count, numbers, count * sizeof *numbers);
    set->number_count = count;
    return 0;
}

int collect_target(struct collect *collect, struct dataset_text target, struct reason *why)
{
    struct dataset *set = collect->set;

    if (!set->targets && grow((void **)&set->targets, collect->capacity, sizeof *set->targets))
        return refuse_errno(why, -ENOMEM, "cannot hold the texts of %zu samples", set->count);
    set->targets[set->count - 1] = target;
    return 0;
}

int collect_name(struct collect *collect, const char *path, struct reason *why)
{
    struct dataset *set = collect->set;
    char *copy = strdup(path);
    int result;

    if (!copy || (!set->names && grow((void **)&set->names, collect->capacity, sizeof *set->names))) {
        free(copy);
        return refuse_errno(why, -ENOMEM, "cannot hold the names of %zu samples", set->count);
    }
    if ((result = collect_own(collect, copy, why)))
        return result;
    set->names[set->count - 1] = copy;
    return 0;
}

int collect_line(struct collect *collect, uint32_t line, struct reason *why)
{
    struct dataset *set = collect->set;

    if (!set->lines && grow((void **)&set->lines, collect->capacity, sizeof *set->lines))
        return refuse_errno(why, -ENOMEM, "cannot hold the lines of %zu samples", set->count);
    set->lines[set->count - 1] = line;
    return 0;
}

/* About one file, not about this process or machine. */
static bool is_of_the_file(int result)
{
    return result == WISP_E_FORMAT || result == -ENOENT || result == -EACCES || result == -ELOOP || result == -EIO;
}

int collect_skip(struct collect *collect, int result, const struct reason *why)
{
    if (!is_of_the_file(result) || !collect->wish->skip_bad)
        return result;
    dataset_skip(collect->set, 1, why);
    return 0;
}

void dataset_skip(struct dataset *set, size_t count, const struct reason *why)
{
    if (set->skipped.reasons < DATASET_SKIPPED_NAMED)
        set->skipped.first[set->skipped.reasons] = strdup(why->text);
    set->skipped.reasons++;
    set->skipped.count += count;
}

const char *dataset_sample(const struct dataset *dataset, size_t sample, char *text, size_t size)
{
    if (dataset->rest && sample >= dataset->own)
        return dataset_sample(dataset->rest, sample - dataset->own, text, size);
    if (dataset->names)
        snprintf(text, size, "%s", dataset->names[sample]);
    else if (dataset->lines)
        snprintf(text, size, "%s:%u", dataset->name, dataset->lines[sample]);
    else
        snprintf(text, size, "%s, sample %zu", dataset->name, sample + 1);
    return text;
}

/* ---- finishing ---- */

enum { LABEL_FILE_MAX = 1 << 20 };

static int copy_labels(struct dataset *set, char *const *labels, size_t count, struct reason *why)
{
    set->labels = calloc(count, sizeof *set->labels);
    if (!set->labels)
        return refuse_errno(why, -ENOMEM, "cannot hold the labels");
    set->label_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!(set->labels[i] = strdup(labels[i])))
            return refuse_errno(why, -ENOMEM, "cannot hold the labels");
    }
    return 0;
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int refuse_label(const struct dataset *set, const char *name, struct reason *why)
{
    const char *near = suggest(name, (const char *const *)set->labels, set->label_count);

    return refuse(why, WISP_E_FORMAT,
                  "the data has the label \"%.60s\", which is not among the model's %zu%s%.60s%s%s%s", name,
                  set->label_count, near ? " (near: \"" : "", near ? near : "", near ? "\")" : "",
                  *set->doubt ? ": " : "", set->doubt);
}

/* Where each class by first appearance stands among the labels of the set. */
static int number_classes(struct collect *collect, struct reason *why)
{
    struct dataset *set = collect->set;
    cleanup_free uint32_t *number = calloc(collect->name_count, sizeof *number); /* 1 + its label; 0: none */

    if (!number)
        return refuse_errno(why, -ENOMEM, "cannot number the labels");
    for (size_t l = set->label_count; l-- > 0;) {
        uint32_t slot = *find_slot(collect, set->labels[l], strlen(set->labels[l]));

        if (slot)
            number[slot - 1] = (uint32_t)l + 1;
    }
    for (size_t n = 0; n < collect->name_count; n++) {
        if (!number[n] && !collect->wish->tags)
            return refuse_label(set, collect->names[n], why);
    }
    for (size_t i = 0; !set->set_starts && i < set->count; i++)
        set->classes[i] = number[set->classes[i]] - 1;
    for (uint64_t i = 0; set->set_starts && i < set->set_starts[set->count]; i++)
        set->set[i] = set->set[i] == DATASET_UNKNOWN ? DATASET_UNKNOWN : number[set->set[i]] - 1;
    return 0;
}

static int add_label(struct dataset *set, const char *name, size_t length, struct reason *why)
{
    char **larger = realloc(set->labels, (set->label_count + 1) * sizeof *larger);

    if (larger)
        set->labels = larger;
    if (!larger || !(larger[set->label_count] = strndup(name, length)))
        return refuse_errno(why, -ENOMEM, "cannot hold the labels");
    set->label_count++;
    return 0;
}

/* Names classes 0, 1, … by the lines of a file. 0 and no labels when the file is not there. */
static int read_label_file(struct collect *collect, const char *folder, const char *name, struct reason *why)
{
    cleanup_free char *path = NULL;
    cleanup_free void *data = NULL;
    struct dataset *set = collect->set;
    const char *at;
    size_t size;
    int result;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return refuse_errno(why, -ENOMEM, "%s", folder);
    result = file_read(path, LABEL_FILE_MAX, &data, &size, why);
    if (result)
        return result == -ENOENT ? 0 : result;
    if (!(result = text_unmark(path, &data, &size, why)))
        result = media_check_text(path, data, size, why);
    for (at = data; !result && *at;) {
        size_t length = strcspn(at, "\r\n");

        if (!length || length > COLLECT_LABEL_BYTES)
            return refuse(why, WISP_E_FORMAT, "%s:%zu: a label has 1 to %d bytes, this one has %zu", path,
                          set->label_count + 1, COLLECT_LABEL_BYTES, length);
        result = add_label(set, at, length, why);
        at += length;
        at += *at == '\r';
        at += *at == '\n';
    }
    if (!result && set->label_count <= collect->max)
        return refuse(why, WISP_E_FORMAT, "%s names %zu classes, but the data has class %u", path, set->label_count,
                      collect->max);
    return result;
}

static int name_numbers(struct collect *collect, const char *beside, struct reason *why)
{
    struct dataset *set = collect->set;
    int result = 0;

    if (beside)
        result = read_label_file(collect, beside, "labels.txt", why);
    if (beside && !result && !set->label_count)
        result = read_label_file(collect, beside, "classes.txt", why);
    if (result || set->label_count)
        return result;
    for (uint32_t i = 0; i <= collect->max; i++) {
        char number[16];

        result = add_label(set, number, (size_t)snprintf(number, sizeof number, "%u", i), why);
        if (result)
            return result;
    }
    return 0;
}

static int settle_labels(struct collect *collect, const char *beside, struct reason *why)
{
    char *const *labels = collect->wish->labels;
    size_t label_count = collect->wish->label_count;
    struct dataset *set = collect->set;
    int result;

    if (set->numbers || set->unlabelled) /* what they are called is for the model to say */
        return 0;
    if (collect->numeric) {
        if (!labels)
            return name_numbers(collect, beside, why);
        if (collect->max >= label_count)
            return refuse(why, WISP_E_FORMAT, "the data has class %u, but the model knows %zu labels", collect->max,
                          label_count);
        return copy_labels(set, labels, label_count, why);
    }
    if (labels)
        result = copy_labels(set, labels, label_count, why);
    else
        result = copy_labels(set, collect->names, collect->name_count, why);
    if (result)
        return result;
    if (!labels)
        qsort(set->labels + collect->first_is_none, set->label_count - collect->first_is_none, sizeof *set->labels,
              compare_labels);
    return number_classes(collect, why);
}

static void hash_text(const struct dataset_text *text, XXH3_state_t *state)
{
    uint64_t length = text->length;

    XXH3_128bits_update(state, &length, sizeof length);
    XXH3_128bits_update(state, text->bytes, text->length);
}

static void hash_samples(const struct dataset *set, XXH3_state_t *state)
{
    for (size_t i = 0; i < set->count; i++) {
        XXH3_128bits_update(state, &set->classes[i], sizeof set->classes[i]);
        if (set->set_starts)
            XXH3_128bits_update(state, set->set + set->set_starts[i],
                                (set->set_starts[i + 1] - set->set_starts[i]) * sizeof *set->set);
        if (set->numbers)
            XXH3_128bits_update(state, set->numbers + i * set->number_count, set->number_count * sizeof *set->numbers);
        if (set->pictures) {
            const struct media_picture *p = &set->pictures[i];
            uint32_t shape[] = { p->width, p->height, p->channels };

            XXH3_128bits_update(state, shape, sizeof shape);
            XXH3_128bits_update(state, p->pixels, (size_t)p->width * p->height * p->channels);
        } else if (set->sounds) {
            uint64_t shape[] = { set->sounds[i].rate, set->sounds[i].count };

            XXH3_128bits_update(state, shape, sizeof shape);
            XXH3_128bits_update(state, set->sounds[i].samples, set->sounds[i].count * sizeof(float));
        } else if (set->texts) {
            hash_text(&set->texts[i], state);
        }
        if (set->targets)
            hash_text(&set->targets[i], state);
    }
}

static int hash_set(struct dataset *set, struct reason *why)
{
    XXH3_state_t *state = XXH3_createState();
    XXH128_hash_t hash;

    if (!state)
        return refuse_errno(why, -ENOMEM, "cannot hash the data");
    XXH3_128bits_reset(state);
    for (size_t i = 0; i < set->label_count; i++)
        XXH3_128bits_update(state, set->labels[i], strlen(set->labels[i]) + 1);
    hash_samples(set, state);
    hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(set->hash, sizeof set->hash, "xxh3-128:%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    return 0;
}

int collect_finish(struct collect *collect, const char *name, const char *beside, struct dataset **out,
                   struct reason *why)
{
    int result;

    if (!collect->set->count)
        return refuse(why, WISP_E_FORMAT, "there are no samples in it");
    if ((result = settle_labels(collect, beside, why)) || (result = hash_set(collect->set, why)))
        return result;
    snprintf(collect->set->name, sizeof collect->set->name, "%s", name);
    *out = steal(&collect->set);
    return 0;
}
