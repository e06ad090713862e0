/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

enum { FOLDERS_MAX = 64, BUFFERS = 8 };

static char *folders[FOLDERS_MAX];
static pid_t owner; /* a forked child must not remove its parent's folders */

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *position)
{
    (void)status, (void)flag, (void)position;
    return remove(path);
}

void scratch_remove(const char *folder)
{
    for (int i = 0; i < FOLDERS_MAX; i++) {
        if (folders[i] && !strcmp(folders[i], folder)) {
            nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
            free(folders[i]);
            folders[i] = NULL;
            return;
        }
    }
}

static void remove_all(void)
{
    if (getpid() != owner)
        return;
    for (int i = 0; i < FOLDERS_MAX; i++) {
        if (folders[i])
            scratch_remove(folders[i]);
    }
}

const char *scratch_make(void)
{
    const char *base = getenv("TMPDIR");
    char name[PATH_MAX];

    if (!owner) {
        owner = getpid();
        atexit(remove_all);
    }
    snprintf(name, sizeof name, "%s/wisp-test.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(name))
        abort();
    for (int i = 0; i < FOLDERS_MAX; i++) {
        if (!folders[i]) {
            folders[i] = strdup(name);
            return folders[i];
        }
    }
    abort();
}

static const char *join(const char *folder, const char *name)
{
    static char buffers[BUFFERS][PATH_MAX];
    static unsigned next;
    char *buffer = buffers[next++ % BUFFERS];

    if (snprintf(buffer, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        abort();
    return buffer;
}

const char *scratch_path(const char *folder, const char *name)
{
    return join(folder, name);
}

const char *source_path(const char *relative)
{
    const char *folder = getenv("WISP_SOURCE_DIR");

    return join(folder ? folder : ".", relative);
}

const char *binary_path(const char *relative)
{
    const char *folder = getenv("WISP_BINARY_DIR");

    return join(folder ? folder : "build/ci", relative);
}
