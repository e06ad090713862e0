/* SPDX-License-Identifier: Apache-2.0
 *
 * A verb's connection to the daemon: the options that every verb has, and how its failures are told.
 */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include <jansson.h>
#include <wisp/wisp.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/options.h"
#include "base/outcome.h"

struct connection {
    const char *verb;
    const char *socket;  /* NULL: as libwisp chooses */
    bool loading;        /* the limit is what it may take to load models */
    bool patient;        /* the limit is what a model may take, not what a person waits for a word */
    uint64_t timeout_ms; /* 0: none */
    bool questions;      /* no more: it takes no shared memory, and gets in where all connections are taken */
    uint32_t entries;    /* requests under way at once; 0: a few */
    uint64_t input_bytes, output_bytes; /* of shared memory; 0: the least that there is, enough for a ping */
    wisp_client *client;
};

/* --socket and --timeout. */
void connection_options(struct connection *connection, struct option_table *table);

/* Connects, and says nothing: what wisp_connect() returns. */
int connection_connect(struct connection *connection);

/* Connects, and while the daemon is full or this user's quota used up, tries again until the time is over. On failure
 * says why on standard error. Returns an exit status. */
int connection_open(struct connection *connection);
void connection_close(struct connection *connection);

/* What wisp_wait() and wisp_ping() take. */
uint32_t connection_wait_ms(const struct connection *connection);

/* Says on standard error what libwisp has to say of `result`, and returns the exit status for it. */
int connection_fail(const struct connection *connection, int result);

/* Takes JSON text that the library allocated (it is freed), and parses it; says so and returns NULL when it is damaged.
 */
json_t *connection_parse(const struct connection *connection, char *text);

/* Prints it as --json has it: members in the daemon's order, indented. Returns an exit status. */
int connection_print(const struct connection *connection, const json_t *json);

CLEANUP_DEFINE(model, wisp_model, wisp_model_free)
#define cleanup_model cleanup(model_at_exit)

static inline void connection_at_exit(struct connection *connection)
{
    connection_close(connection);
}
#define cleanup_connection cleanup(connection_at_exit)

#endif
