/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp bench: a load on a model that is served, and how long its requests took.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/bench/report.h"
#include "client/cli/connection.h"
#include "client/cli/live/interrupt.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "bench",
    .arguments = "-m MODEL [options]",
    .summary =
        "Puts a load on a model that the daemon serves, and shows throughput, latencies and where they went.\n"
        "So many requests at once (--concurrency-range), or so many a second (--request-rate-range), whose latencies\n"
        "count from when they were due. Windows are repeated until three agree.",
    .examples =
        "  wisp bench -m image --concurrency-range 1:16:4\n"
        "  wisp bench -m image -b 8 --request-rate-range 1000:5000:1000 --request-distribution poisson -f out.csv\n",
};

#define SAMPLES_MAX ((size_t)1 << 30) /* bytes of them */

enum { CONCURRENCY_MAX = 4096, SLOTS_OPEN = 256, LEVELS_MAX = 1000 };

/* Requests a second: one in a quarter of an hour, and more than any machine can send. */
static const double rate_min = 0.001, rate_max = 1e8;

struct range {
    double begin, end, step;
};

struct options {
    const char *model, *concurrency, *rate, *distribution, *input, *csv;
    uint64_t rows, window_ms, trials, deadline_us, slots, requests, warm_up_requests;
    double tolerance, percentile, threshold_ms;
    bool json;
    struct range levels;
    bool open_loop;
};

/* ---- the command line ---- */

/* START, START:END or START:END:STEP. */
static bool parse_range(const char *text, struct range *range)
{
    double *const values[] = { &range->begin, &range->end, &range->step };
    char copy[64], *rest = copy;
    size_t count = 0;

    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return false;
    *range = (struct range){ .step = 1 };
    for (char *word; (word = strsep(&rest, ":")); count++) {
        if (count == ARRAY_SIZE(values) || !parse_real(word, values[count]) || !(*values[count] > 0))
            return false;
    }
    if (count == 1)
        range->end = range->begin;
    return range->end >= range->begin && (range->end - range->begin) / range->step < LEVELS_MAX;
}

static bool is_whole(const struct range *range)
{
    return range->begin == floor(range->begin) && range->end == floor(range->end) && range->step == floor(range->step);
}

static int check_levels(const struct options *options)
{
    const struct range *levels = &options->levels;

    if (options->open_loop && (levels->begin < rate_min || levels->end > rate_max))
        return fail(usage.verb, EXIT_USAGE, "a rate is from %g to %g requests a second", rate_min, rate_max);
    if (!options->open_loop && !is_whole(levels))
        return fail(usage.verb, EXIT_USAGE, "--concurrency-range takes whole numbers: so many requests at once");
    if (!options->open_loop && levels->end > CONCURRENCY_MAX)
        return fail(usage.verb, EXIT_USAGE, "at most %d requests at once", CONCURRENCY_MAX);
    return EXIT_DONE;
}

