/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers, for the program: made here, or the program's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/size.h"
#include "client/api/request.h"
#include "client/attach.h"
#include "client/last_error.h"
#include "libipc/region.h"

/* As the daemon wants it (libipc/region.h): a mapping to write, and then the seals that forbid another. */
static int make(size_t size, struct region *region, void **address)
{
    int result = region_create(region, "wisp-buffer", size, false, last_error());

    if (result)
        return result;
    *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
    if (*address == MAP_FAILED)
        return refuse_errno(last_error(), -errno, "mapping a buffer of %zu bytes", size);
    (void)region_touch(region->fd, size); /* where that fails the daemon says what it lacks */
    result = region_seal(region, last_error());
    if (result)
        munmap(*address, size);
    return result;
}

WISP_EXPORT int wisp_buffer_new(wisp_client *client, size_t bytes, wisp_buffer **out)
{
    struct region region = REGION_NULL;
    void *address = NULL;
    uint64_t size = 0;
    int result = request_check(client);

    *out = NULL;
    if (!result && (!bytes || !size_align(bytes, WIRE_PAGE, &size) || size > WIRE_BUFFER_MAX))
        result =
            last_error_set(WISP_E_INVALID, "a buffer of %zu bytes: must be from 1 to %llu", bytes, WIRE_BUFFER_MAX);
    if (!result)
        result = make(size, &region, &address);
    if (!result) {
        result = buffer_begin(client, region.fd, size, address, out);
        if (result)
            munmap(address, size);
        else
            region.fd = -1; /* the buffer's now */
    }
    region_deinit(&region);
    return result;
}

WISP_EXPORT int wisp_buffer_from_fd(wisp_client *client, int fd, wisp_buffer **out)
{
    cleanup_close int own = -1;
    struct stat status;
    int result = request_check(client);

    *out = NULL;
    if (result)
        return result;
    if (fstat(fd, &status) < 0)
        return refuse_errno(last_error(), -errno, "the descriptor of a buffer");
    if (status.st_size <= 0 || status.st_size % WIRE_PAGE || (uint64_t)status.st_size > WIRE_BUFFER_MAX)
        return last_error_set(WISP_E_INVALID, "a buffer of %lld bytes: must be a multiple of %d, at most %llu",
                              (long long)status.st_size, WIRE_PAGE, WIRE_BUFFER_MAX);
    own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return refuse_errno(last_error(), -errno, "the descriptor of a buffer");
    /* What is missing; where that fails the daemon says what it lacks. */
    (void)region_touch(own, (size_t)status.st_size);
    result = buffer_begin(client, own, (uint64_t)status.st_size, NULL, out);
    if (!result)
        own = -1;
    return result;
}

WISP_EXPORT void *wisp_buffer_data(wisp_buffer *buffer)
{
    return buffer->address;
}

WISP_EXPORT size_t wisp_buffer_size(const wisp_buffer *buffer)
{
    return buffer->size;
}

WISP_EXPORT int wisp_buffer_free(wisp_buffer *buffer)
{
    int result = buffer ? client_check(buffer->client) : 0;

    return !buffer || result ? result : buffer_end(buffer);
}
