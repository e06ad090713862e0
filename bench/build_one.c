/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds and saves one network, and says as a JSON object how long each took and how much memory they needed beside
 * what the program had at its start. For bench_build, which runs it in turn with others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/pool.h"
#include "forge/catalog/catalog.h"
#include "forge/plan/assemble.h"
#include "forge/plan/save.h"

static int complain(const char *text)
{
    fprintf(stderr, "bench_build_one: %s\n", text);
    return 1;
}

/* "VmHWM:" the most memory so far, "VmRSS:" now. What getrusage() says, a program inherits from the one before it. */
static long long memory_bytes(const char *what)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    long long kilobytes = 0;

    while (status && fgets(line, sizeof line, status)) {
        if (!strncmp(line, what, strlen(what)))
            kilobytes = strtoll(line + strlen(what), NULL, 10);
    }
    if (status)
        fclose(status);
    return kilobytes * 1024;
}

static int measure(const struct plan *plan, struct pool *pool, const char *file)
{
    const struct assembly assembly = { .name = "bench", .seed = 1, .pool = pool };
    cleanup_model struct model *model = NULL;
    long long base = memory_bytes("VmRSS:");
    uint64_t begin = clock_ns(), built, saved;
    struct reason why;
    struct stat status;

    if (assemble_model(plan, &assembly, &model, NULL, &why))
        return complain(why.text);
    built = clock_ns();
    if (save_model(model, file, false, &why))
        return complain(why.text);
    saved = clock_ns();
    if (stat(file, &status))
        return complain("cannot look at the file");
    printf("{\"build_s\":%.6f,\"save_s\":%.6f,\"base_bytes\":%lld,\"peak_bytes\":%lld,\"file_bytes\":%lld}\n",
           (double)(built - begin) / 1e9, (double)(saved - built) / 1e9, base, memory_bytes("VmHWM:"),
           (long long)status.st_size);
    return 0;
}

int main(int argc, char **argv)
{
    enum density_method method;
    struct structure structure;
    struct plan plan;
    struct pool *pool;
    struct reason why;
    uint64_t threads;
    double density;
    int status;

    if (argc != 6 || !density_method_parse(argv[2], &method) || !parse_real(argv[3], &density) ||
        !parse_count(argv[4], &threads) || !threads) {
        fprintf(stderr, "usage: bench_build_one STRUCTURE.yaml METHOD DENSITY THREADS FILE\n");
        return 2;
    }
    if (catalog_find(NULL, argv[1], &structure, &why))
        return complain(why.text);
    if (plan_solve(&structure, method, density, &plan, &why)) {
        structure_deinit(&structure);
        return complain(why.text);
    }
    status = pool_new((unsigned)threads, &pool) ? complain("cannot start threads") : measure(&plan, pool, argv[5]);
    pool_free(pool);
    plan_deinit(&plan);
    return status;
}
