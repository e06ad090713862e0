/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

enum { TRIES = 100, COPY_AT_ONCE = 1 << 30 };

/* ---- without a name ---- */

static int link_to(int fd, const char *name)
{
    char itself[32];

    snprintf(itself, sizeof itself, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, itself, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* In the path's folder; -1 where the file system has no such files. */
static int open_unnamed(const char *path)
{
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof folder, "%.*s.", (int)(path_name(path) - path), path) >= (int)sizeof folder)
        return -1;
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
}

/* ---- with a name beside the path ---- */

/* What `make` gives, under a name that nothing has. -errno. */
static int name_beside(struct file_replacement *replacement, int (*make)(const struct file_replacement *replacement))
{
    int result = -EEXIST;
    uint32_t number;

    for (int i = 0; i < TRIES && result == -EEXIST; i++) {
        if (getrandom(&number, sizeof number, 0) < 0)
            return -errno;
        snprintf(replacement->temporary, sizeof replacement->temporary, "%s.%06x", replacement->path,
                 number & 0xffffff);
        result = make(replacement);
    }
    if (result < 0)
        *replacement->temporary = '\0';
    return result;
}

static int link_itself(const struct file_replacement *replacement)
{
    return link_to(replacement->fd, replacement->temporary);
}

/* The kernel applies the umask, as to any file that a program creates: to ask for it would be to change it, for all
 * threads. */
static int create(const struct file_replacement *replacement)
{
    const int fd = open(replacement->temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

    return fd < 0 ? -errno : fd;
}

static int open_named(struct file_replacement *replacement)
{
    const int fd = name_beside(replacement, create);

    replacement->fd = fd < 0 ? -1 : fd;
    return fd < 0 ? fd : 0;
}

/* Where the file system has none without a name, one whose name is taken away: that it can have one is known then, and
 * whoever is ended leaves nothing. */
static int open_nameless(struct file_replacement *replacement)
{
    const int result = open_named(replacement);

    if (result)
        return result;
    if (unlink(replacement->temporary) < 0) {
        const int error = -errno;

        close(steal_fd(&replacement->fd));
        return error;
    }
    *replacement->temporary = '\0';
    return 0;
}

/* While there is a name beside the path no signal ends this thread. */
static int with_signals_held(struct file_replacement *replacement, int (*run)(struct file_replacement *replacement))
{
    sigset_t all, before;
    int result;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    result = run(replacement);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static int finish_named(struct file_replacement *replacement)
{
    return fsync(replacement->fd) < 0 || rename(replacement->temporary, replacement->path) < 0 ? -errno : 0;
}

/* What was written to the file without a name is in one that has a name. */
static int copy_to_named(struct file_replacement *replacement)
{
    cleanup_close int from = replacement->fd;
    int result = open_named(replacement);
    off_t at = 0;
    ssize_t put;

    if (result)
        return result;
    do
        put = sendfile(replacement->fd, from, &at, COPY_AT_ONCE);
    while (put > 0 || (put < 0 && errno == EINTR));
    return put < 0 ? -errno : 0;
}

/* A link takes no place that is taken, and a rename does: what replaces a file has a second name between two system
 * calls. Some systems make a file without a name and then refuse it one, as AppArmor may; and one whose name was taken
 * away gets none again. */
static int give_name(struct file_replacement *replacement)
{
    int result = link_to(replacement->fd, replacement->path);

    if (!result)
        return 0;
    if (result == -EEXIST) {
        result = name_beside(replacement, link_itself);
        if (!result)
            return rename(replacement->temporary, replacement->path) < 0 ? -errno : 0;
    }
    result = copy_to_named(replacement);
    return result ? result : finish_named(replacement);
}

/* ---- all of it ---- */

int file_check_target(const char *path, struct reason *why)
{
    struct stat status;

    if (stat(path, &status) < 0 || S_ISREG(status.st_mode))
        return 0;
    return refuse(why, S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL, "%s is %s; give the name of a file", path,
                  S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
}

int file_replace(const char *path, struct file_replacement *out, struct reason *why)
{
    int result = file_check_target(path, why);

    *out = (struct file_replacement){ .path = path, .fd = -1 };
    if (result)
        return result;
    /* The name beside it must be able to be, too: it is needed when all the work is done. */
    if (strlen(path) + sizeof ".XXXXXX" > sizeof out->temporary ||
        strlen(path_name(path)) + sizeof ".XXXXXX" - 1 > NAME_MAX)
        return refuse_errno(why, -ENAMETOOLONG, "%s", path);
    out->fd = open_unnamed(path);
    result = out->fd < 0 ? with_signals_held(out, open_nameless) : 0;
    return result ? refuse_errno(why, result, "cannot create %s", path) : 0;
}

void file_replace_drop(struct file_replacement *replacement)
{
    if (replacement->fd >= 0)
        close(steal_fd(&replacement->fd));
    if (*replacement->temporary)
        unlink(replacement->temporary);
}

int file_replace_end(struct file_replacement *replacement, int result, struct reason *why)
{
    if (!result && fsync(replacement->fd) < 0)
        result = -errno;
    if (!result)
        result = with_signals_held(replacement, give_name);
    if (!result) {
        close(steal_fd(&replacement->fd));
        return 0;
    }
    file_replace_drop(replacement);
    return refuse_errno(why, result, "cannot write %s", replacement->path);
}
