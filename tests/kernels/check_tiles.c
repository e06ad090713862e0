/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of tiles (kernels.h), element by element: a panel is filled of runs with masks and of pieces, and chains
 * over it are written out once more; each usable table must give the same bits, for NaN, infinities, -0 and denormals
 * too. Operands end at a page that cannot be touched.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "kernels/finishing.h"
#include "sparse/kernels/kernels.h"
#include "sparse/kernels/tiles.h"

enum { CHANNELS = 3, TAPS = 4, COLUMNS = CHANNELS * TAPS, ROWS = 9, CHANNEL = 400, LONGEST = 60 };

struct trial {
    struct tile_column columns[COLUMNS];
    struct tile_row rows[ROWS];
    uint16_t places[ROWS * LONGEST];
    struct guarded values, x, y, bias;
    struct tile_block block;
    size_t count, pitch;
};

/* Rows in any order, of places that ascend. */
static struct trial *make_trial(struct rng *rng, size_t count, bool special)
{
    struct trial *t = calloc(1, sizeof *t);
    uint32_t at = 0;

    assert_non_null(t);
    t->count = count;
    t->pitch = (count + LANES - 1) / LANES * LANES;
    for (uint32_t c = 0; c < COLUMNS; c++)
        t->columns[c] = (struct tile_column){ c / TAPS, c % TAPS };
    for (uint32_t r = 0; r < ROWS; r++) {
        const uint32_t begin = at;

        for (uint32_t c = 0; c < COLUMNS; c++) {
            t->places[at] = (uint16_t)c;
            at += (uint32_t)rng_below(rng, 2);
        }
        t->rows[r] = (struct tile_row){ (uint16_t)((r * 4 + 1) % ROWS), (uint16_t)(at - begin) };
    }
    t->values = guarded_new(at);
    t->x = guarded_new(CHANNELS * CHANNEL);
    t->y = guarded_new(ROWS * count);
    t->bias = guarded_new(ROWS);
    fill(rng, t->values.data, at, special);
    fill(rng, t->x.data, CHANNELS * CHANNEL, special);
    fill(rng, t->y.data, ROWS * count, special);
    fill(rng, t->bias.data, ROWS, special);
    t->block = (struct tile_block){ .columns = t->columns,
                                    .column_count = COLUMNS,
                                    .rows = t->rows,
                                    .row_count = ROWS,
                                    .places = t->places,
                                    .values = t->values.data };
    return t;
}

/* Rows of any length, some so long that they go two at a time: of places in any order. */
static void lengthen(struct rng *rng, struct trial *t, bool special)
{
    uint32_t at = 0;

    for (uint32_t r = 0; r < ROWS; r++) {
        t->rows[r].count = (uint16_t)rng_below(rng, LONGEST + 1);
        for (uint32_t past = at + t->rows[r].count; at < past; at++)
            t->places[at] = (uint16_t)rng_below(rng, COLUMNS);
    }
    guarded_free(&t->values);
    t->values = guarded_new(at);
    fill(rng, t->values.data, at, special);
    t->block.values = t->values.data;
}

static void free_trial(struct trial *t)
{
    guarded_free(&t->values);
    guarded_free(&t->x);
    guarded_free(&t->y);
    guarded_free(&t->bias);
    free(t);
}

/* ---- panels ---- */

