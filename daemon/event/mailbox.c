/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/insist.h"
#include "daemon/event/mailbox.h"

int mailbox_init(struct mailbox *box, uint32_t most)
{
    uint32_t count = 1;

    *box = MAILBOX_NULL;
    insist(most > 0 && most <= UINT32_MAX / 2, "%u", most);
    while (count < most)
        count *= 2;
    box->mask = count - 1;
    box->slots = calloc(count, sizeof *box->slots);
    if (!box->slots)
        return -ENOMEM;
    box->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (box->eventfd < 0) {
        int result = -errno;

        mailbox_deinit(box);
        return result;
    }
    return 0;
}

void mailbox_deinit(struct mailbox *box)
{
    free(box->slots);
    if (box->eventfd >= 0)
        close(box->eventfd);
    *box = MAILBOX_NULL;
}

bool mailbox_post(struct mailbox *box, struct mail mail)
{
    static const uint64_t one = 1;

    /* Pairs with the release in mailbox_take(): a slot that is free has been read. */
    if (box->tail - __atomic_load_n(&box->head, __ATOMIC_ACQUIRE) > box->mask)
        return false;
    insist(box->slots);
    box->slots[box->tail & box->mask] = mail;
    /* Between this and the look at `asleep` nothing may be reordered; pairs with mailbox_arm(). It also releases the
     * slot, and what the mail points to, to mailbox_take(). */
    __atomic_store_n(&box->tail, box->tail + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&box->asleep, __ATOMIC_SEQ_CST))
        (void)!write(box->eventfd, &one, sizeof one); /* a full counter is an edge all the same */
    return true;
}

bool mailbox_take(struct mailbox *box, struct mail *mail)
{
    const uint32_t tail = __atomic_load_n(&box->tail, __ATOMIC_ACQUIRE); /* pairs with the store of mailbox_post() */

    if (box->head == tail)
        return false;
    insist(tail - box->head <= box->mask + 1, "%u, %u", tail, box->head);
    *mail = box->slots[box->head & box->mask];
    /* The slot may be written again; pairs with the acquire in mailbox_post(). */
    __atomic_store_n(&box->head, box->head + 1, __ATOMIC_RELEASE);
    return true;
}

bool mailbox_arm(struct mailbox *box)
{
    /* Before the second look; pairs with mailbox_post(). */
    __atomic_store_n(&box->asleep, 1, __ATOMIC_SEQ_CST);
    if (box->head == __atomic_load_n(&box->tail, __ATOMIC_SEQ_CST))
        return true;
    mailbox_disarm(box);
    return false;
}

void mailbox_disarm(struct mailbox *box)
{
    /* A writer that still sees 1 rings once in vain; no order is needed. */
    __atomic_store_n(&box->asleep, 0, __ATOMIC_RELAXED);
}
