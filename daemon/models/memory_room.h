/* SPDX-License-Identifier: Apache-2.0
 *
 * How much memory this process may still take before the kernel ends it: a limit of its cgroup (of either version), or
 * of one above. What the kernel keeps of files there, and has not used of late, counts as free.
 */
#ifndef DAEMON_MODELS_MEMORY_ROOM_H
#define DAEMON_MODELS_MEMORY_ROOM_H

#include <stdint.h>

/* Bytes; UINT64_MAX: no limit, or none to be found. */
uint64_t memory_room(void);
/* The same of a group of the hierarchy that is mounted there: "/system.slice/wispd.service". */
uint64_t memory_room_of(const char *mount, const char *group);

#endif
