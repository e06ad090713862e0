/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels against dense, one core: a sparse weight times one sample and times many, forward and back, in every format,
 * beside everybody in rivals.h. All run in turn, many times; the median of each is given.
 *
 * bench_kernels [ROWS COLUMNS [PASS|SPARSITY|N|TYPE]…]      default 1024 1024, the passes machine, forward, back and
 * check, sparsities of 0.5 to 0.99, and N = 1 to 256 samples, values of float32; TYPE: rounded to bf16 or int8 first.
 * `cold`, and `warm` if that too: with caches that hold nothing of it; `served`: of the formats only that one
 */
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/memory.h"
#include "base/size.h"
#include "limits.h"
#include "operands.h"
#include "rivals/rivals.h"
#include "sparse/construct/sample.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/weights.h"
#include "turns.h"

enum { CPU = 1, BATCH_MAX = 256 };

enum { PASS_MACHINE, PASS_FORWARD, PASS_BACK, PASS_CHECK, PASSES };

static const char *const pass_names[PASSES] = { "machine", "forward", "back", "check" };

/* What is asked for. */
struct choosing {
    bool passes[PASSES];
    bool caches[CACHES_COLD + 1];
    bool served; /* of the formats only the one that a model that is served would run in */
    double sparsities[8];
    unsigned sparsity_count;
    size_t batches[8];
    unsigned batch_count;
    enum value_type type;
};

/* One place in the table: a matrix, and so many samples. */
struct place {
    const struct kernels *kernels;
    struct csr w;
    struct csc by_column;
    float *dense, *x, *x_rows, *y, *dy, *dx, *dw;
    double sparsity;
    size_t n;
    struct rival_operands operands;
};

static void print_head(const struct place *p, const char *pass, unsigned rounds)
{
    printf("{\"bench\":\"kernels\",\"pass\":\"%s\",\"rows\":%u,\"columns\":%u,\"sparsity\":%.2f,\"n\":%zu,"
           "\"values\":\"%s\",\"kernels\":\"%s\",\"rounds\":%u",
           pass, p->w.rows, p->w.columns, p->sparsity, p->n, value_type_name(p->w.type), p->kernels->name, rounds);
}

/* ---- forward ---- */

static void run_format(const struct runner *r)
{
    const struct place *p = r->place;

    p->kernels->run[r->packed->number](r->packed, &(struct product){ .x = p->x, .y = p->y, .n = p->n }, 0,
                                       r->packed->units);
}

static void run_rival(const struct runner *r)
{
    r->rival->run(r->opened, &r->place->operands);
}

static uint64_t time_rival(const struct runner *r, unsigned calls)
{
    return r->rival->time(r->opened, calls);
}

static bool is_chosen(const char *name, const struct choosing *what, enum caches caches, const char *const *chosen)
{
    return what->caches[caches] && !strcmp(name, chosen[caches]);
}

/* All that can run, or only those that are served. */
static void add_formats(struct runners *all, struct place *p, const char *const *chosen, const struct choosing *what)
{
    for (unsigned format = 0; weight_format_at(format); format++) {
        const char *name = weight_format_at(format)->name;

        if ((what->served && !is_chosen(name, what, CACHES_WARM, chosen) &&
             !is_chosen(name, what, CACHES_COLD, chosen)) ||
            !weight_format_can(p->kernels, format, &p->w, batch_class_of(p->n)))
            continue;
        if (packed_new(&p->w, format, &runner_add(all, p, weight_format_at(format)->name, run_format)->packed))
            abort();
    }
}

/* A sparse rival multiplies the same weight, so it has the same answer, but for the order of its sums. */
static void check_answer(const struct runner *ours, const struct runner *rival)
{
    const struct place *p = rival->place;
    const size_t count = p->w.rows * p->n;
    float *theirs = random_floats(count);

    if (!rival->time)
        rival->run(rival);
    memcpy(theirs, p->y, count * sizeof *theirs);
    ours->run(ours);
    for (size_t i = 0; i < count; i++) {
        if (fabsf(theirs[i] - p->y[i]) <= 1e-4f * fmaxf(1, fabsf(p->y[i])))
            continue;
        fprintf(stderr, "bench_kernels: %s answers %g, and not %g\n", rival->name, theirs[i], p->y[i]);
        exit(1);
    }
    free(theirs);
}

