/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes that are asked for by their place: of memory, or of a file of which no more than a window is in memory, so that
 * who reads a format needs to know only one of the two, and a file may be of any length.
 *
 * Whoever asks stays within `length`. A file that cannot be read, or has become shorter, gives zeroes from there on and
 * leaves `error`: who reads a format may say what is wrong with zeroes, and whoever opened the file looks there first.
 */
#ifndef BASE_BYTE_SOURCE_H
#define BASE_BYTE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

enum { BYTE_SOURCE_MAX = 65536 }; /* bytes that are asked for at once */

struct byte_source {
    uint64_t length, before; /* how many there are, and what is passed over before them */
    const uint8_t *memory;   /* NULL: it is a file */
    int fd;                  /* the caller's */
    int64_t origin;          /* where in the file its bytes begin, what is passed over among them */
    uint8_t *window;
    uint64_t begin; /* of the window's bytes, and how many those are */
    size_t held;
    int error; /* -errno */
};

void byte_source_of_memory(struct byte_source *source, const void *bytes, size_t length);

/* A regular file, from where it stands to its end. -ENOMEM, -errno. */
int byte_source_of_file(struct byte_source *source, int fd);

void byte_source_deinit(struct byte_source *source); /* the descriptor stays open */

/* From now on there is nothing but what follows the first `before` bytes, of all that there ever were. */
void byte_source_pass(struct byte_source *source, uint64_t before);

/* `count` bytes from `at` on, lent until the next call. */
const uint8_t *byte_source_at(struct byte_source *source, uint64_t at, size_t count);

/* Up to `count` bytes into `out`; how many there are. */
size_t byte_source_copy(struct byte_source *source, uint64_t at, void *out, size_t count);

#endif
