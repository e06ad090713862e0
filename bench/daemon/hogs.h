/* SPDX-License-Identifier: Apache-2.0
 *
 * Other users, each in a process of its own, who take all that they can get, or do what no client should.
 */
#ifndef BENCH_DAEMON_HOGS_H
#define BENCH_DAEMON_HOGS_H

#include <stdint.h>
#include <sys/types.h>

struct hog_setup {
    const char *socket;
    const char *model;
    uint64_t input_bytes, output_bytes; /* of one sample */
    uint32_t channels, rows;
    uid_t uid;
    int core;
};

/* What a hog and who started it share. */
struct hog_stage {
    uint32_t ready, stop; /* release and acquire, either way */
    uint64_t done;        /* what it has got: samples, answers, connections; relaxed */
};

typedef int hog_function(const struct hog_setup *setup, struct hog_stage *stage);

hog_function hog_flood;       /* keeps all rings full of requests of `rows` samples */
hog_function hog_questions;   /* asks what the model is, on all channels */
hog_function hog_connections; /* connects, greets and hangs up, in four threads */
hog_function hog_hostile;     /* writes anything anywhere in its memory, tries to punch holes, rings for nothing */
hog_function hog_sleepers;    /* lets thousands of threads sleep on its futex, and has them woken */

struct hog {
    pid_t pid; /* 0: none */
    struct hog_stage *stage;
};

/* -1 after saying why. Returns when it is at work. */
int hog_start(struct hog *hog, hog_function *function, const struct hog_setup *setup);
/* What it has got by now. */
uint64_t hog_done(const struct hog *hog);
void hog_stop(struct hog *hog); /* idempotent */

#endif
