/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a FLAC file is whole that does not say how long it is, as one from a pipe. libFLAC passes over a frame that
 * is damaged or cut off, and only the number of samples in the head, when it is there, tells.
 */
#ifndef MEDIA_AUDIO_FLAC_H
#define MEDIA_AUDIO_FLAC_H

#include "base/byte_source.h"
#include "base/error.h"

/* WISP_E_FORMAT unless the file says how many samples it has, or is frames with right checksums to its end. */
int flac_check(struct byte_source *source, struct reason *why);

#endif
