/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "forge/plan/sampling.h"
#include "sparse/construct/sample.h"

static const char *const way_names[] = { [SAMPLING_EXACT] = "exact", [SAMPLING_BERNOULLI] = "bernoulli" };
static const char *const granularity_names[] = { [false] = "weight", [true] = "kernel" };

/* Which of two words it is; -1: neither. */
static int either(const char *text, const char *const words[static 2])
{
    for (int i = 0; text && i < 2; i++) {
        if (!strcmp(text, words[i]))
            return i;
    }
    return -1;
}

bool sampling_way_parse(const char *text, enum sampling_way *out)
{
    int which = either(text, way_names);

    if (which >= 0)
        *out = (enum sampling_way)which;
    return which >= 0;
}

bool sampling_granularity_parse(const char *text, bool *kernels)
{
    int which = either(text, granularity_names);

    if (which >= 0)
        *kernels = which;
    return which >= 0;
}

bool sampling_weights_parse(const char *text, struct sampling *out)
{
    static const char constant[] = "constant=";
    double value;

    if (!strcmp(text, "scaled") || !strcmp(text, "inherited")) {
        out->weights = *text == 's' ? WEIGHTS_SCALED : WEIGHTS_INHERITED;
        return true;
    }
    if (!strcmp(text, "zero"))
        text = "constant=0";
    if (strncmp(text, constant, strlen(constant)) != 0 || !parse_real(text + strlen(constant), &value) ||
        !isfinite((float)value))
        return false;
    out->weights = WEIGHTS_CONSTANT;
    out->constant = (float)value;
    return true;
}

void sampling_describe(const struct sampling *sampling, json_t *object)
{
    char weights[48] = "scaled";

    if (sampling->weights == WEIGHTS_INHERITED)
        snprintf(weights, sizeof weights, "inherited");
    else if (sampling->weights == WEIGHTS_CONSTANT)
        snprintf(weights, sizeof weights, "constant=%.9g", (double)sampling->constant);
    json_object_set_new(object, "sampling", json_string(way_names[sampling->way]));
    json_object_set_new(object, "granularity", json_string(granularity_names[sampling->kernels]));
    json_object_set_new(object, "repair", json_boolean(sampling->repair));
    json_object_set_new(object, "weights", json_string(weights));
}

struct sampling sampling_of_description(const json_t *object)
{
    struct sampling sampling = { .repair = json_is_true(json_object_get(object, "repair")) };
    const char *weights = json_string_value(json_object_get(object, "weights"));

    sampling_way_parse(json_string_value(json_object_get(object, "sampling")), &sampling.way);
    sampling_granularity_parse(json_string_value(json_object_get(object, "granularity")), &sampling.kernels);
    if (weights)
        sampling_weights_parse(weights, &sampling);
    return sampling;
}

int sampling_draw(const struct sampling *sampling, const struct sampling_source *d, struct csr *out, uint64_t *moved,
                  struct reason *why)
{
    /* Whole kernels are drawn and repaired as pairs of channels, and spread out at the end. */
    uint32_t spread = sampling->kernels ? d->area : 1;
    uint32_t columns = d->columns / spread, area = d->area / spread;
    struct csr drawn = CSR_NULL;
    int result;

    *moved = 0;
    if (sampling->way == SAMPLING_BERNOULLI)
        result = sample_bernoulli(d->rows, columns, d->probability, d->seed, d->stream, &drawn, why);
    else
        result =
            sample_connections_by(d->pool, d->rows, columns, d->connections / spread, d->seed, d->stream, &drawn, why);
    if (!result && sampling->repair)
        result = sample_repair(&drawn, area, d->seed, d->stream, moved, why);
    if (!result && spread > 1)
        result = sample_spread(&drawn, spread, why);
    if (result)
        csr_deinit(&drawn);
    else
        *out = drawn;
    *moved *= spread;
    return result;
}
