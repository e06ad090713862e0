/* SPDX-License-Identifier: Apache-2.0
 *
 * The losses against their formulae in double: what is reported, and gradients against differences of it.
 */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/train/loss.h"
#include "support/test.h"

enum { FEATURES = 5, POSITIONS = 3, SAMPLES = 35, ELEMENTS = FEATURES * POSITIONS };

struct fixture {
    struct loss_batch batch;
    double in[ELEMENTS][SAMPLES]; /* what the last layer reads, where the loss is joined with it; else what it gives */
    float output[ELEMENTS * SAMPLES], gradient[ELEMENTS * SAMPLES];
};

static void softmax(struct fixture *f, size_t position, size_t sample)
{
    double sum = 0;

    for (size_t c = 0; c < FEATURES; c++)
        sum += exp(f->in[c * POSITIONS + position][sample]);
    for (size_t c = 0; c < FEATURES; c++) {
        size_t e = c * POSITIONS + position;

        f->output[e * SAMPLES + sample] = (float)(exp(f->in[e][sample]) / sum);
    }
}

/* Numbers of sounds, and of what is wanted. */
static void make_spectra(struct fixture *f)
{
    struct rng rng = rng_make(9, 1);

    for (size_t i = 0; i < 4 * ELEMENTS * SAMPLES; i++)
        f->batch.values[i] = 3 * rng_float(&rng) - 1.5f;
}

static void make(struct fixture *f, const struct loss *loss)
{
    struct shape shape = { .rank = 2, .dimension = { FEATURES, POSITIONS } };
    struct rng rng = rng_make(9, 0);

    assert_int_equal(loss_batch_init(&f->batch, loss, &shape, SAMPLES), 0);
    for (size_t i = 0; i < ELEMENTS * SAMPLES; i++) {
        double in = 4 * rng_double(&rng) - 2, out = loss->targets == TARGETS_SET ? 1 / (1 + exp(-in)) : in;

        f->in[i / SAMPLES][i % SAMPLES] = loss->joined ? in : out;
        f->output[i] = (float)out;
        if (f->batch.values)
            f->batch.values[i] = loss->targets == TARGETS_SET ? (float)rng_below(&rng, 2) : 3 * rng_float(&rng) - 1;
    }
    for (size_t i = 0; (f->batch.classes || loss->targets == TARGETS_TAUGHT) && i < POSITIONS * SAMPLES; i++) {
        if (f->batch.classes)
            f->batch.classes[i] = (int32_t)rng_below(&rng, FEATURES);
        if (loss->targets != TARGETS_WORDS)
            softmax(f, i / SAMPLES, i % SAMPLES);
        if (f->batch.classes && !rng_below(&rng, 3))
            f->batch.classes[i] = loss->targets == TARGETS_CLASS && i % 2 ? LOSS_UNKNOWN : -1;
    }
    if (loss->targets == TARGETS_SPECTRA)
        make_spectra(f);
}

/* Of one sample, over the positions that have a word, or of classes over all. */
static double cross_entropy(const struct fixture *f, size_t s, double smoothing)
{
    const bool words = f->batch.loss->targets == TARGETS_WORDS;
    double loss = 0, there = words ? 0 : POSITIONS;

    for (size_t p = 0; words && p < POSITIONS; p++)
        there += f->batch.classes[p * SAMPLES + s] >= 0;
    for (size_t p = 0; p < POSITIONS; p++) {
        double sum = 0;

        if (f->batch.classes[p * SAMPLES + s] < 0)
            continue;
        for (size_t c = 0; c < FEATURES; c++)
            sum += exp(f->in[c * POSITIONS + p][s]);
        for (size_t c = 0; c < FEATURES; c++) {
            double target = smoothing / FEATURES + (c == (size_t)f->batch.classes[p * SAMPLES + s] ? 1 - smoothing : 0);

            loss -= target * (f->in[c * POSITIONS + p][s] - log(sum)) / there;
        }
    }
    return loss;
}

static double dice(const struct fixture *f, size_t s)
{
    double loss = 0;

    for (size_t c = 0; c < FEATURES; c++) {
        double both = 0, sum = 0;

        for (size_t e = c * POSITIONS; e < (c + 1) * POSITIONS; e++) {
            double p = f->in[e][s], t = (double)f->batch.values[e * SAMPLES + s];

            both += p * t;
            sum += p + t;
        }
        loss += (1 - (2 * both + 1) / (sum + 1)) / FEATURES;
    }
    return loss;
}

