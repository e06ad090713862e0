/* SPDX-License-Identifier: Apache-2.0
 *
 * What one line of the log looks like, for log.c; who writes it is its business. Any thread, after the beginning.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include <stdarg.h>

#include "base/log.h"

/* What lines begin with. Before there is a second thread. */
void log_line_init(const char *program);

/* log_format() with its arguments as a list. */
size_t log_line_format(char line[LOG_LINE_MAX], enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
