/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/size.h"

/* Grows geometrically: a pipe has no size to ask for. A file that is as long as expected does not: a byte more has room
 * to turn out not to be there. */
static int read_stream(int fd, const char *name, size_t limit, size_t expected, void **data, size_t *size,
                       struct reason *why)
{
    size_t capacity = MIN(limit, MAX(expected + 1, (size_t)65536)), used = 0;
    cleanup_free unsigned char *buffer = memory_alloc(capacity + 1, 1);

    if (!buffer)
        return refuse_errno(why, -ENOMEM, "%s", name);
    for (;;) {
        ssize_t got;

        if (used == capacity) {
            /* At the limit one more byte tells a file that just fits from one that is too long. */
            size_t grown = MIN(limit, capacity * 2);
            unsigned char *larger, probe;

            if (capacity == limit) {
                got = read(fd, &probe, 1);
                if (got == 0)
                    break;
                if (got < 0 && errno == EINTR)
                    continue;
                if (got < 0)
                    return refuse_errno(why, -errno, "cannot read %s", name);
                return refuse(why, WISP_E_FORMAT, "%s: larger than the %zu bytes allowed here", name, limit);
            }
            larger = memory_alloc(grown + 1, 1);
            if (!larger)
                return refuse_errno(why, -ENOMEM, "%s", name);
            memcpy(larger, buffer, used);
            free(buffer);
            buffer = larger;
            capacity = grown;
        }
        got = read(fd, buffer + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return refuse_errno(why, -errno, "cannot read %s", name);
        if (got == 0)
            break;
        used += (size_t)got;
    }
    buffer[used] = 0;
    *data = steal(&buffer);
    *size = used;
    return 0;
}

int file_read_fd(int fd, const char *name, size_t limit, void **data, size_t *size, struct reason *why)
{
    struct stat status;
    size_t expected = 0;

    if (fstat(fd, &status) < 0)
        return refuse_errno(why, -errno, "cannot read %s", name);
    if (S_ISDIR(status.st_mode))
        return refuse(why, WISP_E_FORMAT, "%s is a directory", name);
    if (S_ISREG(status.st_mode)) {
        if ((uint64_t)status.st_size > limit)
            return refuse(why, WISP_E_FORMAT, "%s: %llu bytes, larger than the %zu allowed here", name,
                          (unsigned long long)status.st_size, limit);
        expected = (size_t)status.st_size;
    }
    return read_stream(fd, name, limit, expected, data, size, why);
}

static int open_file(const char *path, int *out, struct reason *why)
{
    /* O_NONBLOCK: a FIFO without a writer must be refused, not waited for. */
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    if (fd < 0)
        return refuse_errno(why, -errno, "cannot open %s", path);
    if (fstat(fd, &status) < 0)
        return refuse_errno(why, -errno, "cannot read %s", path);
    if (!S_ISREG(status.st_mode))
        return refuse(why, WISP_E_FORMAT, "%s is %s, not a file", path,
                      S_ISDIR(status.st_mode) ? "a directory" : "a device, socket or pipe");
    *out = steal_fd(&fd);
    return 0;
}

int file_open(const char *path, int *fd, struct reason *why)
{
    const bool input = !strcmp(path, "-");
    struct stat status;

    if (input)
        *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    else if (!stat(path, &status) && S_ISFIFO(status.st_mode))
        *fd = open(path, O_RDONLY | O_CLOEXEC);
    else
        return open_file(path, fd, why);
    return *fd < 0 ? refuse_errno(why, -errno, "cannot open %s", input ? "standard input" : path) : 0;
}

int file_read(const char *path, size_t limit, void **data, size_t *size, struct reason *why)
{
    cleanup_close int fd = -1;
    int result;

    if (!strcmp(path, "-"))
        return file_read_fd(STDIN_FILENO, "standard input", limit, data, size, why);
    result = open_file(path, &fd, why);
    return result ? result : file_read_fd(fd, path, limit, data, size, why);
}

int file_read_or_pipe(const char *path, size_t limit, void **data, size_t *size, struct reason *why)
{
    cleanup_close int fd = -1;
    const int result = file_open(path, &fd, why);

    return result ? result : file_read_fd(fd, strcmp(path, "-") ? path : "standard input", limit, data, size, why);
}

static int write_all(int fd, const struct file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *from = parts[i].data;
        size_t left = parts[i].size;

        while (left) {
            ssize_t put = write(fd, from, MIN(left, (size_t)1 << 30));

            if (put < 0 && errno == EINTR)
                continue;
            if (put < 0)
                return -errno;
            from += put;
            left -= (size_t)put;
        }
    }
    return 0;
}

bool file_is_same(const char *a, const char *b)
{
    struct stat one, other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* Of "holidays/photo.jpg" it is "holidays/.". */
static bool stat_folder(const char *path, struct stat *out)
{
    char folder[PATH_MAX];

    return snprintf(folder, sizeof folder, "%.*s.", (int)(path_name(path) - path), path) < (int)sizeof folder &&
           stat(folder, out) == 0;
}

bool file_will_be_same(const char *a, const char *b)
{
    struct stat one, other;

    return file_is_same(a, b) || (!strcmp(path_name(a), path_name(b)) && stat_folder(a, &one) &&
                                  stat_folder(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

int file_write(const char *path, const struct file_part *parts, size_t count, struct reason *why)
{
    struct file_replacement replacement;
    int result = file_replace(path, &replacement, why);

    return result ? result : file_replace_end(&replacement, write_all(replacement.fd, parts, count), why);
}
