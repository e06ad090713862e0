/* SPDX-License-Identifier: Apache-2.0
 *
 * For programs with an event loop of their own: one descriptor that polls readable.
 *
 * It is an epoll instance over the socket (notices from the daemon, its end, a welcome) and a timer. The timer rings
 * when the next attempt to reconnect is due, and at once when another thread has reaped something for the loop. So the
 * descriptor stays the same from one daemon to the next, and threads that wait in wisp_wait() may use the same client.
 *
 * While the loop sleeps and nobody has the role, the daemon is asked for a notice on the socket.
 */
#ifndef CLIENT_EVENT_H
#define CLIENT_EVENT_H

#include <stdbool.h>

#include "client/client.h"

/* All of it needs the lock. */

/* Makes the descriptors, unless they are there. WISP_E_VERSION when the daemon cannot notify; -errno. */
int event_open(struct wisp_client *client);
/* A socket begins to be what a loop wakes for (-errno: it cannot), or ceases to. */
int event_session(struct wisp_client *client, int socket, struct reason *why);
void event_session_end(struct wisp_client *client, int socket);
/* Makes wisp_fd() readable, when somebody sleeps on it. */
void event_ring(struct wisp_client *client);
/* Asks for what the sleeping loop needs to be woken by; when the role becomes free it is asked for again. */
void event_arm(struct wisp_client *client);
void event_rearm(struct wisp_client *client);
/* The loop is awake. */
void event_disarm(struct wisp_client *client);

#endif
