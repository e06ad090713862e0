/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/size.h"

/* What error.h tells the static analyzer. */
#undef refuse
#undef refuse_in
#undef refuse_errno
#undef refuse_thread

__attribute__((format(printf, 2, 0))) static void write_text(struct reason *why, const char *format, va_list arguments)
{
    if (why)
        vsnprintf(why->text, sizeof why->text, format, arguments);
}

static void append(struct reason *why, const char *text)
{
    const size_t used = why ? strlen(why->text) : 0;

    if (why)
        snprintf(why->text + used, sizeof why->text - used, ": %s", text);
}

int refuse(struct reason *why, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_text(why, format, arguments);
    va_end(arguments);
    return code;
}

int refuse_in(struct reason *why, int code, const char *format, ...)
{
    const struct reason inner = why ? *why : (struct reason){ "" };
    va_list arguments;

    va_start(arguments, format);
    write_text(why, format, arguments);
    va_end(arguments);
    append(why, inner.text);
    return code;
}

int refuse_errno(struct reason *why, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_text(why, format, arguments);
    va_end(arguments);
    append(why, wisp_status_text(code));
    return code;
}

/* A thread's stack is of address space and of data: either may have a limit. */
static bool has_limit_of_memory(void)
{
    static const int resources[] = { RLIMIT_AS, RLIMIT_DATA };
    struct rlimit limit;

    for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
        if (!getrlimit(resources[i], &limit) && limit.rlim_cur != RLIM_INFINITY)
            return true;
    }
    return false;
}

int refuse_thread(struct reason *why, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_text(why, format, arguments);
    va_end(arguments);
    append(why, wisp_status_text(code));
    if (code == -EAGAIN && has_limit_of_memory())
        append(why, "no memory for its stack, or no more threads: raise LimitAS= and LimitDATA= of the service "
                    "(ulimit -v, -d), TasksMax=, or the user's limit of processes (LimitNPROC=, ulimit -u)");
    else if (code == -EAGAIN)
        append(why, "no more threads may be started: raise TasksMax= of the service, or the user's limit of processes "
                    "(LimitNPROC=, ulimit -u), or have fewer shards and threads");
    return code;
}
