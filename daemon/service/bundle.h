/* SPDX-License-Identifier: Apache-2.0
 *
 * A bundle: the five descriptors of a channel that another daemon has left: its socket, its eventfd, the two regions
 * that it shares with its client, and its journal.
 *
 * They come in no order; what is memory says by its name what for, which was given when it was made and which no client
 * can change. Everything in it is checked here, or, what moves, where it is read (channel_resume(), and from then on as
 * ever).
 */
#ifndef DAEMON_SERVICE_BUNDLE_H
#define DAEMON_SERVICE_BUNDLE_H

#include "base/error.h"
#include "daemon/service/store.h"
#include "daemon/shard/channel_memory.h"

struct bundle {
    struct channel_memory memory;
    struct wire_layout layout;
    struct wire_welcome welcome;
    char name[32];
    int socket;
};

/* Maps and checks the channel of these descriptors, which are closed or the bundle's afterwards. WISP_E_INVALID, and
 * says why; -errno. */
int bundle_open(struct bundle *bundle, struct passed_fd *fds, unsigned count, struct reason *why);

/* The one check of a journal's head that was left behind, of a private copy: `size` is that of the whole journal.
 * Computes the layout of the channel. WISP_E_INVALID, and says why. */
int journal_check(const struct journal *copy, size_t size, struct wire_layout *layout, struct reason *why);

#endif
