/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

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

int refuse_thread(struct reason *why, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_text(why, format, arguments);
    va_end(arguments);
    append(why, wisp_status_text(code));
    if (code == -EAGAIN)
        append(why, "no more threads may be started: raise TasksMax= of the service, or the user's limit of processes "
                    "(LimitNPROC=, ulimit -u), or have fewer shards and threads");
    return code;
}
