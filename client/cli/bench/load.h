/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests under way, of one client and one thread.
 *
 * Closed loop: so many at once; when one is answered the next follows. Open loop: so many a second, whatever becomes of
 * them, as independent users ask. There a latency counts from when the request was due, not from when it could be sent:
 * a daemon that stalls would else be asked less while it stalls, and look good (coordinated omission).
 */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include <wisp/wisp.h>

#include "base/rng.h"
#include "client/cli/bench/figures.h"

enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_POISSON };

struct load_setup {
    uint32_t rows;        /* samples of a request */
    uint32_t slots;       /* requests that may be under way */
    uint32_t deadline_us; /* 0: none */
    bool zeros;           /* inputs of zeros, in place of random numbers */
    const void *samples;  /* in place of either: of the model's one input, one after the other; NULL: none */
    size_t sample_count;
    enum arrivals arrivals;
};

/* One request that is used again and again. */
struct slot {
    wisp_request *request;
    uint64_t due_ns, sent_ns;
    uint64_t turn; /* the how manieth it is that was sent; the least has been under way the longest */
    bool under_way;
};

struct load {
    const struct load_setup *setup;
    struct slot *slots;
    uint32_t under_way;
    uint64_t turns;
    size_t filled; /* of the samples that were given */
    struct rng rng;
    uint64_t left;     /* requests that are still to be sent, of a run that is counted */
    uint64_t next_ns;  /* open loop: when the next one is due, */
    bool blocked;      /* and that it was while no slot was free */
    int failed_status; /* of the last request that failed; 0: none did */
    char failed_text[256];
};

/* Shared memory that its requests take, each way. */
void load_bytes(const wisp_model *model, const struct load_setup *setup, uint64_t *input, uint64_t *output);

/* What libwisp returns, which then has said why. load_deinit() follows in any case. */
int load_init(struct load *load, wisp_client *client, const wisp_model *model, const struct load_setup *setup);
void load_deinit(struct load *load);

/* How long a run is: so many requests, all of which are answered then; or, where that is 0, so long. */
struct load_length {
    uint64_t requests, ns;
};

/* For so long, or until it is interrupted: `concurrency` at once, or `rate` a second where that is not 0. At the end of
 * a time requests are left under way; what ends in it counts. What wisp_submit() returns, when it cannot go on. */
int load_run(struct load *load, uint32_t concurrency, double rate, struct load_length length, struct figures *figures);

/* Waits for what is under way. */
void load_drain(struct load *load);

#endif
