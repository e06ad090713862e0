/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run with a model that translates: it learned sentences, so of a text each is translated by itself, and the
 * answer has a line for each.
 */
#ifndef CLI_SENTENCES_H
#define CLI_SENTENCES_H

#include "client/cli/run/run.h"

/* Whether the input is a text for such a model. A line of --lines is a text of its own, as it is. */
bool sentences_are_for(const struct run *run, const struct input *input);

/* Runs one input, and prints what it comes to. On failure `why` holds a sentence. */
int sentences_run(struct run *run, const struct input *input, struct reason *why);

#endif
