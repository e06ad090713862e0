/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "forge/train/schedule.h"

#define ONE_CYCLE_FIRST 0.04

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

/* From a 25th up to 1 over three tenths of the updates, and down to a ten-thousandth of that 25th (Smith and Topin,
 * 2017), each by half a cosine. */
static double one_cycle(double done)
{
    const double rise = 0.3, first = ONE_CYCLE_FIRST, last = ONE_CYCLE_FIRST * 1e-4;

    if (done < rise)
        return first + (1 - first) * half_cosine(1 - done / rise);
    return last + (1 - last) * half_cosine((done - rise) / (1 - rise));
}

static double constant(double done)
{
    (void)done;
    return 1;
}

static const struct schedule schedules[] = {
    { "cosine", half_cosine, 1, false },
    { "one-cycle", one_cycle, ONE_CYCLE_FIRST, true },
    { "step", steps, 1, false },
    { "constant", constant, 1, false },
};

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