/* Runs begin before the channel, where no lane counts, or end at the last float of all. */
static void fill_runs(struct rng *rng, const struct kernels *kernels, const struct trial *t)
{
    uint16_t masks[TAPS * TILE_VECTORS_MAX];
    int64_t shifts[TAPS];
    const struct tile_fill fill = { .block = &t->block,
                                    .x = t->x.data,
                                    .channel = CHANNEL,
                                    .pitch = t->pitch,
                                    .masks = masks,
                                    .masks_pitch = TILE_VECTORS_MAX,
                                    .shifts = shifts };
    struct guarded panel = guarded_new(TILE_PANEL_ROOM);

    for (uint32_t tap = 0; tap < TAPS; tap++) {
        shifts[tap] = tap ? CHANNEL - (int64_t)t->count + (int64_t)rng_below(rng, 9) : -5;
        for (uint32_t v = 0; v < TILE_VECTORS_MAX; v++)
            masks[tap * TILE_VECTORS_MAX + v] = (uint16_t)rng_below(rng, 1 << 16);
        for (uint32_t i = 0; i < TILE_FLOATS; i++) {
            if (shifts[tap] + i < 0 || shifts[tap] + i >= CHANNEL)
                masks[tap * TILE_VECTORS_MAX + i / LANES] &= (uint16_t) ~(1u << i % LANES);
            else if (rng_below(rng, 3))
                masks[tap * TILE_VECTORS_MAX + i / LANES] |= (uint16_t)(1u << i % LANES);
        }
    }
    kernels->tile_fill(&fill, panel.data);
    for (size_t i = 0; i < COLUMNS * t->pitch; i++) {
        const size_t column = i / t->pitch, lane = i % t->pitch, tap = column % TAPS;
        const bool counts = masks[tap * TILE_VECTORS_MAX + lane / LANES] >> lane % LANES & 1;
        const float wanted = counts ? t->x.data[(int64_t)(column / TAPS * CHANNEL) + shifts[tap] + (int64_t)lane] : 0;

        assert_same(&wanted, &panel.data[i], 1, "tile_fill of runs", kernels->name);
    }
    guarded_free(&panel);
}

/* Pieces follow each other, some of zeros, up to the tile's end. */
static uint32_t cut_pieces(struct rng *rng, size_t count, const struct lanes *lanes, struct piece *pieces)
{
    uint32_t made = 0;

    for (uint32_t at = 0; at < count; made++) {
        const uint32_t length = (uint32_t)MIN(1 + rng_below(rng, LANES), count - at);
        const uint32_t reach = (uint32_t)lane_at(lanes, length - 1) + 1;

        pieces[made] = (struct piece){ .x = CHANNEL - reach - (uint32_t)rng_below(rng, 2) * 7,
                                       .y = at,
                                       .count = rng_below(rng, 5) ? length : 0 };
        at += length;
    }
    return made;
}

/* Alone as far apart as `most`, or a step of two over several. */
static struct lanes any_lanes(struct rng *rng, size_t most)
{
    const size_t together = 1 + rng_below(rng, 8);

    return (struct lanes){ together > 1 ? 2 : 1 + rng_below(rng, most), together };
}

static void fill_pieces(struct rng *rng, const struct kernels *kernels, const struct trial *t)
{
    const struct lanes lanes = any_lanes(rng, 3);
    struct piece pieces[TAPS * TILE_FLOATS];
    uint32_t begins[TAPS + 1] = { 0 };
    const struct tile_fill fill = { .block = &t->block,
                                    .x = t->x.data,
                                    .channel = CHANNEL,
                                    .pitch = t->pitch,
                                    .pieces = pieces,
                                    .begins = begins,
                                    .lanes = lanes };
    struct guarded panel = guarded_new(TILE_PANEL_ROOM);

    for (uint32_t tap = 0; tap < TAPS; tap++)
        begins[tap + 1] = begins[tap] + cut_pieces(rng, t->count, &lanes, pieces + begins[tap]);
    kernels->tile_fill(&fill, panel.data);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        for (uint32_t p = begins[c % TAPS]; p < begins[c % TAPS + 1]; p++) {
            const uint32_t past = p + 1 < begins[c % TAPS + 1] ? pieces[p + 1].y : (uint32_t)t->count;

            for (uint32_t i = pieces[p].y; i < past; i++) {
                const uint32_t lane = i - pieces[p].y;
                const size_t from = c / TAPS * CHANNEL + pieces[p].x + lane_at(&lanes, lane);
                const float wanted = lane < pieces[p].count ? t->x.data[from] : 0;

                assert_same(&wanted, &panel.data[c * t->pitch + i], 1, "tile_fill of pieces", kernels->name);
            }
        }
    }
    guarded_free(&panel);
}

/* Copies that lie side by side in a panel's channel, of lanes that seldom all count; what they read may begin before
 * the channel, where no lane counts, and ends at the last float of all. */
