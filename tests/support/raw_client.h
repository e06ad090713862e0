/* SPDX-License-Identifier: Apache-2.0
 *
 * A client straight over libipc, without libwisp: for what libwisp would never do.
 */
#ifndef TESTS_SUPPORT_RAW_CLIENT_H
#define TESTS_SUPPORT_RAW_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "libipc/message.h"
#include "libipc/region.h"
#include "libipc/ring.h"
#include "libipc/wire_check.h"

struct raw_client {
    int socket;
    int eventfd;
    struct wire_layout layout;
    struct wire_welcome welcome;
    struct region request, response;
    struct submit_ring submit;
    struct reap_ring reap;
    struct wire_client_control *ours;
    const struct wire_daemon_control *theirs;
    float *input; /* the arenas */
    const float *output;
    struct message message; /* the last one received */
    uint32_t asked;         /* control messages sent */
};

/* A connected socket, or -errno. */
int raw_connect(const char *path);

/* A hello as an honest client says it. */
struct wire_hello raw_hello(uint32_t entries, uint64_t arena);

/* Connects and shakes hands; the welcome's status, or -errno. On 0 the rings and arenas are ready, but the request
 * region is not sealed. */
int raw_greet(struct raw_client *client, const char *path, const struct wire_hello *hello);

/* The same, and seals it, as an honest client does. */
int raw_open(struct raw_client *client, const char *path, const struct wire_hello *hello);
void raw_close(struct raw_client *client);

/* Publishes and rings the doorbell. False when the ring is full. */
bool raw_submit(struct raw_client *client, const struct wire_submission *submission);
/* Waits, sleeping on the futex; false when nothing came in `ms`. */
bool raw_reap(struct raw_client *client, struct wire_completion *completion, int ms);

/* A submission of `rows` samples of the model behind `route`, tensors at the given bytes of the arenas. */
struct wire_submission raw_infer(uint32_t route, uint32_t rows, uint64_t in_offset, uint64_t in_length,
                                 uint64_t out_offset, uint64_t out_length);
/* Submits and waits for its completion; its status. Fails the test when none comes. */
int raw_run(struct raw_client *client, const struct wire_submission *submission, struct wire_completion *completion);

/* Asks and puts the reply together; its status. *text is to be freed; *route may be NULL. */
int raw_ask(struct raw_client *client, enum wire_type type, const char *name, char **text, uint32_t *route);
/* The route of a name; fails the test when there is none. */
uint32_t raw_route(struct raw_client *client, const char *name);

#endif
