/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model's media description is when nobody says: guessed from the processing type and the number of inputs, and
 * completed by the training data. What was decided stands in the model file, as if it had been given.
 */
#ifndef FORGE_EXPERIMENT_MEDIA_DEFAULT_H
#define FORGE_EXPERIMENT_MEDIA_DEFAULT_H

#include <stdint.h>

#include "base/pool.h"
#include "forge/data/dataset.h"
#include "forge/experiment/media_option.h"
#include "forge/experiment/split.h"
#include "sparse/graph/model.h"

/* The kind of media that a processing type's modality takes. WISP_E_INVALID when no reader makes it. */
int media_kind_of(const char *processing, enum media_kind *out, struct reason *why);

/* What one of the model's inputs takes. */
struct media_input media_input_of(const struct model *model, uint32_t input);

/* Of one of the model's inputs. image: a grey square, or an RGB one; text: so many features, of words, pairs of them
 * where there is room, and single characters, weighed by idf, or so many numbers of words where the model looks words
 * up, of a vocabulary where it knows enough of them; audio: 40 mel bands, of frames of 16 ms where what is said is
 * written down. *out is JSON, freed by the caller. WISP_E_INVALID when its input allows no guess. */
int media_default(enum media_kind kind, const struct model *model, uint32_t input, char **out, struct reason *why);

/* Of recordings, once there are some: when most have 16 kHz or more, those that media_default() leaves out are heard,
 * by windows that last as long. */
int media_follow_rate(char **json, const struct dataset *data, struct reason *why);

/* The model's description of its input, understood; with the idf, where it has one. */
int media_of_model(const struct model *model, struct media **out, struct reason *why);

/* What the training samples say of it. Pictures and sounds whose description has no "mean" get mean and deviation:
 * those of each channel of a picture, those of all values of a sound. Texts whose description calls for an idf get it,
 * unless the model has one, and those that are to have a vocabulary (spelling.h). */
int media_complete(struct model *model, const struct dataset *data, const struct split *split, struct pool *pool,
                   struct reason *why);

#endif
