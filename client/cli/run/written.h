/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run -o with a model that answers with words or labels: a text file of the answers alone. An answer is rows of
 * cells that tabs part; with --lines it is one line, the one that its line in the input has.
 */
#ifndef CLI_WRITTEN_H
#define CLI_WRITTEN_H

#include "client/cli/run/run.h"

/* The file that comes of an input, in memory until that has ended. -ENOMEM. */
int written_open(struct run *run, const struct input *input, struct reason *why);
/* Puts it there, whole; or, without `keep`, not at all. -errno. */
int written_close(struct run *run, bool keep, struct reason *why);

/* An answer: begin, its rows, end. What failed has none. */
void written_begin(struct run *run, const struct input *input);
void written_row(struct run *run, size_t count, const char *const *cells);
void written_end(struct run *run);

/* Of --lines: those before `line` that were passed over, or failed, have an empty one. */
void written_keep_step(struct run *run, uint64_t line);

#endif
