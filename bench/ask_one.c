/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to one daemon, for a program that measures them in turn with others' passes: bench_served.
 *
 * bench_ask_one SOCKET INPUT OUTPUT      asks image.classification. INPUT: one sample, as floats; its answer goes to
 * OUTPUT. Then, for each line "COUNT" of standard input, so many requests, one after the other, neither side asleep,
 * and a line with the median of their times in microseconds, from wisp_submit() to the answer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/size.h"
#include "e2e.h"

enum { RUNS_MAX = 1001 };

static int transfer(const char *path, const char *mode, float *floats, size_t count)
{
    FILE *file = fopen(path, mode);
    const size_t done = !file          ? 0
                        : *mode == 'r' ? fread(floats, sizeof *floats, count, file)
                                       : fwrite(floats, sizeof *floats, count, file);

    if (done == count && !fclose(file))
        return 0;
    fprintf(stderr, "bench_ask_one: %s\n", path);
    return -1;
}

static int ask(const struct endpoint *endpoint)
{
    return wisp_submit(endpoint->requests[0]) || wisp_wait(endpoint->requests[0], UINT32_MAX) ? complain("request") : 0;
}

static int measure(const struct endpoint *endpoint, struct samples *samples, size_t count)
{
    samples->count = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t begin = clock_ns();

        if (ask(endpoint))
            return -1;
        samples_add(samples, clock_ns() - begin);
    }
    printf("%.3f\n", samples_rank_us(samples, 0.5));
    return fflush(stdout);
}

static int serve(const struct endpoint *endpoint, const char *input, const char *output)
{
    struct samples samples;
    char line[32];
    int result = samples_init(&samples, RUNS_MAX);

    if (!result)
        result =
            transfer(input, "r", wisp_request_input(endpoint->requests[0]), wisp_model_input_size(endpoint->model));
    for (unsigned i = 0; !result && i < WARM_UP; i++)
        result = ask(endpoint);
    if (!result)
        result = transfer(output, "w", (float *)(uintptr_t)wisp_request_output(endpoint->requests[0]),
                          wisp_model_output_size(endpoint->model));
    if (!result) {
        puts("ready");
        result = fflush(stdout);
    }
    while (!result && fgets(line, sizeof line, stdin)) {
        const size_t count = strtoul(line, NULL, 10);

        result = measure(endpoint, &samples, MIN(MAX(count, (size_t)1), (size_t)RUNS_MAX));
    }
    samples_deinit(&samples);
    return result;
}

int main(int argc, char **argv)
{
    struct endpoint endpoint;
    int result;

    if (argc != 4) {
        fprintf(stderr, "usage: bench_ask_one SOCKET INPUT OUTPUT\n");
        return 2;
    }
    result = endpoint_open(&endpoint, argv[1], SPIN_LONG_US, 1) || serve(&endpoint, argv[2], argv[3]);
    endpoint_close(&endpoint);
    return result;
}
