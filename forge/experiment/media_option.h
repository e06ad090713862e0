/* SPDX-License-Identifier: Apache-2.0
 *
 * --media: how inputs become tensors, as JSON on the command line or in a file.
 */
#ifndef FORGE_EXPERIMENT_MEDIA_OPTION_H
#define FORGE_EXPERIMENT_MEDIA_OPTION_H

#include <stdint.h>

#include "base/error.h"

/* Reads `text` as JSON when it begins with '{', else as the name of a file with it; checks it, and that it gives
 * `elements` values a sample. *out is compact JSON, freed by the caller. WISP_E_FORMAT, -errno of reading. */
int media_option_read(const char *text, uint64_t elements, char **out, struct reason *why);

#endif
