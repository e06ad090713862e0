/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes into a model and what comes out, as the daemon describes it (docs/protocol.md).
 */
#ifndef CLIENT_TENSORS_H
#define CLIENT_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wisp/wisp.h>

#include "base/error.h"
#include "base/json_view.h"
#include "libipc/wire_block.h"

enum { MODEL_RANK_MAX = 8 };

struct tensor {
    char *name;
    enum wisp_dtype dtype;
    uint64_t elements; /* the product of the dimensions */
    size_t rank;
    uint32_t dimensions[MODEL_RANK_MAX];
};

/* The inputs of a model, or its outputs. */
struct tensors {
    struct tensor list[WIRE_TENSORS_MAX];
    struct wire_block block; /* how many there are, and their bytes */
};

/* From the list called "inputs" or "outputs"; where a daemon of before has none, from `one`, the short form. The caller
 * frees what was read, on failure too. WISP_E_INVALID, -ENOMEM. */
int tensors_read(struct json_view root, const char *list, const char *one, struct tensors *out, struct reason *why);
void tensors_deinit(struct tensors *tensors);

/* Whether it is one tensor of float32, as the simple calls want it. */
bool tensors_are_plain(const struct tensors *tensors);

#endif
