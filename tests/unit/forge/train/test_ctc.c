/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels without their frames: probabilities against the sum over every way there is, gradients against differences of
 * it, and what cannot be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/train/alignment/ctc.h"
#include "forge/train/loss.h"
#include "support/test.h"

enum { CLASSES = 3, FRAMES_MAX = 6, LABELS_MAX = 3 };

struct fixture {
    double in[CLASSES][FRAMES_MAX]; /* what the softmax reads */
    float p[CLASSES * FRAMES_MAX], gradient[CLASSES * FRAMES_MAX];
    double room[(FRAMES_MAX + 2) * (2 * LABELS_MAX + 1)];
    struct ctc ctc;
};

static double softmax(const struct fixture *f, size_t class, size_t frame)
{
    double sum = 0;

    for (size_t c = 0; c < CLASSES; c++)
        sum += exp(f->in[c][frame]);
    return exp(f->in[class][frame]) / sum;
}

static void make(struct fixture *f, size_t frames, const int32_t *labels, size_t count, uint64_t seed)
{
    struct rng rng = rng_make(4, seed);

    for (size_t i = 0; i < CLASSES * FRAMES_MAX; i++)
        f->in[i / FRAMES_MAX][i % FRAMES_MAX] = 6 * rng_double(&rng) - 3;
    for (size_t i = 0; i < CLASSES * FRAMES_MAX; i++)
        f->p[i] = (float)softmax(f, i / FRAMES_MAX, i % FRAMES_MAX);
    f->ctc = (struct ctc){ f->p, CLASSES, FRAMES_MAX, frames, 1, labels, count, 1, f->room };
    assert_true(ctc_room(frames, count) <= ARRAY_SIZE(f->room));
}

/* Whether the way, a class a frame, stands for the labels. */
static bool stands_for(const size_t *way, size_t frames, const int32_t *labels, size_t count)
{
    size_t found = 0;

    for (size_t t = 0; t < frames; t++) {
        if (!way[t] || (t && way[t] == way[t - 1]))
            continue;
        if (found == count || (size_t)labels[found] != way[t])
            return false;
        found++;
    }
    return found == count;
}

/* The sum over all ways. */
static double expected(const struct fixture *f)
{
    size_t ways = 1, way[FRAMES_MAX];
    double sum = 0;

    for (size_t t = 0; t < f->ctc.frames; t++)
        ways *= CLASSES;
    for (size_t w = 0; w < ways; w++) {
        double p = 1;

        for (size_t t = 0, rest = w; t < f->ctc.frames; t++, rest /= CLASSES) {
            way[t] = rest % CLASSES;
            p *= softmax(f, way[t], t);
        }
        sum += stands_for(way, f->ctc.frames, f->ctc.labels, f->ctc.label_count) ? p : 0;
    }
    return -log(sum);
}

static void check(struct fixture *f)
{
    const struct ctc_gradient gradient = { f->gradient, FRAMES_MAX, 1, FRAMES_MAX };
    const double loss = ctc_loss(&f->ctc, &gradient), step = 1e-5, wanted = expected(f);

    assert_true(fabs(loss - wanted) < 1e-5);
    assert_true(ctc_loss(&f->ctc, NULL) == loss);
    for (size_t i = 0; i < CLASSES * FRAMES_MAX; i++) {
        double *in = &f->in[i / FRAMES_MAX][i % FRAMES_MAX], kept = *in, up, down;

        *in = kept + step;
        up = expected(f);
        *in = kept - step;
        down = expected(f);
        *in = kept;
        if (fabs((up - down) / (2 * step) - (double)f->gradient[i]) > 2e-5)
            fail_msg("class %zu, frame %zu: gradient %g, difference quotient %g", i / FRAMES_MAX, i % FRAMES_MAX,
                     (double)f->gradient[i], (up - down) / (2 * step));
    }
}

static const struct {
    int32_t labels[LABELS_MAX];
    size_t count, least; /* frames that it takes */
} cases[] = { { { 0 }, 0, 1 },       { { 1 }, 1, 1 },       { { 1, 2 }, 2, 2 },   { { 2, 2 }, 2, 3 },
              { { 1, 2, 1 }, 3, 3 }, { { 1, 1, 2 }, 3, 4 }, { { 2, 2, 2 }, 3, 5 } };

static void test_every_way_counts(void **state)
{
    static struct fixture f;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t frames = cases[i].least; frames <= FRAMES_MAX; frames++) {
            make(&f, frames, cases[i].labels, cases[i].count, i * 10 + frames);
            check(&f);
        }
    }
}

/* No way stands for them: an infinite loss, and nothing to learn from it. */
static void test_labels_that_do_not_fit(void **state)
{
    static struct fixture f;
    const struct ctc_gradient gradient = { f.gradient, FRAMES_MAX, 1, FRAMES_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (cases[i].least == 1)
            continue;
        make(&f, cases[i].least - 1, cases[i].labels, cases[i].count, i);
        assert_true(ctc_loss(&f.ctc, &gradient) == INFINITY);
        for (size_t e = 0; e < CLASSES * FRAMES_MAX; e++)
            assert_true(f.gradient[e] == 0);
    }
}

