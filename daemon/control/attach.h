/* SPDX-License-Identifier: Apache-2.0
 *
 * Attaching a client's buffer to its channel, and taking it back.
 *
 * What a client sends with a descriptor may be any file, and of some files closing the last descriptor takes as long as
 * the client likes. So the control thread never has one: an attacher, a thread, has a socket pair of its own with the
 * client, receives there, looks, maps, and closes whatever came. There are a few of them, and a user has one at a time,
 * so that who keeps his waiting keeps nobody else.
 */
#ifndef DAEMON_CONTROL_ATTACH_H
#define DAEMON_CONTROL_ATTACH_H

#include "daemon/control/daemon.h"

struct attachers;

/* Charges the user and begins: *number is the buffer's, once the client has handed it over on *socket, which is the
 * caller's to pass on and to close. WISP_E_BUSY, WISP_E_DENIED, WISP_E_NO_SPACE, -errno. */
int buffer_attach(struct wispd *daemon, struct connection *connection, uint64_t size, uint32_t *number, int *socket,
                  struct reason *why);

/* On success channels_unmap() is due. WISP_E_BUSY: a request uses it; WISP_E_INVALID: there is none of that number. */
int buffer_detach(struct connection *connection, uint32_t number, struct reason *why);

/* Some attacher may have done something. */
void attachers_ready(struct wispd *daemon);
/* Ends the threads. One that a client keeps waiting ends with the process. */
void attachers_end(struct wispd *daemon);

#endif
