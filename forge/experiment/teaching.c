/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "forge/experiment/media_default.h"
#include "forge/experiment/teaching.h"
#include "forge/plan/assemble.h"
#include "sparse/file/model_file.h"

static bool names_outputs(const struct model *model)
{
    const struct layer *last = &model->layers[model->layer_count - 1];

    return model->labels || last->kind->distribution == DISTRIBUTION_NONE;
}

static uint64_t inputs_of(const struct model *model)
{
    return shape_elements(&model->signature.inputs[0].shape);
}

/* What the pupil leaves open, and no option says. */
static int lend(const struct model *teacher, struct model *pupil, const struct experiment_options *o)
{
    int result = 0;

    if (!o->processing && !strcmp(pupil->processing, "raw"))
        memcpy(pupil->processing, teacher->processing, sizeof pupil->processing);
    if (!pupil->labels && teacher->labels && shape_equal(model_output(pupil), model_output(teacher)))
        result = model_set_labels(pupil, teacher->labels, teacher->label_count);
    if (!result && !pupil->media && !o->media && inputs_of(pupil) == inputs_of(teacher)) {
        result = model_set_text(&pupil->media, teacher->media);
        if (!result)
            result = model_set_idf(pupil, teacher->idf, teacher->idf_count);
    }
    return result;
}

int teaching_open(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    struct media_input taken;
    int result = model_read(o->teacher, &s->teacher, why);

    if (result)
        return refuse_in(why, result, "--teacher");
    if (!s->teacher->media || !names_outputs(s->teacher))
        return refuse(why, WISP_E_FORMAT, "--teacher %s: it does not say %s; was it trained?", o->teacher,
                      s->teacher->media ? "what its outputs are called" : "how inputs become tensors");
    result = media_of_model(s->teacher, &s->teacher_media, why);
    taken = media_input_of(s->teacher, 0);
    if (!result)
        result = media_check_words(s->teacher_media, &taken, why);
    if (result)
        return refuse_in(why, result, "--teacher %s, media", o->teacher);
    return lend(s->teacher, s->model, o) ? refuse(why, -ENOMEM, "out of memory") : 0;
}

int teaching_begin(const struct experiment *s, const struct recipe *recipe, struct teacher **out, struct reason *why)
{
    const struct teacher_setup setup = { .model = s->teacher,
                                         .media = s->teacher_media,
                                         .data = s->data,
                                         .pupil = s->model,
                                         .kernels = s->kernels,
                                         .pool = s->pool,
                                         .batch = recipe->batch,
                                         .keep = !augment_is_on(&recipe->augment) };
    int result = teacher_new(&setup, out, why);

    return result ? refuse_in(why, result, "--teacher %s", s->teacher->name) : 0;
}
