/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp stats: what the daemon has counted and measured, of its models and its users.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "client/cli/connection.h"
#include "client/cli/facts.h"
#include "client/cli/sight/http.h"
#include "client/cli/sight/prometheus.h"
#include "client/cli/sight/use.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "stats",
    .arguments = "[options]",
    .summary =
        "Shows what the daemon has counted since its start: requests, how long they waited and computed, and who used\n"
        "its time. Root sees all users, others themselves.",
};

struct options {
    bool json, prometheus, http;
    const char *output;
};

/* ---- for a person ---- */

enum { UNLIMITED = 65536 }; /* requests under way: as many as rings hold */

static const struct table_column model_columns[] = {
    { "MODEL", false },      { "REQUESTS", true }, { "FAILED", true }, { "UNDER WAY", true },
    { "BATCH", true },       { "WAIT 50%", true }, { "99%", true },    { "MAX", true },
    { "COMPUTE 50%", true }, { "99%", true },      { "MAX", true },    { "USED", true },
};

static const struct table_column user_columns[] = {
    { "USER", false },  { "CHANNELS", true },  { "MEMORY", true },   { "REQUESTS", true },
    { "FAILED", true }, { "UNDER WAY", true }, { "WAIT 50%", true }, { "99%", true },
    { "MAX", true },    { "USED", true },      { "WEIGHT", true },   { "AT MOST", true },
};

static void add_count(struct table *table, uint64_t count)
{
    char number[32];

    table_add(table, "%s", format_count(count, number));
}

static void add_marks(struct table *table, const json_t *tally, const char *histogram)
{
    static const char *const marks[] = { "p50_ns", "p99_ns", "max_ns" };
    char number[32];

    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        table_add(table, "%s", format_time(histogram_mark(tally, histogram, marks[i]), number));
}

static void add_model(struct table *table, const json_t *model, double uptime_ns)
{
    const uint64_t batches = member_count(model, "batches");
    char number[32];

    table_add(table, "%s", member_text(model, "name"));
    add_count(table, member_count(model, "requests"));
    add_count(table, failed_requests(model));
    add_count(table, member_count(model, "under_way"));
    table_add(table, "%.1f", batches ? (double)member_count(model, "samples") / (double)batches : 0.0);
    add_marks(table, model, "waited");
    add_marks(table, model, "computed");
    table_add(table, "%s", format_share((double)member_count(model, "used_ns"), uptime_ns, number));
}

/* What he may have, which a daemon of before does not say: his share, and his limits, where there are any. */
static void add_policy(struct table *table, const json_t *user)
{
    const uint64_t weight = member_count(user, "weight"), time = member_count(user, "time_max_percent"),
                   under_way = member_count(user, "under_way_max");
    char limits[64] = "", number[32];

    if (weight && time < 100)
        snprintf(limits, sizeof limits, "%llu %%", (unsigned long long)time);
    if (weight && under_way < UNLIMITED)
        snprintf(limits + strlen(limits), sizeof limits - strlen(limits), "%s%llu requests", *limits ? ", " : "",
                 (unsigned long long)under_way);
    table_add(table, "%s", format_weight(weight, number));
    table_add(table, "%s", *limits ? limits : "-");
}

static void add_user(struct table *table, const json_t *user, double uptime_ns)
{
    char name[USER_NAME_MAX], number[32];

    table_add(table, "%s", format_user(member_count(user, "uid"), name));
    add_count(table, member_count(user, "channels"));
    table_add(table, "%s", format_bytes(member_count(user, "memory_bytes"), number));
    add_count(table, member_count(user, "requests"));
    add_count(table, failed_requests(user));
    add_count(table, member_count(user, "under_way"));
    add_marks(table, user, "waited");
    table_add(table, "%s", format_share((double)member_count(user, "used_ns"), uptime_ns, number));
    add_policy(table, user);
}

static bool print_list(const struct screen *screen, struct table *table, const json_t *list, double uptime_ns,
                       void (*add)(struct table *table, const json_t *one, double uptime_ns))
{
    bool printed;

    for (size_t i = 0; i < json_array_size(list); i++)
        add(table, json_array_get(list, i), uptime_ns);
    printed = table_print(table, screen, 0);
    table_deinit(table);
    return printed;
}

