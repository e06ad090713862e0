/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a model's answers, against what scikit-learn 1.9.1 says of the same ones: accuracy_score,
 * balanced_accuracy_score and precision_recall_fscore_support, of classes and of labels of which a sample may have
 * several, at several thresholds. Answers and targets are formulae; the figures stand here as it printed them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/train/evaluate.h"
#include "support/test.h"

enum { SAMPLES = 97, BATCH = 40, FEATURES_MAX = 5 };

struct row {
    int samples;
    double recall, precision, f1;
};

static struct evaluation evaluation;

/* In batches of which the last is not full. */
static void run(const char *name, size_t features, float threshold, float (*answer)(size_t sample, size_t feature),
                float (*target)(size_t sample, size_t feature))
{
    const struct shape shape = { .rank = 1, .dimension = { (uint32_t)features } };
    float output[FEATURES_MAX * BATCH];
    struct loss_batch batch;

    assert_int_equal(loss_batch_init(&batch, loss_find(name), &shape, BATCH), 0);
    assert_int_equal(evaluation_init(&evaluation, &batch), 0);
    batch.threshold = threshold;
    for (size_t done = 0; done < SAMPLES; done += BATCH) {
        size_t count = MIN((size_t)BATCH, SAMPLES - done);

        for (size_t i = 0; i < count; i++) {
            for (size_t f = 0; f < features; f++) {
                output[f * count + i] = answer(done + i, f);
                if (batch.values)
                    batch.values[f * count + i] = target(done + i, f);
            }
            if (batch.classes)
                batch.classes[i] = (int32_t)target(done + i, 0);
        }
        loss_run(&batch, output, count, 0, NULL, NULL);
        evaluation_add(&evaluation, &batch, output, count);
    }
    loss_batch_deinit(&batch);
}

static void number_is(const json_t *object, const char *key, double expected)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value) || fabs(json_number_value(value) - expected) > 1e-11)
        fail_msg("%s is %.12f, not %.12f", key, json_number_value(value), expected);
}

static void rows_are(const json_t *rows, const struct row *expected, size_t count)
{
    assert_int_equal(json_array_size(rows), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);

        number_is(row, "samples", expected[i].samples);
        number_is(row, "recall", expected[i].recall);
        number_is(row, "precision", expected[i].precision);
        number_is(row, "f1", expected[i].f1);
    }
}

static float class_of(size_t sample, size_t feature)
{
    (void)feature;
    return sample % 3 ? (float)((sample * sample + sample / 7) % 5) : 0;
}

static float score_of(size_t sample, size_t class)
{
    size_t bonus = (float)class == class_of(sample, 0) ? 12 : 0;

    return ((float)((sample * 31 + class * 17) % 41 + bonus) + 0.5f) / 64;
}

static void classes_have_the_figures_of_scikit_learn(void **state)
{
    static const struct row rows[] = {
        { 49, 0.387755102041, 0.730769230769, 0.506666666667 }, { 12, 0.416666666667, 0.227272727273, 0.294117647059 },
        { 13, 0.384615384615, 0.263157894737, 0.312500000000 }, { 12, 0.333333333333, 0.363636363636, 0.347826086957 },
        { 11, 0.363636363636, 0.210526315789, 0.266666666667 },
    };
    json_t *said;

    (void)state;
    run("cross-entropy", 5, 0.5f, score_of, class_of);
    said = evaluation_json(&evaluation, NULL);
    number_is(said, "accuracy", 0.381443298969);
    number_is(said, "balanced_accuracy", 0.377201370059);
    number_is(said, "macro_f1", 0.345555413470);
    rows_are(json_object_get(said, "classes"), rows, ARRAY_SIZE(rows));
    assert_int_equal(json_integer_value(json_array_get(json_array_get(json_object_get(said, "confusion"), 0), 2)), 8);
    json_decref(said);
    evaluation_deinit(&evaluation);
}

static float probability_of(size_t sample, size_t label)
{
    return ((float)((sample * 29 + label * 13) % 37) + 0.5f) / 37;
}

static float has_label(size_t sample, size_t label)
{
    return (sample * 29 + label * 13) % 37 + 4 * ((sample * 7 + label * 3) % 5) > 13 + 7 * label;
}

