/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model's media description is when nobody says: guessed from the processing type and the number of inputs, and
 * normalised by the training data. What was decided stands in the model file, as if it had been given.
 */
#ifndef FORGE_EXPERIMENT_MEDIA_DEFAULT_H
#define FORGE_EXPERIMENT_MEDIA_DEFAULT_H

#include <stdint.h>

#include "base/pool.h"
#include "forge/data/dataset.h"

/* The kind of media that a processing type's modality takes. WISP_E_INVALID when no reader makes it. */
int media_kind_of(const char *processing, enum media_kind *out, struct reason *why);

/* image: a grey square, or an RGB one; text: so many features; audio: 40 mel bands. *out is JSON, freed by the caller.
 * WISP_E_INVALID when `inputs` allows no guess. */
int media_default(enum media_kind kind, uint64_t inputs, char **out, struct reason *why);

/* Pictures and sounds whose description has no "mean" get mean and deviation of these samples: those of each channel of
 * a picture, those of all values of a sound. Replaces *json. */
int media_normalise(char **json, const struct dataset *data, const uint32_t *which, size_t count, struct reason *why);

#endif
