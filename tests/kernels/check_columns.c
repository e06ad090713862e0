/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels that take columns each by itself, against the contract of kernels.h written out, for every table.
 */
#include <stdlib.h>

#include "kernels/operands.h"
#include "sparse/kernels/functions.h"
#include "sparse/kernels/kernels.h"

enum { COLUMNS_MAX = 150 };

/* A row of columns, and what goes with it. */
struct row {
    struct guarded x, g, mean, inverse, level, tilt, out;
    float factor;
    struct column_norm norm;
};

static struct row row_new(struct rng *rng, size_t n)
{
    struct row row = { guarded_new(n), guarded_new(n), guarded_new(n),  guarded_new(n), guarded_new(n),
                       guarded_new(n), guarded_new(n), rng_normal(rng), { 0 } };

    fill(rng, row.x.data, n, n % 2);
    fill(rng, row.g.data, n, n % 3 == 0);
    fill(rng, row.mean.data, n, false);
    fill(rng, row.inverse.data, n, n % 5 == 0);
    fill(rng, row.level.data, n, false);
    fill(rng, row.tilt.data, n, false);
    row.norm.mean = row.mean.data;
    row.norm.inverse = row.inverse.data;
    return row;
}

static void row_free(struct row *row)
{
    struct guarded *all[] = { &row->x, &row->g, &row->mean, &row->inverse, &row->level, &row->tilt, &row->out };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        guarded_free(all[i]);
}

/* What becomes of a column whose rows are `stride` floats apart. */
static void expect_norm(const struct column_rows *c, const struct column_norm *norm, size_t i, float *sum,
                        float *square, float *out)
{
    *sum = *square = 0;
    for (size_t r = 0; r < c->rows; r++) {
        const float x = c->x[r * c->stride + i], apart = x - norm->mean[i];

        *sum += x;
        *square = fmaf(apart, apart, *square);
        out[r * c->stride + i] =
            fmaf(apart * norm->inverse[i], norm->factors ? norm->factors[r] : 1, norm->shifts ? norm->shifts[r] : 0);
    }
}

/* Of columns that stand apart, what is between rows stays as it is. */
static void check_forward(struct rng *rng, const struct kernels *kernels, size_t rows, size_t n)
{
    const size_t stride = n + rng_below(rng, 2) * 7, count = (rows - 1) * stride + n;
    struct guarded x = guarded_new(count), out = guarded_new(count), sums = guarded_new(n), mean = guarded_new(n);
    struct guarded inverse = guarded_new(n), factors = guarded_new(rows), shifts = guarded_new(rows);
    const struct column_rows columns = { x.data, stride, rows, n };
    const struct column_norm norm = { mean.data, inverse.data, rng_below(rng, 3) ? factors.data : NULL,
                                      rng_below(rng, 3) ? shifts.data : NULL };
    float sum[COLUMNS_MAX], squares[COLUMNS_MAX], *expected = malloc(count * sizeof *expected);
    struct guarded *all[] = { &x, &out, &sums, &mean, &inverse, &factors, &shifts };

    assert_non_null(expected);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        fill(rng, all[i]->data, all[i] == &x || all[i] == &out ? count : i < 5 ? n : rows, i == 0 && n % 2);
    memcpy(expected, out.data, count * sizeof *expected);
    for (size_t i = 0; i < n; i++)
        expect_norm(&columns, &norm, i, &sum[i], &squares[i], expected);
    kernels->column_sums(&columns, sums.data);
    assert_same(sum, sums.data, n, "column_sums", kernels->name);
    kernels->column_squares(&columns, mean.data, sums.data);
    assert_same(squares, sums.data, n, "column_squares", kernels->name);
    kernels->column_norm(&columns, out.data, &norm);
    assert_same(expected, out.data, count, "column_norm", kernels->name);
    kernels->column_norm(&columns, x.data, &norm);
    for (size_t r = 0; r < rows; r++)
        assert_same(expected + r * stride, x.data + r * stride, n, "column_norm in place", kernels->name);
    free(expected);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        guarded_free(all[i]);
}

