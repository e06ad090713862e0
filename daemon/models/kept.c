/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/insist.h"
#include "base/log.h"
#include "daemon/models/copy.h"
#include "daemon/models/kept.h"

enum { PATH_BYTES = KEPT_FOLDER_MAX + 512, TEXT_MAX = 1 << 20 };

#define SERVING "serving.yaml"
#define BEFORE  "before.yaml"
#define REFUSED "refused.yaml"

/* What systemd makes, and has perhaps put elsewhere, may be reached by a link; what a user says may not. */
static bool folder_find(char folder[KEPT_FOLDER_MAX], int *flags)
{
    const char *service = getenv("STATE_DIRECTORY"), *user = getenv("XDG_STATE_HOME");
    int length = 0;

    if (service && *service == '/')
        length = snprintf(folder, KEPT_FOLDER_MAX, "%s", service);
    else if (user && *user == '/')
        length = snprintf(folder, KEPT_FOLDER_MAX, "%s/wisp", user);
    *flags = service && *service == '/' ? 0 : O_NOFOLLOW;
    return length > 0 && length < KEPT_FOLDER_MAX;
}

/* With the one that it is in, where that is not there either. */
static int folder_make(const char *folder)
{
    char above[KEPT_FOLDER_MAX], *slash;

    if (!mkdir(folder, 0700) || errno == EEXIST)
        return 0;
    snprintf(above, sizeof above, "%s", folder);
    slash = strrchr(above, '/');
    *slash = '\0';
    return errno == ENOENT && !mkdir(above, 0700) && !mkdir(folder, 0700) ? 0 : -errno;
}

