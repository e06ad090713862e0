/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/choose.h"

enum {
    EXCERPT_CONNECTIONS =
        1 << 18, /* more than a second-level cache holds, so that weights are streamed as in earnest */
    EXCERPT_ROWS = 64,
    TRIAL_WORK = 100000, /* multiply-adds: some 5 us or more, so that the clock can tell */
    ROUNDS_FIRST = 3,
    ROUNDS_MIN = 9,
    ROUNDS_MAX = 41,
    ROUNDS_SAME = 6, /* so many without a change of mind are enough */
    INPUTS_MAX = 1 << 24,
    /* Of products over so many columns weights are read once for each thirty-two: where they come from beyond the
     * caches matters little, and to empty those takes long. */
    COLUMNS_OF_MEMORY = 32,
    LINE_FLOATS = CACHE_LINE / sizeof(float),
};

/* One matrix's trial. */
struct trial {
    const struct kernels *kernels;
    const struct csr *whole;
    struct csr w; /* of it, or some of its rows */
    struct choice *choice;
    struct packed *packed[WEIGHT_FORMATS_MAX];
    struct choice_costs costs;
    float *x, *y;
    size_t columns; /* that x and y have room for */
    float *others;  /* what a pass reads besides, of such a size that it pushes the weights out; NULL: they stay */
    uint64_t begin_ns, patience_ns;
    unsigned rounds;
    float relative[BATCH_CLASSES][WEIGHT_FORMATS_MAX][ROUNDS_MAX]; /* time, by that of the round's first format */
};

/* ---- some rows for all ---- */

static uint32_t excerpt_stride(const struct csr *w)
{
    uint64_t stride = MIN(w->count / EXCERPT_CONNECTIONS, w->rows / EXCERPT_ROWS);

    return (uint32_t)MAX(stride, 1);
}

/* Every `stride`-th row. */
static int excerpt_take(const struct csr *w, uint32_t stride, struct csr *out)
{
    uint64_t count = 0, at = 0;
    uint32_t rows = 0;
    int result;

    for (uint32_t r = 0; r < w->rows; r += stride, rows++)
        count += w->starts[r + 1] - w->starts[r];
    result = csr_alloc(out, rows, w->columns, count);
    out->type = w->type;
    if (!result && w->scales) {
        out->scales = memory_alloc(rows, sizeof *out->scales);
        result = out->scales ? 0 : -ENOMEM;
    }
    for (uint32_t r = 0; r < rows && !result; r++) {
        const uint64_t from = w->starts[(uint64_t)r * stride], length = w->starts[(uint64_t)r * stride + 1] - from;

        memcpy(out->values + at, w->values + from, length * sizeof *w->values);
        if (csr_is_narrow(w))
            memcpy(out->index.narrow + at, w->index.narrow + from, length * sizeof *w->index.narrow);
        else
            memcpy(out->index.wide + at, w->index.wide + from, length * sizeof *w->index.wide);
        if (w->scales)
            out->scales[r] = w->scales[(uint64_t)r * stride];
        at += length;
        out->starts[r + 1] = at;
    }
    return result;
}

/* ---- the clock ---- */

static void read_over(const float *data, size_t floats)
{
    float sum = 0;

    for (size_t i = 0; i < floats; i += LINE_FLOATS)
        sum += data[i];
    __asm__ volatile("" : : "x"(sum)); /* so that it is read at all */
}

/* As other layers of the model leave the caches: all formats' weights are gone, and what a layer takes and gives is
 * near, because the one before has just written it. */
static void leave_caches(const struct trial *t, size_t n)
{
    const enum residence residence =
        n < COLUMNS_OF_MEMORY ? t->choice->residence : MIN(t->choice->residence, RESIDENCE_SHARED);

    read_over(t->others, residence_distance(residence) / sizeof *t->others);
    read_over(t->x, t->w.columns * n);
    read_over(t->y, t->w.rows * n);
}

static void run_once(const struct trial *t, const struct packed *packed, size_t n)
{
    const struct product product = { .x = t->x, .y = t->y, .n = n };

    t->kernels->run[packed->number](packed, &product, 0, packed->units);
}

