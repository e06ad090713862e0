/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a program of the build as a person's shell would, and keeps what it said. It never outlives its limit.
 */
#ifndef TESTS_SUPPORT_COMMAND_H
#define TESTS_SUPPORT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum { COMMAND_WORDS_MAX = 16, COMMAND_TEXT_MAX = 65536, COMMAND_LIMIT_MS = 60000 };

struct command {
    const char *words[COMMAND_WORDS_MAX];       /* words[0]: a program in the build's bin/, or a path; NULL after
                                                   the last */
    const char *folder;                         /* where it runs; NULL: here */
    const char *input;                          /* a file for standard input; NULL: /dev/null */
    const char *output;                         /* a file for standard output; NULL: it is kept */
    const char *environment[COMMAND_WORDS_MAX]; /* NAME=VALUE besides the test's; NULL after the last */
    int input_fd;                               /* standard input, if above 0: closed here once it runs */
    bool nobody;                                /* as the user nobody, when this is root */
    size_t data_max;                            /* bytes of memory it may have of its own; 0: as many as it likes */
    bool deaf;                                  /* nobody reads its standard output */
    bool terminal;                              /* both outputs are a terminal of 80 columns; kept in `out` */
};

struct outcome {
    int status; /* exit status; 128 + the signal that ended it; -1: still running at the limit, and killed */
    size_t out_size;
    char out[COMMAND_TEXT_MAX], err[COMMAND_TEXT_MAX];
};

/* Runs it and waits. */
void command_run(const struct command *command, struct outcome *outcome);

/* The same in two steps, for a test that does something meanwhile. */
struct running {
    int pid, out, err;
};
void command_start(const struct command *command, struct running *running);
/* Whether there is nothing to wait for any more. */
bool command_has_ended(const struct running *running);
void command_finish(struct running *running, struct outcome *outcome);

#endif
