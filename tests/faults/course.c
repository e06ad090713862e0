/* SPDX-License-Identifier: Apache-2.0
 *
 * course SOCKET ANSWERS [write]    all that a client of libwisp does, once, while something of it is made to fail
 *
 * Connects, asks, sends requests that are waited for, called back, noted, cancelled and read from a buffer of its own,
 * and closes. Compares each answer with those in the file ANSWERS, or writes that. 0: all of it was done; 1: something
 * was refused, and it has said what; 2: an answer was wrong, an error without a sentence, or something is left over.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wisp/wisp.h>

enum { DONE, REFUSED, WRONG, ROWS = 3, CALLED = 4, PATIENCE_MS = 8000, OUTPUTS_MAX = 4096 };

static struct course {
    wisp_client *client;
    wisp_model *model;
    wisp_request *waited, *called[CALLED], *noted, *cancelled, *inside;
    wisp_buffer *buffer;
    size_t inputs, outputs;
    float *expected; /* [ROWS][outputs]; NULL: not known */
    bool writes;
    const char *answers;
    unsigned calls;
    bool wrong;
} course;

static int __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("course: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    course.wrong = true;
    return -1;
}

/* Whatever is refused says why. */
static int checked(int result, const char *what)
{
    if (!result)
        return 0;
    if (strlen(wisp_last_error()) < 10)
        return wrong("%s: %d, and \"%s\" says not why", what, result, wisp_last_error());
    fprintf(stderr, "course: %s: %s\n", what, wisp_last_error());
    return result;
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    if (!folder)
        return -1; /* that may have been what failed */
    errno = 0;
    while (readdir(folder))
        count++;
    if (errno)
        count = -1;
    closedir(folder);
    return count;
}

static void fill(float *input)
{
    for (size_t i = 0; i < ROWS * course.inputs; i++)
        input[i] = (float)(i * 37 % 101) / 101;
}

static int compare(const float *output, const char *who)
{
    const size_t bytes = ROWS * course.outputs * sizeof *output;

    if (!course.expected) {
        course.expected = malloc(bytes);
        if (course.expected)
            memcpy(course.expected, output, bytes);
        return 0;
    }
    return memcmp(course.expected, output, bytes) ? wrong("the answer of the request %s is wrong", who) : 0;
}

static int read_answers(void)
{
    const size_t bytes = ROWS * course.outputs * sizeof(float);
    FILE *file = course.writes ? NULL : fopen(course.answers, "rb");

    if (!file)
        return 0; /* then they are compared with each other */
    course.expected = malloc(bytes);
    if (course.expected && fread(course.expected, 1, bytes, file) != bytes) {
        free(course.expected);
        course.expected = NULL;
    }
    fclose(file);
    return 0;
}

static void write_answers(void)
{
    FILE *file = fopen(course.answers, "wb");

    if (file && course.expected)
        fwrite(course.expected, 1, ROWS * course.outputs * sizeof(float), file);
    if (file)
        fclose(file);
}

/* ---- its parts ---- */

static int meet(const char *socket)
{
    const struct wisp_options options = { .size = sizeof options,
                                          .socket_path = socket,
                                          .connect_ms = 3000,
                                          .reconnect_ms = 3000,
                                          .answer_ms = PATIENCE_MS,
                                          .entries = 16 };
    int result = checked(wisp_connect(&course.client, &options), "connect");

    if (!result)
        result = checked(wisp_find(course.client, "text", &course.model), "find");
    if (result)
        return result;
    course.inputs = wisp_model_input_size(course.model);
    course.outputs = wisp_model_output_size(course.model);
    return read_answers();
}

static int ask_questions(void)
{
    static int (*const questions[])(wisp_client *, char **) = { wisp_list, wisp_status, wisp_stats, wisp_clients };
    int result = 0;

    for (size_t i = 0; i < sizeof questions / sizeof *questions && !result; i++) {
        char *json = NULL;

        result = checked(questions[i](course.client, &json), "question");
        if (!result && json[0] != '[' && json[0] != '{')
            result = wrong("question %zu: \"%.40s\"", i, json);
        free(json);
    }
    return result ? result : checked(wisp_ping(course.client, PATIENCE_MS, NULL), "ping");
}

static int make(wisp_request **request)
{
    int result = checked(wisp_request_new(course.client, course.model, ROWS, request), "request");

    if (!result)
        fill(wisp_request_input(*request));
    return result;
}

