/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log_line.h"
#include "base/log_writer.h"

static _Atomic int log_level = LOG_LEVEL_INFO; /* relaxed: a late change is a late line, nothing else */

void log_init(const char *program, enum log_level level)
{
    log_line_init(program);
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_parse_level(const char *text, enum log_level *out)
{
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        if (!strcmp(text, log_level_name((enum log_level)level))) {
            *out = (enum log_level)level;
            return true;
        }
    }
    return false;
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

void log_at(enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list arguments;
    size_t length;

    if (level > log_get_level())
        return;
    va_start(arguments, format);
    length = log_line_format(line, level, format, arguments);
    va_end(arguments);
    if (!log_writer_take(line, length))
        log_write(line, length);
}
