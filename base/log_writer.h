/* SPDX-License-Identifier: Apache-2.0
 *
 * The log's writer: a thread that writes lines to standard error, so that whoever logs never waits for whoever reads.
 *
 * Standard error may be a pipe that nobody empties, a terminal that is held, the socket of a journal that has stopped;
 * and it is shared with other processes, so it cannot be made non-blocking. Lines go into a bounded queue instead. When
 * it is full a line is lost and counted, and the next one that gets through is preceded by how many were.
 *
 * log_at() uses it between start and stop; before and after, lines are written at once. Any thread may log; one starts
 * and stops.
 */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* -EAGAIN, -ENOMEM. Signals are blocked in the thread as they are in the caller's. */
int log_writer_start(void);

/* Writes what waits, for at most `patience_ns`, and ends the thread. False: the reader does not read; lines are lost
 * from now on, and the thread ends with the process. */
bool log_writer_stop(uint64_t patience_ns);

/* Takes a line of at most LOG_LINE_MAX bytes; false when no writer runs. */
bool log_writer_take(const char *line, size_t length);

#endif
