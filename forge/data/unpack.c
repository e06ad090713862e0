/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that may be packed, and archives, through libarchive: nothing is ever written to disk.
 */
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/archive_walk.h"
#include "forge/data/readers.h"

enum { BLOCK = 1 << 18 };

static void archive_release(struct archive **archive)
{
    archive_read_free(*archive);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);

    return length >= tail && !strcmp(text + length - tail, end);
}

static int refuse_archive(struct archive *archive, const char *path, struct reason *why)
{
    int code = archive_errno(archive);
    const char *text = archive_error_string(archive);

    if (code == ENOENT || code == EACCES || code == EPERM)
        return refuse_errno(why, -code, "cannot open %s", path);
    if (code == ENOMEM)
        return refuse_errno(why, -ENOMEM, "%s", path);
    return refuse(why, WISP_E_FORMAT, "%s: damaged or truncated: %s", path, text ? text : "it cannot be unpacked");
}

/* The entry at hand, whole. */
static int read_entry(struct archive *archive, const char *path, uint64_t limit, void **data, size_t *size,
                      struct reason *why)
{
    size_t capacity = BLOCK, used = 0;
    cleanup_free char *buffer = memory_alloc(capacity + 1, 1);

    for (;;) {
        la_ssize_t got;

        if (!buffer)
            return refuse_errno(why, -ENOMEM, "%s", path);
        if (used == capacity) {
            char *larger = capacity < limit ? memory_alloc(capacity * 2 + 1, 1) : NULL;

            if (capacity >= limit)
                return refuse(why, WISP_E_FORMAT, "%s: larger than %llu bytes", path, (unsigned long long)limit);
            if (larger)
                memcpy(larger, buffer, used);
            free(buffer);
            buffer = larger;
            capacity *= 2;
            continue;
        }
        got = archive_read_data(archive, buffer + used, capacity - used);
        if (got < 0)
            return refuse_archive(archive, path, why);
        if (!got)
            break;
        used += (size_t)got;
    }
    buffer[used] = 0;
    *data = steal(&buffer);
    *size = used;
    return 0;
}

int unpack_read(const char *path, void **data, size_t *size, struct reason *why)
{
    cleanup(archive_release) struct archive *archive = NULL;
    struct archive_entry *entry;

    if (!ends_with(path, ".gz") && !ends_with(path, ".xz"))
        return file_read(path, COLLECT_FILE_MAX, data, size, why);
    archive = archive_read_new();
    if (!archive)
        return refuse_errno(why, -ENOMEM, "%s", path);
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_format_raw(archive);
    if (archive_read_open_filename(archive, path, BLOCK) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return refuse_archive(archive, path, why);
    if (archive_filter_count(archive) < 2)
        return refuse(why, WISP_E_FORMAT, "%s: is not packed as its name says (gzip or xz)", path);
    return read_entry(archive, path, COLLECT_FILE_MAX, data, size, why);
}

int archive_walk(const char *path, uint64_t limit, archive_visit *visit, void *argument, struct reason *why)
{
    cleanup(archive_release) struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    int status;

    if (!archive)
        return refuse_errno(why, -ENOMEM, "%s", path);
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_format_tar(archive);
    if (archive_read_open_filename(archive, path, BLOCK) != ARCHIVE_OK)
        return refuse_archive(archive, path, why);
    while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);
        cleanup_free void *data = NULL;
        size_t size;
        int result;

        if (!name || archive_entry_filetype(entry) != AE_IFREG)
            continue;
        if ((result = read_entry(archive, name, limit, &data, &size, why)) ||
            (result = visit(argument, name, data, size, why)))
            return refuse_in(why, result, "%s", path);
    }
    return status == ARCHIVE_EOF ? 0 : refuse_archive(archive, path, why);
}
