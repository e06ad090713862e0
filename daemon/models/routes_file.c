/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "daemon/models/routes_file.h"

#define MAGIC 0x73747572u /* "ruts" */

/* As many as routes_make() leaves in a table. */
enum { VERSION = 1, COUNT_MAX = 2 * 2 * 3 * CONFIG_MODELS_MAX + ROUTES_GONE_MAX + 1 };

struct head {
    uint32_t magic, version, count, table;
};

struct entry {
    char name[MODEL_NAME_MAX];
    char identity[MODEL_IDENTITY_MAX];
    uint32_t led, number;
};

static size_t size_of(uint32_t count)
{
    return sizeof(struct head) + count * sizeof(struct entry);
}

/* ---- writing ---- */

static unsigned char *compose(const struct routes *routes)
{
    unsigned char *bytes = calloc(1, size_of(routes->count));
    struct head *head = (void *)bytes;
    struct entry *entries;

    if (!bytes)
        return NULL;
    entries = (void *)(head + 1);
    *head = (struct head){ .magic = MAGIC, .version = VERSION, .count = routes->count, .table = routes->table };
    for (uint32_t i = 0; i < routes->count; i++) {
        memcpy(entries[i].name, routes->entries[i].name, sizeof entries[i].name);
        memcpy(entries[i].identity, routes->entries[i].identity, sizeof entries[i].identity);
        entries[i].led = routes->entries[i].led;
        entries[i].number = routes->entries[i].number;
    }
    return bytes;
}

static int write_whole(int fd, const unsigned char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t written = pwrite(fd, bytes + at, size - at, (off_t)at);

        if (written < 0 && errno != EINTR)
            return -errno;
        at += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int routes_write(const struct routes *routes)
{
    cleanup_close int fd = memfd_create("wisp-routes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cleanup_free unsigned char *bytes = compose(routes);
    int result;

    if (fd < 0)
        return -errno;
    if (!bytes)
        return -ENOMEM;
    result = write_whole(fd, bytes, size_of(routes->count));
    if (result)
        return result;
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ? -errno : steal_fd(&fd);
}

/* ---- reading ---- */

static int check_entry(const struct entry *entry, uint32_t place, uint32_t table, struct reason *why)
{
    if (!memchr(entry->name, 0, sizeof entry->name) || !memchr(entry->identity, 0, sizeof entry->identity))
        return refuse(why, WISP_E_INVALID, "the name of route %u has no end", place);
    if (place && (!*entry->name || (entry->number & ((1u << ROUTE_PLACE_BITS) - 1)) != place || entry->led > table))
        return refuse(why, WISP_E_INVALID, "route %u has a number that cannot be its own", place);
    return 0;
}

int routes_parse(struct routes *out, const void *bytes, size_t size, struct reason *why)
{
    const struct entry *entries = (const void *)((const struct head *)bytes + 1);
    struct head head;

    *out = (struct routes){ .entries = NULL };
    if (size < sizeof head)
        return refuse(why, WISP_E_INVALID, "%zu bytes are no routes", size);
    memcpy(&head, bytes, sizeof head);
    if (head.magic != MAGIC || head.version != VERSION)
        return refuse(why, WISP_E_INVALID, "routes of another build of wispd");
    if (!head.count || head.count > COUNT_MAX || size != size_of(head.count))
        return refuse(why, WISP_E_INVALID, "%u routes in %zu bytes", head.count, size);
    for (uint32_t i = 0; i < head.count; i++) {
        int result = check_entry(&entries[i], i, head.table, why);

        if (result)
            return result;
    }
    out->entries = calloc(head.count, sizeof *out->entries);
    if (!out->entries)
        return refuse_errno(why, -ENOMEM, "routes");
    out->count = head.count;
    out->table = head.table;
    for (uint32_t i = 1; i < head.count; i++) {
        memcpy(out->entries[i].name, entries[i].name, sizeof entries[i].name);
        memcpy(out->entries[i].identity, entries[i].identity, sizeof entries[i].identity);
        out->entries[i].led = entries[i].led;
        out->entries[i].number = entries[i].number;
    }
    return 0;
}

int routes_read(struct routes *out, int fd, struct reason *why)
{
    cleanup_free unsigned char *bytes = NULL;
    struct stat status;

    *out = (struct routes){ .entries = NULL };
    if (fstat(fd, &status) || status.st_size < 0 || (size_t)status.st_size > size_of(COUNT_MAX))
        return refuse(why, WISP_E_INVALID, "no routes");
    bytes = malloc((size_t)status.st_size + 1);
    if (!bytes)
        return refuse_errno(why, -ENOMEM, "routes");
    if (pread(fd, bytes, (size_t)status.st_size, 0) != status.st_size)
        return refuse(why, WISP_E_INVALID, "routes that cannot be read");
    return routes_parse(out, bytes, (size_t)status.st_size, why);
}
