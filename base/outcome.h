/* SPDX-License-Identifier: Apache-2.0
 *
 * How a verb of `wisp` ends, be it the client's or the forge's, or a program of its own: one sentence on stderr, and an
 * exit status that a script can tell apart.
 */
#ifndef BASE_OUTCOME_H
#define BASE_OUTCOME_H

#include "base/error.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,        /* out of memory, disk full, a training that diverged with nothing to go back to */
    EXIT_USAGE = 2,         /* the command line */
    EXIT_DIVERGED = 3,      /* a training diverged; what was good before is saved */
    EXIT_DATA = 65,         /* an input is missing, damaged, or does not fit the model */
    EXIT_NO_DAEMON = 69,    /* nothing listens, or the connection was lost */
    EXIT_BUSY = 75,         /* a queue or quota is full: try again */
    EXIT_DENIED = 77,       /* no permission on a file or on the socket */
    EXIT_CONFIG = 78,       /* the configuration is wrong */
    EXIT_DEADLINE = 124,    /* time ran out, as timeout(1) has it */
    EXIT_INTERRUPTED = 130, /* SIGINT or SIGTERM; what there was is saved */
};

/* The program in whose name everything below speaks: "wisp" until this is called. */
void outcome_of(const char *program);

/* Speaks for one of several processes that run the same, numbered from 0. But for the first, they leave warnings to it,
 * and wait a moment before they say what failed: mostly it is the same everywhere, and the first ends them meanwhile.
 */
void outcome_of_rank(unsigned rank);

/* What is typed to run it: "wisp VERB", or the program alone where it has no verbs (""). */
enum { COMMAND_NAME_MAX = 64 };
const char *command_name(char name[static COMMAND_NAME_MAX], const char *verb);

/* Prints "wisp VERB: text" on stderr, and returns `status`. */
int fail(const char *verb, enum exit_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The status for a function's result that concerns an input or the daemon: missing and damaged files are EXIT_DATA. */
enum exit_status exit_for_input(int result);
/* The same for an output: a missing folder or a full disk is EXIT_FAILED. */
enum exit_status exit_for_output(int result);

/* "wisp VERB: warning: text" on stderr. */
void warn_user(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
