/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "forge/train/adversarial/adversarial_loss.h"
#include "sparse/kernels/functions.h"

/* log(1 + exp(x)), which is -log(1 - s(x)). NaN for NaN. */
static double softplus(float x)
{
    const float above = x > 0 ? x : 0;

    return (double)above + (double)function_log(1 + function_exp(-fabsf(x)));
}

/* ---- logistic ---- */

static struct adversarial_point logistic_real(float d, float smoothing)
{
    const double e = (double)smoothing;

    return (struct adversarial_point){ (1 - e) * softplus(-d) + e * softplus(d),
                                       function_sigmoid(d) - (1 - smoothing) };
}

static struct adversarial_point logistic_generated(float d, float smoothing)
{
    (void)smoothing;
    return (struct adversarial_point){ softplus(d), function_sigmoid(d) };
}

/* -s(-d), not s(d) - 1: where d is large, that has lost its digits. */
static struct adversarial_point logistic_deceive(float d, float smoothing)
{
    (void)smoothing;
    return (struct adversarial_point){ softplus(-d), -function_sigmoid(-d) };
}

/* ---- hinge ---- */

/* max(0, 1 + x), by x. NaN for NaN. */
static struct adversarial_point hinge(float x)
{
    return x <= -1 ? (struct adversarial_point){ 0, 0 } : (struct adversarial_point){ 1 + (double)x, 1 };
}

static struct adversarial_point hinge_real(float d, float smoothing)
{
    struct adversarial_point point = hinge(-d);

    (void)smoothing;
    point.slope = -point.slope;
    return point;
}

static struct adversarial_point hinge_generated(float d, float smoothing)
{
    (void)smoothing;
    return hinge(d);
}

static struct adversarial_point hinge_deceive(float d, float smoothing)
{
    (void)smoothing;
    return (struct adversarial_point){ -(double)d, -1 };
}

static const struct adversarial_loss losses[] = {
    { "logistic", true, { logistic_real, logistic_generated, logistic_deceive } },
    { "hinge", false, { hinge_real, hinge_generated, hinge_deceive } },
};

const struct adversarial_loss *adversarial_loss_at(size_t index)
{
    return index < ARRAY_SIZE(losses) ? &losses[index] : NULL;
}

const struct adversarial_loss *adversarial_loss_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
        if (!strcmp(losses[i].name, name))
            return &losses[i];
    }
    return NULL;
}
