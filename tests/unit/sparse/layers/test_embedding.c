/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "harness.h"
#include "support/test.h"

enum { NEURONS, VOCABULARY };

/* The weight times a vector that is 1 at the word and 0 elsewhere: all 0 for a number that is no word. */
static void reference(const struct reference_run *run)
{
    const struct csr *w = &run->layer->weight;
    const size_t columns = run->inputs[0].dimension[0] * run->batch;

    for (uint32_t r = 0; r < w->rows; r++) {
        for (size_t token = 0; token < columns; token++) {
            double sum = 0;

            for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
                sum += lround(run->in[0][token]) == (long)csr_column(w, k) ? run->weight[k] : 0;
            run->out[r * columns + token] = sum;
        }
    }
}

/* Numbers below `words`: more than there are in the vocabulary, or fewer. */
static void check(uint32_t tokens, double vocabulary, double neurons, double density, uint32_t words)
{
    check_layer(&(struct layer_case){ .kind = "embedding",
                                      .parameters = { [VOCABULARY] = vocabulary, [NEURONS] = neurons },
                                      .inputs = { { 1, { tokens } } },
                                      .input_count = 1,
                                      .density = density,
                                      .words = { words },
                                      .reference = reference });
}

static void test_embedding(void **state)
{
    (void)state;
    check(9, 50, 12, 0.3, 50);
    check(5, 7, 3, 1, 9);
    check(1, 300, 20, 0.05, 40);
    check(150, 50, 3, 0.3, 50);  /* looked up some at a time, the last of them fewer */
    check(66, 4, 1030, 0.01, 4); /* too many neurons for that */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_embedding) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
