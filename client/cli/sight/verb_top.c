/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp top: who uses the daemon's time right now.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "client/cli/connection.h"
#include "client/cli/facts.h"
#include "client/cli/live/live.h"
#include "client/cli/sight/rates.h"
#include "client/cli/sight/use.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "top",
    .arguments = "[options]",
    .summary =
        "Shows which models, users and clients use the daemon's time, again and again; q ends it. What is no terminal\n"
        "gets text after text. Root sees all users and clients, others their own.",
};

/* Two answers, one after the other. */
struct moment {
    json_t *stats, *clients;
    uint64_t ns;
};

struct list {
    enum rate_kind kind;
    const char *name; /* in the answers, and in ours */
    const struct table_column *columns;
    size_t column_count;
    void (*add_row)(struct table *table, const struct rate *rate);
    void (*add_json)(json_t *object, const struct rate *rate);
};

static void moment_drop(struct moment *moment)
{
    json_decref(moment->stats);
    json_decref(moment->clients);
    *moment = (struct moment){ .stats = NULL };
}

/* An exit status. */
static int moment_take(struct connection *connection, struct moment *moment)
{
    char *text;
    int result = wisp_stats(connection->client, &text);

    *moment = (struct moment){ .ns = clock_ns() };
    if (result)
        return connection_fail(connection, result);
    moment->stats = connection_parse(connection, text);
    result = wisp_clients(connection->client, &text);
    if (result)
        return connection_fail(connection, result);
    moment->clients = connection_parse(connection, text);
    return moment->stats && moment->clients ? EXIT_DONE : EXIT_FAILED;
}

/* ---- for a person ---- */

static const struct table_column model_columns[] = {
    { "MODEL", false },    { "USED", true },     { "REQUESTS/s", true }, { "UNDER WAY", true },   { "FAILED/s", true },
    { "SAMPLES/s", true }, { "WAIT 50%", true }, { "99%", true },        { "COMPUTE 50%", true }, { "99%", true },
};

static const struct table_column user_columns[] = {
    { "USER", false },       { "USED", true },      { "REQUESTS/s", true }, { "UNDER WAY", true },
    { "FAILED/s", true },    { "SAMPLES/s", true }, { "WAIT 50%", true },   { "99%", true },
    { "COMPUTE 50%", true }, { "99%", true },       { "WEIGHT", true },
};

static const struct table_column client_columns[] = {
    { "CLIENT", false }, { "PID", true },        { "USER", false },     { "CHANNELS", true },
    { "USED", true },    { "REQUESTS/s", true }, { "UNDER WAY", true },
};

static void add_use(struct table *table, const struct rate *rate)
{
    char share[32];

    table_add(table, "%s", format_share(rate->used, 1, share));
    table_add(table, "%.0f", rate->requests);
    table_add(table, "%llu", (unsigned long long)rate->under_way);
}

static void add_model(struct table *table, const struct rate *rate)
{
    const uint64_t times[] = { rate->wait_p50, rate->wait_p99, rate->compute_p50, rate->compute_p99 };
    char number[32];

    table_add(table, "%s", rate->name);
    add_use(table, rate);
    table_add(table, "%.0f", rate->failed);
    table_add(table, "%.0f", rate->samples);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        table_add(table, "%s", times[i] ? format_time(times[i], number) : "");
}

static void add_user(struct table *table, const struct rate *rate)
{
    char number[32];

    add_model(table, rate);
    table_add(table, "%s", format_weight(rate->weight, number));
}

static void add_client(struct table *table, const struct rate *rate)
{
    char user[USER_NAME_MAX];

    table_add(table, "%s", rate->name);
    table_add(table, "%llu", (unsigned long long)rate->pid);
    table_add(table, "%s", format_user(rate->uid, user));
    table_add(table, "%llu", (unsigned long long)rate->channels);
    add_use(table, rate);
}

static bool print_list(const struct screen *screen, const struct list *list, const struct rate *rates, size_t count)
{
    struct table table = { .columns = list->columns, .column_count = list->column_count };
    bool printed;

    for (size_t i = 0; i < count; i++) {
        list->add_row(&table, &rates[i]);
        insist(table.failed || table.cell_count == (i + 1) * table.column_count, "%zu", table.cell_count);
    }
    printed = table_print(&table, screen, 0);
    table_deinit(&table);
    return printed;
}

/* ---- for a program ---- */

static void set_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void set_model(json_t *object, const struct rate *rate)
{
    json_object_set_new(object, "failed_per_s", json_real(rate->failed));
    json_object_set_new(object, "samples_per_s", json_real(rate->samples));
    set_count(object, "wait_p50_ns", rate->wait_p50);
    set_count(object, "wait_p99_ns", rate->wait_p99);
    set_count(object, "compute_p50_ns", rate->compute_p50);
    set_count(object, "compute_p99_ns", rate->compute_p99);
}