/* Whether a format runs once before it is timed. Where weights stay in the caches: the trials before have left their
 * own there. And where they stay in the shared one: between two turns of a format all the others have theirs, which is
 * more than a whole model's weights, and what reads more bytes would seem slower than it is. Products over many
 * columns are not worth it. */
static bool runs_before(const struct trial *t, size_t n)
{
    return !t->others || (t->choice->residence == RESIDENCE_SHARED && n < COLUMNS_OF_MEMORY);
}

static uint64_t time_once(const struct trial *t, const struct packed *packed, size_t n)
{
    const uint64_t passes = t->others ? 1 : 1 + TRIAL_WORK / (t->w.count * n + 1);
    uint64_t begin;

    if (runs_before(t, n)) {
        run_once(t, packed, n);
        if (t->others)
            leave_caches(t, n);
    }
    begin = clock_ns();
    for (uint64_t i = 0; i < passes; i++)
        run_once(t, packed, n);
    return clock_ns() - begin;
}

static unsigned candidates(const struct trial *t, unsigned batch_class)
{
    unsigned count = 0;

    for (unsigned f = 0; weight_format_at(f); f++)
        count += t->costs.time[batch_class][f] != CHOICE_CANNOT;
    return count;
}

/* One of each in turn, so that what slows one slows all: it is their ratios that count. */
static void time_round(struct trial *t)
{
    for (unsigned c = t->choice->first; c <= t->choice->last; c++) {
        const size_t n = MIN(batch_class_columns(c), t->columns);
        uint64_t first = 0;

        if (candidates(t, c) < 2)
            continue;
        if (t->others && !runs_before(t, n))
            leave_caches(t, n);
        for (unsigned f = 0; weight_format_at(f); f++) {
            uint64_t ns;

            if (t->costs.time[c][f] == CHOICE_CANNOT || !t->packed[f]) /* what cannot was not packed */
                continue;
            ns = time_once(t, t->packed[f], n);
            first = first ? first : MAX(ns, 1);
            t->relative[c][f][t->rounds] = (float)ns / (float)first;
        }
    }
    t->rounds++;
}