static void check_backward(const struct kernels *kernels, struct row *r, size_t n)
{
    float level[COLUMNS_MAX], tilt[COLUMNS_MAX], expected[COLUMNS_MAX];

    for (size_t i = 0; i < n; i++) {
        const float h = (r->x.data[i] - r->norm.mean[i]) * r->norm.inverse[i], d = r->g.data[i] * r->factor;

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

            row.norm.factors = &row.factor;
            check_forward(&rng, kernels, 1 + n % 9, n);
            check_backward(kernels, &row, n);
            row_free(&row);
        }
    }
}

/* ---- panels ---- */

static void expect_product(const struct panel_product *p, float *y)
{
    for (size_t r = 0; r < p->rows; r++) {
        for (size_t lane = 0; lane < p->vectors * LANES; lane++) {
            float sum = p->add ? y[r * p->y_row + lane] : 0;

            for (size_t c = 0; c < p->steps; c++)
                sum = fmaf(p->a[r * p->a_row + c * p->a_step], p->x[c * p->x_step + lane], sum);
            y[r * p->y_row + lane] = sum;
        }
    }
}

/* a by rows or by columns; rows of x and y side by side or apart, of which the gaps stay as they are. */
static void check_product(struct rng *rng, const struct kernels *kernels, size_t rows, size_t steps)
{
    const size_t gap = rng_below(rng, 2) * 3, vectors = 1 + rng_below(rng, PANEL_VECTORS), lanes = vectors * LANES;
    const bool turned = rng_below(rng, 2);
    const size_t x_count = steps * lanes + (steps - 1) * gap, y_count = rows * lanes + (rows - 1) * gap;
    struct guarded a = guarded_new(rows * steps), x = guarded_new(x_count), y = guarded_new(y_count);
    const struct panel_product product = { .a = a.data,
                                           .x = x.data,
                                           .y = y.data,
                                           .a_row = turned ? 1 : steps,
                                           .a_step = turned ? rows : 1,
                                           .x_step = lanes + gap,
                                           .y_row = lanes + gap,
                                           .rows = rows,
                                           .steps = steps,
                                           .vectors = vectors,
                                           .add = rng_below(rng, 2) };
    float *expected = malloc(y_count * sizeof *expected);

    assert_non_null(expected);
    fill(rng, a.data, rows * steps, rows % 3 == 0);
    fill(rng, x.data, x_count, steps % 3 == 0);
    fill(rng, y.data, y_count, false);
    memcpy(expected, y.data, y_count * sizeof *expected);
    expect_product(&product, expected);
    kernels->panel_product(&product);
    assert_same(expected, y.data, y_count, "panel_product", kernels->name);
    free(expected);
    guarded_free(&a);
    guarded_free(&x);
    guarded_free(&y);
}

static void test_panel_product(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(17, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t rows = 1; rows < 40; rows++) {
            for (size_t steps = 1; steps < 40; steps += 1 + rows % 3)
                check_product(&rng, kernels, rows, steps);
        }
    }
}

static void expect_softmax(float *panel, size_t rows, size_t lanes, size_t lane)
{
    float largest = panel[lane], sum = 0;

    for (size_t r = 1; r < rows; r++)
        largest = panel[r * lanes + lane] > largest ? panel[r * lanes + lane] : largest;
    for (size_t r = 0; r < rows; r++) {
        float *at = &panel[r * lanes + lane];

        *at = function_exp(*at - (largest == -INFINITY ? 0 : largest));
        sum += *at;
    }
    for (size_t r = 0; r < rows && sum != 0; r++)
        panel[r * lanes + lane] /= sum;
}

