/* SPDX-License-Identifier: Apache-2.0
 *
 * What this process holds of the kernel's: for tests that count before and after.
 */
#ifndef TESTS_SUPPORT_RESOURCES_H
#define TESTS_SUPPORT_RESOURCES_H

/* Open descriptors. */
unsigned resources_fds(void);

/* Mappings whose line in /proc/self/maps contains `text` ("memfd:"). */
unsigned resources_maps(const char *text);

/* How often something is to be done: as the environment says (scripts/reliability), or `usual`. */
unsigned repeats(const char *variable, unsigned usual);

#endif
