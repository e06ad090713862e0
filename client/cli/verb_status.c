/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp status: the daemon's own state.
 */
#include "client/cli/connection.h"
#include "client/cli/facts.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "status",
    .arguments = "[options]",
    .summary = "Shows the daemon's version, how long it runs, and what it has done since.",
};

int verb_status(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb, .questions = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    cleanup_json json_t *state = NULL;
    struct screen screen;
    bool json = false;
    char *text;
    int status, result;

    option_flag(&table, "json", 'j', &json, "a JSON object, as docs/protocol.md describes it");
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    status = connection_open(&connection);
    if (status)
        return status;
    result = wisp_status(connection.client, &text);
    if (result)
        return connection_fail(&connection, result);
    state = connection_parse(&connection, text);
    if (!state)
        return EXIT_FAILED;
    screen_init(&screen, stdout);
    if (!json) {
        facts_print(&screen, state, "");
        return EXIT_DONE;
    }
    return connection_print(&connection, state);
}
