/* SPDX-License-Identifier: Apache-2.0
 *
 * What bytes are, by how they begin; names of files say nothing.
 */
#ifndef MEDIA_SPEC_SNIFF_H
#define MEDIA_SPEC_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

enum format {
    FORMAT_UNKNOWN,
    FORMAT_PNG,
    FORMAT_JPEG,
    FORMAT_WAV,
    FORMAT_AIFF,
    FORMAT_AU,
    FORMAT_FLAC,
    FORMAT_OGG,
    FORMAT_MP3,
    FORMAT_OTHER, /* known, but not read */
};

/* What is read, for people. */
#define FORMATS_OF_PICTURES "PNG or JPEG"
#define FORMATS_OF_SOUNDS   "WAV, AIFF, AU, FLAC, Ogg (Vorbis, Opus) or MP3"

/* `what`, for people, is "a PNG picture", "a ZIP archive"; NULL when FORMAT_UNKNOWN. It may be NULL. Programs put an
 * ID3 tag before any sound: what counts is what follows it. */
enum format sniff(const void *bytes, size_t length, const char **what);

/* The same of what follows a tag, or of a file without one, of which the first 64 bytes are enough. */
enum format sniff_behind(const void *bytes, size_t length, bool tagged, const char **what);

/* Bytes of the ID3 tag that a file begins with; 0 when there is none, all when it does not end. Ten bytes
 * are looked at. */
size_t sniff_id3(const void *bytes, size_t length);

#endif