static void set_user(json_t *object, const struct rate *rate)
{
    set_count(object, "uid", rate->uid);
    set_count(object, "weight", rate->weight);
    set_model(object, rate);
}

static void set_client(json_t *object, const struct rate *rate)
{
    set_count(object, "pid", rate->pid);
    set_count(object, "uid", rate->uid);
    set_count(object, "channels", rate->channels);
}

/* ---- both ---- */

static const struct list lists[] = {
    { RATE_MODEL, "models", model_columns, ARRAY_SIZE(model_columns), add_model, set_model },
    { RATE_USER, "users", user_columns, ARRAY_SIZE(user_columns), add_user, set_user },
    { RATE_CLIENT, "clients", client_columns, ARRAY_SIZE(client_columns), add_client, set_client },
};

static const json_t *list_of(const struct moment *moment, const struct list *list)
{
    return json_object_get(list->kind == RATE_CLIENT ? moment->clients : moment->stats, list->name);
}

static bool print(const struct screen *screen, const struct moment *before, const struct moment *now)
{
    const double seconds = (double)(now->ns - before->ns) / 1e9;
    bool printed = true;

    insist(now->stats && now->clients && now->ns > before->ns);
    print_daemon(screen, now->stats);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        size_t count;
        cleanup_free struct rate *rates =
            rates_make(lists[i].kind, list_of(before, &lists[i]), list_of(now, &lists[i]), seconds, &count);

        printed &= print_list(screen, &lists[i], rates, count);
        fputc('\n', screen->file);
    }
    return printed;
}

static json_t *rate_json(const struct list *list, const struct rate *rate)
{
    json_t *object = json_pack("{s:s, s:f, s:f, s:I}", "name", rate->name, "used", rate->used, "requests_per_s",
                               rate->requests, "under_way", (json_int_t)rate->under_way);

    list->add_json(object, rate);
    return object;
}

/* One line. */
static bool print_json(FILE *out, const struct moment *before, const struct moment *now)
{
    const double seconds = (double)(now->ns - before->ns) / 1e9;
    cleanup_json json_t *object = json_pack("{s:f}", "interval_s", seconds);

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        size_t count;
        cleanup_free struct rate *rates =
            rates_make(lists[i].kind, list_of(before, &lists[i]), list_of(now, &lists[i]), seconds, &count);
        json_t *list = json_array();

        for (size_t k = 0; k < count; k++)
            json_array_append_new(list, rate_json(&lists[i], &rates[k]));
        json_object_set_new(object, lists[i].name, list);
    }
    if (json_to_file(object, out, JSON_COMPACT | JSON_REAL_PRECISION(6)))
        return false;
    fputc('\n', out);
    return !fflush(out);
}

/* ---- again and again ---- */

struct options {
    double interval_s;
    uint64_t count; /* 0: until it is ended */
    bool json;
};

static bool show(struct live *live, const struct options *options, const struct moment *before,
                 const struct moment *now)
{
    bool printed;

    if (options->json)
        return print_json(live->terminal, before, now);
    if (!live_draw(live))
        return false;
    printed = print(&live->screen, before, now);
    return live_show(live) && printed;
}

static int watch(struct connection *connection, struct live *live, const struct options *options)
{
    struct moment before = { .stats = NULL }, now = { .stats = NULL };
    int status = moment_take(connection, &before);

    insist(options->interval_s > 0);
    for (uint64_t i = 0; !status && (!options->count || i < options->count); i++) {
        if (!live_wait(live, (uint64_t)(options->interval_s * 1e9)))
            break;
        status = moment_take(connection, &now);
        if (!status && !show(live, options, &before, &now))
            status = EXIT_FAILED; /* memory, or output_finish() says why */
        moment_drop(&before);
        before = now;
        now = (struct moment){ .stats = NULL };
    }
    moment_drop(&before);
    return status;
}

int verb_top(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb, .questions = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    struct options options = { .interval_s = 1 };
    struct live live;
    int status;

    option_real(&table, "interval", 'd', &options.interval_s, "S", "seconds between two looks (1)", 0.1, 3600);
    option_count(&table, "count", 'n', &options.count, "N", "looks, then it ends (0: until q or an interrupt)", 0, 1e9);
    option_flag(&table, "json", 'j', &options.json, "a JSON object a line and look");
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    status = connection_open(&connection);
    if (status)
        return status;
    live_begin(&live, stdout);
    status = watch(&connection, &live, &options);
    live_end(&live);
    return status;
}
