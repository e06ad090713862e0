/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/insist.h"
#include "base/size.h"
#include "daemon/users/users.h"

int users_init(struct users *users, uint32_t capacity, uint32_t channels_max, uint64_t memory_max)
{
    insist(capacity > 0 && channels_max > 0);
    *users = (struct users){ .capacity = capacity, .channels_max = channels_max, .memory_max = memory_max };
    users->entries = calloc(capacity, sizeof *users->entries);
    return users->entries ? 0 : -ENOMEM;
}

static void release_tallies(struct user *user)
{
    for (uint32_t i = 0; i < CONFIG_SHARDS_MAX; i++)
        user->tallies[i] = tally_release(user->tallies[i]);
}

void users_deinit(struct users *users)
{
    for (uint32_t i = 0; users->entries && i < users->capacity; i++)
        release_tallies(&users->entries[i]);
    free(users->entries);
    *users = (struct users){ .entries = NULL };
}

struct user *users_get(struct users *users, uid_t uid)
{
    struct user *oldest = NULL;

    users->gets++;
    for (uint32_t i = 0; i < users->capacity; i++) {
        struct user *user = &users->entries[i];
        bool vacant = !user->channels && !user->leaving && !user->pending && !user->asking;

        if (user->seen && user->uid == uid) {
            user->seen = users->gets;
            return user;
        }
        if (vacant && (!oldest || user->seen < oldest->seen))
            oldest = user;
    }
    if (!oldest)
        return NULL;
    insist(!oldest->memory && !oldest->answers && !oldest->allowance.under_way, "user %u", (unsigned)oldest->uid);
    release_tallies(oldest);
    *oldest = (struct user){ .uid = uid, .seen = users->gets };
    return oldest;
}

static int check_memory(const struct users *users, const struct user *user, uint64_t memory, struct reason *why)
{
    if (!size_within(user->memory, memory, users->memory_max)) /* that may pass, unless it is too much in itself */
        return refuse(why, memory > users->memory_max ? WISP_E_DENIED : WISP_E_BUSY,
                      "user %u has %llu KiB of shared memory, may have %llu, and asks for %llu more: ask for less",
                      (unsigned)user->uid, (unsigned long long)user->memory >> 10,
                      (unsigned long long)users->memory_max >> 10, (unsigned long long)memory >> 10);
    return 0;
}

int users_charge(const struct users *users, struct user *user, uint32_t shard, uint64_t memory, struct reason *why)
{
    int result;

    insist(shard < CONFIG_SHARDS_MAX, "%u", shard);
    if (user->channels >= users->channels_max)
        return refuse(why, WISP_E_BUSY, "user %u has %u channel%s open and may have %u: close one", (unsigned)user->uid,
                      user->channels, user->channels == 1 ? "" : "s", users->channels_max);
    if (user->leaving >= users->channels_max)
        return refuse(why, WISP_E_BUSY, "%u channels of user %u are still being closed: try again", user->leaving,
                      (unsigned)user->uid);
    result = check_memory(users, user, memory, why);
    if (result)
        return result;
    if (!user->tallies[shard])
        user->tallies[shard] = tally_new();
    if (!user->tallies[shard])
        return refuse_errno(why, -ENOMEM, "counting the requests of user %u", (unsigned)user->uid);
    user->channels++;
    user->memory += memory;
    return 0;
}

bool user_tally(const struct user *user, struct tally *sum)
{
    bool any = false;

    tally_clear(sum);
    for (uint32_t i = 0; i < CONFIG_SHARDS_MAX; i++) {
        if (!user->tallies[i])
            continue;
        tally_sum(sum, user->tallies[i]);
        any = true;
    }
    return any;
}

int users_charge_more(const struct users *users, struct user *user, uint64_t memory, struct reason *why)
{
    int result = check_memory(users, user, memory, why);

    if (!result)
        user->memory += memory;
    return result;
}

void users_charge_less(struct user *user, uint64_t memory)
{
    insist(memory <= user->memory, "%llu of %llu", (unsigned long long)memory, (unsigned long long)user->memory);
    user->memory -= memory;
}

void users_leave(struct user *user, uint64_t memory)
{
    insist(user->channels > 0);
    insist(memory <= user->memory, "%llu of %llu", (unsigned long long)memory, (unsigned long long)user->memory);
    user->channels--;
    user->memory -= memory;
    user->leaving++;
}

void users_left(struct user *user)
{
    insist(user->leaving > 0);
    user->leaving--;
}