static double masked(const struct fixture *f, size_t s)
{
    const size_t plane = ELEMENTS * SAMPLES, numbers = ELEMENTS / f->batch.sounds;
    double noise = 1e-3 * (double)numbers, signal = noise;

    for (size_t n = 0; n < numbers; n++) {
        const float *x = f->batch.values + n * SAMPLES + s;
        double complex wanted = (double)x[2 * plane] + I * (double)x[3 * plane], made = 0;

        for (size_t e = n; e < ELEMENTS; e += numbers) {
            const float *part = f->batch.values + e * SAMPLES + s;

            made += f->in[e][s] * ((double)part[0] + I * (double)part[plane]);
        }
        noise += pow(cabs(made - wanted), 2);
        signal += pow(cabs(wanted), 2);
    }
    return 10 * log10(noise / signal);
}

static double expected(const struct fixture *f, size_t s, double smoothing)
{
    const char *name = f->batch.loss->name;
    double loss = 0;

    if (f->batch.classes)
        return cross_entropy(f, s, smoothing);
    if (!strcmp(name, "dice"))
        return dice(f, s);
    if (!strcmp(name, "masked-snr"))
        return masked(f, s);
    if (!strcmp(name, "none"))
        return 0;
    for (size_t e = 0; e < ELEMENTS; e++) {
        double in = f->in[e][s], t = (double)f->batch.values[e * SAMPLES + s], p = 1 / (1 + exp(-in));

        if (!strcmp(name, "mse"))
            loss += (in - t) * (in - t) / ELEMENTS;
        else if (!strcmp(name, "l1"))
            loss += fabs(in - t) / ELEMENTS;
        else
            loss -=
                ((1 - smoothing) * t + smoothing / 2) * log(p) + (1 - (1 - smoothing) * t - smoothing / 2) * log(1 - p);
    }
    return loss;
}

static void check_gradient(struct fixture *f, double smoothing)
{
    const double step = 1e-5;

    for (size_t i = 0; i < ELEMENTS * SAMPLES; i++) {
        double *in = &f->in[i / SAMPLES][i % SAMPLES], up, down, kept = *in, quotient;

        *in = kept + step;
        up = expected(f, i % SAMPLES, smoothing);
        *in = kept - step;
        down = expected(f, i % SAMPLES, smoothing);
        *in = kept;
        quotient = (up - down) / (2 * step);
        if (fabs(quotient - (double)f->gradient[i]) > 1e-5)
            fail_msg("%s, element %zu: gradient %g, difference quotient %g", f->batch.loss->name, i,
                     (double)f->gradient[i], quotient);
    }
}

static void test_losses_and_gradients_are_what_the_formulae_say(void **state)
{
    static struct fixture f;

    (void)state;
    for (size_t i = 0; loss_at(i); i++) {
        if (loss_at(i)->targets == TARGETS_LABELS) /* test_ctc.c */
            continue;
        for (int smoothed = 0; smoothed <= 1; smoothed++) {
            bool smooths = loss_at(i)->joined || loss_at(i)->targets == TARGETS_WORDS;
            double smoothing = smoothed && smooths ? 0.1 : 0, sum = 0;
            struct loss_tally tally = { .loss = 0 };

            make(&f, loss_at(i));
            f.batch.sounds = smoothed ? FEATURES : 1;
            loss_run(&f.batch, f.output, SAMPLES, (float)smoothing, f.gradient, NULL);
            loss_add(&f.batch, SAMPLES, &tally);
            for (size_t s = 0; s < SAMPLES; s++)
                sum += expected(&f, s, 0);
            assert_int_equal(tally.samples, SAMPLES);
            assert_true(fabs(tally.loss - sum) < 1e-4);
            check_gradient(&f, smoothing);
            loss_batch_deinit(&f.batch);
        }
    }
}

/* A teacher's answers: distributions. */
static void make_taught(struct fixture *f, double temperature)
{
    make(f, loss_taught(loss_find("cross-entropy")));
    f->batch.temperature = (float)temperature;
    for (size_t i = 0; i < POSITIONS * SAMPLES; i++) {
        double sum = 0;

        for (size_t c = 0; c < FEATURES; c++)
            sum += exp((double)f->batch.values[c * POSITIONS * SAMPLES + i]);
        for (size_t c = 0; c < FEATURES; c++) {
            float *q = &f->batch.values[c * POSITIONS * SAMPLES + i];

            *q = (float)(exp((double)*q) / sum);
        }
    }
}

/* Of one sample: the cross-entropy of both softened, times T^2. */
static double expected_taught(const struct fixture *f, size_t s, double t)
{
    double loss = 0;

    for (size_t i = s; i < POSITIONS * SAMPLES; i += SAMPLES) {
        double p_sum = 0, q_sum = 0;

        for (size_t c = 0; c < FEATURES; c++) {
            p_sum += exp(f->in[c * POSITIONS + i / SAMPLES][s] / t);
            q_sum += pow((double)f->batch.values[c * POSITIONS * SAMPLES + i], 1 / t);
        }
        for (size_t c = 0; c < FEATURES; c++)
            loss -= t * t * pow((double)f->batch.values[c * POSITIONS * SAMPLES + i], 1 / t) / q_sum *
                    (f->in[c * POSITIONS + i / SAMPLES][s] / t - log(p_sum)) / POSITIONS;
    }
    return loss;
}

