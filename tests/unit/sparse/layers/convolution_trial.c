/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "convolution_trial.h"
#include "sparse/construct/sample.h"
#include "support/test.h"

static float *make_floats(size_t count, uint64_t stream)
{
    struct rng rng = rng_make(3, stream);
    float *floats = memory_alloc(count, sizeof *floats);

    assert_non_null(floats);
    for (size_t i = 0; i < count; i++)
        floats[i] = rng_normal(&rng);
    return floats;
}

uint32_t below(struct rng *rng, uint32_t limit)
{
    return (uint32_t)rng_below(rng, limit);
}

/* Padding may be as large as it likes where the picture is what is written. */
static struct window make_window(struct rng *rng, bool transposed, size_t batch)
{
    struct window w = { .kernel_height = 1 + below(rng, 5),
                        .kernel_width = 1 + below(rng, 4),
                        .stride = 1 + below(rng, 3) };

    w.top = below(rng, w.kernel_height + transposed);
    w.left = below(rng, w.kernel_width + transposed);
    w.height = w.kernel_height + below(rng, 3) * below(rng, 5); /* one line of positions, at times */
    w.width = w.kernel_width + below(rng, batch > 100 ? 6 : batch < 3 && below(rng, 4) == 0 ? 600 : 40);
    w.out_height = (w.height + 2 * w.top - w.kernel_height) / w.stride + 1;
    w.out_width = (w.width + 2 * w.left - w.kernel_width) / w.stride + 1;
    return w;
}

struct trial make_trial(struct rng *rng, uint32_t number, size_t batch)
{
    const bool transposed = below(rng, 2);
    struct trial t = { .c = { .window = make_window(rng, transposed, batch),
                              .groups = transposed ? 1 : 1 + below(rng, 3),
                              .transposed = transposed,
                              .batch = batch } };
    const uint32_t taps = (uint32_t)window_taps(&t.c.window);
    struct reason why;
    uint32_t rows, columns;

    t.c.picture = t.c.groups * (1 + below(rng, 4));
    t.c.positions = t.c.groups * (1 + below(rng, 10));
    rows = transposed ? t.c.picture : t.c.positions;
    columns = (transposed ? t.c.positions : t.c.picture / t.c.groups) * taps;
    assert_ok(sample_connections(rows, columns, (uint64_t)rows * columns * (1 + below(rng, 4)) / 4, 5, number,
                                 &t.weight, &why),
              why);
    sample_weights(&t.weight, 1, 5, number);
    t.pictures = (size_t)t.c.picture * t.c.window.height * t.c.window.width * batch;
    t.all_positions = t.c.positions * window_positions(&t.c.window) * batch;
    t.bias = make_floats(MAX(t.c.picture, t.c.positions), number);
    t.picture = make_floats(t.pictures, number + 1000);
    t.positions = make_floats(t.all_positions, number + 2000);
    return t;
}

void free_trial(struct trial *t)
{
    csr_deinit(&t->weight);
    free(t->bias);
    free(t->picture);
    free(t->positions);
}

/* ---- the contract, written out ---- */

/* Calls it with the picture's element and the positions' one that a connection links, at every place where it is. */
static void each_place(const struct trial *t, uint32_t r, uint64_t k, use_function *function, void *argument)
{
    const struct window *w = &t->c.window;
    const uint32_t taps = (uint32_t)window_taps(w), tap = csr_column(&t->weight, k) % taps;
    const uint32_t other = csr_column(&t->weight, k) / taps;
    const uint32_t group = t->c.transposed ? 0 : r / (t->c.positions / t->c.groups);
    const size_t channel = t->c.transposed ? r : group * (t->c.picture / t->c.groups) + other;
    const size_t to = t->c.transposed ? other : r, batch = t->c.batch;

    for (uint32_t p = 0; p < window_positions(w); p++) {
        const int64_t y = (int64_t)(p / w->out_width) * w->stride + tap / w->kernel_width - w->top;
        const int64_t x = (int64_t)(p % w->out_width) * w->stride + tap % w->kernel_width - w->left;

        for (size_t b = 0; b < batch && y >= 0 && x >= 0 && y < w->height && x < w->width; b++)
            function(t, k, ((channel * w->height + (size_t)y) * w->width + (size_t)x) * batch + b,
                     (to * window_positions(w) + p) * batch + b, argument);
    }
}

void each_use(const struct trial *t, use_function *function, void *argument)
{
    for (uint32_t r = 0; r < t->weight.rows; r++) {
        for (uint64_t k = t->weight.starts[r]; k < t->weight.starts[r + 1]; k++)
            each_place(t, r, k, function, argument);
    }
}

static void gather_step(const struct trial *t, uint64_t k, size_t element, size_t position, void *argument)
{
    float *y = argument;

    y[position] = fmaf(t->weight.values[k], t->picture[element], y[position]);
}

static void spread_step(const struct trial *t, uint64_t k, size_t element, size_t position, void *argument)
{
    float *y = argument;

    y[element] = fmaf(t->weight.values[k], t->positions[position], y[element]);
}

float *chains_of(const struct trial *t, bool spread, const float *bias, const float *before)
{
    const size_t count = spread ? t->pictures : t->all_positions;
    const size_t row = count / (spread ? t->c.picture : t->c.positions);
    float *y = memory_alloc(count, sizeof *y);

    assert_non_null(y);
    for (size_t i = 0; i < count; i++)
        y[i] = bias ? bias[i / row] : 0;
    each_use(t, spread ? spread_step : gather_step, y);
    for (size_t i = 0; i < count && before; i++)
        y[i] = before[i] + y[i];
    return y;
}
