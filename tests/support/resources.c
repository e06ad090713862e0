/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/resources.h"

unsigned resources_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    if (!folder)
        abort();
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3; /* ".", ".." and the folder itself */
}

unsigned resources_maps(const char *text)
{
    FILE *file = fopen("/proc/self/maps", "re");
    char line[4096];
    unsigned count = 0;

    if (!file)
        abort();
    while (fgets(line, sizeof line, file))
        count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}

uint64_t resources_kib(pid_t pid, const char *line)
{
    const size_t length = strlen(line);
    char text[256];
    uint64_t kib = 0;
    bool found = false;
    FILE *file;

    snprintf(text, sizeof text, "/proc/%d/status", (int)pid);
    file = fopen(text, "re");
    if (!file)
        abort();
    while (!found && fgets(text, sizeof text, file)) {
        found = !strncmp(text, line, length) && text[length] == ':';
        kib = found ? strtoull(text + length + 1, NULL, 10) : 0;
    }
    fclose(file);
    if (!found)
        abort();
    return kib;
}

unsigned repeats(const char *variable, unsigned usual)
{
    const char *text = getenv(variable);
    unsigned long count = text ? strtoul(text, NULL, 10) : 0;

    return count ? (unsigned)count : usual;
}