static void add_rivals(struct runners *all, struct place *p)
{
    const struct rival *rival;

    for (size_t i = 0; (rival = rival_at(i)); i++) {
        void *opened = rival->open(&p->operands);

        if (opened) {
            struct runner *r = runner_add(all, p, rival->name, run_rival);

            r->rival = rival;
            r->opened = opened;
            r->time = rival->time ? time_rival : NULL;
            if (rival->kind == RIVAL_SPARSE)
                check_answer(&all->of[0], r);
        }
    }
}

static const struct runner *fastest(const struct runners *all, enum rival_kind kind)
{
    const struct runner *found = NULL;

    for (unsigned i = 0; i < all->count; i++) {
        const struct runner *r = &all->of[i];

        if (r->rival && r->rival->kind == kind && (!found || r->median_us < found->median_us))
            found = r;
    }
    return found;
}

/* "chosen": what a model that is served would run here. */
static void print_format(const struct runners *all, const struct runner *r, const char *chosen, enum caches caches)
{
    const struct place *p = r->place;
    const struct runner *dense = fastest(all, RIVAL_DENSE);

    print_head(p, "forward", all->rounds);
    printf(",\"caches\":\"%s\"", caches_names[caches]);
    printf(",\"format\":\"%s\",\"chosen\":%s,\"bytes\":%zu,\"median_us\":%.3f,\"gflops\":%.2f,\"dense\":\"%s\","
           "\"dense_us\":%.3f,\"ratio\":%.3f",
           r->name, strcmp(r->name, chosen) ? "false" : "true",
           r->packed->memory + (r->packed->format->borrows ? csr_memory(&p->w) : 0), r->median_us,
           2.0 * (double)p->w.count * (double)p->n / r->median_us / 1e3, dense->name, dense->median_us,
           dense->median_us / r->median_us);
    for (unsigned i = 0; i < all->count; i++) {
        if (all->of[i].rival)
            printf(",\"%s_us\":%.3f", all->of[i].name, all->of[i].median_us);
    }
    printf("}\n");
    fflush(stdout);
}

/* As a model is served that is this layer alone; cold, a model of which the rest fills all caches. */
static enum residence residence_in(const struct place *p, enum caches caches)
{
    return caches == CACHES_COLD ? RESIDENCE_MEMORY : residence_of(csr_memory(&p->w));
}

static void measure_forward(struct place *p, const char *const *chosen, const struct choosing *what)
{
    static struct runners all;

    all.count = 0;
    add_formats(&all, p, chosen, what);
    add_rivals(&all, p);
    for (enum caches caches = CACHES_WARM; caches <= CACHES_COLD; caches++) {
        if (!what->caches[caches])
            continue;
        for (unsigned i = 0; i < all.count; i++) {
            if (all.of[i].packed)
                all.of[i].packed->far = residence_in(p, caches) == RESIDENCE_MEMORY;
        }
        runners_take_turns(&all, caches);
        for (unsigned i = 0; i < all.count; i++) {
            const struct runner *r = &all.of[i];

            if (r->packed && (!what->served || is_chosen(r->name, what, caches, chosen)))
                print_format(&all, r, chosen[caches], caches);
        }
    }
    for (unsigned i = 0; i < all.count; i++) {
        packed_free(all.of[i].packed);
        if (all.of[i].opened)
            all.of[i].rival->close(all.of[i].opened);
    }
}

/* ---- back ---- */

static void run_by_rows(const struct runner *r)
{
    const struct place *p = r->place;

    p->kernels->spmm_backward(&p->w, p->x, p->dy, p->dx, p->dw, p->n, 0, p->w.columns);
}

static void run_by_columns(const struct runner *r)
{
    const struct place *p = r->place;
    const struct back_product product = { &p->w, &p->by_column, p->x, p->dy, p->dx, p->dw, p->n };

    p->kernels->csc_backward(&product, 0, p->w.columns);
}

/* dX = W' dY and dW = dY X', as a dense trainer does. */
static void run_dense_back(const struct runner *r)
{
    const struct place *p = r->place;
    const int rows = (int)p->w.rows, columns = (int)p->w.columns, n = (int)p->n;

    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, columns, n, rows, 1, p->dense, columns, p->dy, n, 0, p->dx, n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, n, 1, p->dy, n, p->x, n, 0, p->dw, columns);
}

