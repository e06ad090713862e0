/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/models/memory_room.h"

enum { GROUP_MAX = 512, PATH_BYTES = 1024 };

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

/* Of one group: "max" is no number. */
static uint64_t room_in(const char *folder)
{
    const uint64_t most = number_in(folder, "memory.max", "", UINT64_MAX);
    const uint64_t used = number_in(folder, "memory.current", "", 0);
    const uint64_t files = number_in(folder, "memory.stat", "inactive_file ", 0);
    const uint64_t held = used - MIN(files, used);

    return most == UINT64_MAX ? most : most - MIN(held, most);
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

uint64_t memory_room(void)
{
    cleanup_fclose FILE *own = fopen("/proc/self/cgroup", "re");
    char line[GROUP_MAX];

    while (own && fgets(line, sizeof line, own)) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        line[strcspn(line, "\n")] = 0;
        return memory_room_of("/sys/fs/cgroup", line + 3);
    }
    return UINT64_MAX;
}
