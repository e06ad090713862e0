/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the readers: a data set while it is being filled. A reader hands over samples with the names (or numbers) of
 * their classes; collect_finish() numbers the classes, names them, and hashes the whole.
 */
#ifndef FORGE_DATA_COLLECT_H
#define FORGE_DATA_COLLECT_H

#include <stdbool.h>

#include "forge/data/dataset.h"

enum {
    COLLECT_SAMPLES_MAX = 50000000,
    COLLECT_LABELS_MAX = 65536,
    COLLECT_LABEL_BYTES = 256, /* of one label */
};

#define COLLECT_FILE_MAX (4ull << 30) /* bytes of one file, unpacked */

struct collect {
    struct dataset *set;
    const struct dataset_wish *wish;
    float *scratch; /* a tensor, with which a sound is tried */
    size_t capacity;
    bool first_is_none; /* the first class stays the first: it is none of the others */
    bool numeric;       /* classes are numbers, as idx has them */
    uint32_t max;       /* largest of them */
    char **names;       /* of classes, in the order of their first sample */
    size_t name_count, name_capacity;
    uint32_t *slots; /* hash table over names: index + 1 */
    size_t slot_count;
    size_t set_capacity, starts_capacity, number_capacity;
};

int collect_init(struct collect *collect, const struct dataset_wish *wish, struct reason *why);
void collect_deinit(struct collect *collect); /* frees the set unless it was finished */

/* Memory that samples point into; owned by the set from now on, on failure too. */
int collect_own(struct collect *collect, void *block, struct reason *why);

/* Whether a class of this name has had a sample. */
bool collect_has(const struct collect *collect, const char *name, size_t length);
/* The number of a class for now. WISP_E_FORMAT when the name is empty, too long, or not text. */
int collect_class(struct collect *collect, const char *name, size_t length, uint32_t *out, struct reason *why);

int collect_picture(struct collect *collect, uint32_t class, struct media_picture picture, struct reason *why);
int collect_sound(struct collect *collect, uint32_t class, struct media_sound sound, struct reason *why);
int collect_text(struct collect *collect, uint32_t class, struct dataset_text text, struct reason *why);
/* Of the last sample: its labels, in any order, or its numbers, as many as of the others. */
int collect_set(struct collect *collect, const uint32_t *classes, size_t count, struct reason *why);
int collect_numbers(struct collect *collect, const float *numbers, size_t count, struct reason *why);
/* Of the last sample: the other text of the pair. */
int collect_target(struct collect *collect, struct dataset_text target, struct reason *why);
/* Of the last sample: its file, or its line. */
int collect_name(struct collect *collect, const char *path, struct reason *why);
int collect_line(struct collect *collect, uint32_t line, struct reason *why);

/* A sample that cannot be read: 0, and it is counted and left out, when that is wished and `result` is about the
 * sample's file alone (its form, or that it cannot be opened); else `result`. */
int collect_skip(struct collect *collect, int result, const struct reason *why);

/* `beside`: the folder in which labels.txt or classes.txt may name numeric classes; NULL: none. */
int collect_finish(struct collect *collect, const char *name, const char *beside, struct dataset **out,
                   struct reason *why);

#endif