/* The daemon serves what it finds there, and removes what it does not know: nobody else is to put anything there. */
static int folder_check(int fd, const char *folder, struct reason *why)
{
    struct stat status;

    if (fstat(fd, &status))
        return refuse_errno(why, -errno, "%s", folder);
    if (status.st_uid != geteuid())
        return refuse(why, -EPERM, "%s is user %u's, not user %u's, as whom wispd runs", folder,
                      (unsigned)status.st_uid, (unsigned)geteuid());
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(why, -EPERM, "others than its owner may write to %s: chmod go-w it", folder);
    if (flock(fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? refuse(why, -EBUSY, "%s is another wispd's", folder)
                                    : refuse_errno(why, -errno, "%s", folder);
    return 0;
}

static int folder_open(const char *folder, int flags, int *out, struct reason *why)
{
    int result = folder_make(folder);

    if (!result) {
        *out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
        result = *out < 0 ? -errno : 0;
    }
    /* With both flags the kernel says ENOTDIR of a link. */
    return result ? refuse_errno(why, result, "%s", folder) : folder_check(*out, folder, why);
}

int kept_open(char folder[KEPT_FOLDER_MAX])
{
    struct reason why;
    int fd = -1, flags;

    if (!folder_find(folder, &flags)) {
        log_info("nothing is kept for `wisp rollback`: neither $STATE_DIRECTORY nor $XDG_STATE_HOME is a path");
        return -1;
    }
    if (!folder_open(folder, flags, &fd, &why))
        return fd;
    log_notice("nothing is kept for `wisp rollback`: %s", why.text);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- a set as a text ---- */

/* The first model of an entry of the configuration: both halves are of one file. */
static const struct instance *instance_of(const struct model_set *set, size_t entry)
{
    for (uint32_t i = 0; i < set->model_count; i++) {
        if (set->models[i].entry == entry)
            return &set->models[i];
    }
    return NULL;
}

/* Where the copy of a model stands: by its identity, less the name of the checksum. */
static void copy_path(const char *folder, const struct instance *instance, char path[PATH_BYTES])
{
    const char *digits = strchr(instance->model->identity, ':');

    snprintf(path, PATH_BYTES, "%s/files/%s/%s", folder, digits ? digits + 1 : instance->model->identity,
             instance->file);
}

/* A copy of the entry, with its name and the copy of its file spelt out. -ENOMEM. */
static int entry_take(const char *folder, const struct config_model *entry, const struct instance *instance,
                      struct config_model *out)
{
    char path[PATH_BYTES];

    copy_path(folder, instance, path);
    *out = *entry;
    out->path = strdup(path);
    out->name = strdup(instance->name);
    return out->path && out->name ? 0 : -ENOMEM;
}

/* A configuration that says nothing but which models are served, and how. */
static int take(const char *folder, const struct config *config, const struct model_set *set, struct config *out)
{
    int result = config_init(out);
    char *kernels = result ? NULL : strdup(config->kernels);

    if (!kernels)
        return -ENOMEM;
    free(out->kernels);
    out->kernels = kernels;
    insist(set->model_count >= config->model_count, "%u", set->model_count); /* each entry has made one */
    out->models = calloc(config->model_count + 1, sizeof *out->models);
    if (!out->models)
        return -ENOMEM;
    for (size_t i = 0; !result && i < config->model_count; i++)
        result = entry_take(folder, &config->models[i], instance_of(set, i), &out->models[out->model_count++]);
    return result;
}

int kept_text(const char *folder, const struct config *config, const struct model_set *set, char **text)
{
    struct config taken = { .file = NULL };
    int result = take(folder, config, set, &taken);
    size_t size;
    FILE *out;

    *text = NULL;
    out = result ? NULL : open_memstream(text, &size);
    if (out)
        result = config_print(&taken, out);
    if (out && (fclose(out) || !*text)) /* of the text's last allocation fclose() says nothing */
        result = -ENOMEM;
    config_deinit(&taken);
    return result ? result : out ? 0 : -ENOMEM;
}

/* ---- texts on disk ---- */

static void path_of(const char *folder, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
}

/* NULL: it is not there, or there is no memory for it. */
static char *text_read(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    struct reason why;
    void *data = NULL;
    size_t size;

    path_of(folder, name, path);
    return file_read(path, TEXT_MAX, &data, &size, &why) ? NULL : data; /* a zero byte follows */
}

static int text_write(const char *folder, const char *name, const char *text, struct reason *why)
{
    const struct file_part part = { text, strlen(text) };
    char path[PATH_BYTES];

    path_of(folder, name, path);
    return file_write(path, &part, 1, why);
}

static bool is_text(const char *folder, const char *name, const char *text)
{
    cleanup_free char *there = text_read(folder, name);

    return there && !strcmp(there, text);
}

static int text_rename(const char *folder, const char *from, const char *to, struct reason *why)
{
    char old[PATH_BYTES], new[PATH_BYTES];

    path_of(folder, from, old);
    path_of(folder, to, new);
    return rename(old, new) && errno != ENOENT ? refuse_errno(why, -errno, "%s", new) : 0;
}

static void text_remove(const char *folder, const char *name)
{
    char path[PATH_BYTES];

    path_of(folder, name, path);
    unlink(path);
}

/* ---- copies ---- */

static int subfolder_make(const char *path, struct reason *why)
{
    return mkdir(path, 0700) && errno != EEXIST ? refuse_errno(why, -errno, "making %s", path) : 0;
}

/* A copy of the model's file, if there is none yet. */
static int model_copy(const char *folder, const char *from, const struct instance *instance, struct reason *why)
{
    char path[PATH_BYTES], *slash;
    int result;

    copy_path(folder, instance, path);
    if (!access(path, F_OK))
        return 0;
    slash = strrchr(path, '/');
    *slash = 0;
    result = subfolder_make(path, why);
    *slash = '/';
    return result ? result : copy_of_model(from, path, instance->model->identity, why);
}

static int models_copy(const char *folder, const struct config *config, const struct model_set *set, struct reason *why)
{
    char files[PATH_BYTES];
    int result;

    path_of(folder, "files", files);
    result = subfolder_make(files, why);
    for (size_t i = 0; !result && i < config->model_count; i++)
        result = model_copy(folder, config->models[i].path, instance_of(set, i), why);
    return result;
}

/* A folder of one model, and all in it. */
static void copies_remove(int files, const char *identity)
{
    int fd = openat(files, identity, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (*entry->d_name != '.')
            unlinkat(fd, entry->d_name, 0);
    }
    closedir(folder);
    unlinkat(files, identity, AT_REMOVEDIR);
}

/* Whatever neither set names goes. */
static void tidy(const char *folder)
{
    cleanup_free char *serving = text_read(folder, SERVING), *before = text_read(folder, BEFORE);
    char path[PATH_BYTES];
    DIR *files;

    path_of(folder, "files", path);
    files = serving ? opendir(path) : NULL; /* not, where nobody knows what is needed */
    if (!files)
        return;
    for (const struct dirent *entry; (entry = readdir(files));) {
        if (*entry->d_name != '.' && !strstr(serving, entry->d_name) && !(before && strstr(before, entry->d_name)))
            copies_remove(dirfd(files), entry->d_name);
    }
    closedir(files);
}

/* ---- what serves ---- */

int kept_serves(const char *folder, const struct config *config, const struct model_set *set, struct reason *why)
{
    cleanup_free char *text = NULL;
    int result = kept_text(folder, config, set, &text);

    if (result)
        return refuse_errno(why, result, "keeping models");
    /* The texts first: where a copy fails they are still of the sets that they say, and nobody goes back to another. */
    if (!is_text(folder, SERVING, text)) {
        result = text_rename(folder, SERVING, BEFORE, why);
        if (!result)
            result = text_write(folder, SERVING, text, why);
    }
    text_remove(folder, REFUSED);
    if (!result)
        result = models_copy(folder, config, set, why);
    tidy(folder);
    return result;
}

int kept_has_gone_back(const char *folder, struct reason *why)
{
    int result = text_rename(folder, SERVING, REFUSED, why);

    if (!result)
        result = text_rename(folder, BEFORE, SERVING, why);
    tidy(folder);
    return result;
}

bool kept_before(const char *folder, char path[KEPT_FOLDER_MAX])
{
    return snprintf(path, KEPT_FOLDER_MAX, "%s/" BEFORE, folder) < KEPT_FOLDER_MAX && !access(path, R_OK);
}

bool kept_instead(const char *folder, const char *text, char path[KEPT_FOLDER_MAX])
{
    return snprintf(path, KEPT_FOLDER_MAX, "%s/" SERVING, folder) < KEPT_FOLDER_MAX && !access(path, R_OK) &&
           is_text(folder, REFUSED, text);
}
