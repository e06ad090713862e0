/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "base/socket_path.h"
#include "client/cli/session.h"

enum { PATIENT_MS = 30000, PROMPT_MS = 5000, RECONNECT_MS = 5000, ENTRIES = 4, ARENA_MIN = 65536 };

void session_options(struct session *session, struct option_table *table)
{
    session->timeout_ms = session->patient ? PATIENT_MS : PROMPT_MS;
    option_text(table, "socket", 's', &session->socket, "PATH",
                "the daemon's socket ($WISP_SOCKET; " SOCKET_OF_SERVICE "; $XDG_RUNTIME_DIR/wisp/wisp.sock)");
    option_count(table, "timeout", 't', &session->timeout_ms, "MS",
                 session->patient ? "longest to wait for the daemon, and for each answer (30000; 0: without limit)"
                                  : "longest to wait for the daemon, and for its answer (5000; 0: without limit)",
                 0, UINT32_MAX - 1);
}

uint32_t session_wait_ms(const struct session *session)
{
    return session->timeout_ms ? (uint32_t)session->timeout_ms : UINT32_MAX;
}

int session_connect(struct session *session)
{
    uint32_t patience = session_wait_ms(session);
    struct wisp_options options = {
        .size = sizeof options,
        .socket_path = session->socket,
        .name = "wisp",
        .connect_ms = MIN(patience, UINT32_MAX - 1),
        .reconnect_ms = MAX(MIN(patience / 2, RECONNECT_MS), 1),
        .answer_ms = patience,
        .entries = session->questions ? UINT32_MAX : ENTRIES,
        .input_bytes = MAX(session->input_bytes, ARENA_MIN),
        .output_bytes = MAX(session->output_bytes, ARENA_MIN),
    };

    return wisp_connect(&session->client, &options);
}

int session_open(struct session *session)
{
    int result = session_connect(session);

    if (result == -ENAMETOOLONG) /* of the socket: no file is at fault */
        return fail(session->verb, EXIT_USAGE, "%s", wisp_last_error());
    return result ? session_fail(session, result) : EXIT_DONE;
}

void session_close(struct session *session)
{
    session->client = wisp_close(session->client);
}

int session_fail(const struct session *session, int result)
{
    const char *text = wisp_last_error();

    return fail(session->verb, exit_for_input(result), "%s", *text ? text : wisp_status_text(result));
}

json_t *session_parse(const struct session *session, char *text)
{
    cleanup_free char *owned = text;
    json_error_t error;
    json_t *json = json_loads(owned ? owned : "", 0, &error);

    if (!json)
        fail(session->verb, EXIT_FAILED, "the daemon's answer is damaged: %s at byte %d", error.text, error.position);
    return json;
}

int session_print(const struct session *session, const json_t *json)
{
    if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) && !ferror(stdout))
        return fail(session->verb, EXIT_FAILED, "out of memory");
    putchar('\n');
    return EXIT_DONE;
}
