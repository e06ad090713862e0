/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks that learn words (TARGETS_WORDS): one that goes on with a text has one input; one that translates has two,
 * called "source" and "target", and its data are pairs. The target's words are numbered as the model's description of
 * its input has them numbered, as many as the embedding that looks them up has.
 */
#ifndef FORGE_EXPERIMENT_WORDING_H
#define FORGE_EXPERIMENT_WORDING_H

#include "forge/experiment/experiment.h"

/* Which of the model's inputs read what, but for noise. WISP_E_FORMAT when that is not to be told. */
int wording_inputs(const struct model *model, const struct batches_noise *noise, struct batches_words *out,
                   struct reason *why);

/* Understands the model's description of its input, the first time or after it was changed; and the target's, if it is
 * there. WISP_E_FORMAT, -ENOMEM. */
int wording_describe(struct experiment *experiment, struct reason *why);

/* Of an experiment whose model and media are there: the description of the target, and whether words are what the
 * output has numbers for. WISP_E_FORMAT. */
int wording_open(struct experiment *experiment, struct reason *why);

/* Whether there are labels at each of the words, where each gets one; and only there. WISP_E_FORMAT. */
int wording_check_tags(const struct experiment *experiment, struct reason *why);

/* Whether each word of a text gets one of the labels. */
static inline bool wording_is_tagged(const struct experiment *experiment)
{
    return media_is_of_words(experiment->media) && experiment->loss->targets == TARGETS_CLASS;
}

/* Whether what is learned is what is said in recordings: then the data have labels, one for each of the output's
 * features. */
static inline bool wording_is_spoken(const struct experiment *experiment)
{
    return experiment->words.apart && media_kind(experiment->media) == MEDIA_AUDIO;
}

#endif
