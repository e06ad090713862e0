/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: all that a training run is between two steps, so that it can be continued to the same bits.
 *
 * That is little beside the arrays of the parameter arena (sparse/graph/parameters.h): random numbers depend on (seed,
 * purpose, epoch, sample), so the generator's state is the number of the epoch, and the place in its order is the
 * number of samples that it has been trained on; of the optimiser there are its slots and the powers of its moments'
 * factors. A file is a safetensors container, as NumPy reads it: F32 tensors of one length called "values", "slot0",
 * "slot1", "best" and "average"; of a network that is trained beside it, an adversary, "adversary", "adversary_slot0",
 * "adversary_slot1" and "adversary_best", of a length of their own; where connections change, I64 tensors of that
 * length, "places" and "best_places", the connections of the first and of the best (sparse/graph/connections.h); where
 * the run labels samples itself, an I32 tensor "labels", one a sample; and in its metadata wisp.checkpoint, JSON:
 *
 *   {"version": 3, "run": {…}, "epoch": 12, "tally": [loss, samples, predicted, actual, correct], "power1": …,
 *    "power2": …, "result": {…}, "adversary": [loss, samples, predicted, actual, correct]}     the last only where it
 * is
 *
 * and wisp.checksum, as a model file has it. `run` says what the run is of: model, data, media, recipe, split; a
 * checkpoint continues that run and no other. Files come from outside: checkpoint_parse() is their one validator.
 */
#ifndef FORGE_TRAIN_CHECKPOINT_H
#define FORGE_TRAIN_CHECKPOINT_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/train/loss.h"
#include "forge/train/optimizer.h"

enum {
    CHECKPOINT_OWN_MAX = 3 + OPTIMIZER_SLOTS_MAX,    /* arrays of the network's, */
    CHECKPOINT_BESIDE_MAX = 2 + OPTIMIZER_SLOTS_MAX, /* and of the one beside it */
    CHECKPOINT_ARRAYS_MAX = CHECKPOINT_OWN_MAX + CHECKPOINT_BESIDE_MAX,
    CHECKPOINT_PLACES_MAX = 2
};

#define CHECKPOINT_FILE_MAX (64ull << 30)

struct checkpoint_array {
    const char *name;
    const float *data;
    uint64_t length;
};

struct checkpoint_places {
    const char *name;
    const uint64_t *data;
};

struct checkpoint {
    json_t *run, *result;    /* objects */
    uint64_t epoch;          /* finished */
    struct loss_tally tally; /* of the one after it, up to here */
    struct optimizer_clock clock;
    uint64_t length; /* of each array of its own, and of places */
    bool has_beside; /* a network beside it, with this tally */
    struct loss_tally beside;
    uint32_t array_count, places_count;
    struct checkpoint_array arrays[CHECKPOINT_ARRAYS_MAX];
    struct checkpoint_places places[CHECKPOINT_PLACES_MAX];
    const int32_t *labels; /* of so many samples, where the run gave some of them itself; negative: none; NULL */
    uint64_t label_count;
    void *file;       /* what they stand in, after reading; NULL */
    const char *path; /* that it was read from, borrowed; NULL */
};

#define CHECKPOINT_NULL ((struct checkpoint){ .run = NULL })

/* Replaces the file atomically. -errno, -ENOMEM. */
int checkpoint_write(const struct checkpoint *checkpoint, const char *path, struct reason *why);

/* WISP_E_FORMAT, and says what is wrong and where; -errno. */
int checkpoint_read(const char *path, struct checkpoint *out, struct reason *why);
/* The same from memory of malloc(), 64-byte aligned, with a zero byte after it; taken over in any case. */
int checkpoint_parse(void *data, size_t size, struct checkpoint *out, struct reason *why);
void checkpoint_deinit(struct checkpoint *checkpoint); /* what reading made; idempotent */

/* The array of that name and length; NULL when there is none. */
const float *checkpoint_array(const struct checkpoint *checkpoint, const char *name, uint64_t length);
const uint64_t *checkpoint_places(const struct checkpoint *checkpoint, const char *name);

/* Whether it is of this run. WISP_E_INVALID, and names the first thing that differs. */
int checkpoint_fits(const struct checkpoint *checkpoint, const json_t *run, struct reason *why);

#endif