static void measure_back(struct place *p)
{
    static struct runners all;
    const char *chosen = p->n < WEIGHTS_INDEX_BATCH ? "csr" : "csc";
    double dense_us;

    all.count = 0;
    runner_add(&all, p, "csr", run_by_rows);
    runner_add(&all, p, "csc", run_by_columns);
    runner_add(&all, p, "openblas", run_dense_back);
    runners_take_turns(&all, CACHES_WARM);
    dense_us = all.of[2].median_us;
    for (unsigned i = 0; i < 2; i++) {
        const struct runner *r = &all.of[i];

        print_head(p, "back", all.rounds);
        printf(",\"format\":\"%s\",\"chosen\":%s,\"median_us\":%.2f,\"gflops\":%.2f,\"dense\":\"openblas\","
               "\"dense_us\":%.2f,\"ratio\":%.2f}\n",
               r->name, strcmp(r->name, chosen) ? "false" : "true", r->median_us,
               4.0 * (double)p->w.count * (double)p->n / r->median_us / 1e3, dense_us, dense_us / r->median_us);
    }
    fflush(stdout);
}

/* ---- whether the input is finite, as the daemon asks before it runs a batch ---- */

static void run_check(const struct runner *r)
{
    const size_t count = r->place->n * r->place->w.columns;

    if (r->place->kernels->first_not_finite(r->place->x, count) != count)
        abort();
}

static void measure_check(struct place *p, const char *chosen)
{
    static struct runners all;
    struct runner *check, *forward;
    unsigned number;

    all.count = 0;
    check = runner_add(&all, p, "check", run_check);
    forward = runner_add(&all, p, chosen, run_format);
    if (!weight_format_find(chosen, &number) || packed_new(&p->w, number, &forward->packed))
        abort();
    runners_take_turns(&all, CACHES_WARM);
    print_head(p, "check", all.rounds);
    printf(",\"median_us\":%.3f,\"forward_us\":%.2f,\"share\":%.4f}\n", check->median_us, forward->median_us,
           check->median_us / forward->median_us);
    fflush(stdout);
    packed_free(forward->packed);
}

/* ---- what is measured ---- */

static void measure_place(struct place *p, size_t n, const char *const *chosen, const struct choosing *what)
{
    const size_t in = p->w.columns * n, out = p->w.rows * n;

    p->n = n;
    p->x = random_floats(in);
    p->x_rows = random_floats(in);
    p->dx = random_floats(in);
    p->y = random_floats(out);
    p->dy = random_floats(out);
    p->operands = (struct rival_operands){ &p->w, p->dense, p->x, p->x_rows, p->y, n };
    if (what->passes[PASS_FORWARD])
        measure_forward(p, chosen, what);
    if (what->passes[PASS_BACK])
        measure_back(p);
    if (what->passes[PASS_CHECK])
        measure_check(p, chosen[CACHES_WARM]);
    free(p->x);
    free(p->x_rows);
    free(p->dx);
    free(p->y);
    free(p->dy);
}

static struct weights *choose_weights(const struct place *p, enum caches caches)
{
    const struct weights_use use = { .columns_min = 1, .columns_max = BATCH_MAX, .residence = residence_in(p, caches) };
    struct weights *made;

    if (weights_new(p->kernels, &p->w, &use, &made))
        abort();
    return made;
}

static void measure_shape(const struct kernels *kernels, uint32_t rows, uint32_t columns, double sparsity,
                          const struct choosing *what)
{
    uint64_t all = (uint64_t)rows * columns;
    struct place p = {
        .kernels = kernels, .dense = random_floats(all), .dw = random_floats(all), .sparsity = sparsity
    };
    struct weights *weights[CACHES_COLD + 1];
    struct reason why;

    if (sample_connections(rows, columns, (uint64_t)((double)all * (1 - sparsity) + 0.5), 1, 0, &p.w, &why)) {
        fprintf(stderr, "bench_kernels: %s\n", why.text);
        exit(1);
    }
    sample_weights(&p.w, 2, 1, 0);
    if (what->type != VALUE_FLOAT32 && csr_round(&p.w, what->type))
        abort();
    if (csc_init(&p.by_column, &p.w))
        abort();
    for (enum caches caches = CACHES_WARM; caches <= CACHES_COLD; caches++)
        weights[caches] = choose_weights(&p, caches);
    for (unsigned i = 0; i < what->batch_count; i++) {
        const size_t n = what->batches[i];

        measure_place(
            &p, n,
            (const char *const[]){ weights_format(weights[CACHES_WARM], n), weights_format(weights[CACHES_COLD], n) },
            what);
    }
    for (enum caches caches = CACHES_WARM; caches <= CACHES_COLD; caches++)
        weights_free(weights[caches]);
    csr_deinit(&p.w);
    csc_deinit(&p.by_column);
    free(p.dense);
    free(p.dw);
}

