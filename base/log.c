/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/size.h"

static const char *const names[] = { [LOG_ERROR] = "error",
                                     [LOG_WARNING] = "warning",
                                     [LOG_NOTICE] = "notice",
                                     [LOG_INFO] = "info",
                                     [LOG_DEBUG] = "debug" };

static const char *log_program = "wisp";
static bool log_to_journal;
static _Atomic int log_level = LOG_INFO; /* relaxed: a late change is a late line, nothing else */

void log_init(const char *program, enum log_level level)
{
    log_program = program;
    log_to_journal = getenv("JOURNAL_STREAM") != NULL;
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_parse_level(const char *text, enum log_level *out)
{
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (!strcmp(text, names[level])) {
            *out = (enum log_level)level;
            return true;
        }
    }
    return false;
}

void log_at(enum log_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    size_t used;

    if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
        return;
    if (log_to_journal)
        snprintf(line, sizeof line, "<%d>", (int)level);
    else if (level <= LOG_WARNING)
        snprintf(line, sizeof line, "%s: %s: ", log_program, names[level]);
    else
        snprintf(line, sizeof line, "%s: ", log_program);
    used = strlen(line);
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used = strlen(line);
    line[used++] = '\n';
    /* A log that cannot be written has nowhere to say so. */
    if (write(STDERR_FILENO, line, used) < 0)
        return;
}
