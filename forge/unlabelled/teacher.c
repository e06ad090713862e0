/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/unlabelled/teacher.h"
#include "sparse/passes/forward.h"

struct teacher {
    const struct model *model;
    struct batches *batches;
    struct forward *forward;
};

static int check_labels(const struct model *teacher, const struct model *pupil, struct reason *why)
{
    for (size_t i = 0; teacher->labels && pupil->labels && i < MIN(teacher->label_count, pupil->label_count); i++) {
        if (strcmp(teacher->labels[i], pupil->labels[i]) != 0)
            return refuse(why, WISP_E_FORMAT,
                          "its output %zu is \"%.60s\", the pupil's is \"%.60s\"; --labels gives the pupil others",
                          i + 1, teacher->labels[i], pupil->labels[i]);
    }
    return 0;
}

/* What one of them says is what the other is to say. */
static int check_outputs(const struct model *teacher, const struct model *pupil, struct reason *why)
{
    const struct layer *said = &teacher->layers[teacher->layer_count - 1];
    const struct layer *learned = &pupil->layers[pupil->layer_count - 1];
    const unsigned long long count = shape_elements(model_output(teacher));

    if (!model_is_simple(teacher))
        return refuse(why, WISP_E_FORMAT, "it has several inputs or outputs; a teacher has one of each");
    if (!shape_equal(model_output(teacher), model_output(pupil)))
        return refuse(why, WISP_E_FORMAT,
                      "it has %llu outputs, the pupil has %llu; build the pupil with --layers …-%llu, or --outputs "
                      "%llu",
                      count, (unsigned long long)shape_elements(model_output(pupil)), count, count);
    if (said->kind->distribution != learned->kind->distribution)
        return refuse(why, WISP_E_FORMAT, "it ends in a %s, the pupil in a %s; let both end alike", said->kind->name,
                      learned->kind->name);
    return check_labels(teacher, pupil, why);
}

static int check(const struct teacher_setup *s, struct reason *why)
{
    const unsigned long long inputs = shape_elements(&s->model->signature.inputs[0].shape);
    int result = check_outputs(s->model, s->pupil, why);

    if (result)
        return result;
    if (media_kind(s->media) != s->data->kind)
        return refuse(why, WISP_E_FORMAT, "it takes inputs of another kind than the pupil and these data have");
    if (media_elements(s->media) != inputs)
        return refuse(why, WISP_E_FORMAT, "its media description gives %zu values, but its input has %llu",
                      media_elements(s->media), inputs);
    return 0;
}

static int open_teacher(struct teacher *t, const struct teacher_setup *s, struct reason *why)
{
    int result = check(s, why);

    t->model = s->model;
    if (!result)
        result = batches_new(s->data, s->media, s->pool, s->keep, &t->batches, why);
    if (result)
        return result;
    return forward_new(
        &(struct forward_setup){ .model = t->model,
                                 .kernels = s->kernels,
                                 .mode = LAYER_EVALUATE,
                                 .batch = s->batch,
                                 .pool = s->pool,
                                 .sparse_input = batches_are_sparse(t->batches) && forward_takes_sparse(t->model) },
        &t->forward, why);
}

int teacher_new(const struct teacher_setup *setup, struct teacher **out, struct reason *why)
{
    struct teacher *made = calloc(1, sizeof *made);
    int result = made ? open_teacher(made, setup, why) : refuse_errno(why, -ENOMEM, "teacher");

    if (result) {
        teacher_free(made);
        return result;
    }
    *out = made;
    return 0;
}

struct teacher *teacher_free(struct teacher *teacher)
{
    if (teacher) {
        forward_free(teacher->forward);
        batches_free(teacher->batches);
        free(teacher);
    }
    return NULL;
}

int teacher_answer(void *argument, const struct batch *batch, float *values, struct reason *why)
{
    struct teacher *teacher = argument;
    struct recipe recipe;
    struct batch seen = *batch;
    int result;

    if (batch->recipe) {
        recipe = *batch->recipe;
        recipe.input_dropout = 0;
        seen.recipe = &recipe;
    }
    result = batches_forward(teacher->batches, &seen, teacher->forward, LAYER_EVALUATE, why);
    if (!result)
        memcpy(values, forward_value(teacher->forward, model_value(teacher->model, teacher->model->layer_count - 1)),
               shape_elements(model_output(teacher->model)) * batch->count * sizeof *values);
    return result;
}
