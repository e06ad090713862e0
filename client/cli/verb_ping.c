/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp ping: round trips through the rings that run no model. The first one wakes a sleeping daemon and is told apart.
 */
#include <stdlib.h>

#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "client/cli/connection.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "ping",
    .arguments = "[options]",
    .summary = "Sends empty requests to the daemon, one after the other, and prints how long a round trip takes.",
};

enum { COUNT_DEFAULT = 1000, COUNT_MAX = 100000000 };

struct trips {
    uint64_t first;
    uint64_t *sorted; /* all of them, the first included */
    size_t count;
};

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* Nearest rank. */
static uint64_t percentile(const struct trips *trips, unsigned percent)
{
    size_t rank = (trips->count * percent + 99) / 100;

    insist(trips->count > 0 && rank <= trips->count, "%zu of %zu", rank, trips->count);
    return trips->sorted[rank ? rank - 1 : 0];
}

static int measure(struct connection *connection, struct trips *trips)
{
    for (size_t i = 0; i < trips->count; i++) {
        int result = wisp_ping(connection->client, connection_wait_ms(connection), &trips->sorted[i]);

        if (result)
            return result;
    }
    insist(trips->count > 0);
    trips->first = trips->sorted[0];
    qsort(trips->sorted, trips->count, sizeof *trips->sorted, ascending);
    return 0;
}

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static void print(const struct connection *connection, const struct trips *trips)
{
    printf("%s: %zu round trip%s", wisp_server(connection->client), trips->count, trips->count == 1 ? "" : "s");
    if (trips->count == 1) {
        printf(", %.1f us\n", us(trips->first));
        return;
    }
    printf("\n  first %.1f us; least %.1f, median %.1f, 99%% %.1f, most %.1f us\n", us(trips->first),
           us(trips->sorted[0]), us(percentile(trips, 50)), us(percentile(trips, 99)),
           us(trips->sorted[trips->count - 1]));
}

static int print_json(const struct connection *connection, const struct trips *trips)
{
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "server", wisp_server(connection->client), "count",
                  (json_int_t)trips->count, "first_ns", (json_int_t)trips->first, "least_ns",
                  (json_int_t)trips->sorted[0], "p50_ns", (json_int_t)percentile(trips, 50), "p99_ns",
                  (json_int_t)percentile(trips, 99), "most_ns", (json_int_t)trips->sorted[trips->count - 1]);

    const int result = json_to_file(object, stdout, JSON_COMPACT);

    json_decref(object);
    if (result == -ENOMEM)
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    puts("");
    return EXIT_DONE;
}

int verb_ping(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    cleanup_free uint64_t *times = NULL;
    uint64_t count = COUNT_DEFAULT;
    struct trips trips;
    bool json = false;
    int status, result;

    option_count(&table, "count", 'c', &count, "N", "round trips to make (1000)", 1, COUNT_MAX);
    option_flag(&table, "json", 'j', &json, "one JSON object: server, count, {first,least,p50,p99,most}_ns");
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    times = calloc(count, sizeof *times);
    if (!times)
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    status = connection_open(&connection);
    if (status)
        return status;
    trips = (struct trips){ .sorted = times, .count = count };
    result = measure(&connection, &trips);
    if (result)
        return connection_fail(&connection, result);
    if (json)
        return print_json(&connection, &trips);
    print(&connection, &trips);
    return EXIT_DONE;
}
