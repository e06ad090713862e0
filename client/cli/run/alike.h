/* SPDX-License-Identifier: Apache-2.0
 *
 * Of many files, which would be one: by their names, and by what the file system knows them as. In the time that
 * sorting takes, since a folder may hold a hundred thousand.
 */
#ifndef CLI_RUN_ALIKE_H
#define CLI_RUN_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The numbers of the names in the order of these, of equal ones the first first; freed by the caller. NULL without
 * memory. */
size_t *alike_order(char *const *names, size_t count);

/* Files that are there. */
struct alike_files {
    struct alike_file {
        dev_t device;
        ino_t inode;
    } * files; /* in order once they are sorted */
    size_t count;
};

/* Takes the file of that name in, if it is there; `files` has room. */
void alike_add(struct alike_files *files, const char *path);
void alike_sort(struct alike_files *files);
/* Whether the file of that name is one of them, which are sorted. */
bool alike_has(const struct alike_files *files, const char *path);

#endif
