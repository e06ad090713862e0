/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel of views of a picture as it stands (kernels.h): chunks of any number of vectors, whole ones and masked, of
 * lanes side by side and of every second position, against the chains written out; each usable table must give the same
 * bits, for NaN, infinities, -0 and denormals too. Operands end at a page that cannot be touched, and masks keep lanes
 * off it.
 */
#include <stdlib.h>

#include "kernels/finishing.h"
#include "sparse/kernels/kernels.h"

enum { GROUPS = 3, GROUP_ROWS = 2, ROWS = GROUPS * GROUP_ROWS, TAPS = 3, GROUP = 700, Y_ROW = 600 };

struct trial {
    struct direct_view views[TAPS];
    struct direct_chunk chunk;
    uint32_t masks[TAPS * DIRECT_VECTORS];
    struct csr w;
    struct guarded x, y, bias;
    struct direct direct;
};

static uint32_t below(struct rng *rng, uint32_t limit)
{
    return (uint32_t)rng_below(rng, limit);
}

static size_t lanes_of(const struct direct_chunk *chunk, uint32_t v)
{
    return v + 1 < chunk->vectors ? chunk->count : chunk->last;
}

/* A view begins before x, or ends behind it: what is not there no mask has. */
static void make_masks(struct rng *rng, struct trial *t)
{
    for (uint32_t tap = 0; tap < TAPS; tap++) {
        for (uint32_t v = 0; v < t->chunk.vectors; v++) {
            uint32_t *mask = &t->masks[tap * DIRECT_VECTORS + v];

            *mask = 0;
            for (uint32_t i = 0; i < lanes_of(&t->chunk, v); i++) {
                const int64_t at =
                    t->views[tap].shift + (int64_t)(t->chunk.x + v * t->chunk.x_step + lane_at(&t->direct.lanes, i));

                if (at >= 0 && at < GROUP && below(rng, 8))
                    *mask |= 1u << lane_at(&t->direct.lanes, i);
            }
        }
    }
}

static void make_chunk(struct rng *rng, struct trial *t, uint32_t vectors, bool whole)
{
    const uint32_t step = (uint32_t)t->direct.lanes.step, count = whole ? LANES : 1 + below(rng, LANES);
    const uint32_t x_step = LANES * step + below(rng, 5), reach = (vectors - 1) * x_step + LANES;

    t->chunk = (struct direct_chunk){ .x = whole ? below(rng, GROUP - reach + 1) : below(rng, 200),
                                      .x_step = x_step,
                                      .y_step = count + below(rng, 4),
                                      .vectors = vectors,
                                      .count = count,
                                      .last = whole ? LANES : 1 + below(rng, count),
                                      .masks = whole ? NULL : t->masks };
    t->chunk.y = Y_ROW - (vectors - 1) * t->chunk.y_step - LANES;
    for (uint32_t tap = 0; tap < TAPS; tap++)
        t->views[tap] = (struct direct_view){ whole ? -(int64_t)below(rng, (uint32_t)t->chunk.x + 1)
                                                    : (int64_t)below(rng, 800) - 250,
                                              tap };
    if (!whole)
        make_masks(rng, t);
}

static struct trial *make_trial(struct rng *rng, uint32_t vectors, bool special)
{
    struct trial *t = calloc(1, sizeof *t);
    const bool whole = below(rng, 3) == 0;
    const size_t together = whole ? 1 : 1 + below(rng, 8);
    uint64_t at = 0;

    assert_non_null(t);
    t->x = guarded_new(GROUPS * GROUP);
    t->y = guarded_new(ROWS * Y_ROW);
    t->bias = guarded_new(ROWS);
    assert_int_equal(csr_alloc(&t->w, ROWS, TAPS, ROWS * TAPS), 0);
    for (uint32_t r = 0; r < ROWS; r++) {
        for (uint32_t tap = 0; tap < TAPS; tap++) {
            csr_set_column(&t->w, at, tap);
            at += below(rng, 2);
        }
        t->w.starts[r + 1] = at;
    }
    fill(rng, t->w.values, at, special);
    fill(rng, t->x.data, GROUPS * GROUP, special);
    fill(rng, t->bias.data, ROWS, special);
    t->direct = (struct direct){ .w = &t->w,
                                 .views = t->views,
                                 .chunks = &t->chunk,
                                 .chunk_count = 1,
                                 .x = t->x.data,
                                 .bias = below(rng, 3) ? t->bias.data : NULL,
                                 .lanes = { together > 1 ? 2 : 1 + (!whole && below(rng, 2)), together },
                                 .ahead = 256,
                                 .group_stride = GROUP,
                                 .y_stride = Y_ROW,
                                 .group_rows = GROUP_ROWS,
                                 .rows_together = 1 + below(rng, ROWS) };
    make_chunk(rng, t, vectors, whole);
    return t;
}

static void free_trial(struct trial *t)
{
    csr_deinit(&t->w);
    guarded_free(&t->x);
    guarded_free(&t->y);
    guarded_free(&t->bias);
    free(t);
}

/* The chain of a lane. */
static float chain_of(const struct trial *t, uint32_t r, uint32_t v, uint32_t i)
{
    float sum = t->direct.bias ? t->direct.bias[r] : 0;

    for (uint64_t k = t->w.starts[r]; k < t->w.starts[r + 1]; k++) {
        const struct direct_view *view = &t->views[csr_column(&t->w, k)];
        const int64_t at = r / GROUP_ROWS * GROUP + view->shift +
                           (int64_t)(t->chunk.x + v * t->chunk.x_step + lane_at(&t->direct.lanes, i));
        const bool counts =
            !t->chunk.masks || t->masks[view->tap * DIRECT_VECTORS + v] >> lane_at(&t->direct.lanes, i) & 1;

        sum = fmaf(t->w.values[k], counts ? t->x.data[at] : 0, sum);
    }
    return sum;
}

static void check_trial(struct rng *rng, struct trial *t, const struct kernels *kernels)
{
    float *wanted = malloc(ROWS * Y_ROW * sizeof *wanted);
    struct finishing finishing = finishing_new(rng, ROWS, t->y.data, (size_t)ROWS * Y_ROW, rng_below(rng, 3) == 0);

    assert_non_null(wanted);
    t->direct.finish = below(rng, 2) ? &finishing.finish : NULL;
    for (size_t i = 0; i < (size_t)ROWS * Y_ROW; i++)
        t->y.data[i] = wanted[i] = (float)i;
    for (uint32_t r = 0; r < ROWS; r++) {
        for (uint32_t v = 0; v < t->chunk.vectors; v++) {
            const size_t place = r * (size_t)Y_ROW + t->chunk.y + v * t->chunk.y_step;

            for (uint32_t i = 0; i < lanes_of(&t->chunk, v); i++) {
                const float sum = chain_of(t, r, v, i);

                wanted[place + i] = t->direct.finish ? finished(t->direct.finish, sum, r, place + i) : sum;
            }
        }
    }
    kernels->direct_run(&t->direct, t->y.data, 0, ROWS);
    assert_same(wanted, t->y.data, (size_t)ROWS * Y_ROW, "direct_run", kernels->name);
    finishing_free(&finishing);
    free(wanted);
}

static void test_direct(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(29, 0);

    (void)state;
    for (size_t k = 0; (kernels = kernels_at(k)); k++) {
        for (uint32_t i = 0; i < 40 * DIRECT_VECTORS; i++) {
            struct trial *t = make_trial(&rng, 1 + i % DIRECT_VECTORS, i % 3 == 0);

            check_trial(&rng, t, kernels);
            free_trial(t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_direct) };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