static void measure_machine(void)
{
    const struct limits limits = limits_measure();

    printf("{\"bench\":\"kernels\",\"pass\":\"machine\",\"ghz\":%.2f,\"fma_gflops\":%.1f", limits.ghz,
           limits.fma_gflops);
    for (int i = 0; i < LIMIT_CACHES; i++)
        printf(",\"%s_bytes_a_cycle\":%.1f", limit_names[i], limits.bytes_a_cycle[i]);
    printf("}\n");
    fflush(stdout);
}

/* A word is a pass, a number of samples or, 0 or with a point, a sparsity; of what no word is there, all. */
static bool choose(int count, char **words, struct choosing *what)
{
    static const double sparsities[] = { 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99 };
    static const size_t batches[] = { 1, 4, 8, 16, 32, 64, 128, BATCH_MAX };
    bool any = false;

    for (int i = 0; i < count; i++) {
        const size_t n = strtoul(words[i], NULL, 10);
        const double sparsity = strtod(words[i], NULL);
        const bool is_number = strspn(words[i], "0123456789.") == strlen(words[i]);
        int pass = 0;

        while (pass < PASSES && strcmp(words[i], pass_names[pass]) != 0)
            pass++;
        if (value_type_find(words[i]) != VALUE_TYPES)
            what->type = value_type_find(words[i]);
        else if (!strcmp(words[i], "served"))
            what->served = true;
        else if (!strcmp(words[i], caches_names[CACHES_WARM]) || !strcmp(words[i], caches_names[CACHES_COLD]))
            what->caches[!strcmp(words[i], caches_names[CACHES_COLD])] = true;
        else if (pass < PASSES)
            any = what->passes[pass] = true;
        else if (is_number && sparsity < 1 && what->sparsity_count < ARRAY_SIZE(what->sparsities))
            what->sparsities[what->sparsity_count++] = sparsity;
        else if (n > 0 && n <= BATCH_MAX && what->batch_count < ARRAY_SIZE(what->batches))
            what->batches[what->batch_count++] = n;
        else
            return false;
    }
    for (int pass = 0; pass < PASSES && !any; pass++)
        what->passes[pass] = true;
    what->caches[CACHES_WARM] |= !what->caches[CACHES_COLD];
    if (!what->sparsity_count)
        memcpy(what->sparsities, sparsities, sizeof sparsities);
    what->sparsity_count = what->sparsity_count ? what->sparsity_count : ARRAY_SIZE(sparsities);
    if (!what->batch_count)
        memcpy(what->batches, batches, sizeof batches);
    what->batch_count = what->batch_count ? what->batch_count : ARRAY_SIZE(batches);
    return true;
}

int main(int argc, char **argv)
{
    uint32_t rows = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1024;
    uint32_t columns = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1024;
    const struct kernels *kernels = kernels_find("auto");
    struct choosing what = { .batch_count = 0 };
    cpu_set_t one;

    if (!kernels || !rows || !columns || argc == 2 || !choose(MAX(argc - 3, 0), argv + 3, &what)) {
        fprintf(stderr, "usage: bench_kernels [ROWS COLUMNS "
                        "[machine|forward|back|check|SPARSITY|N|bf16|int8|warm|cold|served]…]\n");
        return 2;
    }
    CPU_ZERO(&one);
    CPU_SET(CPU, &one);
    sched_setaffinity(0, sizeof one, &one); /* on a machine with one CPU it stays where it is */
    rivals_begin();
    if (what.passes[PASS_MACHINE])
        measure_machine();
    for (unsigned s = 0; s < what.sparsity_count; s++)
        measure_shape(kernels, rows, columns, what.sparsities[s], &what);
    return 0;
}
