/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may know what of whom: everybody of himself; root, and the user that the daemon runs as, of all.
 */
#ifndef DAEMON_USERS_VISIBLE_H
#define DAEMON_USERS_VISIBLE_H

#include <stdbool.h>
#include <unistd.h>

static inline bool may_see_all(uid_t asker)
{
    return asker == 0 || asker == geteuid();
}

static inline bool may_see(uid_t asker, uid_t other)
{
    return asker == other || may_see_all(asker);
}

#endif
