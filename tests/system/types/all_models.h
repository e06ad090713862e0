/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon with all models that ship, and `wisp run` beside it.
 */
#ifndef TESTS_SYSTEM_TYPES_ALL_MODELS_H
#define TESTS_SYSTEM_TYPES_ALL_MODELS_H

#include "support/command.h"
#include "support/daemon.h"

/* It, a folder of the test's own, what `wisp` is told of the daemon by, and what a command said last. */
extern struct all_models {
    struct test_daemon daemon;
    const char *folder;
    char variable[256];
    struct outcome outcome;
} all_models;

/* Of a group of tests: cmocka's. */
int all_models_begin(void **state);
int all_models_end(void **state);

/* "wisp run" in the folder; NULL is behind the last of the words. Fails with another exit status. */
void all_models_run(int status, const char *const *words);
#define RUN(status, ...) all_models_run(status, (const char *const[]){ __VA_ARGS__, NULL })

void all_models_start(struct test_daemon *daemon);

/* "…/examples/file", as source_path(). */
const char *example_path(const char *file);

#endif
