/* SPDX-License-Identifier: Apache-2.0
 *
 * What the system tests share: a small model, requests for it, and the check that an answer is right to the bit.
 */
#ifndef TESTS_SYSTEM_ALPHA_H
#define TESTS_SYSTEM_ALPHA_H

#include <stdint.h>

#include "support/daemon.h"
#include "support/model.h"
#include "support/raw_client.h"

enum {
    ALPHA_INPUTS = 96,
    ALPHA_OUTPUTS = 10,
    ALPHA_IN_BYTES = ALPHA_INPUTS * 4,
    ALPHA_OUT_BYTES = ALPHA_OUTPUTS * 4,
    ALPHA_ENTRIES = 64,
    PATIENCE_MS = 20000, /* for what is to happen */
};

#define ALPHA_ARENA (1u << 20)

extern const struct model_recipe alpha_recipe; /* "alpha", image.classification */

/* Connects with ALPHA_ENTRIES and ALPHA_ARENA; fails the test when refused. */
void alpha_open(struct raw_client *client, const char *socket);

/* A request at slot `at` of the arenas: each has room for three samples, or more when nothing follows. */
struct wire_submission alpha_request(uint32_t route, uint32_t rows, uint32_t at);

/* Fills its input from (seed, its user_data); and checks that the output is what `reference` gives for that. */
void alpha_fill(const struct raw_client *client, const struct wire_submission *request, uint64_t seed);
void alpha_check(struct reference *reference, const struct raw_client *client, const struct wire_submission *request,
                 uint64_t seed);

/* Submits `count` requests of one sample, of slots and seed 1, and waits until the daemon has taken all of them. */
void alpha_submit_many(struct raw_client *client, uint32_t route, uint32_t count);

/* Fill, run, check: one honest round. */
void alpha_round(struct reference *reference, struct raw_client *client, uint32_t route, uint32_t rows, uint64_t seed);

/* What a test program has: the model in a folder, its answers, and one daemon at a time. */
extern struct bed {
    const char *folder;
    char alpha[256]; /* the model's path */
    struct reference *reference;
    struct test_daemon daemon;
    struct raw_client client, honest;
} bed;

/* Group set-up and teardown: the folder, without a daemon. */
int bed_make(void **state);
int bed_remove(void **state);

/* Starts bed.daemon over loop_now with the model; more keys of it, and of the configuration, or NULL. */
void bed_start(const char *model_yaml, const char *yaml);

/* A client comes, asks three samples, checks them, and goes. */
void bed_serves(void);

#endif
