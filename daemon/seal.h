/* SPDX-License-Identifier: Apache-2.0
 *
 * The process gives up what it needed to begin, for all of its threads and for good: making rings, and running
 * programs.
 *
 * A ring's operations are no system calls, so no filter of the service's sandbox sees them; those that wispd has made
 * can poll and cancel, and nothing else (event/uring.c). Whoever takes over the process is to make none that can more.
 */
#ifndef DAEMON_SEAL_H
#define DAEMON_SEAL_H

/* -errno: this kernel has no such filters, or somebody forbids them; then all is as it was. */
int process_seal(void);

#endif
