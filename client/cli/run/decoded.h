/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of a model that decodes: shown as they come, where a person looks on.
 */
#ifndef CLI_DECODED_H
#define CLI_DECODED_H

#include <jansson.h>

#include "client/cli/run/run.h"

/* Of a model that decodes: whether somebody sees the words as they come, and nothing else goes there. */
bool decoded_is_shown(const struct run *run);

/* wisp_wait(); of a model that decodes, in a terminal, with the words that are there. */
int decoded_wait(const struct run *run, uint32_t patience_ms);

/* What they stand for, or their numbers; freed by the caller. -ENOMEM. */
int decoded_text(const struct run *run, char **text);

/* Of an answer: the words, for a person, if they were not shown yet; and for a program. -ENOMEM. */
int decoded_print(const struct run *run);
int decoded_json(const struct run *run, json_t *object);

#endif
