/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether this process was started as one of several: a launcher says so in the environment.
 */
#ifndef FORGE_RANKS_LAUNCH_H
#define FORGE_RANKS_LAUNCH_H

/* How many; 1 for a process that nobody launched. */
unsigned long launch_count(void);

#endif
