/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention of a sequence to itself and to another, causal, with a mask of its keys, and all of that together; with as
 * many tokens as stand in a panel, and more and fewer. What a plan refuses.
 */
#include <math.h>
#include <string.h>

#include "harness.h"
#include "support/test.h"

enum { HEADS, CAUSAL };

struct place {
    size_t tokens, batch, sample;
};

static size_t at(const struct place *p, size_t feature, size_t token)
{
    return (feature * p->tokens + token) * p->batch + p->sample;
}

static bool takes(const struct reference_run *run, const struct place *keys, size_t query, size_t key)
{
    if (run->layer->parameters[CAUSAL] != 0 && key > query)
        return false;
    return run->layer->input_count < 4 || lround(run->in[3][key * keys->batch + keys->sample]) != 0;
}

/* One query of one head: `first` is the head's first feature. */
static void attend(const struct reference_run *run, const struct place *queries, const struct place *keys, size_t query,
                   size_t first, size_t width)
{
    double weights[64], sum = 0;

    for (size_t f = 0; f < width; f++)
        run->out[at(queries, first + f, query)] = 0;
    for (size_t k = 0; k < keys->tokens; k++) {
        double score = 0;

        for (size_t f = first; f < first + width; f++)
            score += run->in[0][at(queries, f, query)] * run->in[1][at(keys, f, k)];
        weights[k] = takes(run, keys, query, k) ? exp(score / sqrt((double)width)) : 0;
        sum += weights[k];
    }
    for (size_t k = 0; k < keys->tokens && sum > 0; k++) {
        for (size_t f = first; f < first + width; f++)
            run->out[at(queries, f, query)] += weights[k] / sum * run->in[2][at(keys, f, k)];
    }
}

static void reference(const struct reference_run *run)
{
    const size_t heads = (size_t)run->layer->parameters[HEADS], width = run->inputs[0].dimension[0] / heads;

    for (size_t b = 0; b < run->batch; b++) {
        const struct place queries = { run->inputs[0].dimension[1], run->batch, b };
        const struct place keys = { run->inputs[1].dimension[1], run->batch, b };

        for (size_t q = 0; q < queries.tokens; q++) {
            for (size_t h = 0; h < heads; h++)
                attend(run, &queries, &keys, q, h * width, width);
        }
    }
}

/* `masked`: about a third of the keys takes no part. */
static void check(uint32_t features, double heads, bool causal, const uint32_t tokens[2], bool masked)
{
    check_layer(&(struct layer_case){ .kind = "attention",
                                      .parameters = { [HEADS] = heads, [CAUSAL] = causal },
                                      .inputs = { { 2, { features, tokens[0] } },
                                                  { 2, { features, tokens[1] } },
                                                  { 2, { features, tokens[1] } },
                                                  { 1, { tokens[1] } } },
                                      .input_count = masked ? 4 : 3,
                                      .words = { [3] = 3 },
                                      .reference = reference });
}

static void test_self(void **state)
{
    (void)state;
    check(6, 2, false, (const uint32_t[]){ 19, 19 }, false);
    check(3, 1, false, (const uint32_t[]){ 16, 16 }, false);
    check(5, 5, false, (const uint32_t[]){ 1, 1 }, false);
}

static void test_cross(void **state)
{
    (void)state;
    check(4, 2, false, (const uint32_t[]){ 5, 21 }, false);
    check(4, 1, false, (const uint32_t[]){ 33, 3 }, false);
    check(4, 2, false, (const uint32_t[]){ 32, 9 }, false); /* a panel of two vectors */
    check(2, 1, false, (const uint32_t[]){ 50, 17 }, false);
}

static void test_causal(void **state)
{
    (void)state;
    check(4, 2, true, (const uint32_t[]){ 18, 18 }, false);
    check(2, 1, true, (const uint32_t[]){ 7, 20 }, false);
    check(2, 1, true, (const uint32_t[]){ 20, 7 }, false);
}

static void test_masked(void **state)
{
    (void)state;
    check(4, 2, false, (const uint32_t[]){ 4, 18 }, true);
    check(3, 1, false, (const uint32_t[]){ 3, 2 }, true); /* of some samples, no key is left */
    check(4, 2, true, (const uint32_t[]){ 18, 18 }, true);
    check(2, 1, false, (const uint32_t[]){ 35, 5 }, true);
}

static void refused(const char *said, const struct shape *inputs, uint32_t count, double heads)
{
    const double parameters[LAYER_PARAMETERS_MAX] = { [HEADS] = heads };
    struct layer_plan plan;
    struct reason why;

    assert_int_equal(layer_kind_find("attention")->plan(parameters, inputs, count, &plan, &why), WISP_E_FORMAT);
    if (!strstr(why.text, said))
        fail_msg("\"%s\" does not say \"%s\"", why.text, said);
}

static void test_refused(void **state)
{
    const struct shape good = { 2, { 6, 9 } }, other = { 2, { 6, 8 } }, mask = { 1, { 8 } };

    (void)state;
    refused("6 features cannot be split over 4 heads", (const struct shape[]){ good, good, good }, 3, 4);
    refused("keys as many tokens as values", (const struct shape[]){ good, good, other }, 3, 2);
    refused("its mask is of 8 tokens, and there are keys of 9", (const struct shape[]){ good, good, good, mask }, 4, 2);
    refused("the mask of the keys", (const struct shape[]){ good, good, good, good }, 4, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_self),   cmocka_unit_test(test_cross),   cmocka_unit_test(test_causal),
        cmocka_unit_test(test_masked), cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
