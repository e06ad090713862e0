/* SPDX-License-Identifier: Apache-2.0
 *
 * Products with shifted views (kernels.h), element by element: every chain and every lane of a dot product is written
 * out once more, and each usable table must give the same bits, for rows without connections, pieces that
 * overlap in X, and NaN, infinities, -0 and denormals. Operands end at a page that cannot be touched.
 */
#include <stdlib.h>

#include "kernels/finishing.h"
#include "sparse/kernels/kernels.h"

enum { ROWS = 22, PIECES = 21, CONNECTIONS = 800, SPAN = 300, STRIDE = PIECES * LANES };

struct trial {
    uint64_t starts[ROWS + 1];
    struct guarded values, x, y, bias, dots;
    uint32_t *offsets;
    struct piece pieces[PIECES];
    struct shifted s;
};

/* Row r has connections of its own number; what a piece reads lies within x and ends, as it may, LANES floats later. */
static struct trial make_trial(struct rng *rng, size_t pieces, bool resume, bool special)
{
    const uint32_t most = rng_below(rng, 2) ? LANES : LANES / 2;
    const bool whole = rng_below(rng, 2);
    struct trial t = { .values = guarded_new(CONNECTIONS),
                       .x = guarded_new(SPAN),
                       .y = guarded_new(ROWS * STRIDE),
                       .bias = guarded_new(ROWS),
                       .dots = guarded_new(CONNECTIONS),
                       .offsets = calloc(CONNECTIONS, sizeof(uint32_t)) };

    assert_non_null(t.offsets);
    for (uint32_t r = 0; r < ROWS; r++)
        t.starts[r + 1] = t.starts[r] + rng_below(rng, CONNECTIONS / ROWS);
    for (uint32_t k = 0; k < CONNECTIONS; k++)
        t.offsets[k] = (uint32_t)rng_below(rng, SPAN / 2);
    for (uint32_t p = 0; p < PIECES; p++)
        t.pieces[p] = (struct piece){ .x = (uint32_t)rng_below(rng, SPAN / 2 - LANES),
                                      .y = p * LANES,
                                      .count = whole || rng_below(rng, 3) ? most : 1 + (uint32_t)rng_below(rng, most) };
    fill(rng, t.values.data, CONNECTIONS, special);
    fill(rng, t.x.data, SPAN, special);
    fill(rng, t.y.data, ROWS * STRIDE, special);
    fill(rng, t.bias.data, ROWS, special);
    fill(rng, t.dots.data, CONNECTIONS, special);
    t.s = (struct shifted){ .begins = NULL,
                            .values = t.values.data,
                            .offsets = t.offsets,
                            .piece_count = pieces,
                            .x = t.x.data,
                            .bias = rng_below(rng, 3) ? t.bias.data : NULL,
                            .y_stride = STRIDE,
                            .resume = resume };
    return t;
}

static void free_trial(struct trial *t)
{
    guarded_free(&t->values);
    guarded_free(&t->x);
    guarded_free(&t->y);
    guarded_free(&t->bias);
    guarded_free(&t->dots);
    free(t->offsets);
}

static void expect_run(const struct trial *t, float *y)
{
    for (uint32_t r = 0; r < ROWS; r++) {
        for (size_t p = 0; p < t->s.piece_count; p++) {
            for (uint32_t i = 0; i < t->pieces[p].count; i++) {
                float *out = y + r * STRIDE + t->pieces[p].y + i;
                float sum = t->s.resume ? *out : t->s.bias ? t->s.bias[r] : 0;

                for (uint64_t k = t->starts[r]; k < t->starts[r + 1]; k++)
                    sum = fmaf(t->values.data[k], t->x.data[t->offsets[k] + t->pieces[p].x + i], sum);
                *out = t->s.finish ? finished(t->s.finish, sum, r, (size_t)(out - y)) : sum;
            }
        }
    }
}