static void test_a_teacher_is_followed(void **state)
{
    static const double temperatures[] = { 1, 2, 7.5 };
    static struct fixture f;
    const double step = 1e-5;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(temperatures); k++) {
        const double t = temperatures[k];

        make_taught(&f, t);
        loss_run(&f.batch, f.output, SAMPLES, 0, f.gradient, NULL);
        for (size_t i = 0; i < ELEMENTS * SAMPLES; i++) {
            double *in = &f.in[i / SAMPLES][i % SAMPLES], up, down, kept = *in;

            *in = kept + step;
            up = expected_taught(&f, i % SAMPLES, t);
            *in = kept - step;
            down = expected_taught(&f, i % SAMPLES, t);
            *in = kept;
            assert_true(fabs((up - down) / (2 * step) - (double)f.gradient[i]) < 1e-4);
        }
        for (size_t s = 0; s < SAMPLES; s++)
            assert_true(fabs(f.batch.samples[s].loss - expected_taught(&f, s, 1)) < 1e-5);
        /* Who gives the same is right, and has nothing to learn. */
        loss_run(&f.batch, f.batch.values, SAMPLES, 0, f.gradient, NULL);
        for (size_t i = 0; i < ELEMENTS * SAMPLES; i++)
            assert_true(f.gradient[i] == 0);
        assert_int_equal(f.batch.samples[0].correct, POSITIONS);
        loss_batch_deinit(&f.batch);
    }
    assert_ptr_equal(loss_taught(loss_find("mse")), loss_find("mse"));
}

/* The same bits for any number of threads, and with or without the gradient. */
static void test_threads_change_nothing(void **state)
{
    static struct fixture f;
    static float gradient[ELEMENTS * SAMPLES];
    struct loss_tally one = { .loss = 0 }, three = { .loss = 0 };
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_new(3, &pool), 0);
    for (size_t i = 0; loss_at(i); i++) {
        make(&f, loss_at(i));
        loss_run(&f.batch, f.output, SAMPLES, 0.1f, gradient, NULL);
        loss_add(&f.batch, SAMPLES, &one);
        loss_run(&f.batch, f.output, SAMPLES, 0.1f, f.gradient, pool);
        assert_memory_equal(gradient, f.gradient, sizeof gradient);
        loss_run(&f.batch, f.output, SAMPLES, 0.1f, NULL, pool);
        loss_add(&f.batch, SAMPLES, &three);
        assert_memory_equal(&one, &three, sizeof one);
        loss_batch_deinit(&f.batch);
    }
    pool_free(pool);
}

/* Columns [begin, end) of `rows` rows of samples, as rows of their own. */
static void cut(const void *from, size_t rows, size_t begin, size_t end, void *to)
{
    const unsigned char *in = from;
    unsigned char *out = to;
    const size_t bytes = (end - begin) * sizeof(float);

    for (size_t r = 0; r < rows; r++)
        memcpy(out + r * bytes, in + (r * SAMPLES + begin) * sizeof(float), bytes);
}

/* A slice of a batch is a batch: each sample comes to what it comes to in the whole one, in its place there. */
static void test_slices_are_batches(void **state)
{
    enum { FIRST = 2 * LOSS_GROUP };
    static struct fixture f, parted;
    static float gradient[ELEMENTS * SAMPLES], output[ELEMENTS * SAMPLES];
    const size_t bounds[] = { 0, FIRST, SAMPLES };

    (void)state;
    for (size_t i = 0; loss_at(i); i++) {
        make(&f, loss_at(i));
        make(&parted, loss_at(i));
        for (size_t s = 0; f.batch.lengths && s < SAMPLES; s++)
            f.batch.lengths[s] = parted.batch.lengths[s] = 1 + (uint32_t)s % POSITIONS;
        loss_run(&f.batch, f.output, SAMPLES, 0, f.gradient, NULL);
        for (size_t part = 0; part < 2; part++) {
            const size_t begin = bounds[part], end = bounds[part + 1];
            struct loss_batch slice = loss_batch_slice(&parted.batch, begin, end - begin);

            cut(f.output, ELEMENTS, begin, end, output);
            if (slice.classes)
                cut(f.batch.classes, POSITIONS, begin, end, slice.classes);
            else
                cut(f.batch.values, ELEMENTS * loss_planes(loss_at(i)), begin, end, slice.values);
            loss_run(&slice, output, end - begin, 0, parted.gradient, NULL);
            cut(f.gradient, ELEMENTS, begin, end, gradient);
            assert_memory_equal(parted.gradient, gradient, ELEMENTS * (end - begin) * sizeof *gradient);
        }
        assert_memory_equal(parted.batch.samples, f.batch.samples, SAMPLES * sizeof *f.batch.samples);
        loss_batch_deinit(&f.batch);
        loss_batch_deinit(&parted.batch);
    }
}

