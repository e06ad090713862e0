/* SPDX-License-Identifier: Apache-2.0
 *
 * The positions are cut into buckets of 2^shift, few enough that a write to each stays in the cache, and each small
 * enough to be sorted there. A draw is kept as its offset in its bucket: four bytes, where its value will stand. So the
 * whole takes no memory beside the matrix's own but for the draws that came twice.
 *
 *   count    every member counts how many of its draws fall into each bucket
 *   deal     … and makes them once more, to put them where they belong: numbers are cheaper than memory
 *   order    every bucket is sorted, and twins are dropped
 *   more     as many further draws as are missing, again until none is: those that are new are kept apart, in order
 *   emit     every bucket, with its share of the further ones, becomes columns and row starts
 *
 * Each step but `more` is shared by the thread pool: members of `count` and `deal` own draws, of `order` and `emit`
 * buckets. The set is the same for any number of members, as a bucket is sorted whatever the order in which it was
 * filled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/construct/sample_buckets.h"
#include "sparse/construct/sample_draws.h"

enum {
    LEAST_COUNT = 4096,
    BUCKET_DRAWS = 32768, /* aimed at: 128 KiB of offsets */
    BUCKETS_AIM = 1024,
    BUCKETS_MAX = 65536,
    DIGIT_BITS = 10,
    DIGITS = 1 << DIGIT_BITS,
};

struct buckets {
    struct csr *matrix;
    uint64_t seed, stream, positions;
    unsigned shift;
    uint32_t count;
    unsigned parts;
    uint32_t *offsets;  /* the bytes of the matrix's values: bucket b at [first[b], first[b + 1]) */
    uint64_t *first;    /* count + 1 */
    uint64_t *places;   /* parts * count: draws of a part in a bucket, then where the next of them goes */
    uint64_t *distinct; /* count: draws that are left of a bucket */
    uint64_t *final;    /* count + 1: where a bucket's connections begin */
    uint64_t *more;     /* ascending positions that later draws added */
    uint64_t more_count;
    uint32_t **scratch; /* of each part, as long as the longest bucket */
};

static unsigned shift_for(uint64_t positions, uint64_t count)
{
    uint64_t aim = MIN(MAX(count / BUCKET_DRAWS, 1), BUCKETS_AIM);
    unsigned shift = 0;

    while (shift < 32 && positions >> shift > aim)
        shift++;
    return shift;
}

bool sample_buckets_serve(uint64_t positions, uint64_t count)
{
    return count >= LEAST_COUNT && positions >> shift_for(positions, count) < BUCKETS_MAX;
}

/* ---- draws ---- */

/* Calls for draws [begin, end) of the stream, a few at a time. */
typedef void take_draws(void *argument, const uint64_t *positions, size_t count);

static void each_draw(const struct buckets *b, uint64_t begin, uint64_t end, take_draws *take, void *argument)
{
    uint64_t buffer[SAMPLE_DRAWS + 2];

    for (uint64_t count; begin < end; begin += count) {
        count = MIN(SAMPLE_DRAWS, end - begin);
        take(argument, sample_draws(b->seed, b->stream, b->positions, begin, count, buffer), count);
    }
}

struct dealing {
    const struct buckets *buckets;
    uint64_t *places;
};

static void count_draws(void *argument, const uint64_t *positions, size_t count)
{
    const struct dealing *dealing = argument;
    unsigned shift = dealing->buckets->shift;

    for (size_t i = 0; i < count; i++)
        dealing->places[positions[i] >> shift]++;
}

static void deal_draws(void *argument, const uint64_t *positions, size_t count)
{
    const struct dealing *dealing = argument;
    uint32_t *offsets = dealing->buckets->offsets;
    unsigned shift = dealing->buckets->shift;
    uint64_t mask = (1ull << shift) - 1;

    for (size_t i = 0; i < count; i++)
        offsets[dealing->places[positions[i] >> shift]++] = (uint32_t)(positions[i] & mask);
}

static void run_draws(struct buckets *b, unsigned part, unsigned parts, take_draws *take)
{
    struct dealing dealing = { b, b->places + (size_t)part * b->count };
    unsigned long long begin, end;

    pool_share(b->matrix->count, SAMPLE_DRAWS, part, parts, &begin, &end);
    each_draw(b, begin, end, take, &dealing);
}

static void count_part(void *argument, unsigned part, unsigned parts)
{
    run_draws(argument, part, parts, count_draws);
}

static void deal_part(void *argument, unsigned part, unsigned parts)
{
    run_draws(argument, part, parts, deal_draws);
}

/* From how many to where: bucket after bucket, in each part after part. Returns the longest bucket. */
static uint64_t lay_out(struct buckets *b)
{
    uint64_t at = 0, longest = 0;

    for (uint32_t bucket = 0; bucket < b->count; bucket++) {
        b->first[bucket] = at;
        for (unsigned part = 0; part < b->parts; part++) {
            uint64_t *place = &b->places[(size_t)part * b->count + bucket], draws = *place;

            *place = at;
            at += draws;
        }
        longest = MAX(longest, at - b->first[bucket]);
    }
    b->first[b->count] = at;
    return longest;
}

