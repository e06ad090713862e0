/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is at the other end of a socket, and whether that process still lives.
 *
 * A socket's end is not its process's end: a child that was forked and never uses the channel holds it open. The
 * channel is the process's that connected, so it ends with that, by a pidfd. What a process passes on to another, which
 * outlives it, ends too.
 *
 * A descriptor that a client sends is closed by whoever reads or drops the message, if it is the last of its file; and
 * of some files, such as a TCP socket that lingers, that takes as long as the client likes. So none may be sent.
 */
#ifndef DAEMON_USERS_PEER_H
#define DAEMON_USERS_PEER_H

#include <sys/types.h>

/* A descriptor that polls readable once the process that connected has ended. `pid` is as SO_PEERCRED says, 0 where it
 * cannot be seen from here. -ESRCH: it has ended already; -ENODATA: this kernel cannot tell; -EMFILE and others. */
int peer_process(int socket, pid_t pid);

/* From now on nobody can send descriptors to a socket, or to those that a listening one is going to accept: it is EPERM
 * for the sender. -ENOPROTOOPT: this kernel cannot refuse them. */
int peer_refuse_descriptors(int socket);

#endif
