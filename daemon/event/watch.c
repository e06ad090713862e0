/* SPDX-License-Identifier: Apache-2.0
 *
 * What the backends need of a watch: finding the one that a completion belongs to, and putting off what the kernel has
 * no room for just now.
 */
#include <time.h>

#include "base/clock.h"
#include "base/insist.h"
#include "daemon/event/backend.h"

struct loop_watch *loop_watch_find(struct loop *loop, uint64_t key)
{
    int fd = loop_key_fd(key);

    if ((unsigned)fd >= loop->watch_count || loop_key(fd, &loop->watches[fd]) != key)
        return NULL;
    return &loop->watches[fd];
}

bool loop_complete(struct loop *loop, uint64_t key, int32_t result, struct loop_event *event)
{
    struct loop_watch *watch = loop_watch_find(loop, key);

    if (!watch)
        return false;
    insist(watch->verb != LOOP_VERB_NONE); /* the kernel was given no other key */
    if (loop_passes(result)) {
        loop_put_off(loop, watch);
        return false;
    }
    *event = (struct loop_event){ .token = watch->token, .result = result };
    if (watch->verb != LOOP_VERB_EDGE || result < 0)
        watch->verb = LOOP_VERB_NONE;
    return true;
}

/* ---- what the kernel has no room for just now ---- */

bool loop_passes(int error)
{
    return error == -ENOMEM || error == -ENOBUFS || error == -ENOSPC || error == -EAGAIN || error == -EBUSY;
}

void loop_breathe(void)
{
    const struct timespec moment = clock_timespec(LOOP_LATE_NS / 4);

    nanosleep(&moment, NULL);
}

void loop_put_off(struct loop *loop, struct loop_watch *watch)
{
    if (watch->late)
        return;
    watch->late = true;
    if (!loop->late_count++)
        loop->late_ns = clock_ns() + LOOP_LATE_NS;
}
