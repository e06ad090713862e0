/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether an Ogg file is whole. The libraries that read it pass over pages that are damaged or cut off, and play on.
 */
#ifndef MEDIA_AUDIO_OGG_H
#define MEDIA_AUDIO_OGG_H

#include "base/byte_source.h"
#include "base/error.h"

/* WISP_E_FORMAT unless the file is pages, one behind the other, each with its checksum, and the last is marked so. */
int ogg_check(struct byte_source *source, struct reason *why);

#endif
