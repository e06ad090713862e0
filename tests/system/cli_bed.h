/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the wisp command share: a daemon with a model for each modality, a folder of inputs good and bad,
 * and tables of commands that run there.
 */
#ifndef TESTS_SYSTEM_CLI_BED_H
#define TESTS_SYSTEM_CLI_BED_H

#include <stddef.h>

#include "support/command.h"
#include "support/daemon.h"

enum { NUMBERS = 5, PATIENCE_MS = 20000 };

extern struct test_daemon daemon_;
extern const char *folder;     /* of the inputs, and of the models: NAME.safetensors */
extern struct outcome outcome; /* of the last command */

/* Group set-up and tear-down; WISP_SOCKET is set. */
int cli_begin(void **state);
int cli_end(void **state);

/* A file in the folder. */
void write_file(const char *name, const void *bytes, size_t size);
/* good.png: 4x4, 8-bit grey. */
extern const unsigned char picture[];
extern const size_t picture_size;

/* Fails the test unless the last command ended with `status`, and its outputs have these words; NULL: are empty. */
void expect(const char *what, int status, const char *out, const char *err);

struct row {
    const char *what;
    const char *words[COMMAND_WORDS_MAX]; /* after "wisp" */
    const char *input;                    /* a file's name, for standard input */
    int status;
    const char *out, *err; /* what is in it; NULL: it is empty */
};

void run_row(const struct row *row);

#define RUN_ROWS(rows)                                                                                                 \
    for (size_t row_ = 0; row_ < sizeof(rows) / sizeof *(rows); row_++)                                                \
    run_row(&(rows)[row_])

#endif
