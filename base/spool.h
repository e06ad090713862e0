/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes through a pipe, as a file that has no name and is gone with its descriptor: for who has to read it twice,
 * and not keep it in memory.
 */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <stdint.h>

#include "base/error.h"

/* Reads `fd` to its end; *out stands at the beginning of the file, which lies in $TMPDIR, /var/tmp or /tmp, and is the
 * caller's to close. WISP_E_FORMAT when there are more than `limit` bytes; -errno. `name` is for the reason. */
int spool(int fd, const char *name, uint64_t limit, int *out, struct reason *why);

#endif
