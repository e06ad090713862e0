/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes of one model, for a program that measures them in turn with others': bench_models.
 *
 * bench_pass_one MODEL BATCH[/PART] THREADS INPUT OUTPUT      INPUT: BATCH samples, one after the other, as floats;
 * their answers go to OUTPUT. Passes are made for that many, and are of PART of them, if there is one, and of the next
 * ones each time, so that singles bring in as many samples as a batch has. Then, for each line "COUNT" of standard
 * input, so many passes, and a line with the median of their times in microseconds. A pass is what the daemon runs,
 * samples brought together and apart again. Several threads are bound to a processor each, of those that the program
 * may run on.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/forward.h"

enum { RUNS_MAX = 1001 };

struct bench {
    struct model *model;
    struct forward *forward;
    size_t batch, part;
    unsigned threads;
    float *inputs, *outputs; /* sample after sample */
    const void **in;
    void **out;
};

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "bench_pass_one: %s\n", why);
    exit(1);
}

static void transfer(const char *path, const char *mode, float *floats, size_t count)
{
    FILE *file = fopen(path, mode);
    const size_t done = !file          ? 0
                        : *mode == 'r' ? fread(floats, sizeof *floats, count, file)
                                       : fwrite(floats, sizeof *floats, count, file);

    if (done != count || fclose(file))
        give_up(path);
}

static void run(const struct bench *b, size_t number)
{
    const size_t first = number % (b->batch / b->part) * b->part;

    forward_serve(b->forward, b->in + first, b->out + first, b->part);
}

static void bind_part(void *argument, unsigned part, unsigned parts)
{
    const cpu_set_t *usable = argument;
    unsigned processor = 0, seen = 0;
    cpu_set_t one;

    (void)parts;
    for (; processor < CPU_SETSIZE; processor++) {
        if (CPU_ISSET(processor, usable) && seen++ == part)
            break;
    }
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    if (sched_setaffinity(0, sizeof one, &one))
        give_up("fewer processors than threads");
}

static struct pool *make_pool(unsigned threads)
{
    struct pool *pool;
    cpu_set_t usable;

    if (sched_getaffinity(0, sizeof usable, &usable) || pool_new(threads, &pool))
        give_up("no threads");
    pool_run(pool, bind_part, &usable);
    return pool;
}

static void open_bench(struct bench *b, const char *path)
{
    struct forward_setup setup = { .kernels = kernels_find("auto"), .batch = b->batch };
    struct reason why;
    size_t ins, outs;

    if (b->threads > 1)
        setup.pool = make_pool(b->threads);
    if (model_read(path, &b->model, &why))
        give_up(why.text);
    setup.model = b->model;
    if (!model_is_simple(b->model) || forward_new(&setup, &b->forward, &why))
        give_up(why.text);
    ins = shape_elements(&b->model->signature.inputs[0].shape);
    outs = shape_elements(&b->model->signature.outputs[0].shape);
    b->inputs = memory_zalloc(ins * b->batch, sizeof *b->inputs);
    b->outputs = memory_zalloc(outs * b->batch, sizeof *b->outputs);
    b->in = calloc(b->batch, sizeof *b->in);
    b->out = calloc(b->batch, sizeof *b->out);
    if (!b->inputs || !b->outputs || !b->in || !b->out)
        give_up("no memory");
    for (size_t i = 0; i < b->batch; i++) {
        b->in[i] = b->inputs + i * ins;
        b->out[i] = b->outputs + i * outs;
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static double median_us(const struct bench *b, size_t count)
{
    static uint64_t ns[RUNS_MAX];

    for (size_t i = 0; i < count; i++) {
        const uint64_t begin = clock_ns();

        run(b, i);
        ns[i] = clock_ns() - begin;
    }
    qsort(ns, count, sizeof *ns, compare);
    count /= 2;
    return (double)ns[count] / NS_PER_US;
}

int main(int argc, char **argv)
{
    struct bench b;
    char line[32], *rest;

    if (argc != 6)
        give_up("usage: bench_pass_one MODEL BATCH[/PART] THREADS INPUT OUTPUT");
    b = (struct bench){ .batch = strtoul(argv[2], &rest, 10), .threads = (unsigned)strtoul(argv[3], NULL, 10) };
    b.part = *rest == '/' ? strtoul(rest + 1, NULL, 10) : b.batch;
    if ((*rest && *rest != '/') || !b.part || b.part > b.batch)
        give_up("a batch has a sample and more, and a part of it no more than it has");
    open_bench(&b, argv[1]);
    transfer(argv[4], "r", b.inputs, shape_elements(&b.model->signature.inputs[0].shape) * b.batch);
    if (forward_time(b.forward, b.in, b.out, b.batch))
        give_up("no memory");
    forward_serve(b.forward, b.in, b.out, b.batch);
    transfer(argv[5], "w", b.outputs, shape_elements(&b.model->signature.outputs[0].shape) * b.batch);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        const size_t count = strtoul(line, NULL, 10);

        printf("%.3f\n", median_us(&b, MIN(MAX(count, (size_t)1), (size_t)RUNS_MAX)));
        fflush(stdout);
    }
    return 0;
}
