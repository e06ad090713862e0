/* SPDX-License-Identifier: Apache-2.0
 *
 * A tar or zip in memory, entry by entry, by libarchive. Names are UTF-8 or plain bytes, whatever the locale:
 * libarchive turns names into the locale's coding and fails where that has no such letter, so it is shown one that has
 * all.
 */
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/archive_walk.h"
#include "forge/data/readers.h"

static void archive_release(struct archive **archive)
{
    archive_read_free(*archive);
}

static int refuse_archive(struct archive *archive, struct reason *why)
{
    const char *text = archive_error_string(archive);

    if (archive_errno(archive) == ENOMEM)
        return refuse_errno(why, -ENOMEM, "archive");
    return refuse(why, WISP_E_FORMAT, "damaged or cut off near byte %lld: %s",
                  (long long)archive_filter_bytes(archive, 0), text ? text : "not an archive");
}

/* The entry at hand, whole; a zero byte follows. */
static int read_entry(struct archive *archive, struct archive_entry *entry, uint64_t limit, void **data, size_t *size,
                      struct reason *why)
{
    int64_t announced = archive_entry_size(entry);
    cleanup_free char *buffer = NULL;
    size_t used = 0;

    if (!archive_entry_size_is_set(entry))
        return refuse(why, WISP_E_FORMAT, "the archive does not say how long it is");
    if (archive_entry_is_encrypted(entry))
        return refuse(why, WISP_E_FORMAT, "it is encrypted");
    if (announced < 0 || (uint64_t)announced > limit)
        return refuse(why, WISP_E_FORMAT, "%lld bytes, larger than the %llu allowed here", (long long)announced,
                      (unsigned long long)limit);
    buffer = memory_alloc((size_t)announced + 1, 1);
    if (!buffer)
        return refuse_errno(why, -ENOMEM, "archive");
    while (used < (size_t)announced) {
        la_ssize_t got = archive_read_data(archive, buffer + used, (size_t)announced - used);

        if (got < 0)
            return refuse_archive(archive, why);
        if (!got)
            return refuse(why, WISP_E_FORMAT, "cut off at byte %zu of %lld", used, (long long)announced);
        used += (size_t)got;
    }
    buffer[used] = 0;
    *data = steal(&buffer);
    *size = used;
    return 0;
}

static int visit_entry(struct archive *archive, struct archive_entry *entry, uint64_t limit, archive_visit *visit,
                       void *argument, struct reason *why)
{
    const char *name = archive_entry_pathname(entry);
    cleanup_free void *data = NULL;
    size_t size = 0;
    int result;

    if (name && archive_entry_filetype(entry) == AE_IFDIR)
        return 0;
    if (!name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
        return refuse(why, WISP_E_FORMAT, "%s is neither a file nor a folder; pack it without links",
                      name ? name : "an entry without a name");
    result = read_entry(archive, entry, limit, &data, &size, why);
    return result ? refuse_in(why, result, "%s", name) : visit(argument, name, data, size, why);
}

/* A warning is about a header that is read all the same. */
static int walk(struct archive *archive, uint64_t limit, archive_visit *visit, void *argument, struct reason *why)
{
    struct archive_entry *entry;
    int status;

    while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
        int result = visit_entry(archive, entry, limit, visit, argument, why);

        if (result)
            return result;
    }
    return status == ARCHIVE_EOF ? 0 : refuse_archive(archive, why);
}

static int walk_file(const char *path, uint64_t limit, archive_visit *visit, void *argument, struct reason *why)
{
    cleanup(archive_release) struct archive *archive = archive_read_new();
    cleanup_free void *data = NULL;
    size_t size;
    int result = unpack_read(path, &data, &size, why);

    if (result)
        return result;
    if (!archive)
        return refuse_errno(why, -ENOMEM, "%s", path);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
    if (archive_read_open_memory(archive, data, size) != ARCHIVE_OK)
        result = refuse_archive(archive, why);
    else
        result = walk(archive, limit, visit, argument, why);
    return result ? refuse_in(why, result, "%s", path) : 0;
}

int archive_walk(const char *path, uint64_t limit, archive_visit *visit, void *argument, struct reason *why)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL), before;
    int result;

    if (!utf8)
        return walk_file(path, limit, visit, argument, why);
    before = uselocale(utf8);
    result = walk_file(path, limit, visit, argument, why);
    uselocale(before);
    freelocale(utf8);
    return result;
}
