/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files, in and out. Reading makes a private copy, which is then checked and used: a file that changes or shrinks
 * afterwards changes nothing here. Writing goes to a file without a name in the target's folder, is synced, and gets
 * the name: a reader sees the old file or the new one, a full disk leaves the old one, and a process that is killed
 * leaves nothing.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Reads a regular file, or "-" for standard input, of at most `limit` bytes, into 64-byte aligned memory that the
 * caller frees; one zero byte follows the content. WISP_E_FORMAT when it is longer or not a regular file. */
int file_read(const char *path, size_t limit, void **data, size_t *size, struct reason *why);

/* The same for an open descriptor, which is not consumed; `name` is for the reason. */
int file_read_fd(int fd, const char *name, size_t limit, void **data, size_t *size, struct reason *why);

/* Opens what a person named to be read: a regular file, "-" for standard input, or a pipe, as the shell's <(…) is. The
 * descriptor is the caller's. WISP_E_FORMAT for anything else; -errno. */
int file_open(const char *path, int *fd, struct reason *why);

/* Such a file or pipe as file_read() reads a file. */
int file_read_or_pipe(const char *path, size_t limit, void **data, size_t *size, struct reason *why);

struct file_part {
    const void *data;
    size_t size;
};

/* Writes the parts in order as one atomic replacement of `path`, mode 0644 under the umask. */
int file_write(const char *path, const struct file_part *parts, size_t count, struct reason *why);

/* Whether a file may be made there, or take the place of what is there: a directory, device or pipe would be gone.
 * -EISDIR, -EINVAL. */
int file_check_target(const char *path, struct reason *why);

/* Both are there, and are one, by whatever names. */
bool file_is_same(const char *a, const char *b);
/* The same, or would be if they came into being: one name in one folder, by whatever name that goes. */
bool file_will_be_same(const char *a, const char *b);

/* A file that comes into being whole, or not at all: what stood at its path stays until the end. It is written to `fd`,
 * and has no name until then: with its process it is gone, however that ends. At the end, between two system calls when
 * it takes the place of another, and while it is copied where the file system gives no name to what has none, it has a
 * name beside that, which SIGKILL leaves; other signals wait. */
struct file_replacement {
    const char *path; /* the caller's */
    int fd;
    char temporary[PATH_MAX]; /* the name beside it; empty: none */
};

/* On failure nothing is to be ended. -errno. */
int file_replace(const char *path, struct file_replacement *out, struct reason *why);
/* With `result` 0 the file is on disk and takes the place at `path`; otherwise, and when that fails, it is gone.
 * Returns what came of it; `result` that is not 0 is explained by the errno that it must be. */
int file_replace_end(struct file_replacement *replacement, int result, struct reason *why);
/* It is gone, and nothing is said. */
void file_replace_drop(struct file_replacement *replacement);

#endif