static void expect_softmax_backward(const float *p, float *gradient, size_t rows, size_t lanes, size_t lane)
{
    float sum = 0;

    for (size_t r = 0; r < rows; r++)
        sum = fmaf(p[r * lanes + lane], gradient[r * lanes + lane], sum);
    for (size_t r = 0; r < rows; r++)
        gradient[r * lanes + lane] = p[r * lanes + lane] * (gradient[r * lanes + lane] - sum);
}

/* Some elements are masked, and of some columns all. */
static void check_softmax(struct rng *rng, const struct kernels *kernels, size_t rows, size_t vectors)
{
    const size_t lanes = vectors * LANES;
    struct guarded panel = guarded_new(rows * lanes), gradient = guarded_new(rows * lanes);
    float expected[40 * PANEL_VECTORS * LANES];

    fill(rng, panel.data, rows * lanes, rows % 4 == 0);
    fill(rng, gradient.data, rows * lanes, rows % 5 == 0);
    for (size_t i = 0; i < rows * lanes; i++) {
        if (i % LANES == 3 || rng_below(rng, 9) == 0)
            panel.data[i] = -INFINITY;
        if (rows % 3 == 1)
            panel.data[i] *= 30; /* down to where exp is below the normal numbers, and 0 */
    }
    memcpy(expected, panel.data, rows * lanes * sizeof *expected);
    for (size_t lane = 0; lane < lanes; lane++)
        expect_softmax(expected, rows, lanes, lane);
    kernels->panel_softmax(panel.data, rows, vectors);
    assert_same(expected, panel.data, rows * lanes, "panel_softmax", kernels->name);
    memcpy(expected, gradient.data, rows * lanes * sizeof *expected);
    for (size_t lane = 0; lane < lanes; lane++)
        expect_softmax_backward(panel.data, expected, rows, lanes, lane);
    kernels->panel_softmax_backward(panel.data, gradient.data, rows, vectors);
    assert_same(expected, gradient.data, rows * lanes, "panel_softmax_backward", kernels->name);
    guarded_free(&panel);
    guarded_free(&gradient);
}

static void test_panel_softmax(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(18, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t rows = 1; rows < 40; rows++) {
            for (size_t vectors = 1; vectors <= PANEL_VECTORS; vectors++)
                check_softmax(&rng, kernels, rows, vectors);
        }
    }
}

/* ---- rows that become columns ---- */

static void check_turn(struct rng *rng, const struct kernels *kernels, size_t rows, size_t columns)
{
    const size_t from_row = columns + rng_below(rng, 2) * 5, to_row = rows + rng_below(rng, 2) * 3;
    const size_t from_count = (rows - 1) * from_row + columns, to_count = (columns - 1) * to_row + rows;
    struct guarded from = guarded_new(from_count), to = guarded_new(to_count);
    float *expected = malloc(to_count * sizeof *expected);

    assert_non_null(expected);
    fill(rng, from.data, from_count, true);
    fill(rng, to.data, to_count, false);
    memcpy(expected, to.data, to_count * sizeof *expected);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++)
            expected[c * to_row + r] = from.data[r * from_row + c];
    }
    kernels->turn(from.data, from_row, to.data, to_row, rows, columns);
    assert_same(expected, to.data, to_count, "turn", kernels->name);
    free(expected);
    guarded_free(&from);
    guarded_free(&to);
}

static void test_turn(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(19, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t rows = 1; rows < 35; rows++) {
            for (size_t columns = 1; columns < 35; columns += 1 + rows % 3)
                check_turn(&rng, kernels, rows, columns);
        }
    }
}

/* ---- softmax of a layer ---- */

static void expect_column(const float *in, float *out, size_t features, size_t columns, size_t column)
{
    float largest = in[column], sum = 0;

    for (size_t f = 1; f < features; f++)
        largest = in[f * columns + column] > largest ? in[f * columns + column] : largest;
    for (size_t f = 0; f < features; f++) {
        out[f * columns + column] = function_exp(in[f * columns + column] - largest);
        sum += out[f * columns + column];
    }
    for (size_t f = 0; f < features; f++)
        out[f * columns + column] /= sum;
}

