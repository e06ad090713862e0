/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels that take columns each by itself, against the contract of kernels.h written out, for every table.
 */
#include "kernels/operands.h"
#include "sparse/kernels/kernels.h"

enum { COLUMNS_MAX = 70 };

/* A row of columns, and what goes with it. */
struct row {
    struct guarded x, g, mean, inverse, level, tilt, out;
    struct column_norm norm;
};

static struct row row_new(struct rng *rng, size_t n)
{
    struct row row = { guarded_new(n), guarded_new(n), guarded_new(n), guarded_new(n),
                       guarded_new(n), guarded_new(n), guarded_new(n), { .factor = rng_normal(rng) } };

    fill(rng, row.x.data, n, n % 2);
    fill(rng, row.g.data, n, n % 3 == 0);
    fill(rng, row.mean.data, n, false);
    fill(rng, row.inverse.data, n, n % 5 == 0);
    fill(rng, row.level.data, n, false);
    fill(rng, row.tilt.data, n, false);
    row.norm.mean = row.mean.data;
    row.norm.inverse = row.inverse.data;
    row.norm.shift = rng_normal(rng);
    return row;
}

static void row_free(struct row *row)
{
    struct guarded *all[] = { &row->x, &row->g, &row->mean, &row->inverse, &row->level, &row->tilt, &row->out };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        guarded_free(all[i]);
}

static void check_forward(const struct kernels *kernels, struct row *r, size_t n)
{
    float squares[COLUMNS_MAX], expected[COLUMNS_MAX];

    for (size_t i = 0; i < n; i++) {
        const float apart = r->x.data[i] - r->norm.mean[i];

        squares[i] = fmaf(apart, apart, r->tilt.data[i]);
        expected[i] = fmaf(apart * r->norm.inverse[i], r->norm.factor, r->norm.shift);
    }
    memcpy(r->out.data, r->tilt.data, n * sizeof(float));
    kernels->column_squares(r->x.data, r->norm.mean, r->out.data, n);
    assert_same(squares, r->out.data, n, "column_squares", kernels->name);
    kernels->column_norm(r->x.data, r->out.data, n, &r->norm);
    assert_same(expected, r->out.data, n, "column_norm", kernels->name);
    memcpy(r->out.data, r->x.data, n * sizeof(float));
    kernels->column_norm(r->out.data, r->out.data, n, &r->norm);
    assert_same(expected, r->out.data, n, "column_norm in place", kernels->name);
}

static void check_backward(const struct kernels *kernels, struct row *r, size_t n)
{
    float level[COLUMNS_MAX], tilt[COLUMNS_MAX], expected[COLUMNS_MAX];

    for (size_t i = 0; i < n; i++) {
        const float h = (r->x.data[i] - r->norm.mean[i]) * r->norm.inverse[i], d = r->g.data[i] * r->norm.factor;

        level[i] = r->level.data[i] + d;
        tilt[i] = fmaf(d, h, r->tilt.data[i]);
        expected[i] = r->norm.inverse[i] * fmaf(-h, tilt[i], d - level[i]);
    }
    kernels->column_norm_sums(r->x.data, r->g.data, n, &r->norm, r->level.data, r->tilt.data);
    assert_same(level, r->level.data, n, "column_norm_sums' level", kernels->name);
    assert_same(tilt, r->tilt.data, n, "column_norm_sums' tilt", kernels->name);
    kernels->column_norm_backward(r->x.data, r->g.data, r->out.data, n, &r->norm, r->level.data, r->tilt.data);
    assert_same(expected, r->out.data, n, "column_norm_backward", kernels->name);
}

static void test_column_norm(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(16, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 1; n < COLUMNS_MAX; n++) {
            struct row row = row_new(&rng, n);

            check_forward(kernels, &row, n);
            check_backward(kernels, &row, n);
            row_free(&row);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_column_norm) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
