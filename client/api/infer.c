/* SPDX-License-Identifier: Apache-2.0
 *
 * The common cases in one call, on top of what any program could call itself.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/api/request.h"
#include "client/client.h"
#include "client/last_error.h"
#include "client/model.h"

CLEANUP_DEFINE(request, wisp_request, wisp_request_free)

static int check_simple(const wisp_model *model)
{
    if (tensors_are_plain(&model->inputs) && tensors_are_plain(&model->outputs))
        return 0;
    return last_error_set(WISP_E_SHAPE,
                          "%s has not just one input and one output of float32, which wisp_infer() is for: make a "
                          "request, and write each input where wisp_request_input_tensor() says",
                          model->name);
}

WISP_EXPORT int wisp_infer(wisp_client *client, const wisp_model *model, const float *input, uint32_t rows,
                           float *output, struct wisp_timings *timings)
{
    cleanup(request_at_exit) wisp_request *request = NULL;
    uint64_t deadline = wisp_private_answer_by(client);
    int result = check_simple(model);

    if (!result)
        result = wisp_request_new(client, model, rows, &request);
    if (result)
        return result;
    memcpy(wisp_request_input(request), input, rows * wisp_model_input_size(model) * sizeof *input);
    result = wisp_private_run(request, deadline);
    if (result)
        return result;
    memcpy(output, wisp_request_output(request), rows * wisp_model_output_size(model) * sizeof *output);
    if (timings)
        wisp_request_timings(request, timings);
    return 0;
}

/* ---- the most probable labels ---- */

/* As much of the text as fits, without cutting a UTF-8 character. */
static void copy_text(char *out, size_t capacity, const char *text)
{
    size_t length = strnlen(text, capacity);

    if (length == capacity) {
        length--;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out, text, length);
    out[length] = 0;
}

static struct wisp_label make_label(const wisp_model *model, size_t index, float probability)
{
    struct wisp_label label = { .index = (uint32_t)index, .probability = probability };
    const char *name = wisp_model_label(model, index);

    if (name)
        copy_text(label.name, sizeof label.name, name);
    else
        snprintf(label.name, sizeof label.name, "class %zu", index);
    return label;
}

/* An answer in which something is not finite has no order: a finite input has overflowed on its way. */
static int check_finite(const wisp_model *model, const float *output)
{
    for (size_t i = 0; i < model->outputs.list[0].elements; i++) {
        if (!isfinite(output[i]))
            return last_error_set(
                WISP_E_INVALID,
                "the answer of %s has no labels: output %zu is %g; its input is out of the range that it can "
                "compute with",
                wisp_model_name(model), i, (double)output[i]);
    }
    return 0;
}

/* Labels are those of the first output. */
static int check_labelled(const wisp_model *model)
{
    const struct tensor *output = &model->outputs.list[0];

    if (output->dtype == WISP_FLOAT32)
        return 0;
    return last_error_set(WISP_E_SHAPE, "output %s of %s is not of float32, and has no most probable labels",
                          output->name, model->name);
}

WISP_EXPORT int wisp_top(const wisp_model *model, const float *output, struct wisp_label *top, size_t *count)
{
    size_t classes = model->outputs.list[0].elements, wanted = MIN(*count, classes), have = 0;
    int result = check_labelled(model);

    if (!result)
        result = check_finite(model, output);

    if (result) {
        *count = 0;
        return result;
    }
    for (size_t i = 0; i < classes && wanted; i++) {
        size_t at = have;

        if (have == wanted && output[i] <= top[have - 1].probability)
            continue;
        if (have == wanted)
            at--;
        else
            have++;
        /* Equal ones stay in the order of their index. */
        for (; at && output[i] > top[at - 1].probability; at--)
            top[at] = top[at - 1];
        top[at] = (struct wisp_label){ .index = (uint32_t)i, .probability = output[i] };
    }
    for (size_t i = 0; i < have; i++)
        top[i] = make_label(model, top[i].index, top[i].probability);
    insist(have == wanted, "%zu of %zu", have, wanted);
    *count = have;
    return 0;
}
