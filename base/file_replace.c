/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/* The permissions that a file has when a program just creates it: mkostemp() gives it to its owner alone. */
static int open_to_readers(int fd)
{
    mode_t mask = umask(0);

    umask(mask);
    return fchmod(fd, 0644 & ~mask) < 0 ? -errno : 0;
}

int file_replace(const char *path, struct file_replacement *out, struct reason *why)
{
    int length = snprintf(out->temporary, sizeof out->temporary, "%s.XXXXXX", path);
    int result = file_check_target(path, why);

    out->path = path;
    if (result)
        return result;
    if (length >= (int)sizeof out->temporary)
        return refuse_errno(why, -ENAMETOOLONG, "%s", path);
    out->fd = mkostemp(out->temporary, O_CLOEXEC);
    return out->fd < 0 ? refuse_errno(why, -errno, "cannot create %s", path) : 0;
}

void file_replace_drop(struct file_replacement *replacement)
{
    close(steal_fd(&replacement->fd));
    unlink(replacement->temporary);
}

int file_replace_end(struct file_replacement *replacement, int result, struct reason *why)
{
    if (!result)
        result = open_to_readers(replacement->fd);
    if (!result && (fsync(replacement->fd) < 0 || rename(replacement->temporary, replacement->path) < 0))
        result = -errno;
    close(steal_fd(&replacement->fd));
    if (!result)
        return 0;
    unlink(replacement->temporary);
    return refuse_errno(why, result, "cannot write %s", replacement->path);
}