static void test_what_is_said(void **state)
{
    static const size_t way[FRAMES_MAX] = { 1, 1, 0, 1, 2, 2 }; /* 1 1 2 */
    static const int32_t labels[] = { 2, 1, 2 };
    static struct fixture f;
    struct ctc_guess guess;

    (void)state;
    make(&f, FRAMES_MAX, labels, 3, 1);
    for (size_t i = 0; i < CLASSES * FRAMES_MAX; i++)
        f.p[i] = way[i % FRAMES_MAX] == i / FRAMES_MAX ? 0.8f : 0.1f;
    guess = ctc_guess(&f.ctc);
    assert_int_equal(guess.said, 3);
    assert_int_equal(guess.right, 2);
    assert_int_equal(guess.edits, 1);
}

/* By the definition, over all ways to take out, put in or exchange. */
static size_t edits(const int32_t *a, size_t a_count, const int32_t *b, size_t b_count)
{
    size_t least;

    if (!a_count || !b_count)
        return a_count + b_count;
    least = edits(a + 1, a_count - 1, b + 1, b_count - 1) + (*a != *b);
    least = MIN(least, 1 + edits(a + 1, a_count - 1, b, b_count));
    return MIN(least, 1 + edits(a, a_count, b + 1, b_count - 1));
}

static void test_edits(void **state)
{
    static struct fixture f;
    struct rng rng = rng_make(5, 1);

    (void)state;
    for (int round = 0; round < 300; round++) {
        int32_t labels[LABELS_MAX], said[FRAMES_MAX];
        const size_t count = rng_below(&rng, LABELS_MAX + 1), frames = 1 + rng_below(&rng, FRAMES_MAX);
        size_t said_count = 0, before = 0;
        struct ctc_guess guess, others;

        for (size_t i = 0; i < count; i++)
            labels[i] = (int32_t)(1 + rng_below(&rng, CLASSES - 1));
        make(&f, frames, labels, count, (uint64_t)round);
        for (size_t t = 0; t < frames; t++) {
            const size_t class = rng_below(&rng, CLASSES);

            for (size_t c = 0; c < CLASSES; c++)
                f.p[c * FRAMES_MAX + t] = c == class ? 0.8f : 0.1f;
            if (class && class != before)
                said[said_count++] = (int32_t) class;
            before = class;
        }
        guess = ctc_guess(&f.ctc);
        assert_int_equal(guess.said, said_count);
        assert_int_equal(guess.edits, edits(said, said_count, labels, count));
        f.ctc.p = NULL; /* said by somebody else */
        others = ctc_compare(&f.ctc, (const uint32_t *)said, said_count);
        assert_memory_equal(&others, &guess, sizeof guess);
    }
}

enum { SAMPLES = 21 };

static uint32_t length_of(size_t sample)
{
    return (uint32_t)(4 - sample % 3);
}

/* A batch, of labels and samples of all lengths, is its samples; what does not fit is large and moves nothing. */
static void test_a_batch_is_its_samples(void **state)
{
    static struct fixture f;
    static float logits[CLASSES * FRAMES_MAX * SAMPLES], gradient[CLASSES * FRAMES_MAX * SAMPLES];
    const struct shape shape = { .rank = 2, .dimension = { CLASSES, 4 } };
    const struct ctc_gradient own = { f.gradient, FRAMES_MAX, 1, FRAMES_MAX };
    struct loss_batch batch;

    (void)state;
    assert_int_equal(loss_batch_init(&batch, loss_find("ctc"), &shape, SAMPLES), 0);
    for (size_t s = 0; s < SAMPLES; s++) {
        const size_t c = s % ARRAY_SIZE(cases);

        make(&f, 4, cases[c].labels, cases[c].count, s);
        batch.lengths[s] = length_of(s);
        for (size_t t = 0; t < 4; t++)
            batch.classes[t * SAMPLES + s] = t < cases[c].count ? cases[c].labels[t] : -1;
        for (size_t i = 0; i < (size_t)CLASSES * 4; i++)
            logits[i * SAMPLES + s] = (float)f.in[i / 4][i % 4];
    }
    loss_run(&batch, logits, SAMPLES, 0, gradient, NULL);
    for (size_t s = 0; s < SAMPLES; s++) {
        const size_t c = s % ARRAY_SIZE(cases);
        double loss;

        make(&f, length_of(s), cases[c].labels, cases[c].count, s);
        loss = ctc_loss(&f.ctc, &own);
        assert_int_equal(batch.samples[s].actual, cases[c].count);
        assert_true(isinf(loss) ? batch.samples[s].loss > 200 : fabs(batch.samples[s].loss - loss) < 1e-4);
        for (size_t i = 0; i < (size_t)CLASSES * 4; i++)
            assert_true(fabsf(gradient[i * SAMPLES + s] - f.gradient[i / 4 * FRAMES_MAX + i % 4]) < 1e-5f);
    }
    loss_batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_counts),       cmocka_unit_test(test_labels_that_do_not_fit),
        cmocka_unit_test(test_what_is_said),           cmocka_unit_test(test_edits),
        cmocka_unit_test(test_a_batch_is_its_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
