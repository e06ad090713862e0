/* SPDX-License-Identifier: Apache-2.0
 *
 * How much there is room for, what a client gets that asks for nothing in particular, and who makes room.
 */
#ifndef DAEMON_CONTROL_ROOM_H
#define DAEMON_CONTROL_ROOM_H

#include "daemon/control/daemon.h"

/* How many connections of all kinds there may be, and how many descriptors they need. */
uint32_t room_connections(const struct config *config);
uint32_t room_descriptors(const struct config *config);

/* What a client gets that asks for nothing in particular. */
void room_offer(struct wispd *daemon);

/* Room for one more, which `user` has been charged for: with memory, or for questions alone. */
void room_make(struct wispd *daemon, const struct user *user);
void room_make_asking(struct wispd *daemon, const struct user *user);

#endif
