/* SPDX-License-Identifier: Apache-2.0
 *
 * The threads of a process, by what the kernel says of them.
 */
#ifndef TESTS_SUPPORT_PROCESS_THREADS_H
#define TESTS_SUPPORT_PROCESS_THREADS_H

#include <sys/types.h>

/* Calls `look` with that file of the kernel ("status", "schedstat") of each thread whose name begins so; a name that
 * ends with a newline is a whole one. Returns how many there are; no `look`: only that. */
unsigned process_threads(pid_t pid, const char *name, const char *file, void (*look)(const char *text, void *argument),
                         void *argument);

/* One whose name begins so; 0: there is none. */
pid_t process_thread(pid_t pid, const char *name);

#endif