static int wait_for_one(void)
{
    int result = make(&course.waited);

    for (int i = 0; i < 3 && !result; i++) {
        result = checked(wisp_submit(course.waited), "submit");
        if (!result)
            result = checked(wisp_wait(course.waited, PATIENCE_MS), "wait");
        if (!result)
            result = compare(wisp_request_output(course.waited), "waited for");
    }
    return result;
}

static void call_back(wisp_request *request, int status, void *user)
{
    (void)user;
    course.calls++;
    if (!checked(status, "called back"))
        (void)compare(wisp_request_output(request), "called back");
}

/* Sleeps in poll() as a program with a loop of its own does, until all have come, or nothing has for too long. */
static int loop_until(bool (*is_over)(void))
{
    int result = 0;

    while (!result && !is_over()) {
        const int fd = wisp_fd(course.client);
        int armed;

        if (fd < 0)
            return checked(fd, "descriptor");
        armed = wisp_arm(course.client);
        if (armed < 0)
            return checked(armed, "arm");
        if (!armed && poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, PATIENCE_MS) == 0)
            return wrong("nothing came, and nobody said why");
        result = checked(wisp_dispatch(course.client), "dispatch");
    }
    return result;
}

static bool all_called(void)
{
    return course.calls == CALLED;
}

static int be_called_back(void)
{
    int result = 0;

    for (int i = 0; i < CALLED && !result; i++) {
        result = make(&course.called[i]);
        if (!result) {
            wisp_request_set_callback(course.called[i], call_back);
            result = checked(wisp_submit(course.called[i]), "submit to be called back");
        }
    }
    return result ? result : loop_until(all_called);
}

static bool noted_came(void)
{
    return wisp_next(course.client) == course.noted;
}

static int be_handed_out(void)
{
    int result = make(&course.noted);

    if (result)
        return result;
    wisp_request_set_noted(course.noted, 1);
    result = checked(wisp_submit(course.noted), "submit to be noted");
    if (!result)
        result = loop_until(noted_came);
    if (!result)
        result = checked(wisp_poll(course.noted), "noted");
    return result ? result : compare(wisp_request_output(course.noted), "noted");
}

static int give_up(void)
{
    int result = make(&course.cancelled);

    if (!result)
        result = checked(wisp_submit(course.cancelled), "submit to be cancelled");
    if (!result)
        result = checked(wisp_cancel(course.cancelled), "cancel");
    if (result)
        return result;
    result = wisp_wait(course.cancelled, PATIENCE_MS);
    return result == WISP_E_CANCELLED ? 0 : checked(result, "cancelled");
}

static int lie_in_a_buffer(void)
{
    const size_t page = 4096, bytes = ROWS * course.inputs * sizeof(float);
    int result = checked(wisp_buffer_new(course.client, (bytes + page - 1) / page * page, &course.buffer), "buffer");

    if (!result)
        fill(wisp_buffer_data(course.buffer));
    if (!result)
        result =
            checked(wisp_request_new_in(course.client, course.model, ROWS, course.buffer, 0, &course.inside), "in");
    if (!result)
        result = checked(wisp_submit(course.inside), "submit in a buffer");
    if (!result)
        result = checked(wisp_wait(course.inside, PATIENCE_MS), "wait in a buffer");
    return result ? result : compare(wisp_request_output(course.inside), "in a buffer");
}

static void leave(void)
{
    course.inside = wisp_request_free(course.inside);
    if (course.buffer)
        (void)wisp_buffer_free(course.buffer);
    wisp_request_free(course.waited);
    wisp_request_free(course.noted);
    wisp_request_free(course.cancelled);
    for (int i = 0; i < CALLED; i++)
        wisp_request_free(course.called[i]);
    wisp_model_free(course.model);
    wisp_close(course.client);
    free(course.expected);
}

int main(int argc, char **argv)
{
    static int (*const parts[])(void) = { ask_questions, wait_for_one, be_called_back,
                                          be_handed_out, give_up,      lie_in_a_buffer };
    int before, after, result;

    if (argc < 3)
        return WRONG;
    course.answers = argv[2];
    course.writes = argc > 3;
    before = descriptors();
    result = meet(argv[1]);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !result; i++)
        result = parts[i]();
    if (!result && course.writes)
        write_answers();
    leave();
    after = descriptors();
    if (before >= 0 && after > before)
        (void)wrong("%d descriptors, and %d before", after, before);
    return course.wrong ? WRONG : result ? REFUSED : DONE;
}
