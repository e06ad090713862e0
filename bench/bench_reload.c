/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_reload: what clients notice while models are exchanged under them, and while the daemon is killed. JSON lines
 * on stdout; bench/README.md names the fields.
 *
 * Clients, each a process, ask two models again and again and compare every answer. Quiet times and times of reloads
 * take turns, so that whatever else the machine does meets both alike.
 */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "daemon/server.h"
#include "e2e.h"

enum { OTHERS = 3, SAME = 2, CLIENTS = OTHERS + SAME, LOG_MAX = 1 << 19, OUTPUT_MAX = 64, KNOWN = 2 };

enum phase { PHASE_WARM, PHASE_QUIET, PHASE_RELOAD, PHASE_KILL, PHASES };

static const char *const phases[PHASES] = { "warm", "quiet", "reload", "kill" };

/* What one client has seen: it writes, and the parent reads when it has ended. */
struct seat {
    uint64_t calls[PHASES], failed, wrong, changed;
    uint32_t logged;
    uint32_t ns[LOG_MAX]; /* of its calls, at most 4 s each, */
    uint8_t phase[LOG_MAX];
};

/* The flags pair with the clients' acquire loads. */
struct stage {
    unsigned phase, stop, ready;
    struct seat seats[CLIENTS];
};

struct options {
    const char *wispd;
    char program[PATH_MAX];
    uint64_t rounds, reloads, kills;
    bool pin;
};

/* ---- a client ---- */

struct asker {
    wisp_client *client;
    wisp_model *model;
    const char *name;
    float *input;
    struct {
        char identity[64];
        float output[OUTPUT_MAX];
    } known[KNOWN]; /* what each model that was found under the name has answered first */
};

static int find(struct asker *asker)
{
    wisp_model_free(asker->model);
    asker->model = NULL;
    return wisp_find(asker->client, asker->name, &asker->model);
}

static int asker_open(struct asker *asker, const char *socket, const char *name)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = socket, .connect_ms = 30000 };

    *asker = (struct asker){ .name = name };
    if (wisp_connect(&asker->client, &options) || find(asker))
        return complain(name);
    asker->input = calloc(wisp_model_input_size(asker->model), sizeof *asker->input);
    for (size_t i = 0; asker->input && i < wisp_model_input_size(asker->model); i++)
        asker->input[i] = (float)(i * 37 % 101) / 101;
    return asker->input ? 0 : -1;
}

/* Whether this model has always answered so. */
static bool is_right(struct asker *asker, const float *output, size_t count)
{
    const char *identity = wisp_model_identity(asker->model);

    for (int i = 0; i < KNOWN; i++) {
        if (!*asker->known[i].identity) {
            snprintf(asker->known[i].identity, sizeof asker->known[i].identity, "%s", identity);
            memcpy(asker->known[i].output, output, count * sizeof *output);
        }
        if (!strcmp(asker->known[i].identity, identity))
            return !memcmp(asker->known[i].output, output, count * sizeof *output);
    }
    return false;
}

static void ask(struct asker *asker, struct seat *seat, unsigned phase)
{
    const size_t count = MIN(wisp_model_output_size(asker->model), (size_t)OUTPUT_MAX);
    float output[OUTPUT_MAX];
    uint64_t begin = clock_ns(), took;
    int result = wisp_infer(asker->client, asker->model, asker->input, 1, output, NULL);

    took = clock_ns() - begin;
    seat->calls[phase]++;
    if (seat->logged < LOG_MAX) {
        seat->phase[seat->logged] = (uint8_t)phase;
        seat->ns[seat->logged++] = (uint32_t)MIN(took, (uint64_t)UINT32_MAX);
    }
    if (result == WISP_E_CHANGED) {
        seat->changed++;
        result = find(asker);
    } else if (!result && !is_right(asker, output, count)) {
        seat->wrong++;
    }
    if (result) {
        seat->failed++;
        complain("asking");
    }
}

/* A little less than the daemon can do, so that a queue does not hide what happens. */
static int client(struct stage *stage, struct seat *seat, const char *socket, const char *name)
{
    const struct timespec pause = clock_timespec(500 * NS_PER_US);
    static struct asker asker;
    int result = asker_open(&asker, socket, name);

    __atomic_add_fetch(&stage->ready, 1, __ATOMIC_RELEASE);
    while (!result && !__atomic_load_n(&stage->stop, __ATOMIC_ACQUIRE)) {
        ask(&asker, seat, __atomic_load_n(&stage->phase, __ATOMIC_ACQUIRE));
        nanosleep(&pause, NULL);
    }
    wisp_close(asker.client);
    return result != 0;
}

