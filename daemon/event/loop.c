/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop that its user sees: choosing a backend, beginning and ending watches, the timers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/event/backend.h"

enum { FIRST_WATCHES = 64 };

static int choose(enum loop_kind kind, unsigned descriptors, struct loop **out, struct reason *fallback,
                  struct reason *why)
{
    struct reason reason = { "" };
    int result = 0;

    if (kind != LOOP_EPOLL) {
        result = loop_uring_new(descriptors, out, &reason);
        if (!result)
            return 0;
        if (kind == LOOP_URING)
            return refuse(why, result, "io_uring was asked for and cannot be used: %s", reason.text);
    }
    result = loop_epoll_new(out, why);
    if (!result && kind == LOOP_AUTO && fallback)
        *fallback = reason;
    return result;
}

static int watch_grow(struct loop *loop, int fd);
static int timers_grow(struct loop *loop, unsigned capacity);

/* Room for what is expected, so that it never has to be found at a bad moment. */
static int reserve(struct loop *loop, unsigned descriptors)
{
    int result = watch_grow(loop, (int)(descriptors + FIRST_WATCHES));

    return result ? result : timers_grow(loop, descriptors + FIRST_WATCHES);
}

int loop_new(enum loop_kind kind, unsigned descriptors, struct loop **out, struct reason *fallback, struct reason *why)
{
    int result = choose(kind, descriptors, out, fallback, why);

    if (result)
        return result;
    (*out)->owner = pthread_self();
    result = reserve(*out, descriptors);
    if (!result)
        return 0;
    *out = loop_free(*out);
    return refuse_errno(why, result, "the tables of the event loop");
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    free(loop->watches);
    free(loop->timers);
    loop->backend->free(loop);
    return NULL;
}

const char *loop_name(const struct loop *loop)
{
    return loop->backend->name;
}

static bool is_owner(const struct loop *loop)
{
    return pthread_equal(pthread_self(), loop->owner);
}

/* ---- watches ---- */

