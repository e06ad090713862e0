/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/models/memory_room.h"

enum { GROUP_MAX = 512, PATH_BYTES = 1024 };

#define NO_LIMIT (UINT64_C(1) << 62)

/* The number that stands behind `key` in a file of the group, or in it at all (""); `otherwise`, where there is none.
 */
static uint64_t number_in(const char *folder, const char *name, const char *key, uint64_t otherwise)
{
    char path[PATH_BYTES], line[128];
    const size_t length = strlen(key);
    cleanup_fclose FILE *file = NULL;
    uint64_t number;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, key, length) && sscanf(line + length, "%" SCNu64, &number) == 1) /* NOLINT(cert-err34-c) */
            return number;
    }
    return otherwise;
}

/* How the two versions of cgroups say it. "max", and a number that no machine reaches, are no limit. */
static const struct version {
    const char *most, *used, *files;
} versions[] = {
    { "memory.max", "memory.current", "inactive_file " },
    { "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file " },
};

/* Of one group. */
static uint64_t room_in(const char *folder)
{
    uint64_t room = UINT64_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        const uint64_t most = number_in(folder, versions[i].most, "", NO_LIMIT);
        uint64_t used, files, held;

        if (most >= NO_LIMIT)
            continue;
        used = number_in(folder, versions[i].used, "", 0);
        files = number_in(folder, "memory.stat", versions[i].files, 0);
        held = used - MIN(files, used);
        room = MIN(room, most - MIN(held, most));
    }
    return room;
}

uint64_t memory_room_of(const char *mount, const char *group)
{
    char folder[GROUP_MAX];
    uint64_t room = UINT64_MAX;
    size_t root = strlen(mount);

    insist(!*group || *group == '/', "%s", group); /* or the way up would go on above what is mounted */
    if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
        return room;
    for (char *slash; strlen(folder) > root; *slash = 0) {
        room = MIN(room, room_in(folder));
        slash = strrchr(folder, '/');
    }
    return MIN(room, room_in(folder));
}

/* A line is NUMBER:CONTROLLERS:GROUP; version 2 has no controllers. */
static uint64_t room_by(const char *line)
{
    static const char first[] = ":memory:";
    const char *group = strstr(line, first);

    if (!strncmp(line, "0::/", 4))
        return memory_room_of("/sys/fs/cgroup", line + 3);
    return group ? memory_room_of("/sys/fs/cgroup/memory", group + sizeof first - 1) : UINT64_MAX;
}

uint64_t memory_room(void)
{
    cleanup_fclose FILE *own = fopen("/proc/self/cgroup", "re");
    uint64_t room = UINT64_MAX;
    char line[GROUP_MAX];

    while (own && fgets(line, sizeof line, own)) {
        line[strcspn(line, "\n")] = 0;
        room = MIN(room, room_by(line));
    }
    return room;
}
