/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines of the daemon and the forge, on stderr. Under systemd (JOURNAL_STREAM is set) a line begins with the
 * "<N>" priority that the journal reads; on a terminal it begins with the program's name and level. Never called on a
 * request's path. Thread-safe: one write() a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
/* "error", "warning", "notice", "info", "debug"; false when it is none of them. */
bool log_parse_level(const char *text, enum log_level *out);
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_at(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)

#endif
