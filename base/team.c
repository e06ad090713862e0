/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller publishes a turn; every member runs it and counts itself out; the caller waits for the count. Turns are
 * numbered, so a member that slept through nothing sees exactly the next one.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/team.h"

enum { SPIN_NS = 20000, SPIN_LOOK = 64 };

struct member {
    struct team *team;
    unsigned part;
    pthread_t thread;
};

struct team {
    unsigned parts;
    team_function *function; /* written before `turn` is released, read after it is acquired */
    void *argument;
    bool leaving;
    _Alignas(64) _Atomic uint32_t turn; /* released by team_run(), acquired by member_wait() */
    _Alignas(64) _Atomic uint32_t left; /* members still at it: released by each, acquired by team_run() */
    struct member members[];
};

static void futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Returns once *word differs from `seen`; pairs with the release that changed it. */
static uint32_t wait_change(_Atomic uint32_t *word, uint32_t seen)
{
    uint64_t until = clock_ns() + SPIN_NS;
    uint32_t value;

    do {
        for (int i = 0; i < SPIN_LOOK; i++) {
            value = atomic_load_explicit(word, memory_order_acquire);
            if (value != seen)
                return value;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
    } while (clock_ns() < until);
    while ((value = atomic_load_explicit(word, memory_order_acquire)) == seen)
        futex(word, FUTEX_WAIT, seen);
    return value;
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    uint32_t seen = 0;

    for (;;) {
        seen = wait_change(&team->turn, seen);
        if (team->leaving)
            return NULL;
        team->function(team->argument, member->part, team->parts);
        /* Pairs with the acquire in team_run(): what this part wrote is visible once the count is zero. */
        if (atomic_fetch_sub_explicit(&team->left, 1, memory_order_acq_rel) == 1)
            futex(&team->left, FUTEX_WAKE, 1);
    }
}

static void team_turn(struct team *team)
{
    /* Pairs with wait_change() in the members. */
    atomic_fetch_add_explicit(&team->turn, 1, memory_order_release);
    futex(&team->turn, FUTEX_WAKE, INT_MAX);
}

int team_new(unsigned parts, struct team **out)
{
    struct team *team;

    if (posix_memalign((void **)&team, 64, sizeof *team + parts * sizeof *team->members))
        return -ENOMEM;
    *team = (struct team){ .parts = 1 };
    for (unsigned part = 1; part < parts; part++) {
        struct member *member = &team->members[part];
        int result;

        *member = (struct member){ .team = team, .part = part };
        result = pthread_create(&member->thread, NULL, member_main, member);
        if (result) {
            team_free(team);
            return -result;
        }
        team->parts++;
    }
    *out = team;
    return 0;
}

struct team *team_free(struct team *team)
{
    if (!team)
        return NULL;
    team->leaving = true;
    team_turn(team);
    for (unsigned part = 1; part < team->parts; part++)
        pthread_join(team->members[part].thread, NULL);
    free(team);
    return NULL;
}

unsigned team_parts(const struct team *team)
{
    return team ? team->parts : 1;
}

void team_run(struct team *team, team_function *function, void *argument)
{
    uint32_t left;

    if (!team || team->parts == 1) {
        function(argument, 0, 1);
        return;
    }
    team->function = function;
    team->argument = argument;
    atomic_store_explicit(&team->left, team->parts - 1, memory_order_relaxed);
    team_turn(team);
    function(argument, 0, team->parts);
    /* Pairs with the members' acq_rel decrements. */
    left = atomic_load_explicit(&team->left, memory_order_acquire);
    while (left)
        left = wait_change(&team->left, left);
}
