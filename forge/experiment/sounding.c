/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/outcome.h"
#include "forge/data/pairs/partners.h"
#include "forge/data/recordings/source.h"
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

/* What was asked for; or, of recordings of which none is said to be one of a pair, what their type is there to undo. Of
 * several of one event there are no pairs. */
static const char *choose_degradation(const struct experiment *s, const struct experiment_options *o,
                                      const struct dataset *set, const char *root)
{
    const bool several = media_recordings(s->media) > 1;
    const char *usual = several ? "damage=-3:12" : "mix=0:10";

    if (o->degrade || (!several && partners_are_named(set, root)))
        return o->degrade;
    if (!o->quiet)
        warn_user(s->verb, "the recordings are no pairs: they are made into them by --degrade %s, as for %s", usual,
                  s->model->processing);
    return usual;
}

int sounding_pair(const struct experiment *s, const struct experiment_options *o, struct dataset *set,
                  struct reason *why)
{
    struct recordings_source source = {
        .path = o->data, .split = o->split, .noise = o->noise, .skip_bad = o->skip_bad
    };
    size_t length = strlen(o->data);
    cleanup_free char *root = NULL;

    while (length > 1 && o->data[length - 1] == '/')
        length--;
    root = strndup(o->data, length);
    if (!root)
        return refuse_errno(why, -ENOMEM, "%s", o->data);
    source.degrade = choose_degradation(s, o, set, root);
    if (o->noise && !source.degrade)
        return refuse(why, WISP_E_INVALID, "--noise is what --degrade mix=LOW:HIGH mixes with recordings");
    return recordings_open(set, s->media, &source, why);
}
