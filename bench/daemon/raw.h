/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel without libwisp, for clients that libwisp would never be.
 */
#ifndef BENCH_DAEMON_RAW_H
#define BENCH_DAEMON_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "libipc/message.h"
#include "libipc/region.h"
#include "libipc/ring.h"
#include "libipc/wire.h"

struct raw {
    int socket, eventfd; /* -1: none */
    struct region request, response;
    struct submit_ring submit;
    struct reap_ring reap;
    struct wire_client_control *ours;
    const struct wire_daemon_control *theirs;
    struct message message;
};

/* A socket that is connected. -errno. */
int raw_connect(const char *path);
/* With `entries` slots, WIRE_ENTRIES_NONE for questions alone, and arenas of so many bytes. -errno, WISP_E_*. */
int raw_open(struct raw *raw, const char *path, uint32_t entries, uint64_t input_bytes, uint64_t output_bytes);
void raw_close(struct raw *raw);

/* Asks what a model is; the answer is read by nobody. False: the socket is full, or gone. */
bool raw_ask(struct raw *raw, const char *model);
/* The route to a model. -1: none. */
int64_t raw_route(struct raw *raw, const char *model);

#endif
