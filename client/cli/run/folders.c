/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder among the inputs stands for the files in it whose names end as the model's kind of file does, by name. Those
 * whose names begin with a dot, and folders within, are passed over. One that holds no such file, or cannot be read,
 * stays an input, which fails and says why: the rest still run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "client/cli/run/kinds.h"

static bool is_folder(const struct input *input)
{
    struct stat status;

    return input->path && strcmp(input->path, "-") != 0 && !stat(input->path, &status) && S_ISDIR(status.st_mode);
}

/* ---- the list that comes to be ---- */

struct list {
    struct input *inputs; /* and a zero behind them */
    size_t count, room;
};

static int add(struct list *list, const struct input *input)
{
    struct input *more;

    insist(!list->inputs == !list->room && list->count <= list->room, "%zu of %zu", list->count, list->room);
    if (list->count + 1 >= list->room) {
        more = reallocarray(list->inputs, 2 * list->room + 8, sizeof *more);
        if (!more)
            return -ENOMEM;
        list->inputs = more;
        list->room = 2 * list->room + 8;
    }
    insist(list->count + 1 < list->room); /* the zero behind them */
    list->inputs[list->count++] = *input;
    list->inputs[list->count] = (struct input){ .name = NULL };
    return 0;
}

/* A file of a folder, whose path the list then has; which is freed where it has not. */
static int add_file(struct list *list, char *path)
{
    const struct input input = { .name = path, .path = path, .owned = path };
    const int result = path ? add(list, &input) : -ENOMEM;

    if (result)
        free(path);
    return result;
}

/* ---- a folder ---- */

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct input *)left)->name, ((const struct input *)right)->name);
}

static char *path_in(const char *folder, const char *name)
{
    const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
    char *path;

    insist(*folder && !strchr(name, '/'), "%s in %s", name, folder);
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

static bool is_file(DIR *folder, const char *name)
{
    struct stat status;

    return *name != '.' && !fstatat(dirfd(folder), name, &status, 0) && !S_ISDIR(status.st_mode);
}

/* Those that are of the kind, as the folder has them. */
static int add_files(struct list *list, const char *path, const struct kind *kind)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int result = folder ? 0 : -errno;

    while (folder && !result && (errno = 0, entry = readdir(folder))) {
        if (kinds_has(kind, entry->d_name) && is_file(folder, entry->d_name))
            result = add_file(list, path_in(path, entry->d_name));
    }
    if (!result && errno)
        result = -errno;
    if (folder)
        closedir(folder);
    return result;
}

/* Instead of a folder its files; or itself, and why it has none. */
static int add_folder(struct list *list, const struct run *run, const struct input *folder)
{
    const struct kind *kind = kinds_of(run);
    const size_t before = list->count;
    struct input failed = *folder;
    int result;

    insist(folder->path && !folder->owned && !folder->no_files);
    if (!kind)
        return add(list, folder);
    result = add_files(list, folder->path, kind);
    if (result == -ENOMEM)
        return result;
    if (list->count > before) /* else there may be no list */
        qsort(list->inputs + before, list->count - before, sizeof *list->inputs, by_name);
    if (!result && list->count > before)
        return 0;
    failed.no_files = result ? result : WISP_E_FORMAT;
    failed.wanted = kind->said;
    return add(list, &failed);
}

int folders_open(const struct run *run, struct input **inputs, size_t *count)
{
    struct list list = { .inputs = NULL };
    int result = 0;

    for (size_t i = 0; !result && i < *count; i++)
        result = is_folder(&(*inputs)[i]) ? add_folder(&list, run, &(*inputs)[i]) : add(&list, &(*inputs)[i]);
    if (result) {
        folders_close(list.inputs, list.count);
        return result;
    }
    free(*inputs);
    *inputs = list.inputs;
    *count = list.count;
    return 0;
}

int folders_refuse(const struct input *folder, struct reason *why)
{
    insist(folder->no_files && (folder->no_files < 0 || folder->wanted));
    if (folder->no_files < 0)
        return refuse_errno(why, folder->no_files, "cannot read %s", folder->name);
    return refuse(why, folder->no_files, "%s: a folder in which no %s is; those in folders within are not looked for",
                  folder->name, folder->wanted);
}

void folders_close(struct input *inputs, size_t count)
{
    for (size_t i = 0; inputs && i < count; i++)
        free(inputs[i].owned);
    free(inputs);
}
