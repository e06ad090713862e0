/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_e2e: round trip and throughput of a real model, as JSON lines on stdout. bench/README.md names the fields.
 *
 * One daemon for each way of waiting and each event loop runs all the time; the cases take turns, round after round, so
 * that whatever else the machine does meets all of them alike.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "daemon/server.h"
#include "e2e.h"

enum { DAEMON_CORE = 0, CLIENT_CORE = 1, ROUNDS_MAX = 100 };

static const char *const loops[] = { "io_uring", "epoll" };
static const char *const waits[] = { [WAIT_SPIN] = "spin", [WAIT_SLEEP] = "sleep" };
static const char *const spins[] = { [WAIT_SPIN] = "100ms", [WAIT_SLEEP] = "0" };
static const char *const kinds[] = { "infer", "nop" };
enum { LOADS = 7 };

struct load {
    unsigned clients, depth;
};

static const struct load usual_loads[LOADS] = { { 1, 1 },  { 1, 16 }, { 2, 16 }, { 8, 1 },
                                                { 8, 16 }, { 64, 1 }, { 64, 16 } };

struct options {
    const char *wispd, *model, *load;
    struct load loads[LOADS];
    unsigned load_count;
    char wispd_path[PATH_MAX], model_path[PATH_MAX];
    uint64_t spinning, sleeping; /* requests in all of a case */
    uint64_t load_ms;            /* in all of a case */
    uint64_t rounds;
};

struct bench {
    struct server servers[2][2];       /* loop, wait */
    struct latency latencies[2][2][2]; /* loop, wait, kind */
    struct copies copies;              /* over io_uring, spinning */
    struct load_seen seen[2][LOADS];
};

static const struct usage usage = {
    .verb = "",
    .arguments = "[options]",
    .summary = "Measures requests to a wispd of its own, as JSON lines; fields: bench/README.md.",
};

/* What is to be measured of loads: the usual ones, or the one that was asked for, and that alone. */
static bool choose_loads(struct options *options)
{
    struct load *one = options->loads;

    memcpy(options->loads, usual_loads, sizeof usual_loads);
    options->load_count = options->load ? 1 : LOADS;
    if (!options->load)
        return true;
    if (sscanf(options->load, "%ux%u", &one->clients, &one->depth) != 2) /* NOLINT(cert-err34-c): bounds follow */
        return false;
    return one->clients - 1 < CLIENTS_MAX && one->depth - 1 < DEPTH_MAX;
}

/* False: the program ends with *status. */
static bool read_options(int argc, char **argv, struct options *options, int *status)
{
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };
    double seconds = (double)options->load_ms / 1000;

    option_text(&table, "wispd", 0, &options->wispd, "PATH", "this daemon (../bin/wispd beside this program)");
    option_text(&table, "model", 0, &options->model, "FILE",
                "this model, of image.classification (models/fashion.safetensors)");
    option_count(&table, "repeat", 0, &options->spinning, "N",
                 "requests of each spinning case (20000); a tenth of it sleeping", 10, 1e9);
    option_real(&table, "seconds", 0, &seconds, "S", "of each load case (2)", 0.001, 1e6);
    option_text(&table, "load", 0, &options->load, "CLIENTSxDEPTH",
                "measure this load and nothing else; up to 64 clients with up to 64 requests under way each");
    option_count(&table, "rounds", 0, &options->rounds, "N", "in how many turns (5)", 1, ROUNDS_MAX);
    if (!options_read(&usage, &table, argc, argv, &none, status))
        return false;
    options->load_ms = (uint64_t)(seconds * 1000);
    options->sleeping = options->spinning / 10;
    *status = 0;
    if (options->sleeping < options->rounds)
        *status = fail(usage.verb, EXIT_USAGE, "--repeat must be ten for each round, or more");
    if (!*status && !choose_loads(options))
        *status = fail(usage.verb, EXIT_USAGE, "--load takes two numbers from 1 to 64, as in 8x16");
    return !*status;
}

static int find_files(struct options *options)
{
    char own[PATH_MAX - 32];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    char *slash;

    if (length < 0)
        return -1;
    own[length] = 0;
    slash = strrchr(own, '/');
    *slash = 0;
    if (!options->wispd)
        snprintf(options->wispd_path, sizeof options->wispd_path, "%s/../bin/wispd", own);
    else
        snprintf(options->wispd_path, sizeof options->wispd_path, "%s", options->wispd);
    if (!realpath(options->model, options->model_path)) {
        fprintf(stderr, "bench: %s: %m\n", options->model);
        return -1;
    }
    return 0;
}

static int start(struct bench *bench, const struct options *options, const char *folder)
{
    if (copies_init(&bench->copies, options->sleeping))
        return -1;
    for (unsigned loop = 0; loop < 2; loop++) {
        for (unsigned wait = 0; wait < 2; wait++) {
            const struct server_options server = { .program = options->wispd_path,
                                                   .folder = folder,
                                                   .model = options->model_path,
                                                   .loop = loops[loop],
                                                   .spin = spins[wait],
                                                   .core = DAEMON_CORE };

            if (server_start(&bench->servers[loop][wait], &server))
                return -1;
            for (unsigned kind = 0; kind < 2; kind++) {
                if (latency_init(&bench->latencies[loop][wait][kind], options->spinning + options->rounds))
                    return -1;
            }
        }
    }
    return 0;
}

static int measure_latencies(struct bench *bench, const struct options *options)
{
    for (unsigned wait = 0; wait < 2; wait++) {
        size_t count = (wait == WAIT_SPIN ? options->spinning : options->sleeping) / options->rounds;

        for (unsigned kind = 0; kind < 2; kind++) {
            for (unsigned loop = 0; loop < 2; loop++) {
                if (latency_measure(&bench->latencies[loop][wait][kind], bench->servers[loop][wait].socket, wait,
                                    kind == 1, count))
                    return -1;
            }
        }
    }
    return 0;
}

