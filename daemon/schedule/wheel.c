/* SPDX-License-Identifier: Apache-2.0
 *
 * A timer stands in the slot of the tick in which it is due, whichever turn of the wheel that is in; a slot is looked
 * through when its tick is over. One that was due before it was added goes into the slot that is next.
 */
#include "daemon/schedule/wheel.h"
#include "base/insist.h"
#include "base/size.h"

static void push(struct timer **list, struct timer *timer)
{
    timer->next = *list;
    if (timer->next)
        timer->next->link = &timer->next;
    timer->link = list;
    *list = timer;
}

static void take_out(struct timer *timer)
{
    insist(*timer->link == timer);
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->link = NULL;
    timer->next = NULL;
}

void wheel_add(struct wheel *wheel, struct timer *timer, uint64_t due_ns)
{
    insist(!timer->link); /* in no wheel */
    timer->due_ns = due_ns;
    push(&wheel->slots[MAX(due_ns >> WHEEL_SHIFT, wheel->tick) % WHEEL_SLOTS], timer);
    wheel->count++;
}

void wheel_remove(struct wheel *wheel, struct timer *timer)
{
    if (!timer->link)
        return;
    insist(wheel->count > 0);
    take_out(timer);
    wheel->count--;
}

static void look_through(struct wheel *wheel, uint64_t now_ns)
{
    struct timer *next;

    for (struct timer *timer = wheel->slots[wheel->tick % WHEEL_SLOTS]; timer; timer = next) {
        next = timer->next;
        if (timer->due_ns > now_ns)
            continue;
        take_out(timer);
        push(&wheel->over, timer);
    }
    wheel->tick++;
}

struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ns)
{
    const uint64_t now = now_ns >> WHEEL_SHIFT;
    struct timer *timer;

    if (!wheel->count)
        wheel->tick = MAX(wheel->tick, now);
    /* One turn looks through all slots; more would look through them again. */
    if (now > wheel->tick + WHEEL_SLOTS)
        wheel->tick = now - WHEEL_SLOTS;
    while (!wheel->over && wheel->tick < now)
        look_through(wheel, now_ns);
    timer = wheel->over;
    if (timer)
        wheel_remove(wheel, timer);
    return timer;
}

uint64_t wheel_next_ns(const struct wheel *wheel)
{
    return wheel->count ? (wheel->tick + 1) << WHEEL_SHIFT : UINT64_MAX;
}
