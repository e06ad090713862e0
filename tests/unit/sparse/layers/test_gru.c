/* SPDX-License-Identifier: Apache-2.0
 *
 * gru, with and without a state, both ways.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "support/test.h"

enum { NEURONS, DIRECTION };

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* A row's sum, of inputs at frame t and of hidden neurons. */
static double sum_of(const struct reference_run *run, uint32_t row, size_t t, size_t s, const double *hidden)
{
    const struct csr *w = &run->layer->weight;
    const uint32_t inputs = run->inputs[0].dimension[0], frames = run->inputs[0].dimension[1];
    double sum = run->vectors[0][row];

    for (uint64_t k = w->starts[row]; k < w->starts[row + 1]; k++) {
        const uint32_t c = csr_column(w, k);

        sum += run->weight[k] * (c < inputs ? run->in[0][(c * frames + t) * run->batch + s] : hidden[c - inputs]);
    }
    return sum;
}

static void reference_sample(const struct reference_run *run, size_t s, double *hidden, double *seen, double *next)
{
    const double *parameters = run->layer->parameters;
    const uint32_t n = (uint32_t)parameters[NEURONS], frames = run->inputs[0].dimension[1];

    for (uint32_t i = 0; i < n; i++)
        hidden[i] = run->layer->input_count > 1 ? run->in[1][i * run->batch + s] : 0;
    for (uint32_t step = 0; step < frames; step++) {
        const uint32_t t = parameters[DIRECTION] != 0 ? frames - 1 - step : step;

        for (uint32_t i = 0; i < n; i++)
            seen[i] = sigmoid(sum_of(run, i, t, s, hidden)) * hidden[i];
        for (uint32_t i = 0; i < n; i++) {
            const double update = sigmoid(sum_of(run, n + i, t, s, hidden));

            next[i] = (1 - update) * tanh(sum_of(run, 2 * n + i, t, s, seen)) + update * hidden[i];
        }
        for (uint32_t i = 0; i < n; i++)
            run->out[(i * frames + t) * run->batch + s] = hidden[i] = next[i];
    }
}

static void reference_gru(const struct reference_run *run)
{
    const size_t n = (size_t)run->layer->parameters[NEURONS];
    double *room = calloc(3 * n, sizeof *room);

    assert_non_null(room);
    for (size_t s = 0; s < run->batch; s++)
        reference_sample(run, s, room, room + n, room + 2 * n);
    free(room);
}

static void check(double neurons, double direction, struct shape input, bool state)
{
    check_layer(&(struct layer_case){ .kind = "gru",
                                      .parameters = { neurons, direction },
                                      .inputs = { input, { 1, { (uint32_t)neurons } } },
                                      .input_count = state ? 2 : 1,
                                      .density = 0.4,
                                      .reference = reference_gru });
}

static void test_frames_alone(void **state)
{
    (void)state;
    check(7, 0, (struct shape){ 2, { 5, 6 } }, false);
    check(19, 1, (struct shape){ 2, { 3, 4 } }, false);
}

static void test_a_state_to_begin_with(void **state)
{
    (void)state;
    check(6, 0, (struct shape){ 2, { 4, 5 } }, true);
    check(5, 1, (struct shape){ 2, { 4, 3 } }, true);
    check(5, 0, (struct shape){ 2, { 1, 1 } }, true);
}

static void assert_refused(double neurons, struct shape input, struct shape state, const char *part)
{
    const struct layer_kind *kind = layer_kind_find("gru");
    struct shape inputs[] = { input, state };
    const double parameters[LAYER_PARAMETERS_MAX] = { neurons };
    struct layer_plan plan;
    struct reason why;

    assert_int_equal(kind->plan(parameters, inputs, state.rank ? 2 : 1, &plan, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, part));
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    assert_refused(4, (struct shape){ 1, { 9 } }, (struct shape){ 0 }, "features, frames");
    assert_refused(4, (struct shape){ 2, { 9, 3 } }, (struct shape){ 2, { 4, 2 } }, "has 8 numbers, and must have 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_alone),
        cmocka_unit_test(test_a_state_to_begin_with),
        cmocka_unit_test(test_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
