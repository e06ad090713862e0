/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout: what it drops is what the random numbers of its element, sample, step and layer say, and nothing else.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "harness.h"
#include "support/test.h"

static uint32_t word_of(const struct layer_random *random, uint64_t element, uint64_t sample)
{
    uint32_t block[4];

    rng_block(random->seed, random->stream, element << 32 | sample / 4, block);
    return block[sample % 4];
}

static void reference(const struct reference_run *run)
{
    const double rate = run->layer->parameters[0];

    for (uint64_t e = 0; e < shape_elements(&run->layer->shape); e++) {
        for (size_t b = 0; b < run->batch; b++) {
            const uint64_t i = e * run->batch + b;
            const bool dropped =
                run->mode == LAYER_TRAIN && word_of(&run->random, e, run->random.first + b) < rate * 0x1p32;
            const double scale = run->mode == LAYER_TRAIN ? 1 / (1 - rate) : 1;

            run->out[i] = dropped ? 0 : run->in[0][i] * scale;
        }
    }
}

static void test_dropout(void **state)
{
    static const double rates[] = { 0.1, 0.5, 0.99 };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        check_layer(&(struct layer_case){ .kind = "dropout",
                                          .parameters = { rates[i] },
                                          .inputs = { { 3, { 3, 5, 4 } } },
                                          .input_count = 1,
                                          .reference = reference });
}

enum { ELEMENTS = 100, BATCH = 700 }; /* more samples than are looked up at once */

/* Of inputs that are 1, from sample `first` of the step on. */
static void drop(double rate, uint64_t stream, uint64_t first, size_t batch, float *out)
{
    static float ones[ELEMENTS * BATCH];
    struct layer layer = { .kind = layer_kind_find("dropout"), .parameters = { rate }, .input_count = 1 };
    struct tensor in = { .data = ones, .shape = { 1, { ELEMENTS } }, .elements = ELEMENTS, .batch = batch };
    struct tensor to = in;
    const struct tensor *const list[] = { &in };

    for (size_t i = 0; i < ELEMENTS * batch; i++)
        ones[i] = 1;
    to.data = out;
    layer.kind->forward(&(struct layer_run){ .layer = &layer,
                                             .kernels = kernels_at(0),
                                             .in = list,
                                             .out = &to,
                                             .mode = LAYER_TRAIN,
                                             .random = { 9, stream, first },
                                             .parts = 1 });
}

/* As many as the rate says, within five standard deviations, and the mean stays. */
static void test_how_many(void **state)
{
    static float out[ELEMENTS * BATCH];

    (void)state;
    for (int tenths = 0; tenths < 10; tenths++) {
        const double rate = tenths / 10.0, count = ELEMENTS * BATCH, deviation = sqrt(count * rate * (1 - rate));
        double dropped = 0, sum = 0;

        drop(rate, 1, 0, BATCH, out);
        for (size_t i = 0; i < ELEMENTS * BATCH; i++) {
            dropped += out[i] == 0;
            sum += (double)out[i];
        }
        assert_true(fabs(dropped - count * rate) <= 5 * deviation);
        assert_true(fabs(sum / count - 1) <= 5 * deviation / count / (1 - rate) + 1e-6);
    }
}

/* A step's samples in two runs, wherever it is cut, are dropped as in one. */
static void test_parts_of_a_step(void **state)
{
    static const size_t cuts[] = { 1, 2, 3, 4, 5, 255, 256, 257, 699 };
    static float whole[ELEMENTS * BATCH], head[ELEMENTS * BATCH], tail[ELEMENTS * BATCH];

    (void)state;
    drop(0.5, 1, 0, BATCH, whole);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const size_t cut = cuts[i];

        drop(0.5, 1, 0, cut, head);
        drop(0.5, 1, cut, BATCH - cut, tail);
        for (size_t e = 0; e < ELEMENTS; e++) {
            assert_memory_equal(head + e * cut, whole + e * BATCH, cut * sizeof *head);
            assert_memory_equal(tail + e * (BATCH - cut), whole + e * BATCH + cut, (BATCH - cut) * sizeof *tail);
        }
    }
}

/* Elements, samples and streams agree with one another as often as chance has it. */
static void test_independence(void **state)
{
    static float one[ELEMENTS * BATCH], other[ELEMENTS * BATCH];
    size_t streams = 0, elements = 0, samples = 0;

    (void)state;
    drop(0.5, 1, 0, BATCH, one);
    drop(0.5, 2, 0, BATCH, other);
    for (size_t i = 0; i < (ELEMENTS - 1) * (size_t)BATCH; i++) {
        streams += one[i] == other[i];
        elements += one[i] == one[i + BATCH];
        samples += one[i] == one[i + 1];
    }
    assert_in_range(streams, (ELEMENTS - 1) * BATCH * 49 / 100, (ELEMENTS - 1) * BATCH * 51 / 100);
    assert_in_range(elements, (ELEMENTS - 1) * BATCH * 49 / 100, (ELEMENTS - 1) * BATCH * 51 / 100);
    assert_in_range(samples, (ELEMENTS - 1) * BATCH * 49 / 100, (ELEMENTS - 1) * BATCH * 51 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_how_many),
        cmocka_unit_test(test_parts_of_a_step),
        cmocka_unit_test(test_independence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
