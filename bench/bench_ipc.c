/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_ipc: what a request without a model costs, beside the least that two processes can exchange at all, as JSON
 * lines. bench/README.md names the fields.
 *
 * Everybody has the same two cores, the same clock around a trip, and a turn in each round, so that whatever else the
 * machine does meets all alike. What is said is the median over the rounds of each round's percentile. What is counted
 * in place of timed, and what a thousand clients cost that ask for nothing, follows, each by a daemon of its own.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "daemon/server.h"
#include "e2e.h"
#include "ipc/counts.h"
#include "ipc/idle.h"
#include "rivals/echo.h"

enum { DAEMON_CORE = 0, CLIENT_CORE = 1, ROUNDS_MAX = 100, CASES = 2, CONTENDERS_MAX = 5 };

/* Programs of bench/rivals that take part where their path is given. */
enum rival { RIVAL_NONE, RIVAL_ICEORYX2, RIVAL_AERON, RIVALS };

struct percentiles {
    double p50_us, p99_us;
};

struct bench;

/* Who makes the trips: some in each round. -1 after saying what failed. */
struct contender {
    const char *who;
    int (*measure)(struct bench *bench, const struct contender *self, enum wait_kind wait, struct percentiles *out);
    const struct echo_kind *echo; /* of bare ones */
    enum rival rival;
};

struct bench {
    struct server servers[2];
    const char *wispd, *model, *rivals[RIVALS];
    char wispd_path[PATH_MAX], model_path[PATH_MAX], trips_path[PATH_MAX], preload_path[PATH_MAX];
    uint64_t trips, rounds, idle, seconds;
    struct samples samples;
};

static const struct usage usage = {
    .verb = "",
    .arguments = "[options]",
    .summary = "Measures requests without a model beside bare exchanges, as JSON lines; fields: bench/README.md.",
};

static uint64_t trips_of(const struct bench *bench, enum wait_kind wait)
{
    return wait == WAIT_SPIN ? bench->trips : bench->trips / 100;
}

static void take(struct samples *samples, struct percentiles *out)
{
    out->p50_us = samples_rank_us(samples, 0.5);
    out->p99_us = samples_rank_us(samples, 0.99);
    samples->count = 0;
}

static int measure_bare(struct bench *bench, const struct contender *self, enum wait_kind wait, struct percentiles *out)
{
    if (echo_measure(self->echo, DAEMON_CORE, trips_of(bench, wait), &bench->samples))
        return -1;
    take(&bench->samples, out);
    return 0;
}

static int measure_wisp(struct bench *bench, const struct contender *self, enum wait_kind wait, struct percentiles *out)
{
    struct latency latency = { .total = bench->samples };
    int result = latency_measure(&latency, bench->servers[wait].socket, wait, 1, trips_of(bench, wait));

    (void)self;
    bench->samples = latency.total;
    if (!result)
        take(&bench->samples, out);
    return result;
}

static int measure_rival(struct bench *bench, const struct contender *self, enum wait_kind wait,
                         struct percentiles *out)
{
    uint64_t p50, p99;

    if (program_measure(bench->rivals[self->rival], DAEMON_CORE, trips_of(bench, wait), &p50, &p99))
        return -1;
    *out = (struct percentiles){ (double)p50 / 1000, (double)p99 / 1000 };
    return 0;
}

/* The first of each case is the floor of the others. */
static const struct contest {
    const char *name;
    enum wait_kind wait;
    struct contender contenders[CONTENDERS_MAX];
} contests[CASES] = {
    { "null-awake",
      WAIT_SPIN,
      { { "cache-line", measure_bare, .echo = &echo_line },
        { "ring", measure_bare, .echo = &echo_ring },
        { "wisp", measure_wisp, .rival = RIVAL_NONE },
        { "iceoryx2", measure_rival, .rival = RIVAL_ICEORYX2 },
        { "aeron", measure_rival, .rival = RIVAL_AERON } } },
    { "null-asleep",
      WAIT_SLEEP,
      { { "futex", measure_bare, .echo = &echo_futex }, { "wisp", measure_wisp, .rival = RIVAL_NONE } } },
};

static struct percentiles results[CASES][CONTENDERS_MAX][ROUNDS_MAX];

static bool takes_part(const struct bench *bench, const struct contender *contender)
{
    return contender->who && (!contender->rival || bench->rivals[contender->rival]);
}

