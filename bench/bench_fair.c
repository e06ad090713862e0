/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_fair: what an honest client feels of another user, and what is left for that one, as JSON lines on stdout.
 * bench/README.md names the fields.
 *
 * One daemon; the cases take turns, round after round: the honest client alone, the hog alone, both. The honest client
 * is this process, which asks for one sample of a small model a millisecond; a hog is a process of another user.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "daemon/hogs.h"
#include "daemon/overload.h"
#include "daemon/samples.h"
#include "daemon/server.h"

#include <wisp/wisp.h>

enum { DAEMON_CORE = 0, CLIENT_CORE = 1, HOG_UID = 60001, GAP_US = 1000, SETTLE_US = 50000, CAPACITY = 1 << 20 };

static const struct fair_case {
    const char *name;
    hog_function *hog;
    bool large; /* the hog's model */
    uint32_t channels, rows;
} cases[] = {
    { "flood", hog_flood, false, 64, 600 },       { "large", hog_flood, true, 1, 32 },
    { "questions", hog_questions, false, 64, 0 }, { "connections", hog_connections, false, 0, 0 },
    { "hostile", hog_hostile, false, 0, 0 },      { "sleepers", hog_sleepers, false, 0, 0 },
};

/* Two users who want all: both of one channel, and one with many; of one model and of two. */
static const struct equal_case {
    const char *name;
    struct {
        bool large;
        uint32_t channels, rows;
    } of[2];
} equals[] = {
    { "equal", { { false, 1, 64 }, { false, 1, 64 } } },
    { "equal-channels", { { false, 1, 64 }, { false, 16, 64 } } },
    { "equal-rows", { { false, 4, 1 }, { false, 4, 600 } } },
    { "equal-models", { { false, 4, 64 }, { true, 1, 32 } } },
};

struct result {
    struct samples alone, beside;
    uint64_t done_alone, done_beside; /* by the hog */
    uint64_t alone_ns, beside_ns;
};

struct options {
    const char *wispd, *forge, *model, *only;
    char own[PATH_MAX], wispd_path[PATH_MAX + 20], forge_path[PATH_MAX + 20], model_path[PATH_MAX];
    uint64_t ms, rounds, deadline_us; /* of a measurement; of a request of the overload */
};

struct model {
    const char *name;
    uint64_t input_bytes, output_bytes;
};

struct bench {
    struct server server;
    char large[PATH_MAX];
    wisp_client *client;
    wisp_model *model;
    wisp_request *request;
    struct model models[2]; /* small, large */
    struct result results[ARRAY_SIZE(cases)];
    struct overload overload;
    struct samples calm;                                                  /* the honest client before it, */
    struct samples back;                                                  /* and right after it */
    uint64_t equal[ARRAY_SIZE(equals)][2], single[ARRAY_SIZE(equals)][2]; /* together, each alone */
};

static const struct usage usage = {
    .verb = "",
    .arguments = "[options]",
    .summary = "Measures a client of a wispd of its own beside other users, as JSON lines; fields: bench/README.md.",
};

static int complain(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, wisp_last_error());
    return -1;
}

/* ---- the honest client ---- */

static int ask_for(struct samples *samples, wisp_request *request, uint64_t ns)
{
    const uint64_t end = clock_ns() + ns;

    while (clock_ns() < end) {
        uint64_t begin = clock_ns();

        if (wisp_submit(request) || wisp_wait(request, 60000))
            return complain("a request");
        if (samples)
            samples_add(samples, clock_ns() - begin);
        usleep(GAP_US);
    }
    return 0;
}

static int learn(struct bench *bench, unsigned at, const char *name)
{
    wisp_model *model;

    if (wisp_find(bench->client, name, &model))
        return complain(name);
    bench->models[at] = (struct model){ name, wisp_model_input_size(model) * sizeof(float),
                                        wisp_model_output_size(model) * sizeof(float) };
    wisp_model_free(model);
    return 0;
}

