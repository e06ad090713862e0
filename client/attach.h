/* SPDX-License-Identifier: Apache-2.0
 *
 * A buffer's beginning and end. All of it takes the client's locks by itself.
 */
#ifndef CLIENT_ATTACH_H
#define CLIENT_ATTACH_H

#include "client/buffer.h"
#include "client/client.h"

/* Takes over the descriptor and the mapping (address may be NULL), and attaches. On failure both are still the
 * caller's. WISP_E_VERSION, WISP_E_BUSY, WISP_E_DENIED and others. */
int buffer_begin(struct wisp_client *client, int fd, uint64_t size, void *address, struct wisp_buffer **out);
/* Back from the daemon, and freed. WISP_E_BUSY: a request stands in it. */
int buffer_end(struct wisp_buffer *buffer);

#endif
