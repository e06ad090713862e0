/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "forge/train/schedule.h"

/* cos(pi t) = sin(x) with x = pi (1/2 - t) in [-pi/2, pi/2]: the sine's series to x^15. libm's cosine may differ in the
 * last bit from one CPU to the next. */
double half_cosine(double t)
{
    const double pi = 3.14159265358979323846;
    double x = pi * (0.5 - t), square = x * x, sum = 0;

    for (int n = 15; n >= 3; n -= 2)
        sum = (1 + sum) * -square / (double)(n * (n - 1));
    return 0.5 * (1 + x * (1 + sum));
}

/* By ten at half, and again at three quarters. */
static double steps(double done)
{
    return done < 0.5 ? 1 : done < 0.75 ? 0.1 : 0.01;
}

static double constant(double done)
{
    (void)done;
    return 1;
}

static const struct schedule schedules[] = { { "cosine", half_cosine }, { "step", steps }, { "constant", constant } };

const struct schedule *schedule_at(size_t index)
{
    return index < ARRAY_SIZE(schedules) ? &schedules[index] : NULL;
}

const struct schedule *schedule_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(schedules); i++) {
        if (!strcmp(schedules[i].name, name))
            return &schedules[i];
    }
    return NULL;
}
