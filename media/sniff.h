/* SPDX-License-Identifier: Apache-2.0
 *
 * What bytes are, by how they begin; names of files say nothing.
 */
#ifndef MEDIA_SNIFF_H
#define MEDIA_SNIFF_H

#include <stddef.h>

enum format {
    FORMAT_UNKNOWN,
    FORMAT_PNG,
    FORMAT_JPEG,
    FORMAT_WAV,
    FORMAT_FLAC,
    FORMAT_OGG,
    FORMAT_OTHER, /* known, but not read */
};

/* `what`, for people, is "a PNG picture", "a ZIP archive"; NULL when FORMAT_UNKNOWN. It may be NULL. */
enum format sniff(const void *bytes, size_t length, const char **what);

#endif
