/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of recordings share: one description, and a sound that has something in every value of its tensor.
 */
#ifndef TESTS_MEDIA_SOUND_H
#define TESTS_MEDIA_SOUND_H

#include <sndfile.h>

#include "unit/media/make.h"

enum { RATE = 8000, MELS = 40, FRAMES = 32, VALUES = MELS * FRAMES };

#define MP3 (SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III)

#define USUAL "{\"kind\":\"audio\",\"mels\":40,\"frames\":32" /* and more keys, and "}" */

/* Fails the test when it cannot be encoded. */
void encode_with(const char *json, struct bytes file, float *out);
void encode(struct bytes file, float *out); /* with the usual description */

/* A rising tone under an envelope: something in every band and frame. */
void fill_chirp(float *samples, size_t count, double rate, double amplitude);

#endif
