/* SPDX-License-Identifier: Apache-2.0
 *
 * Every regular file of a tar or zip, one after another, in memory.
 */
#ifndef FORGE_DATA_ARCHIVE_WALK_H
#define FORGE_DATA_ARCHIVE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* `name` and `data` are borrowed for the call. Non-zero stops and is returned, with its reason. */
typedef int archive_visit(void *argument, const char *name, const void *data, size_t size, struct reason *why);

/* `limit`: bytes of one file in it. */
int archive_walk(const char *path, uint64_t limit, archive_visit *visit, void *argument, struct reason *why);

#endif
