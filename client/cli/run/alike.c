/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/insist.h"
#include "client/cli/run/alike.h"

static int by_name(const void *left, const void *right, void *names)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const int order = strcmp(((char *const *)names)[a], ((char *const *)names)[b]);

    return order ? order : (a > b) - (a < b);
}

size_t *alike_order(char *const *names, size_t count)
{
    size_t *order = calloc(count + 1, sizeof *order);

    for (size_t i = 0; order && i < count; i++)
        order[i] = i;
    if (order)
        qsort_r(order, count, sizeof *order, by_name, (void *)names);
    return order;
}

static int by_file(const void *left, const void *right)
{
    const struct alike_file *a = left, *b = right;

    if (a->device != b->device)
        return (a->device > b->device) - (a->device < b->device);
    return (a->inode > b->inode) - (a->inode < b->inode);
}

void alike_add(struct alike_files *files, const char *path)
{
    struct stat status;

    if (!stat(path, &status))
        files->files[files->count++] = (struct alike_file){ status.st_dev, status.st_ino };
}

void alike_sort(struct alike_files *files)
{
    if (files->count)
        qsort(files->files, files->count, sizeof *files->files, by_file);
}

bool alike_has(const struct alike_files *files, const char *path)
{
    struct alike_file wanted;
    struct stat status;

    insist(path);
    if (!files->count || stat(path, &status))
        return false;
    wanted = (struct alike_file){ status.st_dev, status.st_ino };
    return bsearch(&wanted, files->files, files->count, sizeof wanted, by_file) != NULL;
}
