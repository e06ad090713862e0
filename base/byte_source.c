/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte_source.h"
#include "base/memory.h"
#include "base/size.h"

enum { WINDOW = 4 * BYTE_SOURCE_MAX };

void byte_source_of_memory(struct byte_source *source, const void *bytes, size_t length)
{
    *source = (struct byte_source){ .memory = bytes, .length = length, .fd = -1 };
}

int byte_source_of_file(struct byte_source *source, int fd)
{
    struct stat status;
    off_t at;

    *source = (struct byte_source){ .fd = fd };
    at = lseek(fd, 0, SEEK_CUR);
    if (at < 0 || fstat(fd, &status) < 0)
        return -errno;
    source->origin = at;
    source->length = status.st_size > at ? (uint64_t)(status.st_size - at) : 0;
    source->window = memory_alloc(WINDOW, 1);
    return source->window ? 0 : -ENOMEM;
}

void byte_source_deinit(struct byte_source *source)
{
    free(source->window);
    source->window = NULL;
}

void byte_source_pass(struct byte_source *source, uint64_t before)
{
    source->length += source->before - before;
    source->before = before;
    source->held = 0;
}

/* What cannot be read is 0. */
static void fill(struct byte_source *source, uint64_t at)
{
    const size_t wanted = (size_t)MIN(source->length - at, (uint64_t)WINDOW);
    size_t done = 0;
    ssize_t got = 1;

    while (done < wanted && got) {
        got = pread(source->fd, source->window + done, wanted - done,
                    source->origin + (off_t)(source->before + at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            source->error = -errno;
        got = MAX(got, (ssize_t)0);
        done += (size_t)got;
    }
    if (done < wanted && !source->error)
        source->error = -EIO; /* somebody has made the file shorter */
    memset(source->window + done, 0, wanted - done);
    source->begin = at;
    source->held = wanted;
}

const uint8_t *byte_source_at(struct byte_source *source, uint64_t at, size_t count)
{
    if (source->memory)
        return source->memory + source->before + at;
    if (at < source->begin || !size_within(at - source->begin, count, source->held))
        fill(source, at);
    return source->window + (at - source->begin);
}

size_t byte_source_copy(struct byte_source *source, uint64_t at, void *out, size_t count)
{
    const size_t there = (size_t)(at < source->length ? MIN(source->length - at, (uint64_t)count) : 0);

    for (size_t done = 0, now; done < there; done += now) {
        now = MIN(there - done, (size_t)BYTE_SOURCE_MAX);
        memcpy((uint8_t *)out + done, byte_source_at(source, at + done, now), now);
    }
    return there;
}