static void labels_have_the_figures_of_scikit_learn(void **state)
{
    static const struct {
        float threshold;
        double micro[3], macro[3], exact; /* precision, recall, F1 */
        struct row rows[4];
    } cases[] = {
        { 0.5f,
          { 0.867724867725, 0.735426008969, 0.796116504854 },
          { 0.869126773050, 0.792147020079, 0.798388765902 },
          0.288659793814,
          { { 82, 0.573170731707, 1, 0.728682170543 },
            { 65, 0.723076923077, 1, 0.839285714286 },
            { 47, 0.872340425532, 0.872340425532, 0.872340425532 },
            { 29, 1, 0.604166666667, 0.753246753247 } } },
        { 0.2f,
          { 0.677215189873, 0.959641255605, 0.794063079777 },
          { 0.677215189873, 0.971763602251, 0.772803082586 },
          0.175257731959,
          { { 82, 0.902439024390, 0.936708860759, 0.919254658385 },
            { 65, 0.984615384615, 0.810126582278, 0.888888888889 },
            { 47, 1, 0.594936708861, 0.746031746032 },
            { 29, 1, 0.367088607595, 0.537037037037 } } },
        { 0.9f,
          { 0.977272727273, 0.192825112108, 0.322097378277 },
          { 0.977272727273, 0.220561812523, 0.351335792206 },
          0.010309278351,
          { { 82, 0.134146341463, 1, 0.236559139785 },
            { 65, 0.169230769231, 1, 0.289473684211 },
            { 47, 0.234042553191, 1, 0.379310344828 },
            { 29, 0.344827586207, 0.909090909091, 0.5 } } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        static const char *const names[] = { "precision", "recall", "f1" };
        json_t *said;
        char key[32];

        run("binary-cross-entropy", 4, cases[i].threshold, probability_of, has_label);
        said = evaluation_json(&evaluation, NULL);
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            snprintf(key, sizeof key, "micro_%s", names[k]);
            number_is(said, key, cases[i].micro[k]);
            snprintf(key, sizeof key, "macro_%s", names[k]);
            number_is(said, key, cases[i].macro[k]);
        }
        number_is(said, "exact_match", cases[i].exact);
        /* What a training is told of is the same figure. */
        assert_float_equal(evaluation_accuracy(&evaluation), cases[i].micro[2], 1e-11);
        rows_are(json_object_get(said, "labels"), cases[i].rows, 4);
        json_decref(said);
        evaluation_deinit(&evaluation);
    }
}

/* Labels of words: what is no word does not count, and of a label that the model does not know nothing is right. */
static void test_words_are_counted(void **state)
{
    enum { O, A, B, WORDS = 4 };
    char o[] = "O", a[] = "A", b[] = "B", *const labels[] = { o, a, b };
    const struct shape shape = { .rank = 2, .dimension = { 3, WORDS } };
    const int32_t targets[WORDS * 2] = { A, O, A, B, LOSS_UNKNOWN, A, LOSS_NONE, LOSS_UNKNOWN }; /* [word][sample] */
    const int32_t said[WORDS * 2] = { A, O, O, B, B, B, A, O };
    float output[3 * WORDS * 2];
    struct label_counts others;
    struct loss_batch batch;
    json_t *json;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(output); i++)
        output[i] = (int32_t)(i / (WORDS * 2)) == said[i % (WORDS * 2)] ? 0.8f : 0.1f;
    assert_int_equal(loss_batch_init(&batch, loss_find("cross-entropy"), &shape, 2), 0);
    assert_int_equal(evaluation_init(&evaluation, &batch), 0);
    memcpy(batch.classes, targets, sizeof targets);
    loss_run(&batch, output, 2, 0, NULL, NULL);
    evaluation_add(&evaluation, &batch, output, 2);
    assert_int_equal(evaluation.tally.actual, 7);
    assert_int_equal(evaluation.tally.correct, 3);
    assert_true(evaluation_others(&evaluation, labels, &others));
    assert_true(others.actual == 6 && others.predicted == 4 && others.correct == 2);
    json = evaluation_json(&evaluation, labels);
    number_is(json, "accuracy", 3.0 / 7);
    number_is(json, "f1", 0.4);
    number_is(json, "words", 7);
    number_is(json, "majority", 3.0 / 7);
    number_is(json_array_get(json_object_get(json, "classes"), B), "precision", 1.0 / 3);
    json_decref(json);
    evaluation_deinit(&evaluation);
    loss_batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_counted),
        cmocka_unit_test(classes_have_the_figures_of_scikit_learn),
        cmocka_unit_test(labels_have_the_figures_of_scikit_learn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
