/* SPDX-License-Identifier: Apache-2.0
 *
 * What two networks lose against each other, and the gradients of it, against the formulae in double.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adversary_fixture.h"
#include "base/size.h"
#include "support/test.h"

/* ---- the losses ---- */

static double log_sigmoid(double d)
{
    return -log1p(exp(-d));
}

/* The published formulae; e: smoothing. */
static double formula(const char *name, enum adversarial_turn turn, double d, double e)
{
    if (!strcmp(name, "hinge"))
        return turn == TURN_REAL ? fmax(0, 1 - d) : turn == TURN_GENERATED ? fmax(0, 1 + d) : -d;
    switch (turn) {
    case TURN_REAL:
        return -(1 - e) * log_sigmoid(d) - e * log_sigmoid(-d);
    case TURN_GENERATED:
        return -log_sigmoid(-d);
    default:
        return -log_sigmoid(d);
    }
}

static void check_point(const struct adversarial_loss *loss, enum adversarial_turn turn, double d, double e)
{
    const struct adversarial_point point = loss->of[turn]((float)d, (float)e);
    const double h = 1e-6,
                 slope = (formula(loss->name, turn, d + h, e) - formula(loss->name, turn, d - h, e)) / (2 * h);
    const double expected = formula(loss->name, turn, d, e);

    if (!(fabs(point.loss - expected) < 2e-6 * (1 + fabs(expected))))
        fail_msg("%s %d at %g: loss %g, should be %g", loss->name, turn, d, point.loss, expected);
    if (!(fabs((double)point.slope - slope) < 1e-6 + 1e-4 * fabs(slope)))
        fail_msg("%s %d at %g: slope %g, should be %g", loss->name, turn, d, (double)point.slope, slope);
}

static void test_losses_are_what_was_published(void **state)
{
    const struct adversarial_loss *loss;

    (void)state;
    for (size_t i = 0; (loss = adversarial_loss_at(i)); i++) {
        assert_ptr_equal(adversarial_loss_find(loss->name), loss);
        for (int turn = 0; turn < TURN_COUNT; turn++) {
            for (double d = -20.25; d < 21; d += 0.5) {
                check_point(loss, (enum adversarial_turn)turn, d, 0);
                if (loss->smooths)
                    check_point(loss, (enum adversarial_turn)turn, d, 0.1);
            }
            assert_true(isnan(loss->of[turn](NAN, 0).loss));
        }
    }
    assert_null(adversarial_loss_find("wasserstein"));
    /* Seen through for sure, it still learns. */
    assert_true(adversarial_loss_at(0)->of[TURN_DECEIVE](-80, 0).slope == -1);
    assert_true(adversarial_loss_at(0)->of[TURN_DECEIVE](80, 0).slope < 0);
}

/* ---- gradients, against differences in double ---- */

/* One parameter that is a little more: the k-th of a layer's connections or biases. */
struct nudge {
    const struct layer *layer;
    bool bias;
    uint64_t k;
    double by;
};

static double nudged(const struct nudge *nudge, const struct layer *layer, bool bias, uint64_t k)
{
    const double value = (double)(bias ? layer->vectors[0].data[k] : layer->weight.values[k]);

    return value + (nudge && nudge->layer == layer && nudge->bias == bias && nudge->k == k ? nudge->by : 0);
}

static void run_linear(const struct layer *layer, const struct nudge *nudge, const double *in, double *out)
{
    const struct csr *w = &layer->weight;

    for (uint32_t r = 0; r < w->rows; r++) {
        out[r] = nudged(nudge, layer, true, r);
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
            out[r] += nudged(nudge, layer, false, k) * in[csr_column(w, k)];
    }
}

enum { WIDEST = 16 };

/* One sample through such a network; where a value has two parts, one follows the other. */
static void run_double(const struct model *model, const struct nudge *nudge, double (*values)[WIDEST])
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];
        double *out = values[model_value(model, i)], *in = values[layer->inputs[0]];
        const size_t width = shape_elements(&layer->shape);

        if (!strcmp(layer->kind->name, "linear")) {
            run_linear(layer, nudge, in, out);
        } else if (!strcmp(layer->kind->name, "tanh")) {
            for (size_t k = 0; k < width; k++)
                out[k] = tanh(in[k]);
        } else if (!strcmp(layer->kind->name, "sigmoid")) {
            for (size_t k = 0; k < width; k++)
                out[k] = 1 / (1 + exp(-in[k]));
        } else { /* concat */
            const size_t first = shape_elements(model_value_shape(model, layer->inputs[0]));

            memcpy(out, in, first * sizeof *out);
            memcpy(out + first, values[layer->inputs[1]], (width - first) * sizeof *out);
        }
    }
}