static int connect_honest(struct bench *bench)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = bench->server.socket };
    float *input;

    if (wisp_connect(&bench->client, &options))
        return complain("connecting");
    if (learn(bench, 0, "fashion") || learn(bench, 1, "large"))
        return -1;
    if (wisp_find(bench->client, "fashion", &bench->model) ||
        wisp_request_new(bench->client, bench->model, 1, &bench->request))
        return complain("a request");
    input = wisp_request_input(bench->request);
    for (size_t k = 0; k < wisp_model_input_size(bench->model); k++)
        input[k] = (float)(k * 37 % 101) / 101;
    return ask_for(NULL, bench->request, 100 * NS_PER_MS);
}

/* ---- measuring ---- */

static struct hog_setup setup_of(const struct bench *bench, bool large, uint32_t channels, uint32_t rows, unsigned user)
{
    const struct model *model = &bench->models[large];

    return (struct hog_setup){ .socket = bench->server.socket,
                               .model = model->name,
                               .input_bytes = model->input_bytes,
                               .output_bytes = model->output_bytes,
                               .channels = channels,
                               .rows = rows,
                               .uid = HOG_UID + user,
                               .core = CLIENT_CORE };
}

static int measure_case(struct bench *bench, unsigned at, uint64_t ns)
{
    const struct fair_case *c = &cases[at];
    struct result *result = &bench->results[at];
    const struct hog_setup setup = setup_of(bench, c->large, c->channels, c->rows, 0);
    struct hog hog;
    uint64_t begin, done;
    int failed;

    if (ask_for(&result->alone, bench->request, ns) || hog_start(&hog, c->hog, &setup))
        return -1;
    usleep(SETTLE_US);
    done = hog_done(&hog);
    begin = clock_ns();
    usleep((useconds_t)(ns / NS_PER_US));
    result->done_alone += hog_done(&hog) - done;
    result->alone_ns += clock_ns() - begin;
    done = hog_done(&hog);
    begin = clock_ns();
    failed = ask_for(&result->beside, bench->request, ns);
    result->done_beside += hog_done(&hog) - done;
    result->beside_ns += clock_ns() - begin;
    hog_stop(&hog);
    usleep(SETTLE_US);
    return failed;
}

/* What hogs get in that time, together. */
static int measure_hogs(const struct bench *bench, const struct equal_case *c, unsigned first, unsigned past,
                        uint64_t ns, uint64_t *done)
{
    struct hog hogs[2] = { { 0 }, { 0 } };
    uint64_t before[2] = { 0 };
    int failed = 0;

    for (unsigned i = first; !failed && i < past; i++) {
        const struct hog_setup setup = setup_of(bench, c->of[i].large, c->of[i].channels, c->of[i].rows, i);

        failed = hog_start(&hogs[i], hog_flood, &setup);
    }
    usleep(SETTLE_US);
    for (unsigned i = first; !failed && i < past; i++)
        before[i] = hog_done(&hogs[i]);
    usleep((useconds_t)(ns / NS_PER_US));
    for (unsigned i = first; !failed && i < past; i++)
        done[i] += hog_done(&hogs[i]) - before[i];
    for (unsigned i = first; i < past; i++)
        hog_stop(&hogs[i]);
    usleep(SETTLE_US);
    return failed;
}

static int measure_equals(struct bench *bench, unsigned at, uint64_t ns)
{
    const struct equal_case *c = &equals[at];

    return measure_hogs(bench, c, 0, 1, ns, bench->single[at]) || measure_hogs(bench, c, 1, 2, ns, bench->single[at]) ||
           measure_hogs(bench, c, 0, 2, 2 * ns, bench->equal[at]);
}

static int measure_overload(struct bench *bench, uint64_t ns)
{
    const struct hog_setup setup = setup_of(bench, false, 16, 1, 0);

    return ask_for(&bench->calm, bench->request, ns) ||
           overload_measure(&bench->overload, &setup, bench->server.pid, 10, ns) ||
           ask_for(&bench->back, bench->request, ns);
}

static bool is_wanted(const struct options *options, const char *name)
{
    return !options->only || !strcmp(options->only, name);
}

