/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines of the daemon and the forge, on stderr. Under systemd (JOURNAL_STREAM is set) a line begins with the
 * "<N>" priority that the journal reads; on a terminal it begins with the program's name and level. Never called on a
 * request's path. Thread-safe: a line is written as a whole, by the caller, or by a thread where one runs
 * (log_writer.h).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum { LOG_LINE_MAX = 1024 };

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
const char *log_level_name(enum log_level level);
/* "error", "warning", "notice", "info", "debug"; false when it is none of them. */
bool log_parse_level(const char *text, enum log_level *out);
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The line that log_at() would write, with its newline; its length. And writes it, whatever that takes. */
size_t log_format(char line[LOG_LINE_MAX], enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_write(const char *text, size_t length);

#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
