/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files, in and out. Reading makes a private copy, which is then checked and used: a file that changes or shrinks
 * afterwards changes nothing here. Writing goes to a temporary name beside the target, is synced, and renamed over it:
 * a reader sees the old file or the new one, and a full disk leaves the old one.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Reads a regular file, or "-" for standard input, of at most `limit` bytes, into 64-byte aligned memory that the
 * caller frees; one zero byte follows the content. WISP_E_FORMAT when it is longer or not a regular file. */
int file_read(const char *path, size_t limit, void **data, size_t *size, struct reason *why);

/* The same for an open descriptor, which is not consumed; `name` is for the reason. */
int file_read_fd(int fd, const char *name, size_t limit, void **data, size_t *size, struct reason *why);

struct file_part {
    const void *data;
    size_t size;
};

/* Writes the parts in order as one atomic replacement of `path`, mode 0644 under the umask. */
int file_write(const char *path, const struct file_part *parts, size_t count, struct reason *why);

#endif