/* In parts, as threads would; in place, or beside it. */
static void check_columns(struct rng *rng, const struct kernels *kernels, size_t features, size_t columns)
{
    const size_t count = features * columns, cut = rng_below(rng, (uint32_t)columns + 1);
    struct guarded in = guarded_new(count), out = guarded_new(count);
    float *expected = malloc(count * sizeof *expected), *to = rng_below(rng, 2) ? in.data : out.data;

    assert_non_null(expected);
    fill(rng, in.data, count, columns % 3 == 0);
    for (size_t i = 0; i < columns; i++)
        expect_column(in.data, expected, features, columns, i);
    kernels->softmax(in.data, to, features, columns, 0, cut);
    kernels->softmax(in.data, to, features, columns, cut, columns);
    assert_same(expected, to, count, "softmax", kernels->name);
    free(expected);
    guarded_free(&in);
    guarded_free(&out);
}

static void test_softmax(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(19, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t columns = 1; columns < COLUMNS_MAX; columns++)
            check_columns(&rng, kernels, 1 + rng_below(&rng, 40), columns);
        check_columns(&rng, kernels, 3, 255);
        check_columns(&rng, kernels, 2, 600);
        check_columns(&rng, kernels, 700, 1);
    }
}

/* ---- the largest under a window ---- */

static void expect_line(const struct window_lines *line, const float *in, float *out)
{
    for (size_t i = 0; i < line->count * line->batch; i++) {
        const float *window = in + i / line->batch * line->step + i % line->batch;

        out[i] = -INFINITY;
        for (size_t tap = 0; tap < line->rows * line->columns; tap++) {
            const float comes = window[tap / line->columns * line->pitch + tap % line->columns * line->batch];

            if (!isnan(out[i]) && (isnan(comes) || comes > out[i]))
                out[i] = comes;
        }
    }
}

/* What the last tap of the last position reads is the last that there is; between lines nothing is written. */
static void check_largest(struct rng *rng, const struct kernels *kernels, struct window_lines line)
{
    const size_t last = (line.rows ? line.rows - 1 : 0) * line.pitch + (line.columns - 1) * line.batch;
    const size_t read = (line.lines - 1) * line.in_line + (line.count - 1) * line.step + last + line.batch;
    const size_t written = (line.lines - 1) * line.out_line + line.count * line.batch;
    struct guarded in = guarded_new(read), out = guarded_new(written);
    float *expected = calloc(written, sizeof *expected);

    assert_non_null(expected);
    fill(rng, in.data, read, rng_below(rng, 2));
    for (size_t i = 0; i < line.lines; i++)
        expect_line(&line, in.data + i * line.in_line, expected + i * line.out_line);
    kernels->largest(&line, in.data, out.data);
    assert_same(expected, out.data, written, "largest", kernels->name);
    free(expected);
    guarded_free(&in);
    guarded_free(&out);
}

static void test_largest(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(20, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t i = 0; i < 1200; i++) {
            const size_t batch = i % 2 ? 1 : 1 + i / 2 % 40;
            struct window_lines lines = { .rows = rng_below(&rng, 4),
                                          .columns = 1 + rng_below(&rng, 3),
                                          .pitch = batch * rng_below(&rng, 50),
                                          .count = 1 + rng_below(&rng, 40),
                                          .batch = batch,
                                          .step = batch * (1 + rng_below(&rng, 3)),
                                          .lines = 1 + rng_below(&rng, 3),
                                          .in_line = rng_below(&rng, 100) };

            lines.out_line = lines.count * batch + rng_below(&rng, 4);
            check_largest(&rng, kernels, lines);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_column_norm), cmocka_unit_test(test_panel_product), cmocka_unit_test(test_panel_softmax),
        cmocka_unit_test(test_turn),        cmocka_unit_test(test_softmax),       cmocka_unit_test(test_largest),
    };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