static int measure_loads(struct bench *bench, const struct options *options)
{
    uint64_t load_ns = options->load_ms * NS_PER_MS / options->rounds;

    for (unsigned i = 0; i < options->load_count; i++) {
        for (unsigned loop = 0; loop < 2; loop++) {
            if (load_measure(bench->servers[loop][WAIT_SPIN].socket, options->loads[i].clients, options->loads[i].depth,
                             CLIENT_CORE, load_ns, &bench->seen[loop][i]))
                return -1;
        }
    }
    return 0;
}

static int measure_round(struct bench *bench, const struct options *options)
{
    int result = options->load ? 0 : measure_latencies(bench, options);

    if (!result && !options->load)
        result =
            copies_measure(&bench->copies, bench->servers[0][WAIT_SPIN].socket, options->sleeping / options->rounds);
    return result ? result : measure_loads(bench, options);
}

static void print_machine(const struct options *options)
{
    char line[256], cpu[256] = "unknown";
    FILE *info = fopen("/proc/cpuinfo", "re");
    struct utsname system;
    const char *slash = strrchr(options->model_path, '/');

    while (info && fgets(line, sizeof line, info)) {
        if (sscanf(line, "model name : %255[^\n]", cpu) == 1)
            break;
    }
    if (info)
        fclose(info);
    uname(&system);
    printf("{\"bench\": \"e2e\", \"case\": \"machine\", \"wisp\": \"%s\", \"cpu\": \"%s\", \"cores\": %ld, "
           "\"kernel\": \"%s\", \"model\": \"%s\", \"rounds\": %" PRIu64 "}\n",
           wisp_version(), cpu, sysconf(_SC_NPROCESSORS_ONLN), system.release, slash + 1, options->rounds);
}

static void print_latency(struct latency *latency, unsigned loop, unsigned wait, unsigned kind)
{
    printf("{\"bench\": \"e2e\", \"case\": \"%s\", \"loop\": \"%s\", \"wait\": \"%s\", \"batch\": 1, \"n\": %zu, ",
           kinds[kind], loops[loop], waits[wait], latency->total.count);
    samples_print(&latency->total, "", 1, stdout);
    if (!kind) {
        struct {
            const char *name;
            struct samples *samples;
        } parts[] = { { "queue_", &latency->queue }, { "compute_", &latency->compute }, { "rest_", &latency->rest } };

        for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
            printf(", ");
            samples_print(parts[i].samples, parts[i].name, 0, stdout);
        }
    }
    printf("}\n");
}

static void print_copies(struct copies *copies)
{
    static const char *const names[] = { [COPY_COPIED] = "copied", [COPY_EXTERNAL] = "external" };

    for (unsigned way = 0; way < COPY_WAYS; way++) {
        printf(
            "{\"bench\": \"e2e\", \"case\": \"large\", \"input\": \"%s\", \"rows\": %d, \"bytes\": %zu, \"n\": %zu, ",
            names[way], COPY_ROWS, copies->bytes, copies->total[way].count);
        samples_print(&copies->total[way], "", 1, stdout);
        printf("}\n");
    }
}

static void print_load(const char *loop, const struct load *load, const struct load_seen *seen)
{
    printf("{\"bench\": \"e2e\", \"case\": \"load\", \"loop\": \"%s\", \"clients\": %u, \"depth\": %u, \"requests\": "
           "%" PRIu64 ", \"requests_per_s\": %.0f, \"batch\": %.2f, \"pass_us\": %.2f, \"computing\": %.3f}\n",
           loop, load->clients, load->depth, seen->requests, (double)seen->requests * 1e9 / (double)seen->took_ns,
           (double)seen->requests / seen->passes, seen->pass_ns / seen->passes / 1000,
           seen->pass_ns / (double)seen->took_ns);
}

static void print_results(struct bench *bench, const struct options *options)
{
    print_machine(options);
    for (unsigned kind = 0; !options->load && kind < 2; kind++) {
        for (unsigned wait = 0; wait < 2; wait++) {
            for (unsigned loop = 0; loop < 2; loop++)
                print_latency(&bench->latencies[loop][wait][kind], loop, wait, kind);
        }
    }
    if (!options->load)
        print_copies(&bench->copies);
    for (unsigned i = 0; i < options->load_count; i++) {
        for (unsigned loop = 0; loop < 2; loop++)
            print_load(loops[loop], &options->loads[i], &bench->seen[loop][i]);
    }
}

static void stop(struct bench *bench)
{
    copies_deinit(&bench->copies);
    for (unsigned loop = 0; loop < 2; loop++) {
        for (unsigned wait = 0; wait < 2; wait++) {
            server_stop(&bench->servers[loop][wait]);
            for (unsigned kind = 0; kind < 2; kind++)
                latency_deinit(&bench->latencies[loop][wait][kind]);
        }
    }
}

int main(int argc, char **argv)
{
    static struct options options = {
        .model = "models/fashion.safetensors", .spinning = 20000, .load_ms = 2000, .rounds = 5
    };
    static struct bench bench;
    char folder[] = "/tmp/wisp-bench.XXXXXX";
    int result;

    outcome_of("bench_e2e");
    if (!read_options(argc, argv, &options, &result))
        return result;
    if (find_files(&options) || !mkdtemp(folder))
        return 1;
    result = start(&bench, &options, folder) || pin_to(CLIENT_CORE);
    for (unsigned round = 0; !result && round < options.rounds; round++)
        result = measure_round(&bench, &options);
    if (!result)
        print_results(&bench, &options);
    stop(&bench);
    rmdir(folder);
    return result != 0;
}