static int watch_grow(struct loop *loop, int fd)
{
    unsigned count = loop->watch_count;
    struct loop_watch *grown;

    if (fd < 0 || fd > LOOP_FD_MAX)
        return -EBADF;
    while (count <= (unsigned)fd)
        count = count ? 2 * count : FIRST_WATCHES;
    if (count == loop->watch_count)
        return 0;
    grown = realloc(loop->watches, count * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    memset(grown + loop->watch_count, 0, (count - loop->watch_count) * sizeof *grown);
    loop->watches = grown;
    loop->watch_count = count;
    return 0;
}

static int begin(struct loop *loop, int fd, enum loop_verb verb, unsigned events, uint64_t token)
{
    struct loop_watch *watch;
    int result = watch_grow(loop, fd);

    if (result)
        return result;
    insist(is_owner(loop));
    watch = &loop->watches[fd];
    if (watch->verb != LOOP_VERB_NONE)
        return -EBUSY;
    *watch =
        (struct loop_watch){ .token = token, .serial = watch->serial + 1, .verb = (uint8_t)verb, .events = events };
    result = loop->backend->begin(loop, fd, watch, loop_key(fd, watch));
    if (loop_passes(result)) {
        loop_put_off(loop, watch);
        result = 0;
    }
    if (result)
        watch->verb = LOOP_VERB_NONE;
    return result;
}

/* ---- what the kernel has no room for just now ---- */

static void forget_late(struct loop *loop, struct loop_watch *watch)
{
    if (watch->late) {
        insist(loop->late_count > 0);
        loop->late_count--;
    }
    watch->late = false;
}

/* An error that does not pass is the caller's to see, as the result of an event: no later than it would have been. */
static unsigned begin_late(struct loop *loop, struct loop_event *events, unsigned capacity)
{
    unsigned count = 0;

    for (unsigned fd = 0; loop->late_count && fd < loop->watch_count && count < capacity; fd++) {
        struct loop_watch *watch = &loop->watches[fd];
        int result;

        if (!watch->late)
            continue;
        result = loop->backend->begin(loop, (int)fd, watch, loop_key((int)fd, watch));
        if (loop_passes(result))
            break;
        forget_late(loop, watch);
        if (result)
            count += loop_complete(loop, loop_key((int)fd, watch), result, &events[count]);
    }
    loop->late_ns = clock_ns() + LOOP_LATE_NS;
    return count;
}

int loop_ready(struct loop *loop, int fd, unsigned events, uint64_t token)
{
    return begin(loop, fd, LOOP_VERB_READY, events, token);
}

int loop_edge(struct loop *loop, int fd, uint64_t token)
{
    return begin(loop, fd, LOOP_VERB_EDGE, 0, token);
}

void loop_cancel(struct loop *loop, int fd)
{
    struct loop_watch *watch;
    uint64_t key;

    insist(is_owner(loop));
    if (fd < 0 || (unsigned)fd >= loop->watch_count)
        return;
    watch = &loop->watches[fd];
    key = loop_key(fd, watch);
    forget_late(loop, watch);
    /* Even with no verb under way: epoll keeps the descriptor between two one-shot verbs. */
    watch->verb = LOOP_VERB_NONE;
    watch->serial++;
    loop->backend->cancel(loop, fd, key);
}

/* ---- timers ---- */

static int timers_grow(struct loop *loop, unsigned capacity)
{
    struct loop_timer *grown = realloc(loop->timers, capacity * sizeof *grown);

    if (!grown)
        return -ENOMEM;
    loop->timers = grown;
    loop->timer_capacity = capacity;
    return 0;
}

int loop_timer(struct loop *loop, uint64_t at_ns, uint64_t token)
{
    unsigned at = loop->timer_count;

    if (loop->timer_count == loop->timer_capacity && timers_grow(loop, 2 * loop->timer_capacity))
        return -ENOMEM;
    insist(is_owner(loop) && loop->timer_count < loop->timer_capacity, "%u of %u", at, loop->timer_capacity);
    while (at > 0 && loop->timers[at - 1].at_ns > at_ns)
        at--;
    memmove(&loop->timers[at + 1], &loop->timers[at], (loop->timer_count - at) * sizeof *loop->timers);
    loop->timers[at] = (struct loop_timer){ .at_ns = at_ns, .token = token };
    loop->timer_count++;
    return 0;
}

void loop_timer_cancel(struct loop *loop, uint64_t token)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < loop->timer_count; i++) {
        if (loop->timers[i].token != token)
            loop->timers[kept++] = loop->timers[i];
    }
    loop->timer_count = kept;
}

static unsigned timers_due(struct loop *loop, struct loop_event *events, unsigned capacity)
{
    unsigned due = 0;
    uint64_t now;

    if (!loop->timer_count)
        return 0;
    now = clock_ns();
    while (due < loop->timer_count && due < capacity && loop->timers[due].at_ns <= now) {
        events[due] = (struct loop_event){ .token = loop->timers[due].token };
        due++;
    }
    loop->timer_count -= due;
    memmove(loop->timers, loop->timers + due, loop->timer_count * sizeof *loop->timers);
    return due;
}

/* ---- waiting ---- */

bool loop_pending(struct loop *loop, uint64_t now_ns)
{
    if (loop->timer_count && loop->timers[0].at_ns <= now_ns)
        return true;
    if (loop->late_count && loop->late_ns <= now_ns)
        return true;
    return loop->backend->pending(loop, now_ns);
}

int loop_wait(struct loop *loop, struct loop_event *events, unsigned capacity, uint64_t until_ns)
{
    unsigned due = timers_due(loop, events, capacity);
    int happened = 0;

    insist(is_owner(loop) && capacity > 0);
    if (loop->timer_count)
        until_ns = MIN(until_ns, loop->timers[0].at_ns);
    if (loop->late_count && loop->late_ns <= clock_ns())
        due += begin_late(loop, events + due, capacity - due);
    if (loop->late_count)
        until_ns = MIN(until_ns, loop->late_ns);
    if (due)
        until_ns = 0;
    if (due < capacity)
        happened = loop->backend->wait(loop, events + due, capacity - due, until_ns);
    if (happened < 0)
        return due ? (int)due : happened;
    due += (unsigned)happened;
    if (!due)
        due = timers_due(loop, events, capacity);
    insist(due <= capacity, "%u of %u", due, capacity);
    return (int)due;
}
