/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* What error.h tells the static analyzer. */
#undef refuse
#undef refuse_in
#undef refuse_errno

int refuse(struct reason *why, int code, const char *format, ...)
{
    va_list arguments;

    if (!why)
        return code;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return code;
}

int refuse_in(struct reason *why, int code, const char *format, ...)
{
    struct reason inner;
    va_list arguments;
    size_t used;

    if (!why)
        return code;
    inner = *why;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    used = strlen(why->text);
    snprintf(why->text + used, sizeof why->text - used, ": %s", inner.text);
    return code;
}

int refuse_errno(struct reason *why, int code, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (!why)
        return code;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    used = strlen(why->text);
    snprintf(why->text + used, sizeof why->text - used, ": %s", wisp_status_text(code));
    return code;
}
