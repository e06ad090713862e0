/* SPDX-License-Identifier: Apache-2.0
 *
 * The two rings of a channel, each single-producer single-consumer, and each end's private view of them.
 *
 * Every index that decides anything lives in private memory of the side that owns it; shared memory holds entries, and
 * hints (sq_head, cq_head) that are range-checked when read. A half-written entry has no `seq` and does not exist. So a
 * hostile or dying peer can lose its own requests and nothing else.
 *
 *   submit_ring   client end of the submission ring (producer)
 *   intake_ring   daemon end of the submission ring (consumer)
 *   finish_ring   daemon end of the completion ring (producer)
 *   reap_ring     client end of the completion ring (consumer)
 *
 * One thread at a time on each end. Free-running 32-bit counters; tests start them near 2^32.
 */
#ifndef LIBIPC_RING_H
#define LIBIPC_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "libipc/wire.h"

struct submit_ring {
    struct wire_submission *slots;
    const uint32_t *head; /* daemon_control.sq_head */
    uint32_t mask;
    uint32_t tail;        /* next to write */
    uint32_t cached_head; /* last value read of *head */
};

struct intake_ring {
    const struct wire_submission *slots;
    uint32_t *head; /* daemon_control.sq_head, ours to publish */
    uint32_t mask;
    uint32_t next; /* next to take */
};

struct finish_ring {
    struct wire_completion *slots;
    const uint32_t *head; /* client_control.cq_head: a hint, range-checked */
    uint32_t mask;
    uint32_t tail;
    uint32_t cached_head;
};

struct reap_ring {
    const struct wire_completion *slots;
    uint32_t *head; /* client_control.cq_head, ours to publish */
    uint32_t mask;
    uint32_t next;
};

/* Views over mapped regions; `start` is 0 except in tests of wrap-around, where both ends use the same value (slots are
 * then ready at seq == (uint32_t)(start + i + 1)). */
void ring_attach_client(struct submit_ring *submit, struct reap_ring *reap, void *request, const void *response,
                        const struct wire_layout *layout, uint32_t start);
void ring_attach_daemon(struct intake_ring *intake, struct finish_ring *finish, const void *request, void *response,
                        const struct wire_layout *layout, uint32_t start);

/* Views over regions that another daemon has left, at the places where it ended: the first submission that it had not
 * taken, the first completion that it had not published. False: what stands there cannot be. */
bool ring_resume_daemon(struct intake_ring *intake, struct finish_ring *finish, const void *request, void *response,
                        const struct wire_layout *layout);

/* Copies *entry into the next slot and publishes it (seq is filled in). false when the ring is full. */
bool submit_ring_push(struct submit_ring *ring, const struct wire_submission *entry);

/* Copies the next entry, once, by relaxed atomic loads, into *copy and publishes sq_head. false when none is ready. */
bool intake_ring_take(struct intake_ring *ring, struct wire_submission *copy);
/* The two halves of that: who notes in between that he has it loses none when he dies. */
bool intake_ring_copy(const struct intake_ring *ring, struct wire_submission *copy);
void intake_ring_advance(struct intake_ring *ring);
/* Whether one is ready, without taking it; and one of this operation. That is a hint: the peer may still change it. */
bool intake_ring_ready(const struct intake_ring *ring);
bool intake_ring_holds(const struct intake_ring *ring, enum wire_op op);

/* Completions that may be published before the ring is full. `reserved` are the requests under way: credit is
 * entries - unreaped - reserved. Returns -1 when the client's cq_head is impossible (the channel is to be closed). */
int finish_ring_credit(struct finish_ring *ring, uint32_t reserved);
/* Publishes; the caller has credit. */
void finish_ring_push(struct finish_ring *ring, const struct wire_completion *entry);

/* Copies the next completion and publishes cq_head. false when none is ready. */
bool reap_ring_take(struct reap_ring *ring, struct wire_completion *copy);
bool reap_ring_ready(const struct reap_ring *ring);

#endif
