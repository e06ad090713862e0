/* SPDX-License-Identifier: Apache-2.0
 *
 * A model with a pass that serves it, and samples of it in memory of their own.
 */
#ifndef TESTS_UNIT_SPARSE_PASSES_SERVED_H
#define TESTS_UNIT_SPARSE_PASSES_SERVED_H

#include "support/test.h"

#include "sparse/passes/forward.h"

enum { SERVED_BATCH_MAX = 20, SERVED_THREADS = 3 }; /* that a pass may be lent */

struct served {
    struct model *model;
    struct forward *forward;
    const void *inputs[SERVED_BATCH_MAX * SIGNATURE_TENSORS_MAX];
    void *outputs[SERVED_BATCH_MAX * SIGNATURE_TENSORS_MAX];
    uint64_t out_bytes; /* of all samples */
    unsigned char *in, *out, *want;
};

/* Of its model, for so many samples; or of a file. Its times are taken. */
void served_begin(struct served *s, uint32_t batch);
void served_open(struct served *s, uint32_t batch, const char *path);
void served_close(struct served *s);

/* Of one sample. */
uint64_t served_bytes(const struct model_tensor *tensor);

/* One layer alone, of a kind that goes through time. */
enum { TIME_FEATURES = 24, TIME_NEURONS = 40, TIME_FRAMES = 60 };
struct model *model_through_time(const char *kind, bool back);

#endif
