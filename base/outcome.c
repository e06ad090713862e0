/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/outcome.h"
#include "base/size.h"

enum { MESSAGE_MAX = 1024 };

/* A message names files and repeats what others sent: none of their control characters reach a terminal. C1 controls
 * are 0xc2 0x80 to 0xc2 0x9f in UTF-8. */
static void disarm(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
            at[0] = at[1] = '?';
    }
}

static const char *program = "wisp";

void outcome_of(const char *name)
{
    program = name;
}

static unsigned rank;

void outcome_of_rank(unsigned number)
{
    rank = number;
}

const char *command_name(char name[static COMMAND_NAME_MAX], const char *verb)
{
    snprintf(name, COMMAND_NAME_MAX, "%s%s%s", program, *verb ? " " : "", verb);
    return name;
}

__attribute__((format(printf, 3, 0))) static void say(const char *verb, const char *kind, const char *format,
                                                      va_list arguments)
{
    char text[MESSAGE_MAX], name[COMMAND_NAME_MAX];

    vsnprintf(text, sizeof text, format, arguments);
    disarm(text);
    if (rank)
        fprintf(stderr, "%s: rank %u: %s%s\n", command_name(name, verb), rank, kind, text);
    else
        fprintf(stderr, "%s: %s%s\n", command_name(name, verb), kind, text);
}

int fail(const char *verb, enum exit_status status, const char *format, ...)
{
    va_list arguments;

    /* A signal meanwhile is the end that the first has made. */
    if (rank && nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL))
        return status;
    va_start(arguments, format);
    say(verb, "", format, arguments);
    va_end(arguments);
    return status;
}

void warn_user(const char *verb, const char *format, ...)
{
    va_list arguments;

    if (rank)
        return;
    va_start(arguments, format);
    say(verb, "warning: ", format, arguments);
    va_end(arguments);
}

static const struct {
    int result;
    enum exit_status status;
} of_inputs[] = {
    { 0, EXIT_DONE },
    { WISP_E_INVALID, EXIT_USAGE },
    { -ENOENT, EXIT_DATA },
    { -ENOTDIR, EXIT_DATA },
    { -EISDIR, EXIT_DATA },
    { -ELOOP, EXIT_DATA },
    { -ENAMETOOLONG, EXIT_DATA },
    { WISP_E_FORMAT, EXIT_DATA },
    { WISP_E_SHAPE, EXIT_DATA },
    { WISP_E_NO_MODEL, EXIT_DATA },
    { WISP_E_NO_DAEMON, EXIT_NO_DAEMON },
    { WISP_E_LOST, EXIT_NO_DAEMON },
    { WISP_E_SHUTDOWN, EXIT_NO_DAEMON },
    { WISP_E_BUSY, EXIT_BUSY },
    { WISP_E_CHANGED, EXIT_BUSY },
    { -EACCES, EXIT_DENIED },
    { -EPERM, EXIT_DENIED },
    { WISP_E_DENIED, EXIT_DENIED },
    { WISP_E_CONFIG, EXIT_CONFIG },
    { WISP_E_DEADLINE, EXIT_DEADLINE },
    { WISP_E_TIMEOUT, EXIT_DEADLINE },
    { WISP_E_INTERRUPTED, EXIT_INTERRUPTED },
};

enum exit_status exit_for_input(int result)
{
    for (size_t i = 0; i < ARRAY_SIZE(of_inputs); i++) {
        if (of_inputs[i].result == result)
            return of_inputs[i].status;
    }
    return EXIT_FAILED;
}

enum exit_status exit_for_output(int result)
{
    switch (result) {
    case 0:
        return EXIT_DONE;
    case -EACCES:
    case -EPERM:
        return EXIT_DENIED;
    default:
        return EXIT_FAILED;
    }
}
