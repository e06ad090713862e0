/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "forge/train/balance.h"

enum { UNEVEN = 2 };

static const char *const names[] = {
    [BALANCE_AUTO] = "auto", [BALANCE_NONE] = "none", [BALANCE_ROOT] = "root", [BALANCE_FULL] = "full"
};

const char *balance_name(enum balance balance)
{
    return names[balance];
}

int balance_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(names[i], name))
            return (int)i;
    }
    return -1;
}

static size_t most_of(const size_t *samples, size_t classes)
{
    size_t max = 0;

    for (size_t c = 0; c < classes; c++)
        max = MAX(max, samples[c]);
    return max;
}

enum balance balance_choose(enum balance wanted, const size_t *samples, size_t classes)
{
    size_t max = most_of(samples, classes);

    if (wanted != BALANCE_AUTO)
        return wanted;
    for (size_t c = 0; c < classes; c++) {
        if (samples[c] && samples[c] < max / UNEVEN)
            return BALANCE_ROOT;
    }
    return BALANCE_NONE;
}

void balance_weights(enum balance balance, const size_t *samples, size_t classes, float *weights)
{
    double max = (double)most_of(samples, classes), sum = 0, all = 0;

    for (size_t c = 0; c < classes; c++) {
        double rare = samples[c] ? MIN(max / (double)samples[c], BALANCE_MAX) : 1;

        rare = balance == BALANCE_FULL ? rare : balance == BALANCE_ROOT ? sqrt(rare) : 1;
        weights[c] = (float)rare;
        sum += rare * (double)samples[c];
        all += (double)samples[c];
    }
    for (size_t c = 0; c < classes && balance != BALANCE_NONE && sum > 0; c++)
        weights[c] = (float)((double)weights[c] * all / sum);
}
