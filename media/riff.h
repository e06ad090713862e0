/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a WAV file holds the samples that it announces. libsndfile reads what is there of a file that was cut off,
 * and says nothing.
 */
#ifndef MEDIA_RIFF_H
#define MEDIA_RIFF_H

#include <stddef.h>

#include "base/error.h"

/* WISP_E_FORMAT when the chunk of samples is missing or runs past the end; a size that stands for "unknown", as
 * programs write it into a pipe, is none. */
int riff_check(const void *bytes, size_t length, struct reason *why);

#endif