/* ---- the operator ---- */

struct bench {
    struct server server;
    struct server_options options;
    char folder[64], model[96], other[PATH_MAX], versions[2][128];
    struct stage *stage;
    pid_t clients[CLIENTS];
    uint64_t reload_ms, reloads;
};

static void set_phase(struct bench *bench, enum phase phase)
{
    __atomic_store_n(&bench->stage->phase, phase, __ATOMIC_RELEASE);
}

/* By another name for what is on disk already, and a rename: a copy would be work of the operator's beside the clients.
 */
static int put(const struct bench *bench, int version)
{
    static char beside[PATH_MAX];

    snprintf(beside, sizeof beside, "%s.new", bench->model);
    return link(bench->versions[version], beside) || rename(beside, bench->model);
}

static int reload(struct bench *bench, wisp_client *asking, int version)
{
    uint64_t begin = clock_ns();
    char *text = NULL;
    int result = put(bench, version) || wisp_reload(asking, &text);

    if (result || !strstr(text, "\"loaded\":[\"same\"]"))
        result = complain("reloading");
    free(text);
    bench->reload_ms += (clock_ns() - begin) / NS_PER_MS;
    bench->reloads++;
    return result;
}

static int rounds(struct bench *bench, const struct options *options)
{
    const struct wisp_options asking = { .size = sizeof asking,
                                         .socket_path = bench->server.socket,
                                         .entries = UINT32_MAX };
    const struct timespec quiet = clock_timespec(1500 * NS_PER_MS), gap = clock_timespec(50 * NS_PER_MS);
    wisp_client *client = NULL;
    int result = wisp_connect(&client, &asking) ? complain("connecting") : 0;

    for (uint64_t round = 0; !result && round < options->rounds; round++) {
        set_phase(bench, PHASE_QUIET);
        nanosleep(&quiet, NULL);
        set_phase(bench, PHASE_RELOAD);
        for (uint64_t i = 0; !result && i < options->reloads; i++) {
            result = reload(bench, client, (int)((round * options->reloads + i + 1) % 2));
            nanosleep(&gap, NULL);
        }
    }
    wisp_close(client);
    return result;
}

static int kills(struct bench *bench, const struct options *options)
{
    const struct timespec gap = clock_timespec(250 * NS_PER_MS);
    int result = 0;

    set_phase(bench, PHASE_KILL);
    for (uint64_t i = 0; !result && i < options->kills; i++) {
        nanosleep(&gap, NULL);
        kill(bench->server.pid, SIGKILL);
        waitpid(bench->server.pid, NULL, 0);
        result = server_start(&bench->server, &bench->options);
    }
    nanosleep(&gap, NULL);
    return result;
}

static int clients_start(struct bench *bench)
{
    for (int i = 0; i < CLIENTS; i++) {
        bench->clients[i] = fork();
        if (bench->clients[i] < 0)
            return -1;
        if (!bench->clients[i]) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(client(bench->stage, &bench->stage->seats[i], bench->server.socket, i < OTHERS ? "other" : "same"));
        }
    }
    while (__atomic_load_n(&bench->stage->ready, __ATOMIC_ACQUIRE) < CLIENTS)
        usleep(1000);
    return 0;
}

static int clients_stop(struct bench *bench)
{
    int failed = 0;

    __atomic_store_n(&bench->stage->stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < CLIENTS; i++) {
        int status = 1;

        if (bench->clients[i] > 0)
            waitpid(bench->clients[i], &status, 0);
        failed |= status != 0;
    }
    return failed ? -1 : 0;
}

/* ---- what came of it ---- */

static void print(const struct bench *bench, int first, int count, const char *model, enum phase phase)
{
    struct samples samples;
    uint64_t failed = 0, wrong = 0, changed = 0;

    if (samples_init(&samples, (size_t)count * LOG_MAX))
        return;
    for (int i = first; i < first + count; i++) {
        const struct seat *seat = &bench->stage->seats[i];

        for (uint32_t k = 0; k < seat->logged; k++) {
            if (seat->phase[k] == phase)
                samples_add(&samples, seat->ns[k]);
        }
        failed += seat->failed;
        wrong += seat->wrong;
        changed += seat->changed;
    }
    if (samples.count) {
        printf("{\"bench\": \"reload\", \"case\": \"%s\", \"model\": \"%s\", \"clients\": %d, \"calls\": %zu, ",
               phases[phase], model, count, samples.count);
        samples_print(&samples, "", 1, stdout);
        printf(", \"failed\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"changed\": %" PRIu64 "}\n", failed, wrong,
               changed);
    }
    samples_deinit(&samples);
}