static int compare(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The medians, in millionths: half the rounds may be disturbed. */
static void count_costs(struct trial *t)
{
    for (unsigned c = t->choice->first; c <= t->choice->last; c++) {
        for (unsigned f = 0; weight_format_at(f) && candidates(t, c) > 1; f++) {
            float sorted[ROUNDS_MAX];

            if (t->costs.time[c][f] == CHOICE_CANNOT)
                continue;
            memcpy(sorted, t->relative[c][f], t->rounds * sizeof *sorted);
            qsort(sorted, t->rounds, sizeof *sorted, compare);
            t->costs.time[c][f] = (uint64_t)(sorted[t->rounds / 2] * 1e6f);
        }
    }
}

static bool is_patient(const struct trial *t)
{
    return clock_ns() - t->begin_ns < t->patience_ns;
}

/* What is far behind after a few rounds is not timed any more; the others begin anew. */
static void drop_hopeless(struct trial *t)
{
    for (t->rounds = 0; t->rounds == 0 || (t->rounds < ROUNDS_FIRST && is_patient(t));)
        time_round(t);
    count_costs(t);
    for (unsigned c = t->choice->first; c <= t->choice->last; c++) {
        uint64_t best = CHOICE_CANNOT;

        for (unsigned f = 0; weight_format_at(f); f++)
            best = MIN(best, t->costs.time[c][f]);
        for (unsigned f = 0; weight_format_at(f); f++) {
            if (t->costs.time[c][f] / 2 > best)
                t->costs.time[c][f] = CHOICE_CANNOT;
        }
    }
    t->rounds = 0;
}

/* Until the choice has stayed the same for a while. */
static void time_all(struct trial *t)
{
    unsigned same = 0;

    drop_hopeless(t);
    choice_of_costs(&t->costs, t->choice);
    while (is_patient(t) && t->rounds < ROUNDS_MAX && (t->rounds < ROUNDS_MIN || same < ROUNDS_SAME)) {
        const struct choice before = *t->choice;

        time_round(t);
        count_costs(t);
        choice_of_costs(&t->costs, t->choice);
        same = memcmp(&before, t->choice, sizeof before) ? 0 : same + 1;
    }
}

/* Some cannot say before they have packed: it depends on which columns are connected, not on how many. */
static bool takes_too_much(const struct packed *packed, const struct csr *w)
{
    return !packed->format->borrows && packed->memory > MAX(w->count * FORMAT_BYTES, (uint64_t)FORMAT_SMALL);
}

/* Packs the rows in every format that some class can have. A format that borrows the matrix costs what that takes. */
static int pack_candidates(struct trial *t)
{
    for (unsigned f = 0; weight_format_at(f); f++) {
        bool wanted = false;
        int result;

        for (unsigned c = 0; c < BATCH_CLASSES; c++) {
            const bool can =
                c >= t->choice->first && c <= t->choice->last && weight_format_can(t->kernels, f, t->whole, c);

            t->costs.time[c][f] = can ? CHOICE_UNKNOWN : CHOICE_CANNOT;
            wanted |= can;
        }
        if (!wanted)
            continue;
        result = packed_new(&t->w, f, &t->packed[f]);
        if (result)
            return result;
        t->packed[f]->far = t->choice->residence == RESIDENCE_MEMORY;
        if (takes_too_much(t->packed[f], &t->w)) {
            t->packed[f] = packed_free(t->packed[f]);
            for (unsigned c = 0; c < BATCH_CLASSES; c++)
                t->costs.time[c][f] = CHOICE_CANNOT;
            continue;
        }
        t->costs.memory[f] = t->packed[f]->memory + (weight_format_at(f)->borrows ? csr_memory(&t->w) : 0);
    }
    return 0;
}

/* By what formats say of themselves. */
static void estimate_all(struct trial *t)
{
    const double places = (double)t->whole->rows * t->whole->columns;
    const double byte_ns = residence_byte_ns(t->choice->residence) * (double)t->whole->count / (double)t->w.count;

    for (unsigned c = t->choice->first; c <= t->choice->last; c++) {
        for (unsigned f = 0; weight_format_at(f); f++) {
            const struct format_cost *cost = &weight_format_at(f)->costs[c];
            const double ns = cost->place * places + cost->connection * (double)t->whole->count +
                              byte_ns * (double)t->costs.memory[f];

            if (t->costs.time[c][f] != CHOICE_CANNOT)
                t->costs.time[c][f] = (uint64_t)(1000 * ns) + 1;
        }
    }
    choice_of_costs(&t->costs, t->choice);
}

static int make_vectors(struct trial *t)
{
    const size_t rows = (size_t)t->w.columns + t->w.rows, others = residence_distance(t->choice->residence);

    t->columns = MIN(batch_class_columns(t->choice->last), MAX(INPUTS_MAX / rows, 1));
    t->x = memory_alloc(t->w.columns * t->columns, sizeof *t->x);
    t->y = memory_alloc(t->w.rows * t->columns, sizeof *t->y);
    if (others)
        t->others = memory_alloc(others, 1);
    if (!t->x || !t->y || (others && !t->others))
        return -ENOMEM;
    /* Written, because untouched memory would be one and the same page. */
    for (size_t i = 0; i < t->w.columns * t->columns; i++)
        t->x[i] = 1;
    if (others)
        memset(t->others, 1, others);
    return 0;
}

static int trial_run(struct trial *t)
{
    const uint32_t stride = excerpt_stride(t->whole);
    int result = 0;

    t->w = *t->whole;
    t->w.owned = false;
    if (stride > 1)
        result = excerpt_take(t->whole, stride, &t->w);
    if (!result)
        result = pack_candidates(t);
    if (!result && !t->patience_ns)
        estimate_all(t);
    if (result || !t->patience_ns)
        return result;
    result = make_vectors(t);
    if (!result)
        time_all(t);
    return result;
}

int choose_formats(const struct kernels *kernels, const struct csr *w, uint64_t patience_ns, struct choice *choice)
{
    struct trial *trial = calloc(1, sizeof *trial);
    int result;

    if (!trial)
        return -ENOMEM;
    trial->kernels = kernels;
    trial->whole = w;
    trial->choice = choice;
    trial->begin_ns = clock_ns();
    trial->patience_ns = patience_ns;
    result = trial_run(trial);
    for (unsigned f = 0; weight_format_at(f); f++)
        packed_free(trial->packed[f]);
    csr_deinit(&trial->w);
    free(trial->x);
    free(trial->y);
    free(trial->others);
    free(trial);
    return result;
}