static void fill_copies(struct rng *rng, const struct kernels *kernels, const struct trial *t)
{
    enum { COPIES = 3, VECTORS = 6, FLOATS = COPIES * VECTORS * LANES };
    struct tile_copy copies[COPIES];
    const struct lanes lane_of = any_lanes(rng, 2);
    const size_t pitch = 17 + rng_below(rng, 20);
    const struct tile_fill fill = { .block = &t->block,
                                    .x = t->x.data,
                                    .channel = CHANNEL,
                                    .pitch = FLOATS,
                                    .copies = copies,
                                    .copy_count = COPIES,
                                    .copy_pitch = pitch,
                                    .lanes = lane_of };
    struct guarded panel = guarded_new(COLUMNS * FLOATS);

    for (uint32_t i = 0; i < COPIES; i++) {
        const uint32_t before = (uint32_t)rng_below(rng, 3), inside = (uint32_t)rng_below(rng, VECTORS - before + 1);
        const int64_t from = CHANNEL - (int64_t)(inside * pitch) - (int64_t)rng_below(rng, 40);
        uint32_t lanes = rng_below(rng, 3) ? (uint32_t)rng_below(rng, 1 << 16) : UINT16_MAX;

        copies[i] = (struct tile_copy){ .from = from,
                                        .place = i * VECTORS,
                                        .before = before,
                                        .inside = inside,
                                        .after = VECTORS - before - inside,
                                        .fetches = i == 1 };
        for (uint32_t lane = 0; lane < LANES; lane++) {
            const size_t place = lane_at(&lane_of, lane);
            const int64_t first = from + (int64_t)place, last = first + (int64_t)(inside - 1) * (int64_t)pitch;

            if (inside && lanes >> lane & 1 && first >= 0 && last < CHANNEL)
                copies[i].lanes |= 1u << place;
        }
    }
    kernels->tile_fill(&fill, panel.data);
    for (size_t at = 0; at < COLUMNS * FLOATS; at++) {
        const struct tile_copy *copy = &copies[at % FLOATS / LANES / VECTORS];
        const uint32_t vector = (uint32_t)(at % FLOATS / LANES % VECTORS),
                       lane = (uint32_t)lane_at(&lane_of, at % LANES);
        const bool counts = vector >= copy->before && vector < copy->before + copy->inside && copy->lanes >> lane & 1;
        const int64_t from =
            (int64_t)(at / FLOATS / TAPS * CHANNEL) + copy->from + (int64_t)((vector - copy->before) * pitch) + lane;
        const float wanted = counts ? t->x.data[from] : 0;

        assert_same(&wanted, &panel.data[at], 1, "tile_fill of copies", kernels->name);
    }
    guarded_free(&panel);
}

/* ---- chains ---- */

/* A pass over all that a trial has, of which the panel is the caller's. */
static struct tile_run run_of(struct rng *rng, const struct trial *t, const struct guarded *panel, bool begins)
{
    return (struct tile_run){ .block = &t->block,
                              .panel = panel->data,
                              .bias = rng_below(rng, 3) ? t->bias.data : NULL,
                              .y = t->y.data,
                              .pitch = t->pitch,
                              .y_stride = t->count,
                              .y_step = LANES,
                              .vectors = (uint32_t)(t->pitch / LANES),
                              .lanes = LANES,
                              .last = (uint32_t)(t->count - (t->pitch - LANES)),
                              .begins = begins };
}

/* Every other one with what becomes of whole sums. */
static void run_rows(struct rng *rng, const struct kernels *kernels, struct trial *t, bool special)
{
    const bool begins = rng_below(rng, 2), finishes = rng_below(rng, 2);
    struct guarded panel = guarded_new(COLUMNS * t->pitch);
    struct finishing finishing = finishing_new(rng, ROWS, t->y.data, ROWS * t->count, special);
    struct tile_run run = run_of(rng, t, &panel, begins);
    float *wanted = malloc(ROWS * t->count * sizeof *wanted);
    uint32_t at = 0;

    assert_non_null(wanted);
    run.finish = finishes ? &finishing.finish : NULL;
    fill(rng, panel.data, COLUMNS * t->pitch, rng_below(rng, 2));
    for (uint32_t r = 0; r < ROWS; at += t->rows[r++].count) {
        const uint32_t row = t->rows[r].row;

        for (size_t i = 0; i < t->count; i++) {
            float sum = begins ? (run.bias ? run.bias[row] : 0) : t->y.data[row * t->count + i];

            for (uint32_t k = at; k < at + t->rows[r].count; k++)
                sum = fmaf(t->values.data[k], panel.data[t->places[k] * t->pitch + i], sum);
            wanted[row * t->count + i] = finishes ? finished(run.finish, sum, row, row * t->count + i) : sum;
        }
    }
    kernels->tile_run(&run);
    assert_same(wanted, t->y.data, ROWS * t->count, "tile_run", kernels->name);
    finishing_free(&finishing);
    free(wanted);
    guarded_free(&panel);
}

