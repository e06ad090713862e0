/* SPDX-License-Identifier: Apache-2.0 */
#include "support/process_threads.h"

#include "support/test.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* false: the thread has ended since its name was read. */
static bool read_of(pid_t pid, const char *thread, const char *file, char *text, size_t size)
{
    char path[96];
    FILE *stream;

    snprintf(path, sizeof path, "/proc/%d/task/%.16s/%s", (int)pid, thread, file);
    stream = fopen(path, "re");
    if (!stream)
        return false;
    text[fread(text, 1, size - 1, stream)] = 0;
    fclose(stream);
    return true;
}

/* The next thread whose name begins so, or NULL. */
static const char *next_of(DIR *folder, pid_t pid, const char *name)
{
    const struct dirent *entry;
    char text[32];

    while ((entry = readdir(folder))) {
        if (isdigit((unsigned char)*entry->d_name) && read_of(pid, entry->d_name, "comm", text, sizeof text) &&
            !strncmp(text, name, strlen(name)))
            return entry->d_name;
    }
    return NULL;
}

static DIR *open_of(pid_t pid)
{
    char path[64];
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    folder = opendir(path);
    assert_non_null(folder);
    return folder;
}

unsigned process_threads(pid_t pid, const char *name, const char *file, void (*look)(const char *text, void *argument),
                         void *argument)
{
    DIR *folder = open_of(pid);
    const char *thread;
    unsigned count = 0;
    char text[4096];

    for (; (thread = next_of(folder, pid, name)); count++) {
        if (!look)
            continue;
        assert_true(read_of(pid, thread, file, text, sizeof text));
        look(text, argument);
    }
    closedir(folder);
    return count;
}

pid_t process_thread(pid_t pid, const char *name)
{
    DIR *folder = open_of(pid);
    const char *thread = next_of(folder, pid, name);
    const pid_t found = thread ? (pid_t)strtol(thread, NULL, 10) : 0;

    closedir(folder);
    return found;
}
