/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a path, as they stand in it.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>
#include <string.h>

/* What a file is called in its folder. */
static inline const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ".png" of "photos.old/a.b.png"; NULL: the file's name has none, and that of ".profile" is none. */
static inline const char *path_ending(const char *path)
{
    const char *name = path_name(path), *dot = strrchr(name, '.');

    return dot != name ? dot : NULL;
}

/* Bytes of what stands before the ending of a file's name. */
static inline size_t path_stem(const char *name)
{
    const char *ending = path_ending(name);

    return ending ? (size_t)(ending - name) : strlen(name);
}

#endif
