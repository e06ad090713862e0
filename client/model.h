/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model is to the program: immutable, and independent of the client that found it. Read once from what the
 * daemon says of it, in JSON (docs/protocol.md).
 */
#ifndef CLIENT_MODEL_H
#define CLIENT_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <wisp/wisp.h>

#include "base/error.h"
#include "client/tensors.h"
#include "libipc/wire.h"

enum {
    IDENTITY_MAX = 64, /* bytes of what tells one model from any other, with its zero */
};

/* What every request for the model relies on. */
struct description {
    char identity[IDENTITY_MAX];
    uint32_t rows_max; /* samples of one request */
};

/* WISP_E_INVALID when something of it is not in the text. */
int description_read(const char *text, struct description *out, struct reason *why);

struct wisp_private_kept;

struct wisp_model {
    char asked[WIRE_NAME_MAX]; /* the name that it was found by, which a new daemon is asked for */
    struct description description;
    char *json; /* the daemon's description */
    char *name, *processing;
    struct tensors inputs, outputs;
    char *decoder;      /* the model that takes what this one gives; NULL: there is none */
    uint32_t words_max; /* of an answer; 0: it does not decode */
    char **labels;
    size_t label_count;
    uint32_t *thresholds;            /* in thousandths, one a label; NULL: it does not say */
    struct wisp_private_kept **kept; /* one cell, the only part that changes: NULL until it is made; atomic */
};

/* Found by `asked`, which fits; takes the text over, on failure too. WISP_E_INVALID, -ENOMEM. */
int model_from_json(const char *asked, char *json, struct wisp_model **out, struct reason *why);

#endif
