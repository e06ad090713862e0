/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run with a model that says something of each word of a text: a request for each sentence, one answer for the
 * text. Words labelled "O", which are none of what is looked for, are not printed.
 */
#ifndef CLI_TAGGING_H
#define CLI_TAGGING_H

#include "client/cli/run/run.h"

/* Whether the input is a text for such a model. */
static inline bool tagging_is_for(const struct run *run, const struct input *input)
{
    return run->tags && !run->tensor && !run->raw && !input->named;
}

/* Runs one input, and prints its words. On failure `why` holds a sentence. */
int tagging_run(struct run *run, const struct input *input, struct reason *why);

#endif