static int print_tables(const json_t *stats)
{
    struct table models = TABLE_INIT(model_columns), users = TABLE_INIT(user_columns);
    const json_t *daemon = json_object_get(stats, "daemon");
    const double uptime_ns = 1e9 * member_real(daemon, "uptime_s");
    const uint64_t left_out = member_count(stats, "users_left_out");
    struct screen screen;
    bool printed;

    screen_init(&screen, stdout);
    print_daemon(&screen, stats);
    printed = print_list(&screen, &models, json_object_get(stats, "models"), uptime_ns, add_model);
    putchar('\n');
    printed &= print_list(&screen, &users, json_object_get(stats, "users"), uptime_ns, add_user);
    if (left_out)
        printf("and %llu users more\n", (unsigned long long)left_out);
    return printed ? EXIT_DONE : fail(usage.verb, EXIT_FAILED, "out of memory");
}

/* ---- for Prometheus ---- */

/* To be freed; NULL without memory. */
static char *prometheus_text(const json_t *stats, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    if (out)
        prometheus_print(out, stats);
    if (!out || fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

static int write_text(const char *path, const char *text, size_t length)
{
    const struct file_part part = { text, length };
    struct reason why;
    int result = file_check_target(path, &why);

    if (!result)
        result = file_write(path, &part, 1, &why);
    return result ? fail(usage.verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

static int give_text(const struct options *options, const json_t *stats)
{
    enum http_method method;
    size_t length;
    cleanup_free char *text = NULL;
    int result;

    if (options->http && !http_read(STDIN_FILENO, &method)) {
        (void)http_refuse(STDOUT_FILENO);
        return fail(usage.verb, EXIT_DATA, "no HTTP request on standard input");
    }
    text = prometheus_text(stats, &length);
    if (!text)
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    if (options->output)
        return write_text(options->output, text, length);
    if (!options->http)
        return fwrite(text, 1, length, stdout) == length ? EXIT_DONE : EXIT_FAILED; /* output_finish() says why */
    result = http_answer(STDOUT_FILENO, method, PROMETHEUS_CONTENT_TYPE, text, length);
    return result ? fail(usage.verb, EXIT_FAILED, "answering: %s", wisp_status_text(result)) : EXIT_DONE;
}

/* ---- all of it ---- */

/* Of a daemon that does not answer Prometheus is to hear, too. */
static int ask(struct connection *connection, json_t **stats)
{
    char *text;
    int status = connection_open(connection), result;

    if (status)
        return status;
    result = wisp_stats(connection->client, &text);
    if (result)
        return connection_fail(connection, result);
    *stats = connection_parse(connection, text);
    return *stats ? EXIT_DONE : EXIT_FAILED;
}

static int check(const struct options *options)
{
    const bool text = options->prometheus || options->http;

    if (options->json + options->prometheus + options->http > 1)
        return fail(usage.verb, EXIT_USAGE, "only one of --json, --prometheus and --http");
    if (options->output && !options->prometheus)
        return fail(usage.verb, EXIT_USAGE, "--output goes with --prometheus");
    return text && options->output && !*options->output ? fail(usage.verb, EXIT_USAGE, "--output needs a file")
                                                        : EXIT_DONE;
}

int verb_stats(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb, .questions = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    cleanup_json json_t *stats = NULL;
    struct options options = { .json = false };
    int status;

    option_flag(&table, "json", 'j', &options.json, "a JSON object, as docs/protocol.md describes it");
    option_flag(&table, "prometheus", 'p', &options.prometheus,
                "text for Prometheus; of a daemon that does not answer, wisp_up 0");
    option_text(&table, "output", 'o', &options.output, "FILE",
                "write it there, in one piece: for the textfile collector of node_exporter");
    option_flag(&table, "http", 0, &options.http, "read an HTTP request, and answer it with that text");
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    status = check(&options);
    if (status)
        return status;
    status = ask(&connection, &stats);
    if (options.prometheus || options.http)
        return give_text(&options, stats);
    if (status)
        return status;
    return options.json ? connection_print(&connection, stats) : print_tables(stats);
}
