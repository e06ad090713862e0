/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "daemon/models/copy.h"
#include "sparse/file/model_checksum.h"

/* Shared with the source, where the file system can; else by the kernel, which needs no buffer of ours. */
static int copy_bytes(int from, int to, size_t size)
{
    if (!ioctl(to, FICLONE, from))
        return 0;
    for (size_t copied = 0; copied < size;) {
        ssize_t more = sendfile(to, from, NULL, size - copied);

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return more ? -errno : -EIO; /* it has become shorter */
        copied += (size_t)more;
    }
    return 0;
}

/* By the copy alone, which nobody else writes to: its checksum is right, and is the identity's. */
static int check(int fd, size_t size, const char *from, const char *identity, struct reason *why)
{
    const char *digits = strchr(identity, ':'), *found;
    void *data = mmap(NULL, MAX(size, 1u), PROT_READ, MAP_PRIVATE, fd, 0);
    bool same;

    if (data == MAP_FAILED)
        return refuse_errno(why, -errno, "%s", from);
    found = checksum_find(data, size);
    same = digits && found && !memcmp(found, digits + 1, CHECKSUM_DIGITS) && !checksum_check(data, size, NULL);
    munmap(data, MAX(size, 1u));
    return same ? 0 : refuse(why, WISP_E_CHANGED, "%s is another file than the one that is served", from);
}

int copy_of_model(const char *from, const char *to, const char *identity, struct reason *why)
{
    cleanup_close int source = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct file_replacement copy;
    struct stat status;
    int result;

    if (source < 0 || fstat(source, &status))
        return refuse_errno(why, -errno, "%s", from);
    if (!S_ISREG(status.st_mode))
        return refuse(why, WISP_E_CHANGED, "%s is no file any more", from);
    result = file_replace(to, &copy, why);
    if (result)
        return result;
    result = copy_bytes(source, copy.fd, (size_t)status.st_size);
    if (!result && fstat(copy.fd, &status))
        result = -errno;
    if (!result)
        result = check(copy.fd, (size_t)status.st_size, from, identity, why);
    if (result > 0) {
        file_replace_drop(&copy);
        return result;
    }
    return file_replace_end(&copy, result, why);
}
