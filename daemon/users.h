/* SPDX-License-Identifier: Apache-2.0
 *
 * What each user of the machine holds of the daemon: channels, and bytes of memory. Counted before anything is
 * allocated, so that no user can grow the daemon by opening more connections.
 */
#ifndef DAEMON_USERS_H
#define DAEMON_USERS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct user {
    uid_t uid;
    uint32_t channels; /* 0: the entry is free, unless pending */
    uint32_t pending;  /* connections before their hello */
    uint64_t memory;
};

struct users {
    struct user *entries;
    uint32_t capacity;
    uint32_t channels_most; /* per user */
    uint64_t memory_most;
};

/* `capacity`: connections of any kind at most, so that an entry is always free. -ENOMEM. */
int users_init(struct users *users, uint32_t capacity, uint32_t channels_most, uint64_t memory_most);
void users_deinit(struct users *users);

/* The entry of `uid`, made when there is none. */
struct user *users_get(struct users *users, uid_t uid);

/* Charges a channel of `memory` bytes; WISP_E_DENIED, and says what is used and what is allowed. */
int users_charge(struct users *users, struct user *user, uint64_t memory, struct reason *why);
void users_release(struct user *user, uint64_t memory);

#endif
