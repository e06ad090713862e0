/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp reload, wisp rollback: the daemon goes over to other models, and says what came of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/connection.h"
#include "client/cli/facts.h"
#include "client/cli/verb.h"

struct change {
    struct usage usage;
    int (*ask)(wisp_client *client, char **text);
};

static const struct change reload = {
    .usage = { .verb = "reload",
               .arguments = "[options]",
               .summary =
                   "Has the daemon read its configuration and models again, beside those that it serves. When all of\n"
                   "them are good they take their place; when not, nothing changes, and what is wrong is said.",
               .examples = "  wispd -t && wisp reload\n" },
    .ask = wisp_reload,
};

static const struct change rollback = {
    .usage = { .verb = "rollback",
               .arguments = "[options]",
               .summary =
                   "Has the daemon serve the models that it served before the last change, as their files were then.\n"
                   "That lasts, over restarts too, until something of the configured models changes, or wisp reload." },
    .ask = wisp_rollback,
};

static void print_list(const json_t *answer, const char *key, const char *what)
{
    const json_t *names = json_object_get(answer, key), *name;
    size_t i;

    json_array_foreach(names, i, name) printf("%s%s", i ? ", " : what, json_string_value(name));
}

static void print(const json_t *answer)
{
    const uint64_t count = member_count(answer, "models");

    printf("serving %llu model%s, %zu as before", (unsigned long long)count, count == 1 ? "" : "s",
           json_array_size(json_object_get(answer, "kept")));
    print_list(answer, "loaded", "; loaded: ");
    print_list(answer, "added", "; added: ");
    print_list(answer, "removed", "; removed: ");
    printf("; in %llu ms\n", (unsigned long long)member_count(answer, "ms"));
    if (json_array_size(json_object_get(answer, "restart"))) {
        print_list(answer, "restart", "a restart is needed for what has changed of: ");
        puts("");
    }
}

/* The same as JSON on standard output, beside the sentences. */
static void print_refused(const struct connection *connection, int result, const char *lines)
{
    json_t *reasons = json_array();
    cleanup_json json_t *answer = json_pack("{s:s, s:o}", "refused", wisp_status_text(result), "reasons", reasons);

    for (size_t length; answer && *lines; lines += length + (lines[length] == '\n')) {
        length = strcspn(lines, "\n");
        if (length)
            json_array_append_new(reasons, json_stringn(lines, length));
    }
    if (answer)
        (void)connection_print(connection, answer);
}

/* Each thing that is wrong, and that nothing has changed. */
static int refused(const struct connection *connection, int result, char *lines)
{
    enum exit_status status = exit_for_input(result);

    insist(result && status != EXIT_DONE, "%d", result);
    if (!lines)
        return connection_fail(connection, result);
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n"))
        fail(connection->verb, status, "%s", line);
    if (result == WISP_E_DENIED || result == WISP_E_SHUTDOWN || result == WISP_E_BUSY)
        return status; /* it was not begun */
    if (result == WISP_E_CONFIG || result == WISP_E_FORMAT)
        status = EXIT_CONFIG;
    return fail(connection->verb, status, "nothing has changed: wispd serves what it served");
}

static int run(const struct change *change, int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = change->usage.verb,
                                                        .questions = true,
                                                        .loading = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    cleanup_json json_t *answer = NULL;
    cleanup_free char *text = NULL;
    bool json = false;
    int status, result;

    option_flag(&table, "json", 'j', &json, "a JSON object, as docs/protocol.md describes it");
    connection_options(&connection, &table);
    if (!options_read(&change->usage, &table, argc, argv, &operands, &status))
        return status;
    status = connection_open(&connection);
    if (status)
        return status;
    result = change->ask(connection.client, &text);
    if (result && json && text)
        print_refused(&connection, result, text);
    if (result)
        return refused(&connection, result, text);
    answer = connection_parse(&connection, steal(&text));
    if (!answer)
        return EXIT_FAILED;
    if (json)
        return connection_print(&connection, answer);
    print(answer);
    return EXIT_DONE;
}

int verb_reload(int argc, char **argv)
{
    return run(&reload, argc, argv);
}

int verb_rollback(int argc, char **argv)
{
    return run(&rollback, argc, argv);
}