static int measure_round(struct bench *bench, const struct options *options)
{
    const uint64_t ns = options->ms * NS_PER_MS;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        if (is_wanted(options, cases[i].name) && measure_case(bench, i, ns))
            return -1;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(equals); i++) {
        if (is_wanted(options, equals[i].name) && measure_equals(bench, i, ns))
            return -1;
    }
    return is_wanted(options, "overload") ? measure_overload(bench, ns) : 0;
}

/* ---- saying it ---- */

static void print_case(struct result *result, const char *name)
{
    const double alone = (double)result->done_alone / (double)result->alone_ns;
    const double beside = (double)result->done_beside / (double)result->beside_ns;

    printf("{\"bench\": \"fair\", \"case\": \"%s\", \"n\": %zu, ", name, result->beside.count);
    samples_print(&result->alone, "alone_", 0, stdout);
    printf(", ");
    samples_print(&result->beside, "beside_", 1, stdout);
    printf(", \"hog_alone_per_s\": %.0f, \"hog_beside_per_s\": %.0f, \"hog_ratio\": %.3f}\n", alone * 1e9, beside * 1e9,
           alone > 0 ? beside / alone : 0);
}

/* Of what each got as a share of what it gets alone: two equals have half of it each. */
static void print_equal(const struct bench *bench, unsigned at)
{
    double share[2], sum, squares;

    for (unsigned i = 0; i < 2; i++)
        share[i] = bench->single[at][i] ? (double)bench->equal[at][i] / 2 / (double)bench->single[at][i] : 0;
    sum = share[0] + share[1];
    squares = share[0] * share[0] + share[1] * share[1];
    printf("{\"bench\": \"fair\", \"case\": \"%s\", \"share_0\": %.3f, \"share_1\": %.3f, \"sum\": %.3f, \"jain\": "
           "%.4f}\n",
           equals[at].name, share[0], share[1], sum, squares > 0 ? sum * sum / 2 / squares : 0);
}

static void print_overload(struct bench *bench)
{
    struct overload *o = &bench->overload;
    const double peak = (double)o->peak * 1e9 / (double)o->peak_ns, good = (double)o->good * 1e9 / (double)o->open_ns;

    printf("{\"bench\": \"fair\", \"case\": \"overload\", \"peak_per_s\": %.0f, \"daemon_us\": %.3f, "
           "\"offered_per_s\": %.0f, "
           "\"good_per_s\": %.0f, \"goodput\": %.3f, \"untaken\": %" PRIu64 ", \"refused\": %" PRIu64
           ", \"late\": %" PRIu64 ", ",
           peak, (double)o->peak_cpu_ns / 1000 / (double)o->peak, (double)o->offered * 1e9 / (double)o->open_ns, good,
           good / peak, o->untaken, o->refused, o->late);
    if (o->refusals.count)
        samples_print(&o->refusals, "refusal_", 1, stdout);
    printf("%s", o->refusals.count ? ", " : "");
    samples_print(&o->answers, "answer_", 0, stdout);
    printf(", ");
    samples_print(&bench->calm, "before_", 0, stdout);
    printf(", ");
    samples_print(&bench->back, "after_", 0, stdout);
    printf("}\n");
}

static void print_results(struct bench *bench, const struct options *options)
{
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        if (is_wanted(options, cases[i].name))
            print_case(&bench->results[i], cases[i].name);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(equals); i++) {
        if (is_wanted(options, equals[i].name))
            print_equal(bench, i);
    }
    if (is_wanted(options, "overload"))
        print_overload(bench);
}

/* ---- beginning and end ---- */

