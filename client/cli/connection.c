/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "base/socket_path.h"
#include "client/cli/connection.h"

enum { LOADING_MS = 600000, PATIENT_MS = 30000, PROMPT_MS = 5000, RECONNECT_MS = 5000, ENTRIES = 4, ARENA_MIN = 65536 };

void connection_options(struct connection *connection, struct option_table *table)
{
    const char *limit = "longest to wait for the daemon, and for its answer (5000; 0: without limit)";

    connection->timeout_ms = PROMPT_MS;
    if (connection->patient) {
        connection->timeout_ms = PATIENT_MS;
        limit = "longest to wait for the daemon, and for each answer (30000; 0: without limit)";
    }
    if (connection->loading) {
        connection->timeout_ms = LOADING_MS;
        limit = "longest to wait for the daemon, and until it has loaded (600000; 0: without limit)";
    }
    option_text(table, "socket", 's', &connection->socket, "PATH",
                "the daemon's socket ($WISP_SOCKET; " SOCKET_OF_SERVICE "; $XDG_RUNTIME_DIR/wisp/wisp.sock)");
    option_count(table, "timeout", 't', &connection->timeout_ms, "MS", limit, 0, UINT32_MAX - 1);
}

uint32_t connection_wait_ms(const struct connection *connection)
{
    return connection->timeout_ms ? (uint32_t)connection->timeout_ms : UINT32_MAX;
}

int connection_connect(struct connection *connection)
{
    uint32_t patience = connection_wait_ms(connection);
    char name[32]; /* "wisp-run", so that the daemon's lists tell one from another */
    struct wisp_options options = {
        .size = sizeof options,
        .socket_path = connection->socket,
        .name = name,
        .connect_ms = MIN(patience, UINT32_MAX - 1),
        .reconnect_ms = MAX(MIN(patience / 2, RECONNECT_MS), 1),
        .answer_ms = patience,
        .entries = connection->questions ? UINT32_MAX : MAX(connection->entries, ENTRIES),
        .input_bytes = MAX(connection->input_bytes, ARENA_MIN),
        .output_bytes = MAX(connection->output_bytes, ARENA_MIN),
    };

    insist(!connection->client && connection->verb); /* else it would never be closed */
    snprintf(name, sizeof name, "wisp-%s", connection->verb);
    return wisp_connect(&connection->client, &options);
}

int connection_open(struct connection *connection)
{
    int result = connection_connect(connection);

    if (result == -ENAMETOOLONG) /* of the socket: no file is at fault */
        return fail(connection->verb, EXIT_USAGE, "%s", wisp_last_error());
    return result ? connection_fail(connection, result) : EXIT_DONE;
}

void connection_close(struct connection *connection)
{
    connection->client = wisp_close(connection->client);
}

int connection_fail(const struct connection *connection, int result)
{
    const char *text = wisp_last_error();

    insist(result);
    return fail(connection->verb, exit_for_input(result), "%s", *text ? text : wisp_status_text(result));
}

json_t *connection_parse(const struct connection *connection, char *text)
{
    cleanup_free char *owned = text;
    json_error_t error;
    json_t *json = json_from_string(owned, 0, &error);

    if (!json)
        fail(connection->verb, EXIT_FAILED, "the daemon's answer is damaged: %s at byte %d", error.text,
             error.position);
    return json;
}

int connection_print(const struct connection *connection, const json_t *json)
{
    if (json_to_file(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == -ENOMEM)
        return fail(connection->verb, EXIT_FAILED, "out of memory");
    putchar('\n');
    return EXIT_DONE;
}
