/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/balance.h"
#include "forge/train/batches.h"
#include "sparse/kernels/functions.h"

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

void balance_priors(const size_t *labels, size_t samples, size_t classes, float *bias)
{
    for (size_t c = 0; c < classes; c++)
        bias[c] = function_log((float)(labels[c] + 1)) - function_log((float)(samples - labels[c] + 1));
}

/* NULL when there are none, or something has been learned. */
static struct vector *first_biases(struct model *model, uint32_t value)
{
    const uint32_t inputs = model_value(model, 0);
    struct vector *bias = value < inputs ? NULL : &model->layers[value - inputs].vectors[0];

    if (!bias || !bias->data)
        return NULL;
    for (uint64_t i = 0; i < bias->count; i++) {
        if (bias->data[i] != 0)
            return NULL;
    }
    return bias;
}

int balance_begin(struct model *model, uint32_t value, const struct batches *batches, const uint32_t *samples,
                  size_t count)
{
    struct vector *bias = first_biases(model, value);
    cleanup_free size_t *labels = NULL;

    if (!bias || bias->count != shape_elements(model_output(model)))
        return 0;
    labels = memory_zalloc(bias->count, sizeof *labels);
    if (!labels)
        return -ENOMEM;
    if (batches_count_labels(batches, samples, count, labels))
        balance_priors(labels, count, bias->count, bias->data);
    return 0;
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

size_t *balance_count(const struct batches *batches, const uint32_t *samples, size_t count, size_t classes)
{
    size_t *counts = memory_zalloc(classes, sizeof *counts);

    if (!counts || batches_count_labels(batches, samples, count, counts))
        return counts;
    for (size_t i = 0; i < count; i++)
        counts[batches_class(batches, samples[i])]++;
    return counts;
}