static bool read_options(int argc, char **argv, struct options *options, int *status)
{
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };
    double seconds = 0.4;

    option_text(&table, "wispd", 0, &options->wispd, "PATH", "this daemon (../bin/wispd beside this program)");
    option_text(&table, "forge", 0, &options->forge, "PATH", "what builds the large model (../bin/wisp-forge)");
    option_text(&table, "model", 0, &options->model, "FILE", "the small model (models/fashion.safetensors)");
    option_text(&table, "only", 0, &options->only, "CASE", "this case alone");
    option_real(&table, "seconds", 0, &seconds, "S", "of each measurement (0.4)", 0.01, 60);
    option_count(&table, "deadline", 0, &options->deadline_us, "US", "of a request of the overload (20000)", 1,
                 1000000);
    option_count(&table, "rounds", 0, &options->rounds, "N", "in how many turns (5)", 1, 100);
    if (!options_read(&usage, &table, argc, argv, &none, status))
        return false;
    options->ms = (uint64_t)(seconds * 1000);
    return true;
}

static int find_files(struct options *options)
{
    ssize_t length = readlink("/proc/self/exe", options->own, sizeof options->own - 1);

    if (length < 0)
        return -1;
    options->own[length] = 0;
    *strrchr(options->own, '/') = 0;
    snprintf(options->wispd_path, sizeof options->wispd_path, "%s/../bin/wispd", options->own);
    snprintf(options->forge_path, sizeof options->forge_path, "%s/../bin/wisp-forge", options->own);
    if (realpath(options->model, options->model_path))
        return 0;
    fprintf(stderr, "bench: %s: %m\n", options->model);
    return -1;
}

/* 16.7 million connections: a pass streams a hundred megabytes. */
static int make_large(const struct bench *bench, const char *forge)
{
    const pid_t pid = fork();
    int status = -1;

    if (!pid) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execl(forge, "wisp-forge", "build", "--layers", "4096-16384-16384-10", "--sparsity", "0.95", "--name", "large",
              "--output", bench->large, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    if (status)
        fprintf(stderr, "bench: %s could not build the large model\n", forge);
    return status ? -1 : 0;
}

static int begin(struct bench *bench, struct options *options, const char *folder)
{
    const struct server_options server = { .program = options->wispd ? options->wispd : options->wispd_path,
                                           .folder = folder,
                                           .model = options->model_path,
                                           .more = bench->large,
                                           .loop = "auto",
                                           .spin = "auto",
                                           .core = DAEMON_CORE };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        if (samples_init(&bench->results[i].alone, CAPACITY) || samples_init(&bench->results[i].beside, CAPACITY))
            return -1;
    }
    if (overload_init(&bench->overload) || samples_init(&bench->calm, CAPACITY) || samples_init(&bench->back, CAPACITY))
        return -1;
    bench->overload.deadline_us = (uint32_t)options->deadline_us;
    snprintf(bench->large, sizeof bench->large, "%s/large.safetensors", folder);
    /* The hogs are other users, who have to come to the socket. */
    return chmod(folder, 0755) || make_large(bench, options->forge ? options->forge : options->forge_path) ||
           server_start(&bench->server, &server) || pin_to(CLIENT_CORE) || connect_honest(bench);
}

static void end(struct bench *bench)
{
    wisp_model_free(bench->model);
    wisp_close(bench->client);
    server_stop(&bench->server);
    unlink(bench->large);
    overload_deinit(&bench->overload);
    samples_deinit(&bench->calm);
    samples_deinit(&bench->back);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        samples_deinit(&bench->results[i].alone);
        samples_deinit(&bench->results[i].beside);
    }
}

int main(int argc, char **argv)
{
    static struct options options = { .model = "models/fashion.safetensors", .rounds = 5, .deadline_us = 20000 };
    static struct bench bench;
    char folder[] = "/tmp/wisp-bench.XXXXXX";
    int result;

    outcome_of("bench_fair");
    if (!read_options(argc, argv, &options, &result))
        return result;
    if (geteuid())
        return fail(usage.verb, EXIT_USAGE, "other users are needed, so this is for root");
    if (find_files(&options) || !mkdtemp(folder))
        return 1;
    result = begin(&bench, &options, folder);
    for (uint64_t round = 0; !result && round < options.rounds; round++)
        result = measure_round(&bench, &options);
    if (!result)
        print_results(&bench, &options);
    end(&bench);
    rmdir(folder);
    return result != 0;
}
