/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of libwisp share: a real daemon with two models, clients of it, and the check that an answer is right
 * to the bit.
 */
#ifndef TESTS_UNIT_CLIENT_SERVED_H
#define TESTS_UNIT_CLIENT_SERVED_H

#include <stdint.h>

#include <wisp/wisp.h>

#include "support/daemon.h"

enum { SMALL_INPUTS = 96, SMALL_OUTPUTS = 10, LARGE_INPUTS = 1024, LARGE_OUTPUTS = 4, PATIENCE_MS = 20000 };

extern struct test_daemon served;

/* The label of output 0 of "large": as long as a label may be, with characters of more than a byte. */
extern char long_label[WISP_LABEL_MAX + 1];

/* What its configuration says besides; NULL: nothing. Before the set-up. */
extern const char *served_yaml;

/* Group set-up and tear-down: "small" (image.classification) and "large" (text.classification). */
int served_begin(void **state);
int served_end(void **state);

/* A client; fails the test when there is none. `options` may be NULL; its socket and size are filled in. */
wisp_client *served_connect(const struct wisp_options *options);
wisp_model *served_find(wisp_client *client, const char *name);
wisp_request *served_request(wisp_client *client, const wisp_model *model, uint32_t rows);

/* Fills the input of a request of "small" from a seed; and checks its output against the scalar reference. */
void served_fill(wisp_request *request, uint32_t rows, uint64_t seed);
void served_check(const wisp_request *request, uint32_t rows, uint64_t seed);
/* Whether `output` is right; for threads, which must not end the test. */
int served_is_right(const float *output, uint32_t rows, uint64_t seed);

/* Fails the test when the last error does not contain the text. */
void assert_says(const char *text);

#endif
