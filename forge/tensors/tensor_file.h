/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of tensors of one kind, sample after sample, row-major in the tensor's type and nothing else: as `wisp run
 * --tensor` takes and `--raw` writes them, so that what the forge computes can be held against what the daemon answers,
 * or be read by NumPy. It comes into being whole or not at all. One thread.
 */
#ifndef FORGE_TENSORS_TENSOR_FILE_H
#define FORGE_TENSORS_TENSOR_FILE_H

#include "forge/train/batches.h"
#include "sparse/graph/signature.h"

struct tensor_file;

/* Of samples of this kind, to be there at `path`, which the caller keeps. On failure nothing is to be ended. -errno. */
int tensor_file_begin(const char *path, const struct model_tensor *of, struct tensor_file **out, struct reason *why);
/* With `result` 0 what was written is the file at the path, otherwise it is gone; and so is `file`. Returns what came
 * of it. */
int tensor_file_end(struct tensor_file *file, int result, struct reason *why);

/* A sequence of words, up to its end; 0 follows. What the disk says is said at the end. */
void tensor_file_add_words(struct tensor_file *file, const int32_t *words, size_t count);

/* What samples are to a network, of those which[0 … count), `batch` at once; and what it says of them.
 * WISP_E_INTERRUPTED, -ENOMEM and what batches_fill() says. */
struct tensor_samples {
    struct batches *batches;
    const uint32_t *which;
    size_t count, batch;
};
int tensor_file_add_inputs(struct tensor_file *file, const struct tensor_samples *samples, struct reason *why);
/* By a pass of the model that is made for a batch of them. */
int tensor_file_add_answers(struct tensor_file *file, const struct tensor_samples *samples, const struct model *model,
                            struct forward *forward, struct reason *why);

#endif
