/* SPDX-License-Identifier: Apache-2.0
 *
 * Ctrl-C, for what goes on until somebody stops it: it is noted, and whoever goes on looks.
 */
#ifndef CLI_LIVE_INTERRUPT_H
#define CLI_LIVE_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP end nothing by themselves; system calls that wait return early, once. */
void interrupt_watch(void);
bool interrupt_came(void);

#endif
