/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "daemon/models/stamp.h"

struct file_stamp file_stamp_take(const char *path)
{
    struct timespec now;
    struct stat status;

    /* The clock that the kernel's times of files are taken from. */
    if (clock_gettime(CLOCK_REALTIME_COARSE, &now) || stat(path, &status))
        return (struct file_stamp){ .settled = false };
    return (struct file_stamp){
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = status.st_size,
        .modified = status.st_mtim,
        .changed = status.st_ctim,
        .settled = status.st_ctim.tv_sec + 1 < now.tv_sec,
    };
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_stamp_proves(const struct file_stamp *before, const struct file_stamp *now)
{
    return before->settled && now->settled && before->device == now->device && before->inode == now->inode &&
           before->size == now->size && is_same_time(&before->modified, &now->modified) &&
           is_same_time(&before->changed, &now->changed);
}