static const struct usage usage = {
    .verb = "",
    .arguments = "[options]",
    .summary = "Measures what clients notice of reloads and of a daemon that is killed; fields: bench/README.md.",
};

static bool read_options(int argc, char **argv, struct options *options, int *status)
{
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };
    ssize_t length = readlink("/proc/self/exe", options->program, sizeof options->program - 32);
    char *slash;

    if (length < 0)
        return false;
    options->program[length] = 0;
    slash = strrchr(options->program, '/');
    memcpy(slash, "/../bin/wispd", sizeof "/../bin/wispd");
    options->wispd = options->program;
    option_text(&table, "wispd", 0, &options->wispd, "PATH", "this daemon (../bin/wispd beside this program)");
    option_count(&table, "rounds", 0, &options->rounds, "N", "quiet times, and as many of reloads (10)", 0, 1000);
    option_count(&table, "reloads", 0, &options->reloads, "N", "in each round (10)", 1, 1000);
    option_count(&table, "kills", 0, &options->kills, "N", "of the daemon, after that (20)", 0, 10000);
    option_flag(&table, "pin", 0, &options->pin, "the daemon, with the thread that loads, has core 0 and no other");
    *status = EXIT_USAGE;
    return options_read(&usage, &table, argc, argv, &none, status);
}

/* The same network trained otherwise is another model of the same shape: here its labels alone are others. */
static int prepare(struct bench *bench, const struct options *options)
{
    static const char *const files[] = { "models/fashion.safetensors", "models/clothes.safetensors" };

    char line[2 * sizeof bench->versions[0]];

    snprintf(bench->folder, sizeof bench->folder, "/tmp/wisp-bench.XXXXXX");
    if (!mkdtemp(bench->folder) || !realpath("models/digits.safetensors", bench->other))
        return -1;
    for (int i = 0; i < 2; i++) {
        snprintf(bench->versions[i], sizeof bench->versions[i], "%s/version%d.safetensors", bench->folder, i);
        snprintf(line, sizeof line, "cp '%s' '%s'", files[i], bench->versions[i]);
        if (system(line)) /* NOLINT(cert-env33-c): paths of this benchmark's */
            return -1;
    }
    snprintf(bench->model, sizeof bench->model, "%s/same.safetensors", bench->folder);
    bench->options = (struct server_options){ .program = options->wispd,
                                              .folder = bench->folder,
                                              .model = bench->model,
                                              .name = "same",
                                              .more = bench->other,
                                              .more_name = "other",
                                              .loop = "auto",
                                              .spin = "auto",
                                              .core = options->pin ? 0 : -1 };
    bench->stage = mmap(NULL, sizeof *bench->stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return bench->stage == MAP_FAILED || put(bench, 0) || server_start(&bench->server, &bench->options) ? -1 : 0;
}

int main(int argc, char **argv)
{
    static struct options options = { .rounds = 10, .reloads = 10, .kills = 20 };
    static struct bench bench;
    int result, status = EXIT_FAILURE;

    outcome_of("bench_reload");
    if (!read_options(argc, argv, &options, &status))
        return status;
    if (prepare(&bench, &options)) {
        perror("bench: models/fashion, clothes and digits.safetensors, and a wispd");
        return 1;
    }
    result = clients_start(&bench);
    if (!result)
        result = rounds(&bench, &options);
    if (!result)
        result = kills(&bench, &options);
    result |= clients_stop(&bench);
    printf("{\"bench\": \"reload\", \"case\": \"reloads\", \"n\": %" PRIu64 ", \"mean_ms\": %.1f, \"pinned\": %s}\n",
           bench.reloads, bench.reloads ? (double)bench.reload_ms / (double)bench.reloads : 0.0,
           options.pin ? "true" : "false");
    for (enum phase phase = PHASE_QUIET; phase < PHASES; phase++) {
        print(&bench, 0, OTHERS, "other", phase);
        print(&bench, OTHERS, SAME, "same", phase);
    }
    server_stop(&bench.server);
    unlink(bench.model);
    unlink(bench.versions[0]);
    unlink(bench.versions[1]);
    rmdir(bench.folder);
    return result != 0;
}
