/* SPDX-License-Identifier: Apache-2.0
 *
 * What this process, or another, holds of the kernel's: for tests that count before and after.
 */
#ifndef TESTS_SUPPORT_RESOURCES_H
#define TESTS_SUPPORT_RESOURCES_H

#include <stdint.h>
#include <sys/types.h>

/* Open descriptors. */
unsigned resources_fds(void);

/* Mappings whose line in /proc/self/maps contains `text` ("memfd:"). */
unsigned resources_maps(const char *text);

/* Of a process's memory what that line of its status says ("VmRSS"), in KiB; a line that is missing ends the test. */
uint64_t resources_kib(pid_t pid, const char *line);

/* How often something is to be done: as the environment says (scripts/reliability), or `usual`. */
unsigned repeats(const char *variable, unsigned usual);

#endif
