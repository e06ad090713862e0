/* SPDX-License-Identifier: Apache-2.0
 *
 * Forks. A client does not survive one, and must not be kept alive by one: the daemon takes a channel for ended when
 * the last descriptor of its socket is closed, so a child that inherited one, and perhaps never heard of wisp, would
 * hold the channel of a parent that has died. So the child closes them before fork() returns there.
 */
#ifndef CLIENT_FORK_H
#define CLIENT_FORK_H

/* Begins to watch; to be called before there is anything to close. Any thread, any number of times. */
void fork_watch(void);
/* How many forks lie between this process and the first that watched: who finds another number than he noted is in a
 * child. */
unsigned fork_count(void);

/* A socket to the daemon, which a child is not to keep; and its end. Any thread. */
void socket_note(int socket);
void socket_close(int socket);

#endif