static int check_csv(const char *path)
{
    struct reason why;
    int result = path ? file_check_target(path, &why) : 0;

    return result ? fail(usage.verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

static int check(struct options *options)
{
    const char *text = options->rate ? options->rate : options->concurrency;
    int status;

    if (!options->model)
        return fail(usage.verb, EXIT_USAGE, "which model? -m NAME; wisp models lists them");
    if (options->rate && options->concurrency)
        return fail(usage.verb, EXIT_USAGE, "either --concurrency-range or --request-rate-range");
    if (text && !parse_range(text, &options->levels))
        return fail(usage.verb, EXIT_USAGE,
                    "'%s' is no range: START, START:END or START:END:STEP, above 0, of at most %d levels", text,
                    LEVELS_MAX);
    options->open_loop = options->rate;
    if (strcmp(options->distribution, "constant") != 0 && strcmp(options->distribution, "poisson") != 0)
        return fail(usage.verb, EXIT_USAGE, "--request-distribution is constant or poisson");
    status = check_levels(options);
    return status ? status : check_csv(options->csv);
}

static void add_options(struct option_table *table, struct options *options)
{
    option_text(table, "model", 'm', &options->model, "NAME", "a model's name, processing type or modality");
    option_count(table, "batch", 'b', &options->rows, "N", "samples of a request (1)", 1, 65536);
    option_text(table, "concurrency-range", 0, &options->concurrency, "A:B:STEP", "requests at once (1)");
    option_text(table, "request-rate-range", 0, &options->rate, "A:B:STEP", "requests a second, in place of that");
    option_text(table, "request-distribution", 0, &options->distribution, "HOW",
                "of their arrivals: constant (the default) or poisson");
    option_count(table, "max-under-way", 0, &options->slots, "N", "requests at once at most, of a rate (256)", 1,
                 CONCURRENCY_MAX);
    option_count(table, "measurement-interval", 'p', &options->window_ms, "MS", "length of a window (1000)", 1, 1e7);
    option_count(table, "max-trials", 'r', &options->trials, "N", "windows of a level at most (10)", 1, 1000);
    option_real(table, "stability-percentage", 0, &options->tolerance, "P",
                "how far the last three windows may be from their mean (10)", 0, 100);
    option_real(table, "percentile", 0, &options->percentile, "P",
                "the latency that has to agree (the mean does, unless given)", 0, 100);
    option_count(table, "request-count", 0, &options->requests, "N", "requests of a level, in place of windows", 1,
                 1e9);
    option_count(table, "warmup-request-count", 0, &options->warm_up_requests, "N",
                 "requests before a level is measured (a fifth of a window of time)", 1, 1e9);
    option_real(table, "latency-threshold", 'l', &options->threshold_ms, "MS",
                "the last level is the first whose latency is longer (none)", 0, 1e6);
    option_text(table, "input-data", 0, &options->input, "WHAT", "random (the default), zero, or a file of samples");
    option_count(table, "deadline", 0, &options->deadline_us, "US", "of each request, in microseconds (0: none)", 0,
                 UINT32_MAX);
    option_text(table, "csv", 'f', &options->csv, "FILE", "write a table there, with the columns of perf_analyzer");
    option_flag(table, "json", 'j', &options->json, "a JSON object a level");
}

/* ---- connecting ---- */

/* A connection for questions says how large a model's requests are; another one has room for just those. */
static int find_model(struct connection *asking, const char *name, wisp_model **model)
{
    int status = connection_open(asking), result;

    if (status)
        return status;
    result = wisp_find(asking->client, name, model);
    return result ? connection_fail(asking, result) : EXIT_DONE;
}

static int prepare(struct connection *connection, struct load *load, const wisp_model *model,
                   const struct load_setup *setup)
{
    int status, result;

    insist(setup->slots > 0 && !connection->client);
    connection->entries = setup->slots;
    load_bytes(model, setup, &connection->input_bytes, &connection->output_bytes);
    status = connection_open(connection);
    if (status)
        return status;
    if (wisp_entries(connection->client) < setup->slots)
        return fail(usage.verb, EXIT_DENIED,
                    "the daemon gives a connection %u requests at once (limits.entries), not %u",
                    wisp_entries(connection->client), setup->slots);
    result = load_init(load, connection->client, model, setup);
    return result ? connection_fail(connection, result) : EXIT_DONE;
}

/* ---- measuring ---- */

struct outputs {
    struct screen screen;
    struct report report;
    FILE *csv;   /* NULL: none */
    bool enough; /* the last level was slower than --latency-threshold */
};

/* The one that has to agree: the mean, or the percentile that was asked for. */
static bool is_too_slow(const struct options *options, const struct figures *figures)
{
    const double ns = options->percentile > 0 ? (double)figures_percentile(figures, options->percentile)
                                              : figures_mean(figures, figures->latency_sum);

    return options->threshold_ms > 0 && ns > options->threshold_ms * (double)NS_PER_MS;
}

static int show(const struct options *options, const struct outputs *to, const struct level *level)
{
    if (level->figures.failed_memory)
        return fail(usage.verb, EXIT_FAILED, "out of memory for latencies: a shorter --measurement-interval");
    if (to->csv)
        report_csv(to->csv, &to->report, level);
    if (!options->json)
        report_level(&to->screen, &to->report, level);
    else if (!report_json(stdout, &to->report, level))
        return EXIT_FAILED; /* output_finish() says why */
    return EXIT_DONE;
}

/* An exit status; that of what failed, when nothing at all was answered. A level that was interrupted is not shown: it
 * is not what was asked for. */
static int measure_level(const struct connection *connection, const struct options *options, struct load *load,
                         struct outputs *to, double value)
{
    const struct level_setup setup = { .window = { options->requests, options->window_ms * NS_PER_MS },
                                       .warm_up = { options->warm_up_requests,
                                                    MIN(options->window_ms * NS_PER_MS / 5, NS_PER_S) },
                                       .trials_max = options->trials,
                                       .tolerance = options->tolerance / 100,
                                       .percentile = options->percentile };
    struct level level = { .concurrency = options->open_loop ? 0 : (uint32_t)value,
                           .rate = options->open_loop ? value : 0 };
    int result = level_measure(&level, load, &setup), status;

    if (result)
        status = connection_fail(connection, result);
    else
        status = interrupt_came() ? EXIT_INTERRUPTED : show(options, to, &level);
    to->enough = is_too_slow(options, &level.figures);
    if (!status && !level.figures.answered && load->failed_status)
        status = fail(usage.verb, exit_for_input(load->failed_status), "%s", load->failed_text);
    level_deinit(&level);
    return status;
}

static int measure(const struct connection *connection, const struct options *options, struct load *load,
                   struct outputs *to)
{
    const struct range *levels = &options->levels;
    const unsigned count = (unsigned)((levels->end - levels->begin) / levels->step + 1e-9) + 1;
    int status = EXIT_DONE;

    insist(levels->begin > 0 && levels->end >= levels->begin && levels->step > 0); /* check() has seen to it */
    insist(count <= LEVELS_MAX, "%u", count);
    if (!options->json)
        report_head(&to->screen, &to->report);
    if (to->csv)
        report_csv_head(to->csv, options->open_loop);
    for (unsigned i = 0; !status && !to->enough && i < count; i++)
        status = measure_level(connection, options, load, to, levels->begin + i * levels->step);
    if (load->failed_status && !status)
        warn_user(usage.verb, "some requests failed, the last one: %s", load->failed_text);
    return status;
}

static int write_csv(const struct options *options, const char *text, size_t length)
{
    const struct file_part part = { text, length };
    struct reason why;
    int result = file_write(options->csv, &part, 1, &why);

    return result ? fail(usage.verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

/* The file is written in the end, with the levels that there are, whatever ended it. */
static int measure_into(const struct connection *connection, const struct options *options, struct load *load,
                        const wisp_model *model)
{
    cleanup_free char *text = NULL;
    size_t length;
    struct outputs to = { .report = { .model = wisp_model_name(model),
                                      .rows = (uint32_t)options->rows,
                                      .percentile = options->percentile } };
    int status, written = EXIT_DONE;

    screen_init(&to.screen, stdout);
    interrupt_watch();
    if (options->csv) {
        to.csv = open_memstream(&text, &length);
        if (!to.csv)
            return fail(usage.verb, EXIT_FAILED, "out of memory");
    }
    status = measure(connection, options, load, &to);
    if (to.csv && (fclose(to.csv) || !text))
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    if (options->csv)
        written = write_csv(options, text, length);
    return status ? status : written;
}

/* Samples of the model's one input, one after the other, as `wisp run --tensor` takes one. */
static int read_samples(const char *path, const wisp_model *model, void **data, struct load_setup *setup)
{
    struct wisp_tensor tensor;
    struct reason why;
    size_t size;
    int result;

    if (wisp_model_input_count(model) != 1 || wisp_model_input(model, 0, &tensor))
        return fail(usage.verb, EXIT_DATA, "--input-data FILE: %s has %zu inputs, and a file is of one",
                    wisp_model_name(model), wisp_model_input_count(model));
    result = file_read_or_pipe(path, SAMPLES_MAX, data, &size, &why);
    if (result)
        return fail(usage.verb, exit_for_input(result), "%s", why.text);
    if (!size || size % tensor.bytes)
        return fail(usage.verb, EXIT_DATA, "%s: %zu bytes, and a sample of %s has %zu", path, size,
                    wisp_model_name(model), (size_t)tensor.bytes);
    setup->samples = *data;
    setup->sample_count = size / tensor.bytes;
    return EXIT_DONE;
}

static int bench(struct connection *connection, struct connection *asking, const struct options *options)
{
    cleanup_free void *samples = NULL;
    struct load_setup setup = {
        .rows = (uint32_t)options->rows,
        .slots = options->open_loop ? (uint32_t)options->slots : (uint32_t)options->levels.end,
        .deadline_us = (uint32_t)options->deadline_us,
        .zeros = !strcmp(options->input, "zero"),
        .arrivals = !strcmp(options->distribution, "poisson") ? ARRIVALS_POISSON : ARRIVALS_CONSTANT,
    };
    struct load load = { .setup = &setup };
    cleanup_model wisp_model *model = NULL;
    int status = find_model(asking, options->model, &model);

    if (!status && !setup.zeros && strcmp(options->input, "random") != 0)
        status = read_samples(options->input, model, &samples, &setup);
    if (!status)
        status = prepare(connection, &load, model, &setup);
    if (!status)
        status = measure_into(connection, options, &load, model);
    load_deinit(&load);
    return status;
}

int verb_bench(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    struct options options = { .rows = 1,
                               .window_ms = 1000,
                               .trials = 10,
                               .tolerance = 10,
                               .slots = SLOTS_OPEN,
                               .distribution = "constant",
                               .input = "random",
                               .levels = { 1, 1, 1 } };
    int status;

    add_options(&table, &options);
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    status = check(&options);
    if (!status) {
        cleanup_connection struct connection asking = connection;

        asking.questions = true;
        status = bench(&connection, &asking, &options);
    }
    return status;
}
