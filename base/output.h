/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a program that printed something: whether standard output took it.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

/* What did not reach a full disk must not count as success: one sentence on stderr, and `status` unless that is
 * EXIT_DONE. A reader that went away (head, less) is nobody's fault: it ends this by SIGPIPE, as it ends every filter,
 * though the signal was ignored until now. */
int output_finish(const char *program, int status);

#endif