static float sum_of(float *lanes)
{
    for (int half = LANES / 2; half; half /= 2) {
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static void expect_dots(const struct trial *t, float *dots)
{
    for (uint32_t r = 0; r < ROWS; r++) {
        for (uint64_t k = t->starts[r]; k < t->starts[r + 1]; k++) {
            float lanes[LANES] = { 0 };

            for (size_t p = 0; p < t->s.piece_count; p++) {
                for (uint32_t i = 0; i < t->pieces[p].count; i++)
                    lanes[i] = fmaf(t->y.data[r * STRIDE + t->pieces[p].y + i],
                                    t->x.data[t->offsets[k] + t->pieces[p].x + i], lanes[i]);
            }
            dots[k] = t->s.resume ? dots[k] + sum_of(lanes) : sum_of(lanes);
        }
    }
}

/* In two calls, as two threads would; elements that belong to no piece stay as they are. */
static void check_trial(struct rng *rng, const struct kernels *kernels, struct trial *t, uint32_t cut)
{
    struct finishing finishing = finishing_new(rng, ROWS, t->y.data, ROWS * STRIDE, rng_below(rng, 2));
    static float dots[CONNECTIONS], y[ROWS * STRIDE];

    t->s.begins = t->starts;
    t->s.ends = t->starts + 1;
    t->s.pieces = t->pieces;
    t->s.finish = rng_below(rng, 2) ? &finishing.finish : NULL;
    memcpy(dots, t->dots.data, sizeof dots);
    expect_dots(t, dots);
    kernels->shifted_dots(&t->s, t->y.data, t->dots.data, 0, cut);
    kernels->shifted_dots(&t->s, t->y.data, t->dots.data, cut, ROWS);
    assert_same(dots, t->dots.data, CONNECTIONS, "shifted_dots", kernels->name);
    memcpy(y, t->y.data, sizeof y);
    expect_run(t, y);
    kernels->shifted_run(&t->s, t->y.data, 0, cut);
    kernels->shifted_run(&t->s, t->y.data, cut, ROWS);
    assert_same(y, t->y.data, ROWS * STRIDE, "shifted_run", kernels->name);
    finishing_free(&finishing);
}

static void test_shifted_products(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(21, 0);

    (void)state;
    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        for (size_t pieces = 0; pieces <= PIECES; pieces++) {
            for (unsigned how = 0; how < 4; how++) {
                struct trial t = make_trial(&rng, pieces, how & 1, how & 2);

                check_trial(&rng, kernels, &t, (uint32_t)rng_below(&rng, ROWS + 1));
                free_trial(&t);
            }
        }
    }
}

enum { LINES = 3, PHASES = 3 };

static void check_lines(const struct kernels *kernels, const struct padded_lines *lines, const struct guarded *from)
{
    size_t count = 0, at = 0;
    struct guarded to;

    for (size_t p = 0; p < lines->phase_count; p++)
        count += (lines->phases[p].before + lines->phases[p].count + lines->phases[p].after) * lines->batch;
    to = guarded_new(count * lines->lines + LANES);
    memset(to.data, 0xff, (count * lines->lines + LANES) * sizeof(float));
    kernels->pad_lines(lines, from->data, to.data);
    for (size_t line = 0; line < lines->lines; line++) {
        for (size_t p = 0; p < lines->phase_count; p++) {
            const struct padded_phase *phase = &lines->phases[p];
            const size_t inside = phase->before * lines->batch, past = inside + phase->count * lines->batch;

            for (size_t i = 0; i < past + phase->after * lines->batch; i++, at++) {
                const size_t place = phase->from + (i - inside) / lines->batch * lines->step * lines->batch +
                                     (i - inside) % lines->batch + line * lines->pitch;
                const float wanted = i >= inside && i < past ? from->data[place] : 0;

                assert_same(&wanted, &to.data[at], 1, "pad_lines", kernels->name);
            }
        }
    }
    guarded_free(&to);
}

static void test_padded_lines(void **state)
{
    static const size_t batches[] = { 1, 3, 8, 16, 33 };
    const struct kernels *kernels;
    struct rng rng = rng_make(22, 0);

    (void)state;
    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        for (size_t trial = 0; trial < 400; trial++) {
            struct padded_phase phases[PHASES];
            struct padded_lines lines = { .phases = phases,
                                          .phase_count = 1 + rng_below(&rng, PHASES),
                                          .lines = rng_below(&rng, LINES + 1),
                                          .step = 1 + rng_below(&rng, 3),
                                          .batch = batches[trial % ARRAY_SIZE(batches)] };
            struct guarded from;

            for (size_t p = 0; p < PHASES; p++)
                phases[p] = (struct padded_phase){ .before = rng_below(&rng, 20),
                                                   .count = rng_below(&rng, 40),
                                                   .after = rng_below(&rng, 20),
                                                   .from = rng_below(&rng, 9) };
            lines.pitch = (40 * lines.step + 9) * lines.batch;
            from = guarded_new(lines.pitch * LINES);
            fill(&rng, from.data, lines.pitch * LINES, false);
            check_lines(kernels, &lines, &from);
            guarded_free(&from);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_shifted_products), cmocka_unit_test(test_padded_lines) };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