static int measure_round(struct bench *bench, unsigned round)
{
    for (unsigned i = 0; i < CASES; i++) {
        for (unsigned k = 0; k < CONTENDERS_MAX; k++) {
            const struct contender *contender = &contests[i].contenders[k];

            if (takes_part(bench, contender) &&
                contender->measure(bench, contender, contests[i].wait, &results[i][k][round]))
                return -1;
        }
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static struct percentiles median(const struct percentiles *of, uint64_t rounds)
{
    double p50[ROUNDS_MAX], p99[ROUNDS_MAX];

    for (uint64_t i = 0; i < rounds; i++) {
        p50[i] = of[i].p50_us;
        p99[i] = of[i].p99_us;
    }
    qsort(p50, rounds, sizeof *p50, compare);
    qsort(p99, rounds, sizeof *p99, compare);
    return (struct percentiles){ p50[rounds / 2], p99[rounds / 2] };
}

static void print_results(const struct bench *bench)
{
    for (unsigned i = 0; i < CASES; i++) {
        const struct percentiles floor = median(results[i][0], bench->rounds);

        for (unsigned k = 0; k < CONTENDERS_MAX; k++) {
            const struct contender *contender = &contests[i].contenders[k];
            const struct percentiles of = median(results[i][k], bench->rounds);

            if (takes_part(bench, contender))
                printf("{\"bench\": \"ipc\", \"case\": \"%s\", \"who\": \"%s\", \"trips\": %" PRIu64
                       ", \"rounds\": %" PRIu64
                       ", \"p50_us\": %.3f, \"p99_us\": %.3f, \"floor_p50_us\": %.3f, \"of_floor\": %.2f}\n",
                       contests[i].name, contender->who, trips_of(bench, contests[i].wait), bench->rounds, of.p50_us,
                       of.p99_us, floor.p50_us, of.p50_us / floor.p50_us);
        }
    }
}

static bool read_options(int argc, char **argv, struct bench *bench, int *status)
{
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };

    option_text(&table, "wispd", 0, &bench->wispd, "PATH", "this daemon (../bin/wispd beside this program)");
    option_text(&table, "iceoryx2", 0, &bench->rivals[RIVAL_ICEORYX2], "PATH",
                "beside this program of bench/rivals/iceoryx2");
    option_text(&table, "aeron", 0, &bench->rivals[RIVAL_AERON], "PATH", "beside this program of bench/rivals/aeron");
    option_count(&table, "trips", 0, &bench->trips, "N", "of each in a round (100000); a hundredth of it asleep", 1000,
                 10000000);
    option_count(&table, "rounds", 0, &bench->rounds, "N", "how many turns (7); 0: nothing is timed", 0, ROUNDS_MAX);
    option_count(&table, "idle", 0, &bench->idle, "N", "clients that ask for nothing (1000); 0: that is left out", 0,
                 10000);
    option_count(&table, "seconds", 0, &bench->seconds, "N", "how long they are looked at (5)", 1, 3600);
    return options_read(&usage, &table, argc, argv, &none, status);
}

/* ---- what is counted ---- */

static int find_paths(struct bench *bench)
{
    char own[PATH_MAX - 32] = "";
    char *slash;

    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0 || !(slash = strrchr(own, '/')))
        return -1;
    *slash = 0;
    snprintf(bench->wispd_path, sizeof bench->wispd_path, "%s/../bin/wispd", own);
    snprintf(bench->trips_path, sizeof bench->trips_path, "%s/bench_ipc_trips", own);
    snprintf(bench->preload_path, sizeof bench->preload_path, "%s/bench_ipc_counted.so", own);
    if (!bench->wispd)
        bench->wispd = bench->wispd_path;
    if (realpath(bench->model, bench->model_path))
        return 0;
    fprintf(stderr, "bench: %s: %m\n", bench->model);
    return -1;
}

static struct server_options usual(const struct bench *bench, const char *folder, const char *spin)
{
    return (struct server_options){ .program = bench->wispd,
                                    .folder = folder,
                                    .model = bench->model_path,
                                    .loop = "io_uring",
                                    .spin = spin,
                                    .core = DAEMON_CORE };
}

static void print_counts(const char *name, uint64_t trips, const struct counts counts[static SIDES])
{
    static const char *const who[SIDES] = { [SIDE_CLIENT] = "client", [SIDE_DAEMON] = "wispd" };

    for (unsigned i = 0; i < SIDES; i++) {
        const struct counts *of = &counts[i];

        printf("{\"bench\": \"ipc\", \"case\": \"%s-counted\", \"who\": \"%s\", \"trips\": %" PRIu64
               ", \"system_calls\": %" PRIu64 ", \"allocations\": %" PRIu64 ", \"copies\": %" PRIu64
               ", \"copied_bytes\": %" PRIu64 "}\n",
               name, who[i], trips, of->system_calls, of->of.allocations, of->of.copies, of->of.copied_bytes);
        if (of->system_calls)
            fprintf(stderr, "bench: %s: %s: the last system call was number %" PRId64 "\n", name, who[i],
                    of->last_call);
    }
}