static double tell(const struct model *adversary, const struct nudge *nudge, const double *shown, const double *given)
{
    double values[LAYERS_MAX][WIDEST] = { { 0 } };

    memcpy(values[0], shown, GIVES * sizeof *shown);
    if (adversary->signature.input_count > 1)
        memcpy(values[1], given, GIVEN * sizeof *given);
    run_double(adversary, nudge, values);
    return values[model_value(adversary, adversary->layer_count - 1)][0];
}

/* Of the batch that has just been run: what the generator loses, and what the adversary does; sums over samples. */
static void lose(const struct bed *bed, const struct nudge *nudge, double *generator, double *adversary)
{
    const struct trainer *t = bed->trainer;
    const struct model *model = bed->f.model;
    const char *name = bed->recipe.adversarial_loss->name;
    const double e = bed->recipe.label_smoothing;

    *generator = *adversary = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double values[LAYERS_MAX][WIDEST] = { { 0 } }, target[GIVES];
        const double *y = values[model_value(model, model->layer_count - 1)];
        double number;

        for (uint32_t v = 0; v < model->signature.input_count; v++) {
            for (size_t k = 0; k < shape_elements(model_value_shape(model, v)); k++)
                values[v][k] = (double)forward_value(t->forward, v)[k * SAMPLES + i];
        }
        run_double(model, nudge, values);
        for (size_t k = 0; k < GIVES; k++) {
            target[k] = (double)t->batch.values[k * SAMPLES + i];
            if (!strcmp(t->loss->name, "binary-cross-entropy"))
                *generator -= target[k] * log(y[k]) + (1 - target[k]) * log(1 - y[k]);
            if (!strcmp(t->loss->name, "mse"))
                *generator += (y[k] - target[k]) * (y[k] - target[k]) / GIVES;
        }
        number = tell(bed->model, nudge, y, values[0]);
        *generator += bed->recipe.adversarial * formula(name, TURN_DECEIVE, number, 0);
        *adversary += formula(name, TURN_GENERATED, number, 0) +
                      formula(name, TURN_REAL, tell(bed->model, nudge, target, values[0]), e);
    }
}

/* Of all parameters of one of the two. */
static void check_gradient(const struct bed *bed, const struct model *of, const float *gradient)
{
    const struct trainer *t = of == bed->f.model ? bed->trainer : bed->trainer->setup.beside;

    for (uint32_t r = 0; r < t->parameters.run_count; r++) {
        const struct parameter_run *run = &t->parameters.runs[r];

        for (uint64_t k = 0; k < run->count; k++) {
            struct nudge nudge = { &of->layers[run->layer], !run->connections, k, 1e-5 };
            double more[2], less[2], slope;

            lose(bed, &nudge, &more[0], &more[1]);
            nudge.by = -1e-5;
            lose(bed, &nudge, &less[0], &less[1]);
            slope = (more[of != bed->f.model] - less[of != bed->f.model]) / 2e-5;
            if (!(fabs(slope - (double)gradient[run->begin + k]) < 2e-5 * (1 + fabs(slope))))
                fail_msg("%s, layer %s, %s %llu: %g, should be %g", of->name, nudge.layer->name,
                         nudge.bias ? "bias" : "connection", (unsigned long long)k, (double)gradient[run->begin + k],
                         slope);
        }
    }
}

static void check_gradients(struct bed *bed, const struct net *generator, const struct net *adversary)
{
    const float *gradient;
    double loss, other;
    struct reason why;

    lay(bed, make_net("g", generator, 1), make_net("d", adversary, 11), 2);
    for (size_t i = 0; generator->sigmoid && i < SAMPLES * GIVES; i++)
        bed->f.data.numbers[i] = bed->f.data.numbers[i] > 0;
    begin(bed);
    assert_ok(trainer_gradient(bed->trainer, 0, &gradient, &why), why);
    lose(bed, NULL, &loss, &other);
    assert_true(fabs(bed->loss - loss / SAMPLES) < 1e-5 * (1 + fabs(loss)));
    check_gradient(bed, bed->f.model, gradient);
    check_gradient(bed, bed->model, bed->trainer->setup.beside->gradient);
    clear(bed);
}

static void test_gradients_are_those_of_double_precision(void **state)
{
    const struct adversarial_loss *loss;

    (void)state;
    for (size_t i = 0; (loss = adversarial_loss_at(i)); i++) {
        /* With a rate of 0 the adversary stays what the gradients are of. */
        struct bed bed = { .recipe = { .epochs = 1,
                                       .batch = SAMPLES,
                                       .seed = 3,
                                       .adversarial = 0.7,
                                       .adversarial_loss = loss,
                                       .label_smoothing = loss->smooths ? 0.2 : 0 } },
                   other = bed, sure = bed;

        check_gradients(&bed, &plain_generator, &plain_adversary);
        other.recipe.loss = loss_find("none");
        check_gradients(&other, &noisy_generator, &seeing_adversary);
        sure.recipe.label_smoothing = 0;
        check_gradients(&sure, &sure_generator, &seeing_adversary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_are_what_was_published),
        cmocka_unit_test(test_gradients_are_those_of_double_precision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
