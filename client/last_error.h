/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence of the last error, one for each thread: what wisp_last_error() returns. Only the thread itself writes
 * it.
 */
#ifndef CLIENT_LAST_ERROR_H
#define CLIENT_LAST_ERROR_H

#include "base/error.h"

/* To be written by refuse() and by what takes a reason. */
struct reason *last_error(void);

/* Writes the sentence and returns `code`, as refuse() does. */
#define last_error_set(code, ...) refuse(last_error(), code, __VA_ARGS__)

#endif
