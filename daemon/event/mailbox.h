/* SPDX-License-Identifier: Apache-2.0
 *
 * A mailbox: how one thread hands something to another, in order, without a lock.
 *
 *   writer:  write the slot; tail++; if (asleep) write(eventfd)
 *   reader:  asleep = 1; look at tail again; then sleep on the eventfd (an edge: never read)
 *
 * One thread writes and one reads. What a mail points to belongs to the reader from mailbox_post() on. `tail` and
 * `asleep` are sequentially consistent, on either side: so either the reader's second look sees the mail or the writer
 * sees that the reader sleeps (libipc/wake.h has the same shape). While the reader is awake neither side makes a system
 * call.
 */
#ifndef DAEMON_EVENT_MAILBOX_H
#define DAEMON_EVENT_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

struct mail {
    uint32_t kind; /* what both sides have agreed on */
    void *subject;
};

struct mailbox {
    struct mail *slots;
    uint32_t mask;
    int eventfd; /* the reader's to sleep on; -1: none */
    /* Each side's words on a line of their own: the reader looks at `tail` in every pass. */
    uint32_t tail __attribute__((aligned(64))); /* the writer's */
    uint32_t head __attribute__((aligned(64))); /* the reader's */
    uint32_t asleep;                            /* the reader's */
};

#define MAILBOX_NULL ((struct mailbox){ .eventfd = -1 })

/* Room for `most` mails that have not been taken. -ENOMEM, -EMFILE; it is MAILBOX_NULL then. */
int mailbox_init(struct mailbox *box, uint32_t most);
void mailbox_deinit(struct mailbox *box); /* idempotent */

/* Writer. False: it is full, and nothing was posted. */
bool mailbox_post(struct mailbox *box, struct mail mail);

/* Reader: the oldest mail; false when there is none. */
bool mailbox_take(struct mailbox *box, struct mail *mail);
/* Reader, before it sleeps: false when a mail is there after all, and it is not to. Undone by mailbox_disarm(). */
bool mailbox_arm(struct mailbox *box);
void mailbox_disarm(struct mailbox *box);

#endif
