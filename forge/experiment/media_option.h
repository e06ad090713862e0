/* SPDX-License-Identifier: Apache-2.0
 *
 * --media: how inputs become tensors, as JSON on the command line or in a file.
 */
#ifndef FORGE_EXPERIMENT_MEDIA_OPTION_H
#define FORGE_EXPERIMENT_MEDIA_OPTION_H

#include <stdint.h>

#include "base/error.h"

/* What takes what a description makes. */
struct media_input {
    const char *name;
    uint64_t elements; /* of a sample */
    uint32_t words;    /* that are looked up there; 0: none are */
};

/* Reads `text` as JSON when it begins with '{', else as the name of a file with it; checks it, and that the input takes
 * what it gives. *out is compact JSON, freed by the caller. WISP_E_FORMAT, -errno of reading. */
int media_option_read(const char *text, const struct media_input *input, char **out, struct reason *why);

/* Numbers of words, where the input looks words up, are of as many as it has. WISP_E_FORMAT. */
struct media;
int media_check_words(const struct media *media, const struct media_input *input, struct reason *why);

#endif
