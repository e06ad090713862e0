/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model is to the program: immutable, and independent of the client that found it.
 */
#ifndef CLIENT_MODEL_H
#define CLIENT_MODEL_H

#include <wisp/wisp.h>

#include "base/error.h"
#include "client/client.h"
#include "libipc/wire.h"
#include "media/media.h"

enum { MODEL_RANK_MAX = 8 };

/* One side of a model. */
struct tensor_shape {
    uint64_t elements; /* the product of the dimensions */
    size_t rank;
    uint32_t dimensions[MODEL_RANK_MAX];
};

struct wisp_model {
    char asked[WIRE_NAME_MAX]; /* the name that it was found by */
    struct description description;
    char *json; /* the daemon's description */
    char *name, *processing;
    struct tensor_shape input, output;
    char **labels;
    size_t label_count;
    struct media *media;     /* NULL: it has none, or one that cannot be used */
    struct reason media_why; /* then this says why */
};

#endif
