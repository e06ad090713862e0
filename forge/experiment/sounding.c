/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "forge/data/recordings/recordings.h"
#include "forge/experiment/sounding.h"

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

/* Recordings of noise, of the split that the data are of. */
static int read_noise(const struct experiment_options *o, struct dataset **out, struct reason *why)
{
    const struct dataset_wish wish = {
        .path = o->noise, .split = o->split, .kind = MEDIA_AUDIO, .unlabelled = true, .skip_bad = o->skip_bad
    };
    const int result = dataset_read(&wish, out, why);

    return result ? refuse_in(why, result, "--noise") : 0;
}

int sounding_pair(const struct experiment *s, const struct experiment_options *o, struct dataset *set,
                  struct reason *why)
{
    struct recordings_wish wish = { .media = s->media, .mixed = o->degrade != NULL, .skip_bad = o->skip_bad };
    size_t length = strlen(o->data);
    cleanup_free char *root = NULL;
    int result = o->degrade ? mixing_parse(o->degrade, &wish.mixing, why) : 0;

    if (result)
        return result;
    while (length > 1 && o->data[length - 1] == '/')
        length--;
    wish.root = root = strndup(o->data, length);
    if (!root)
        return refuse_errno(why, -ENOMEM, "%s", o->data);
    if (o->noise && (result = read_noise(o, &wish.noise, why)))
        return result;
    result = recordings_make(set, &wish, why);
    return result ? refuse_in(why, result, "%s (%s)", o->data, o->split) : 0;
}
