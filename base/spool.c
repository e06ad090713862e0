/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/spool.h"

enum { BLOCK = 65536 };

/* Not every file system has files without a name. */
static int open_in(const char *folder)
{
    char path[256];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || snprintf(path, sizeof path, "%s/wisp.XXXXXX", folder) >= (int)sizeof path)
        return fd;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int open_spool(void)
{
    const char *const folders[] = { secure_getenv("TMPDIR"), "/var/tmp", "/tmp" };
    int fd = -1;

    for (size_t i = 0; i < ARRAY_SIZE(folders) && fd < 0; i++)
        fd = folders[i] ? open_in(folders[i]) : -1;
    return fd;
}

/* `got`: how many; 0 at the end. */
static int copy_block(int from, int to, char *block, size_t *got)
{
    ssize_t count, put = 0;

    do
        count = read(from, block, BLOCK);
    while (count < 0 && errno == EINTR);
    *got = (size_t)MAX(count, (ssize_t)0);
    for (ssize_t done = 0; count >= 0 && done < count; done += MAX(put, (ssize_t)0)) {
        put = write(to, block + done, (size_t)(count - done));
        if (put < 0 && errno != EINTR)
            return -errno;
    }
    return count < 0 ? -errno : 0;
}

int spool(int fd, const char *name, uint64_t limit, int *out, struct reason *why)
{
    cleanup_close int to = open_spool();
    cleanup_free char *block = memory_alloc(BLOCK, 1);
    uint64_t all = 0;
    size_t got;
    int result;

    if (to < 0)
        return refuse_errno(why, -errno, "cannot keep %s in a temporary file (TMPDIR says in which folder)", name);
    if (!block)
        return refuse_errno(why, -ENOMEM, "%s", name);
    do {
        result = copy_block(fd, to, block, &got);
        if (result)
            return refuse_errno(why, result, "cannot copy %s into a temporary file", name);
        all += got;
        if (all > limit)
            return refuse(why, WISP_E_FORMAT, "%s: larger than the %" PRIu64 " bytes allowed here", name, limit);
    } while (got);
    if (lseek(to, 0, SEEK_SET) < 0)
        return refuse_errno(why, -errno, "%s", name);
    *out = steal_fd(&to);
    return 0;
}