/* What is written past the caches, where rows are whole lines and where not, and what is fetched, which may lie
 * anywhere, are the same rows. */
static void run_streams(struct rng *rng, const struct kernels *kernels, const struct trial *t)
{
    const size_t vectors = 1 + rng_below(rng, TILE_VECTORS_MAX), stride = vectors * LANES + rng_below(rng, 3) * 8;
    struct guarded panel = guarded_new(COLUMNS * vectors * LANES);
    float *wanted = memory_alloc(ROWS * stride, sizeof *wanted), *y = memory_alloc(ROWS * stride, sizeof *y);
    const struct tile_ahead ahead = {
        .x = t->x.data + CHANNEL, .columns = t->columns, .channel = CHANNEL, .floats = stride, .count = COLUMNS
    };
    struct tile_run run = { .block = &t->block,
                            .panel = panel.data,
                            .bias = t->bias.data,
                            .y = wanted,
                            .pitch = vectors * LANES,
                            .y_stride = stride,
                            .y_step = LANES,
                            .vectors = (uint32_t)vectors,
                            .lanes = LANES,
                            .last = LANES,
                            .begins = true };

    assert_non_null(wanted);
    assert_non_null(y);
    fill(rng, panel.data, COLUMNS * vectors * LANES, false);
    for (size_t i = 0; i < ROWS * stride; i++)
        wanted[i] = y[i] = (float)i;
    kernels->tile_run(&run);
    run.y = y;
    run.streams = true;
    run.ahead = &ahead;
    kernels->tile_run(&run);
    assert_same(wanted, y, ROWS * stride, "tile_run that streams", kernels->name);
    free(wanted);
    free(y);
    guarded_free(&panel);
}

/* A full block, of whose places some have no connection: rows whose bits cannot be those of the connections are marked,
 * and nothing but these is run again. */
static void run_full(struct rng *rng, const struct kernels *kernels, struct trial *t)
{
    enum { GROUPS = (ROWS + TILE_TOGETHER - 1) / TILE_TOGETHER };
    struct guarded panel = guarded_new(COLUMNS * t->pitch), full = guarded_new(GROUPS * COLUMNS * TILE_TOGETHER);
    unsigned char doubts[ROWS] = { 0 };
    uint16_t places[COLUMNS];
    struct finishing finishing = finishing_new(rng, ROWS, t->y.data, ROWS * t->count, false);
    struct tile_run run = run_of(rng, t, &panel, true);
    float *wanted = malloc(ROWS * t->count * sizeof *wanted);
    uint32_t at = 0;

    assert_non_null(wanted);
    run.finish = &finishing.finish;
    fill(rng, panel.data, COLUMNS * t->pitch, rng_below(rng, 2));
    kernels->tile_run(&run);
    memcpy(wanted, t->y.data, ROWS * t->count * sizeof *wanted);
    memset(full.data, 0, GROUPS * COLUMNS * TILE_TOGETHER * sizeof *full.data);
    for (uint32_t c = 0; c < COLUMNS; c++)
        places[c] = (uint16_t)c;
    for (uint32_t r = 0; r < ROWS; r++) {
        const uint32_t row = t->rows[r].row;
        float *values = full.data + (size_t)row / TILE_TOGETHER * COLUMNS * TILE_TOGETHER + row % TILE_TOGETHER;

        for (uint32_t past = at + t->rows[r].count; at < past; at++)
            values[(size_t)t->places[at] * TILE_TOGETHER] = t->values.data[at];
    }
    t->block.full = full.data;
    t->block.full_places = places;
    t->block.full_columns = COLUMNS;
    t->block.full_rows = ROWS;
    run.full = true;
    run.doubts = doubts;
    kernels->tile_run(&run);
    for (uint32_t r = 0; r < ROWS; r++) {
        if (!doubts[r])
            assert_same(wanted + r * t->count, t->y.data + r * t->count, t->count, "tile_run, full", kernels->name);
    }
    run.full = false;
    run.doubts = NULL;
    run.again = doubts;
    for (uint32_t r = 0; r < ROWS; r++) { /* of those that are not run again nothing is written */
        for (size_t i = 0; i < t->count && !doubts[r]; i++)
            t->y.data[r * t->count + i] = wanted[r * t->count + i] = (float)(r + i);
    }
    kernels->tile_run(&run);
    assert_same(wanted, t->y.data, ROWS * t->count, "tile_run again", kernels->name);
    t->block.full = NULL;
    finishing_free(&finishing);
    free(wanted);
    guarded_free(&full);
    guarded_free(&panel);
}

