/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/insist.h"
#include "base/log_line.h"

static const char *const names[] = { [LOG_LEVEL_ERROR] = "error",
                                     [LOG_LEVEL_WARNING] = "warning",
                                     [LOG_LEVEL_NOTICE] = "notice",
                                     [LOG_LEVEL_INFO] = "info",
                                     [LOG_LEVEL_DEBUG] = "debug" };

static const char *log_program = "wisp";
static bool log_to_journal;

void log_line_init(const char *program)
{
    log_program = program;
    log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

const char *log_level_name(enum log_level level)
{
    return names[level];
}

size_t log_line_format(char line[LOG_LINE_MAX], enum log_level level, const char *format, va_list arguments)
{
    size_t used;

    if (log_to_journal)
        snprintf(line, LOG_LINE_MAX, "<%d>", (int)level);
    else if (level <= LOG_LEVEL_WARNING)
        snprintf(line, LOG_LINE_MAX, "%s: %s: ", log_program, names[level]);
    else
        snprintf(line, LOG_LINE_MAX, "%s: ", log_program);
    used = strlen(line);
    vsnprintf(line + used, LOG_LINE_MAX - used - 1, format, arguments);
    used = strlen(line);
    line[used++] = '\n';
    return used;
}

size_t log_format(char line[LOG_LINE_MAX], enum log_level level, const char *format, ...)
{
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = log_line_format(line, level, format, arguments);
    va_end(arguments);
    return length;
}

void log_write(const char *text, size_t length)
{
    while (length) {
        ssize_t written = write(STDERR_FILENO, text, length);
        struct pollfd writable = { .fd = STDERR_FILENO, .events = POLLOUT };

        if (written >= 0) {
            text += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            (void)poll(&writable, 1, -1); /* somebody else has made it non-blocking */
        } else if (errno != EINTR) {
            return; /* a log that cannot be written has nowhere to say so */
        }
    }
}

/* ---- the last line: what an assertion says ---- */

static atomic_flag failing = ATOMIC_FLAG_INIT; /* pairs with nothing: who comes second waits for the end */
static void (*_Atomic farewell_of_program)(void);

void insist_set_farewell(void (*farewell)(void))
{
    atomic_store(&farewell_of_program, farewell);
}

/* log_write() would wait for ever for a reader that has stopped; a line of the log fits into what a pipe that can be
 * written takes. */
static void write_in_time(const char *line, size_t length)
{
    struct pollfd writable = { .fd = STDERR_FILENO, .events = POLLOUT };

    if (poll(&writable, 1, INSIST_PATIENCE_MS) == 1 && write(STDERR_FILENO, line, length) < 0)
        return; /* nobody is left to tell */
}

void insist_failed(const char *file, int line, const char *function, const char *condition, const char *format, ...)
{
    void (*farewell)(void) = atomic_load(&farewell_of_program);
    char text[LOG_LINE_MAX], values[LOG_LINE_MAX / 2];
    va_list arguments;
    size_t length;

    while (atomic_flag_test_and_set(&failing))
        (void)poll(NULL, 0, -1);
    va_start(arguments, format);
    vsnprintf(values, sizeof values, format, arguments);
    va_end(arguments);
    if (farewell)
        farewell();
    length = log_format(text, LOG_LEVEL_ERROR, "%s:%d: %s(): assertion failed: %s%s%s", file, line, function, condition,
                        values[1] ? ":" : "", values[1] ? values : "");
    write_in_time(text, length);
    abort();
}
