/* SPDX-License-Identifier: Apache-2.0
 *
 * frames MODEL FILE: what a model says of each of the samples in a file of numbers (float32, one after the other),
 * which wispd reads where they are.
 *
 * The memory is the program's: a memfd, into which a camera, a decoder or another process could write as well. It is
 * filled, sealed, and lent to the daemon, and a ring of requests moves along it; no sample is copied.
 *
 *     cc frames.c $(pkg-config --cflags --libs wisp) -o frames
 *     ./frames fashion pictures.f32
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create() */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wisp/wisp.h>

enum { DEPTH = 4, ALIGN = 64, PAGE = 4096 };

static int complain(const char *what)
{
    fprintf(stderr, "frames: %s: %s\n", what, errno ? strerror(errno) : wisp_last_error());
    return 1;
}

/* A memfd with the file's samples, each at a multiple of 64 bytes. Its pages are there, since they have been written,
 * and nobody can change its size or take one out any more. -1 when that cannot be. */
static int lend(const char *path, size_t sample, size_t stride, size_t *count)
{
    char one[PAGE];
    struct stat status;
    FILE *file = fopen(path, "re");
    int fd = memfd_create("frames", MFD_CLOEXEC | MFD_ALLOW_SEALING), result = -1;

    if (file && fd >= 0 && !fstat(fileno(file), &status) && (*count = (size_t)status.st_size / sample) > 0) {
        const size_t size = (*count * stride + PAGE - 1) / PAGE * PAGE;

        result = posix_fallocate(fd, 0, (off_t)size) ? -1 : 0;
        for (size_t at = 0; !result && at < *count * sample;) {
            size_t in = at % sample, wanted = sample - in < sizeof one ? sample - in : sizeof one;

            if (fread(one, 1, wanted, file) != wanted ||
                pwrite(fd, one, wanted, (off_t)(at / sample * stride + in)) != (ssize_t)wanted)
                result = -1;
            at += wanted;
        }
        if (!result)
            result = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    }
    if (file)
        fclose(file);
    if (!result)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int say(const wisp_model *model, wisp_request *request, size_t number)
{
    struct wisp_label top[1];
    size_t count = 1;

    if (wisp_wait(request, UINT32_MAX) || wisp_top(model, wisp_request_output(request), top, &count))
        return complain("a sample");
    printf("%zu %s %.3f\n", number, top[0].name, top[0].probability);
    return 0;
}

/* Sample i is request i % DEPTH's: it waits for the one before, and moves on. */
static int ask_all(wisp_client *client, const wisp_model *model, wisp_buffer *buffer, size_t stride, size_t count)
{
    wisp_request *ring[DEPTH] = { NULL };
    int failed = 0;

    for (size_t i = 0; !failed && i < count + DEPTH; i++) {
        wisp_request **request = &ring[i % DEPTH];

        if (i >= DEPTH && i - DEPTH < count)
            failed = say(model, *request, i - DEPTH);
        if (failed || i >= count)
            continue;
        if (*request ? wisp_request_move(*request, buffer, i * stride)
                     : wisp_request_new_in(client, model, 1, buffer, i * stride, request))
            failed = complain("a request");
        else if (wisp_submit(*request))
            failed = complain("submitting");
    }
    for (size_t i = 0; i < DEPTH; i++)
        wisp_request_free(ring[i]);
    return failed;
}

int main(int argc, char **argv)
{
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    wisp_buffer *buffer = NULL;
    size_t sample, stride, count = 0;
    int fd = -1, failed = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: frames MODEL FILE\n");
        return 2;
    }
    errno = 0;
    if (wisp_connect(&client, NULL) || wisp_find(client, argv[1], &model)) {
        errno = 0;
        complain(argv[1]);
    } else {
        sample = wisp_model_input_size(model) * sizeof(float);
        stride = (sample + ALIGN - 1) / ALIGN * ALIGN;
        fd = sample ? lend(argv[2], sample, stride, &count) : -1;
        if (fd < 0) {
            fprintf(stderr, "frames: %s has not one sample of %zu bytes, or cannot be read: %s\n", argv[2], sample,
                    strerror(errno));
        } else {
            errno = 0;
            failed = wisp_buffer_from_fd(client, fd, &buffer) ? complain("the buffer")
                                                              : ask_all(client, model, buffer, stride, count);
            close(fd);
        }
    }
    wisp_model_free(model);
    wisp_close(client);
    return failed;
}