/* ---- order ---- */

/* One pass of a radix sort by `bits` bits above `shift`. */
static void sort_digit(const uint32_t *from, uint32_t *to, uint64_t count, unsigned shift, unsigned bits)
{
    uint32_t place[DIGITS] = { 0 }, mask = (1u << bits) - 1, at = 0;

    for (uint64_t i = 0; i < count; i++)
        place[from[i] >> shift & mask]++;
    for (uint32_t digit = 0; digit <= mask; digit++) {
        uint32_t here = place[digit];

        place[digit] = at;
        at += here;
    }
    for (uint64_t i = 0; i < count; i++)
        to[place[from[i] >> shift & mask]++] = from[i];
}

/* Sorts a bucket and leaves each offset once. Returns how many are left. */
static uint64_t order(uint32_t *offsets, uint32_t *scratch, uint64_t count, unsigned width)
{
    uint32_t *from = offsets, *to = scratch;
    uint64_t kept = 0;

    for (unsigned shift = 0; shift < width; shift += DIGIT_BITS) {
        uint32_t *swap = from;

        sort_digit(from, to, count, shift, MIN(DIGIT_BITS, width - shift));
        from = to;
        to = swap;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t offset = from[i];

        offsets[kept] = offset;
        kept += i + 1 == count || from[i + 1] != offset;
    }
    return kept;
}

static void order_part(void *argument, unsigned part, unsigned parts)
{
    struct buckets *b = argument;
    unsigned long long begin, end;

    pool_share(b->count, 1, part, parts, &begin, &end);
    for (unsigned long long bucket = begin; bucket < end; bucket++)
        b->distinct[bucket] =
            order(b->offsets + b->first[bucket], b->scratch[part], b->first[bucket + 1] - b->first[bucket], b->shift);
}

/* ---- more ---- */

struct further {
    uint64_t *out;
};

static void keep_draws(void *argument, const uint64_t *positions, size_t count)
{
    struct further *further = argument;

    memcpy(further->out, positions, count * sizeof *positions);
    further->out += count;
}

