/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#define OF_THE_SYSTEM "/etc/wisp/wispd.yaml"

void config_path_beside(const char *program, char *path, size_t capacity)
{
    const char *name = strrchr(program, '/');
    const char *folder = name ? memrchr(program, '/', (size_t)(name - program)) : NULL;
    int prefix = folder ? (int)(folder - program) : 0;

    /* /usr has its configuration in /etc, and so has /. */
    if (!prefix || (prefix == 4 && !memcmp(program, "/usr", 4)) ||
        snprintf(path, capacity, "%.*s/etc/wisp/wispd.yaml", prefix, program) >= (int)capacity)
        snprintf(path, capacity, OF_THE_SYSTEM);
}

const char *config_default_path(void)
{
    static char path[PATH_MAX];
    char program[PATH_MAX];
    ssize_t length;

    if (*path)
        return path;
    length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    config_path_beside(program, path, sizeof path);
    if (access(path, F_OK))
        snprintf(path, sizeof path, OF_THE_SYSTEM);
    return path;
}
