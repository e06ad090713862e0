/* SPDX-License-Identifier: Apache-2.0
 *
 * A verb's connection to the daemon: the options that every verb has, and how its failures are told.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <jansson.h>
#include <wisp/wisp.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/options.h"
#include "base/outcome.h"

struct session {
    const char *verb;
    const char *socket;  /* NULL: as libwisp chooses */
    bool patient;        /* the limit is what a model may take, not what a person waits for a word */
    uint64_t timeout_ms; /* 0: none */
    bool questions;      /* no more: it takes no shared memory, and gets in where all connections are taken */
    uint64_t input_bytes, output_bytes; /* of shared memory; 0: the least that there is, enough for a ping */
    wisp_client *client;
};

/* --socket and --timeout. */
void session_options(struct session *session, struct option_table *table);

/* Connects, and says nothing: what wisp_connect() returns. */
int session_connect(struct session *session);

/* Connects, and while the daemon is full or this user's quota used up, tries again until the time is over. On failure
 * says why on standard error. Returns an exit status. */
int session_open(struct session *session);
void session_close(struct session *session);

/* What wisp_wait() and wisp_ping() take. */
uint32_t session_wait_ms(const struct session *session);

/* Says on standard error what libwisp has to say of `result`, and returns the exit status for it. */
int session_fail(const struct session *session, int result);

/* Takes JSON text that the library allocated (it is freed), and parses it; says so and returns NULL when it is damaged.
 */
json_t *session_parse(const struct session *session, char *text);

/* Prints it as --json has it: members in the daemon's order, indented. Returns an exit status. */
int session_print(const struct session *session, const json_t *json);

CLEANUP_DEFINE(model, wisp_model, wisp_model_free)
#define cleanup_model cleanup(model_at_exit)

static inline void session_at_exit(struct session *session)
{
    session_close(session);
}
#define cleanup_session cleanup(session_at_exit)

#endif