/* Vectors that stand apart, of some lanes each: places count vectors then. */
static void run_apart(struct rng *rng, const struct kernels *kernels, struct trial *t)
{
    enum { VECTORS = TILE_VECTORS_MAX, STEP = 21 };
    const uint32_t lanes = 1 + (uint32_t)rng_below(rng, LANES);
    struct guarded panel = guarded_new((COLUMNS + VECTORS) * LANES), y = guarded_new(ROWS * VECTORS * STEP);
    struct finishing finishing = finishing_new(rng, ROWS, y.data, ROWS * VECTORS * STEP, true);
    const struct tile_run run = { .block = &t->block,
                                  .panel = panel.data,
                                  .bias = t->bias.data,
                                  .y = y.data,
                                  .pitch = LANES,
                                  .y_stride = VECTORS * STEP,
                                  .y_step = STEP,
                                  .vectors = 1 + (uint32_t)rng_below(rng, VECTORS),
                                  .lanes = lanes,
                                  .last = 1 + (uint32_t)rng_below(rng, lanes),
                                  .begins = true,
                                  .finish = &finishing.finish };
    float wanted[ROWS * VECTORS * STEP];
    uint32_t at = 0;

    fill(rng, panel.data, (COLUMNS + VECTORS) * LANES, rng_below(rng, 2));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        y.data[i] = wanted[i] = (float)i;
    for (uint32_t r = 0; r < ROWS; at += t->rows[r++].count) {
        for (uint32_t v = 0; v < run.vectors; v++) {
            const size_t place = (t->rows[r].row * (size_t)VECTORS + v) * STEP;

            for (uint32_t i = 0; i < (v + 1 < run.vectors ? lanes : run.last); i++) {
                float sum = t->bias.data[t->rows[r].row];

                for (uint32_t k = at; k < at + t->rows[r].count; k++)
                    sum = fmaf(t->values.data[k], panel.data[(t->places[k] + v) * LANES + i], sum);
                wanted[place + i] = finished(run.finish, sum, t->rows[r].row, place + i);
            }
        }
    }
    kernels->tile_run(&run);
    assert_same(wanted, y.data, ARRAY_SIZE(wanted), "tile_run of vectors apart", kernels->name);
    finishing_free(&finishing);
    guarded_free(&panel);
    guarded_free(&y);
}

static void test_tiles(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(23, 0);

    (void)state;
    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        for (size_t count = 1; count <= TILE_FLOATS; count++) {
            struct trial *t = make_trial(&rng, count, count % 3 == 0);

            fill_runs(&rng, kernels, t);
            fill_pieces(&rng, kernels, t);
            fill_copies(&rng, kernels, t);
            run_rows(&rng, kernels, t, count % 3 == 0);
            run_full(&rng, kernels, t);
            run_apart(&rng, kernels, t);
            run_streams(&rng, kernels, t);
            lengthen(&rng, t, count % 3 == 0);
            run_rows(&rng, kernels, t, count % 3 == 0);
            free_trial(t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_tiles) };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
