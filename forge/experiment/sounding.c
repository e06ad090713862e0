/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/experiment/sounding.h"
#include "forge/data/recordings/source.h"

int sounding_check(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    const struct shape *in = &s->model->signature.inputs[s->words.source].shape, *out = model_output(s->model);
    const bool answers = media_answer(s->media) == MEDIA_ANSWER_SOUND, loses = s->loss->targets == TARGETS_SPECTRA;

    if (!answers && !loses)
        return 0;
    if (!answers)
        return refuse(
            why, WISP_E_FORMAT,
            "%s: the loss %s is of networks whose media description has \"spectrum\" and \"answer\": \"sound\"",
            o->model, s->loss->name);
    if (!loses)
        return refuse(why, WISP_E_FORMAT,
                      "%s gives the masks of a sound, by its media description, and those are learned by --loss "
                      "masked-snr, as --processing audio.denoising has it; the loss here is %s",
                      o->model, s->loss->name);
    if (in->rank != 2 || out->rank != 2 || in->dimension[0] != out->dimension[0] ||
        in->dimension[1] != out->dimension[1])
        return refuse(why, WISP_E_FORMAT,
                      "%s: masks of spectra are as many numbers as the input, [frequencies][frames]", o->model);
    s->sounds = true;
    return 0;
}

int sounding_pair(const struct experiment *s, const struct experiment_options *o, struct dataset *set,
                  struct reason *why)
{
    const struct recordings_source source = { o->data, o->split, o->degrade, o->noise, o->skip_bad };

    return recordings_open(set, s->media, &source, why);
}