static int compare_positions(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* The first of an ascending run that is not below `offset`, by doubling steps: a walk costs the logarithm of its gaps.
 */
static uint64_t seek(const uint32_t *run, uint64_t begin, uint64_t end, uint32_t offset)
{
    uint64_t step = 1;

    while (step < end - begin && run[begin + step] < offset) {
        begin += step;
        step *= 2;
    }
    end = MIN(end, begin + step + 1);
    while (begin < end) {
        uint64_t middle = begin + (end - begin) / 2;

        if (run[middle] < offset)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* Of the ascending draws at more[known, known + drawn), keeps those that are new. Returns how many. */
static uint64_t keep_new(struct buckets *b, uint64_t known, uint64_t drawn)
{
    uint64_t mask = (1ull << b->shift) - 1, kept = known, old = 0, bucket = UINT64_MAX, at = 0;

    for (uint64_t i = known; i < known + drawn; i++) {
        uint64_t position = b->more[i];
        const uint32_t *run;

        if (kept > known && b->more[kept - 1] == position)
            continue;
        while (old < known && b->more[old] < position)
            old++;
        if (old < known && b->more[old] == position)
            continue;
        if (position >> b->shift != bucket) {
            bucket = position >> b->shift;
            at = 0;
        }
        run = b->offsets + b->first[bucket];
        at = seek(run, at, b->distinct[bucket], (uint32_t)(position & mask));
        if (at < b->distinct[bucket] && run[at] == (position & mask))
            continue;
        b->more[kept++] = position;
    }
    return kept - known;
}

/* Makes two ascending runs, more[0, known) and more[known, known + fresh), one. */
static int merge(struct buckets *b, uint64_t known, uint64_t fresh)
{
    cleanup_free uint64_t *copy = memory_alloc(fresh, sizeof *copy);
    uint64_t to = known + fresh;

    if (!copy)
        return -ENOMEM;
    memcpy(copy, b->more + known, fresh * sizeof *copy);
    while (fresh) {
        if (known && b->more[known - 1] > copy[fresh - 1])
            b->more[--to] = b->more[--known];
        else
            b->more[--to] = copy[--fresh];
    }
    return 0;
}

/* No round draws more than are missing, so none draws past the draw that completes the set. */
static int draw_more(struct buckets *b, uint64_t missing)
{
    uint64_t next = b->matrix->count;

    b->more = memory_alloc(missing, sizeof *b->more);
    if (!b->more)
        return -ENOMEM;
    while (missing) {
        struct further further = { b->more + b->more_count };
        uint64_t fresh;
        int result;

        each_draw(b, next, next + missing, keep_draws, &further);
        next += missing;
        qsort(b->more + b->more_count, missing, sizeof *b->more, compare_positions);
        fresh = keep_new(b, b->more_count, missing);
        result = merge(b, b->more_count, fresh);
        if (result)
            return result;
        b->more_count += fresh;
        missing -= fresh;
    }
    return 0;
}

/* ---- emit ---- */

/* The first of the further positions that is not below `position`. */
static uint64_t find_more(const struct buckets *b, uint64_t position)
{
    uint64_t low = 0, high = b->more_count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (b->more[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where each bucket's connections begin. */
static void lay_out_final(struct buckets *b)
{
    uint64_t at = 0, more = 0;

    for (uint32_t bucket = 0; bucket < b->count; bucket++) {
        uint64_t until = find_more(b, (uint64_t)(bucket + 1) << b->shift);

        b->final[bucket] = at;
        at += b->distinct[bucket] + until - more;
        more = until;
    }
    b->final[b->count] = at;
}

struct emitter {
    struct csr *matrix;
    uint64_t at, row_end;
    uint32_t row;
};

/* Ends every row that lies before `position`. */
static inline void end_rows(struct emitter *e, uint64_t position)
{
    while (position >= e->row_end) {
        e->matrix->starts[++e->row] = e->at;
        e->row_end += e->matrix->columns;
    }
}

static inline void emit(struct emitter *e, uint64_t position)
{
    uint32_t column;

    end_rows(e, position);
    column = (uint32_t)(position - (e->row_end - e->matrix->columns));
    csr_set_column(e->matrix, e->at++, column);
}

/* A row's end belongs to the bucket in which its last position lies. */
static void emit_bucket(struct buckets *b, uint64_t bucket)
{
    uint64_t base = bucket << b->shift, end = MIN((bucket + 1) << b->shift, b->positions);
    uint64_t more = find_more(b, base);
    uint32_t *offsets = b->offsets + b->first[bucket];
    struct emitter e = { .matrix = b->matrix, .at = b->final[bucket], .row = (uint32_t)(base / b->matrix->columns) };

    e.row_end = ((uint64_t)e.row + 1) * b->matrix->columns;
    for (uint64_t i = 0; i < b->distinct[bucket]; i++) {
        uint64_t position = base + offsets[i];

        for (; more < b->more_count && b->more[more] < position; more++)
            emit(&e, b->more[more]);
        emit(&e, position);
    }
    for (; more < b->more_count && b->more[more] < end; more++)
        emit(&e, b->more[more]);
    while (e.row_end <= end) {
        b->matrix->starts[++e.row] = e.at;
        e.row_end += b->matrix->columns;
    }
    memset(offsets, 0, (b->first[bucket + 1] - b->first[bucket]) * sizeof *offsets);
}

static void emit_part(void *argument, unsigned part, unsigned parts)
{
    struct buckets *b = argument;
    unsigned long long begin, end;

    pool_share(b->count, 1, part, parts, &begin, &end);
    for (unsigned long long bucket = begin; bucket < end; bucket++)
        emit_bucket(b, bucket);
}

/* ---- together ---- */

static void buckets_deinit(struct buckets *b)
{
    for (unsigned part = 0; b->scratch && part < b->parts; part++)
        free(b->scratch[part]);
    free(b->scratch);
    free(b->first);
    free(b->places);
    free(b->distinct);
    free(b->final);
    free(b->more);
}

static int allocate(struct buckets *b)
{
    b->first = memory_alloc((size_t)b->count + 1, sizeof *b->first);
    b->final = memory_alloc((size_t)b->count + 1, sizeof *b->final);
    b->distinct = memory_alloc(b->count, sizeof *b->distinct);
    b->places = memory_zalloc((size_t)b->parts * b->count, sizeof *b->places);
    b->scratch = calloc(b->parts, sizeof *b->scratch);
    return b->first && b->final && b->distinct && b->places && b->scratch ? 0 : -ENOMEM;
}

static int allocate_scratch(struct buckets *b, uint64_t longest)
{
    for (unsigned part = 0; part < b->parts; part++) {
        b->scratch[part] = memory_alloc(longest, sizeof *b->scratch[part]);
        if (!b->scratch[part])
            return -ENOMEM;
    }
    return 0;
}

int sample_by_buckets(struct csr *matrix, uint64_t seed, uint64_t stream, struct pool *pool)
{
    cleanup(buckets_deinit) struct buckets b = { .matrix = matrix,
                                                 .seed = seed,
                                                 .stream = stream,
                                                 .positions = (uint64_t)matrix->rows * matrix->columns,
                                                 .parts = pool_parts(pool),
                                                 .offsets = (uint32_t *)matrix->values };
    uint64_t distinct = 0;
    int result;

    b.shift = shift_for(b.positions, matrix->count);
    b.count = (uint32_t)((b.positions - 1) >> b.shift) + 1;
    result = allocate(&b);
    if (result)
        return result;
    pool_run(pool, count_part, &b);
    result = allocate_scratch(&b, lay_out(&b));
    if (result)
        return result;
    pool_run(pool, deal_part, &b);
    pool_run(pool, order_part, &b);
    for (uint32_t bucket = 0; bucket < b.count; bucket++)
        distinct += b.distinct[bucket];
    result = distinct < matrix->count ? draw_more(&b, matrix->count - distinct) : 0;
    if (result)
        return result;
    lay_out_final(&b);
    matrix->starts[0] = 0;
    pool_run(pool, emit_part, &b);
    return 0;
}