/* Which labels are predicted, which there are, and which are both: the accuracy of classes, the micro F1 of sets. */
static void test_labels_are_counted(void **state)
{
    const struct shape shape = { .rank = 1, .dimension = { 3 } };
    const float classes[] = { 0.2f, 0.5f, 0.2f, 0.4f, 0.6f, 0.1f }, sets[] = { 0.9f, 0.1f, 0.8f, 0.6f, 0.4f, 0.7f };
    struct loss_tally tally = { .loss = 0 };
    struct loss_batch batch;

    (void)state;
    assert_int_equal(loss_batch_init(&batch, loss_find("cross-entropy"), &shape, 2), 0);
    batch.classes[0] = 2;
    batch.classes[1] = 1;
    loss_run(&batch, classes, 2, 0, NULL, NULL); /* 2 and 0 are the most probable */
    loss_add(&batch, 2, &tally);
    assert_int_equal(batch.samples[0].best, 2);
    assert_int_equal(batch.samples[1].best, 0);
    assert_true(loss_score(&tally) == 0.5);
    loss_batch_deinit(&batch);
    assert_int_equal(loss_batch_init(&batch, loss_find("binary-cross-entropy"), &shape, 2), 0);
    batch.values[0] = batch.values[5] = batch.values[4] = 1; /* {0, 2} of {0, 1}; {2} of {1, 2} */
    tally = (struct loss_tally){ .loss = 0 };
    loss_run(&batch, sets, 2, 0, NULL, NULL);
    loss_add(&batch, 2, &tally);
    assert_int_equal(tally.predicted, 4);
    assert_int_equal(tally.actual, 3);
    assert_int_equal(tally.correct, 2);
    assert_true(loss_score(&tally) == 4.0 / 7);
    loss_batch_deinit(&batch);
}

/* Padding is nothing that could be right, and moves nothing; a sample of padding alone has no loss. */
static void test_padding_weighs_nothing(void **state)
{
    const struct shape shape = { .rank = 2, .dimension = { 3, 2 } };
    const float output[] = { 0, 5, 2, 5, 1, 5, 3, 5, 9, 5, 1, 5 }; /* [word][position][sample] */
    float gradient[ARRAY_SIZE(output)];
    struct loss_tally tally = { .loss = 0 };
    struct loss_batch batch;

    (void)state;
    assert_int_equal(loss_batch_init(&batch, loss_find("sequence-cross-entropy"), &shape, 2), 0);
    for (size_t i = 0; i < 4; i++)
        batch.classes[i] = i ? -1 : 2;
    loss_run(&batch, output, 2, 0, gradient, NULL);
    loss_add(&batch, 2, &tally);
    assert_int_equal(tally.actual, 1);
    assert_int_equal(tally.predicted, 1);
    assert_int_equal(tally.correct, 1);
    assert_true(batch.samples[0].loss > 0 && batch.samples[0].loss < 0.001);
    assert_true(batch.samples[1].loss == 0);
    for (size_t i = 0; i < ARRAY_SIZE(gradient); i++)
        assert_true((gradient[i] != 0) == (i % 4 == 0));
    loss_batch_deinit(&batch);
}

static void test_the_impossible_is_a_large_loss_and_nan_is_nan(void **state)
{
    const struct shape shape = { .rank = 1, .dimension = { 2 } };
    const float output[] = { 1, NAN, 0, NAN }; /* [feature][sample] */
    struct loss_batch batch;

    (void)state;
    for (size_t i = 0; loss_at(i); i++) {
        assert_int_equal(loss_batch_init(&batch, loss_at(i), &shape, 2), 0);
        if (batch.classes)
            batch.classes[0] = 1;
        else
            batch.values[loss_at(i)->targets == TARGETS_SPECTRA ? 0 : 2] = 1;
        loss_run(&batch, output, 2, 0, NULL, NULL);
        assert_true(isfinite(batch.samples[0].loss));
        if (strcmp(loss_at(i)->name, "none") != 0)
            assert_true(batch.samples[0].loss > (loss_at(i)->joined ? 60 : 0));
        assert_true(isnan(batch.samples[1].loss));
        loss_batch_deinit(&batch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_and_gradients_are_what_the_formulae_say),
        cmocka_unit_test(test_a_teacher_is_followed),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_slices_are_batches),
        cmocka_unit_test(test_labels_are_counted),
        cmocka_unit_test(test_padding_weighs_nothing),
        cmocka_unit_test(test_the_impossible_is_a_large_loss_and_nan_is_nan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
