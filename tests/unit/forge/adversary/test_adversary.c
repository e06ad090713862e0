/* SPDX-License-Identifier: Apache-2.0
 *
 * What two networks lose against each other, against the formulae in double.
 */
#include <math.h>
#include <string.h>

#include "forge/train/adversarial/adversarial_loss.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_are_what_was_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
