/* SPDX-License-Identifier: Apache-2.0
 *
 * The end-to-end benchmark: client and daemon, two processes on two cores, through libwisp alone.
 */
#ifndef BENCH_E2E_H
#define BENCH_E2E_H

#include <stddef.h>
#include <stdint.h>

#include <wisp/wisp.h>

#include "daemon/samples.h"

enum { WARM_UP = 200, DEPTH_MAX = 64, CLIENTS_MAX = 64, SPIN_LONG_US = 100000 };

enum wait_kind {
    WAIT_SPIN,  /* neither side ever sleeps */
    WAIT_SLEEP, /* both sleep between two requests */
};

struct endpoint {
    wisp_client *client;
    wisp_model *model;
    wisp_request *requests[DEPTH_MAX];
    unsigned depth;
};

/* -1 after saying on stderr what could not be done; to be closed in any case. */
int endpoint_open(struct endpoint *endpoint, const char *socket, uint32_t spin_us, unsigned depth);
void endpoint_close(struct endpoint *endpoint);

/* Says `what` and the library's reason; returns -1. */
int complain(const char *what);

struct latency {
    struct samples total, queue, compute, rest; /* rest: all but queue and compute */
};

int latency_init(struct latency *latency, size_t capacity);
void latency_deinit(struct latency *latency);

/* Adds `count` requests, one at a time, to what was measured before. */
int latency_measure(struct latency *latency, const char *socket, enum wait_kind wait, int nop, size_t count);

enum { COPY_ROWS = 64, COPY_COPIED = 0, COPY_EXTERNAL, COPY_WAYS };

struct copies {
    struct samples total[COPY_WAYS];
    size_t bytes; /* of the input */
};

int copies_init(struct copies *copies, size_t capacity);
void copies_deinit(struct copies *copies);
/* Adds `count` requests of COPY_ROWS samples each way. */
int copies_measure(struct copies *copies, const char *socket, size_t count);

/* What clients have seen together; the daemon's passes by what each answer says of its own. */
struct load_seen {
    uint64_t requests, took_ns;
    double passes, pass_ns;
};

/* For `ns`, `clients` processes on `core`, each with `depth` under way: adds what they have seen. -1 after saying what
 * failed. */
int load_measure(const char *socket, unsigned clients, unsigned depth, int core, uint64_t ns, struct load_seen *seen);

#endif
