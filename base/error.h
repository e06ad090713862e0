/* SPDX-License-Identifier: Apache-2.0
 *
 * The error contract, once for the whole tree.
 *
 *   0          success
 *   negative   -errno: a fault of the system (out of memory, disk full). Fatal for the operation; always forwarded.
 *   positive   WISP_E_* of <wisp/status.h>: a documented condition; the direct caller handles or explains it.
 *
 * A function that checks something from outside (a file, a descriptor, a configuration, a picture) also takes a
 * `struct reason *`, and writes there what is wrong, where (file:line, layer, byte), and, when it knows, what to do.
 * The reason belongs to the caller, is optional (NULL), and is meaningful only after a non-zero return.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <errno.h>

#include <wisp/status.h>

struct reason {
    char text[400];
};

/* Writes the text and returns `code`, so that a refusal is one statement: return refuse(why, WISP_E_FORMAT, "…", …). */
int refuse(struct reason *why, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "format: " before the text that stands there, as errors gain context on their way up. Returns `code`. */
int refuse_in(struct reason *why, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* refuse() with ": " and the system's text for -`code` appended; for the failed system call itself. */
int refuse_errno(struct reason *why, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* refuse_errno() for a thread that could not be started: where that is for want of room, with the limits that there
 * are. */
int refuse_thread(struct reason *why, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The static analyzer does not look into error.c: what comes back is what went in. */
#ifdef __clang_analyzer__
#define refuse(why, code, ...)        ((refuse)((why), (code), __VA_ARGS__), (code))
#define refuse_in(why, code, ...)     ((refuse_in)((why), (code), __VA_ARGS__), (code))
#define refuse_errno(why, code, ...)  ((refuse_errno)((why), (code), __VA_ARGS__), (code))
#define refuse_thread(why, code, ...) ((refuse_thread)((why), (code), __VA_ARGS__), (code))
#endif

#endif