/* Of trips without a model, and of requests for one sample, both sides awake. */
static int count_all(struct bench *bench, const char *folder)
{
    static const char *const whats[] = { "null", "request" };
    char files[SIDES][64];
    struct server_options options = usual(bench, folder, "100ms");
    struct counted counted = {
        .trips = bench->trips_path, .preload = bench->preload_path, .core = CLIENT_CORE, .count = bench->trips
    };
    struct server server;
    int result = 0;

    for (unsigned i = 0; !result && i < SIDES; i++) {
        snprintf(files[i], sizeof files[i], "%s/counters-%u", folder, i);
        counted.files[i] = files[i];
        result = counters_make(files[i]);
    }
    options.preload = bench->preload_path;
    options.counters = files[SIDE_DAEMON];
    if (result || server_start(&server, &options))
        return -1;
    counted.socket = server.socket;
    counted.daemon = server.pid;
    for (unsigned i = 0; !result && i < sizeof whats / sizeof *whats; i++) {
        struct counts counts[SIDES];

        counted.what = whats[i];
        result = counts_measure(&counted, counts);
        if (!result)
            print_counts(whats[i], counted.count, counts);
    }
    server_stop(&server);
    for (unsigned i = 0; i < SIDES; i++)
        unlink(files[i]);
    return result;
}

/* ---- who asks for nothing ---- */

static int look_at_idle(const struct bench *bench, const char *folder)
{
    const struct rlimit all = { 20000, 20000 };
    struct server_options options = usual(bench, folder, "auto");
    struct idle idle = { .clients = bench->idle, .seconds = bench->seconds };
    struct idle_times times;
    char limits[128];
    struct server server;
    int result;

    if (setrlimit(RLIMIT_NOFILE, &all))
        perror("bench: descriptors for so many");
    snprintf(limits, sizeof limits, "{channels: %" PRIu64 ", channels_per_user: %" PRIu64 "}", idle.clients + 8,
             idle.clients + 8);
    options.limits = limits;
    if (server_start(&server, &options))
        return -1;
    idle.socket = server.socket;
    idle.daemon = server.pid;
    result = idle_measure(&idle, &times);
    if (!result)
        printf("{\"bench\": \"ipc\", \"case\": \"idle\", \"who\": \"wisp\", \"clients\": %" PRIu64
               ", \"seconds\": %" PRIu64 ", \"daemon_us\": %.1f, \"daemon_without_us\": %.1f, \"clients_us\": %.1f}\n",
               idle.clients, idle.seconds, (double)times.daemon_ns / 1000, (double)times.without_ns / 1000,
               (double)times.clients_ns / 1000);
    server_stop(&server);
    return result;
}

/* ---- all of it ---- */

static int start(struct bench *bench, const char *folder)
{
    static const char *const spins[] = { [WAIT_SPIN] = "100ms", [WAIT_SLEEP] = "0" };

    for (unsigned wait = 0; wait < 2; wait++) {
        const struct server_options server = usual(bench, folder, spins[wait]);

        if (server_start(&bench->servers[wait], &server))
            return -1;
    }
    return pin_to(CLIENT_CORE);
}

static int measure_times(struct bench *bench, const char *folder)
{
    int result = bench->rounds ? start(bench, folder) : 0;

    for (unsigned round = 0; !result && round < bench->rounds; round++)
        result = measure_round(bench, round);
    if (!result && bench->rounds)
        print_results(bench);
    for (unsigned wait = 0; wait < 2; wait++)
        server_stop(&bench->servers[wait]);
    return result;
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .model = "models/fashion.safetensors", .trips = 100000, .rounds = 7, .idle = 1000, .seconds = 5
    };
    char folder[] = "/tmp/wisp-bench.XXXXXX";
    int result;

    outcome_of("bench_ipc");
    if (!read_options(argc, argv, &bench, &result))
        return result;
    if (find_paths(&bench) || samples_init(&bench.samples, bench.trips) || !mkdtemp(folder))
        return 1;
    result = measure_times(&bench, folder) || count_all(&bench, folder) || (bench.idle && look_at_idle(&bench, folder));
    rmdir(folder);
    samples_deinit(&bench.samples);
    return result != 0;
}
