/* SPDX-License-Identifier: Apache-2.0
 *
 * loop MODEL   what a model says of each file whose name comes on standard input, a line each, by an event loop
 *
 *     cc loop.c $(pkg-config --cflags --libs wisp-media) -o loop
 *     inotifywait -qm -e close_write --format %w%f pictures | ./loop image
 *
 * One thread sleeps in epoll_wait() for names and for answers, whichever come; no call here waits for a model. Names
 * are read in as long as a request is free, so what comes too fast waits in the pipe.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <wisp/media.h>

enum { AT_ONCE = 16, NAMES, ANSWERS };

struct job {
    wisp_request *request;
    char path[4096];
    struct job *next_free;
};

static const wisp_model *model;
static struct job jobs[AT_ONCE], *unused;

/* Called by wisp_dispatch(), in this thread. */
static void answered(wisp_request *request, int status, void *user)
{
    struct job *job = user;
    struct wisp_label top;
    size_t count = 1;

    if (!status)
        status = wisp_top(model, wisp_request_output(request), &top, &count);
    if (status)
        fprintf(stderr, "%s: %s\n", job->path, wisp_last_error());
    else
        printf("%s: %s %.1f %%\n", job->path, top.name, 100 * top.probability);
    fflush(stdout);
    job->next_free = unused;
    unused = job;
}

/* Takes a request for the file, unless there is something wrong with it. */
static void ask(const char *path)
{
    struct job *job = unused;

    snprintf(job->path, sizeof job->path, "%s", path);
    if (wisp_encode_file(model, path, wisp_request_input(job->request)) || wisp_submit(job->request))
        fprintf(stderr, "%s: %s\n", path, wisp_last_error());
    else
        unused = job->next_free;
}

/* The lines that are whole, as far as requests are free. 0: the input has ended, and all of it has been asked. */
static int ask_lines(int readable)
{
    static char lines[2 * sizeof jobs[0].path];
    static size_t length;
    static int ended;
    char *end;

    if (readable && !ended) {
        ssize_t got = read(STDIN_FILENO, lines + length, sizeof lines - 1 - length);

        ended = got == 0 || (got < 0 && errno != EINTR) || length + (size_t)(got > 0 ? got : 0) == sizeof lines - 1;
        length += got > 0 ? (size_t)got : 0;
    }
    while (unused && (end = memchr(lines, '\n', length))) {
        *end++ = 0;
        ask(lines);
        length -= (size_t)(end - lines);
        memmove(lines, end, length);
    }
    return !ended || memchr(lines, '\n', length);
}

static int busy(void)
{
    int count = AT_ONCE;

    for (const struct job *job = unused; job; job = job->next_free)
        count--;
    return count;
}

/* A plain file is always readable, and epoll does not take it. */
static int run(wisp_client *client)
{
    struct epoll_event names = { .events = EPOLLIN, .data.u32 = NAMES },
                       answers = { .events = EPOLLIN, .data.u32 = ANSWERS };
    int loop = epoll_create1(EPOLL_CLOEXEC), listens = 0, result = 0, more = 1;
    int plain = epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &names);

    epoll_ctl(loop, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, wisp_fd(client), &answers))
        return -1;
    while (!result && (more || busy())) {
        struct epoll_event event = { .data.u32 = ANSWERS };
        int wants = more && unused, armed = wisp_arm(client);

        if (!plain && wants != listens) {
            epoll_ctl(loop, wants ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, STDIN_FILENO, &names);
            listens = wants;
        }
        if (armed == 0 && !(plain && wants))
            epoll_wait(loop, &event, 1, -1);
        result = wisp_dispatch(client); /* calls answered() */
        more = ask_lines(plain || event.data.u32 == NAMES);
    }
    close(loop);
    return result;
}

int main(int argc, char **argv)
{
    wisp_client *client = NULL;
    wisp_model *found = NULL;
    int result;

    if (argc != 2) {
        fprintf(stderr, "usage: loop MODEL < NAMES\n");
        return 2;
    }
    result = wisp_connect(&client, NULL);
    if (!result)
        result = wisp_find(client, argv[1], &found);
    model = found;
    for (size_t i = 0; !result && i < AT_ONCE; i++) {
        result = wisp_request_new(client, model, 1, &jobs[i].request);
        if (result)
            break;
        wisp_request_set_user(jobs[i].request, &jobs[i]);
        wisp_request_set_callback(jobs[i].request, answered);
        jobs[i].next_free = unused;
        unused = &jobs[i];
    }
    if (!result)
        result = run(client);
    if (result)
        fprintf(stderr, "loop: %s\n", wisp_last_error());
    wisp_model_free(found);
    wisp_close(client);
    return result ? 1 : 0;
}
