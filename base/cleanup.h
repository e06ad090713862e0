/* SPDX-License-Identifier: Apache-2.0
 *
 * Cleanup by scope. A local marked cleanup_free, cleanup_close, … is released when it goes out of scope; the function
 * commits by steal()ing it. Every cleanup keeps errno, so `return -errno` after a failure is safe.
 *
 *     cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
 *     …
 *     *out = steal_fd(&fd);
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

/* Defines NAME_at_exit(), for a pointer to `type` that `release` frees; `release` must accept NULL. NAME is the
 * object's:
 *
 *     CLEANUP_DEFINE(model, struct model, model_free)
 *     cleanup(model_at_exit) struct model *model = NULL;
 *
 * A header whose users are many adds `#define cleanup_model cleanup(model_at_exit)`. */
#define CLEANUP_DEFINE(name, type, release)                                                                            \
    static inline __attribute__((unused)) void name##_at_exit(type **pointer)                                          \
    {                                                                                                                  \
        int saved = errno;                                                                                             \
        (void)release(*pointer);                                                                                       \
        errno = saved;                                                                                                 \
    }

static inline void cleanup_free_at_exit(void *pointer)
{
    int saved = errno;
    free(*(void **)pointer);
    errno = saved;
}

static inline void cleanup_close_at_exit(const int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

static inline void cleanup_fclose_at_exit(FILE **file)
{
    int saved = errno;
    if (*file)
        fclose(*file);
    errno = saved;
}

#define cleanup_free   cleanup(cleanup_free_at_exit)
#define cleanup_close  cleanup(cleanup_close_at_exit)
#define cleanup_fclose cleanup(cleanup_fclose_at_exit)

/* Takes the value out of a guarded local and leaves it empty. */
#define steal(pointer)                                                                                                 \
    __extension__({                                                                                                    \
        __auto_type stolen_ = *(pointer);                                                                              \
        *(pointer) = NULL;                                                                                             \
        stolen_;                                                                                                       \
    })

static inline int steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

#endif
