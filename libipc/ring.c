/* SPDX-License-Identifier: Apache-2.0
 *
 * The rings. A hand-over is one release store of `seq` and one acquire load of it; the heads flow back the same way and
 * are read only when the last value seen says that there is no room.
 *
 * Entries are copied by relaxed atomic loads and stores of whole words. In shared memory anything else would be a data
 * race by the letter of C, and in fact: of a plain copy the compiler may read a field a second time, after the check.
 */
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "libipc/ring.h"

typedef uint64_t __attribute__((may_alias)) word;
typedef const uint64_t __attribute__((may_alias)) const_word;

/* Both kinds of entry: seven words that are copied as they stand, four bytes more, and the number that publishes. */
enum { ENTRY_WORDS = 7, ENTRY_LAST = 56, ENTRY_SEQ = 60 };

_Static_assert(sizeof(struct wire_submission) == 64 && offsetof(struct wire_submission, seq) == ENTRY_SEQ, "layout");
_Static_assert(sizeof(struct wire_completion) == 64 && offsetof(struct wire_completion, seq) == ENTRY_SEQ, "layout");

/* Pairs with the acquire in slot_ready(): who sees `seq` sees the entry. */
static void slot_publish(void *slot, const void *entry, uint32_t seq)
{
    word *to = slot;
    const_word *from = entry;
    uint32_t last;

    for (int i = 0; i < ENTRY_WORDS; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
    memcpy(&last, (const char *)entry + ENTRY_LAST, sizeof last);
    __atomic_store_n((uint32_t *)((char *)slot + ENTRY_LAST), last, __ATOMIC_RELAXED);
    __atomic_store_n((uint32_t *)((char *)slot + ENTRY_SEQ), seq, __ATOMIC_RELEASE);
}

/* Pairs with the release in slot_publish(). */
static bool slot_ready(const void *slot, uint32_t seq)
{
    return __atomic_load_n((const uint32_t *)((const char *)slot + ENTRY_SEQ), __ATOMIC_ACQUIRE) == seq;
}

/* Reads every byte of the slot exactly once; `seq` is not read again, the caller has just seen it. */
static void slot_copy(void *copy, const void *slot, uint32_t seq)
{
    word *to = copy;
    const_word *from = slot;
    uint32_t last = __atomic_load_n((const uint32_t *)((const char *)slot + ENTRY_LAST), __ATOMIC_RELAXED);

    for (int i = 0; i < ENTRY_WORDS; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    memcpy((char *)copy + ENTRY_LAST, &last, sizeof last);
    memcpy((char *)copy + ENTRY_SEQ, &seq, sizeof seq);
}

void ring_attach_client(struct submit_ring *submit, struct reap_ring *reap, void *request, const void *response,
                        const struct wire_layout *layout, uint32_t start)
{
    struct wire_client_control *ours = request;
    const struct wire_daemon_control *theirs = response;

    insist(size_is_power_of_two(layout->entries) && layout->entries >= WIRE_ENTRIES_MIN, "%u", layout->entries);
    insist(layout->ring_offset + layout->entries * sizeof(struct wire_submission) <= layout->arena_offset);
    insist((uintptr_t)request % WIRE_ARENA_ALIGN == 0 && (uintptr_t)response % WIRE_ARENA_ALIGN == 0);
    *submit = (struct submit_ring){
        .slots = (struct wire_submission *)((char *)request + layout->ring_offset),
        .head = &theirs->sq_head,
        .mask = layout->entries - 1,
        .tail = start,
        .cached_head = start,
    };
    *reap = (struct reap_ring){
        .slots = (const struct wire_completion *)((const char *)response + layout->ring_offset),
        .head = &ours->cq_head,
        .mask = layout->entries - 1,
        .next = start,
    };
}

void ring_attach_daemon(struct intake_ring *intake, struct finish_ring *finish, const void *request, void *response,
                        const struct wire_layout *layout, uint32_t start)
{
    const struct wire_client_control *theirs = request;
    struct wire_daemon_control *ours = response;

    insist(size_is_power_of_two(layout->entries) && layout->entries >= WIRE_ENTRIES_MIN, "%u", layout->entries);
    insist(layout->ring_offset + layout->entries * sizeof(struct wire_completion) <= layout->arena_offset);
    insist((uintptr_t)request % WIRE_ARENA_ALIGN == 0 && (uintptr_t)response % WIRE_ARENA_ALIGN == 0);
    *intake = (struct intake_ring){
        .slots = (const struct wire_submission *)((const char *)request + layout->ring_offset),
        .head = &ours->sq_head,
        .mask = layout->entries - 1,
        .next = start,
    };
    *finish = (struct finish_ring){
        .slots = (struct wire_completion *)((char *)response + layout->ring_offset),
        .head = &theirs->cq_head,
        .mask = layout->entries - 1,
        .tail = start,
        .cached_head = start,
    };
}

/* Slots are published in their order, from slot 0 on: those of the latest round stand first, and where the numbers stop
 * ascending by one is the end. */
static uint32_t find_tail(const struct wire_completion *slots, uint32_t entries)
{
    uint32_t first = __atomic_load_n(&slots[0].seq, __ATOMIC_RELAXED), count = 1;

    while (count < entries && __atomic_load_n(&slots[count].seq, __ATOMIC_RELAXED) == first + count)
        count++;
    return first ? first + count - 1 : 0;
}

bool ring_resume_daemon(struct intake_ring *intake, struct finish_ring *finish, const void *request, void *response,
                        const struct wire_layout *layout)
{
    uint32_t entries = layout->entries, head;

    ring_attach_daemon(intake, finish, request, response, layout, 0);
    intake->next = __atomic_load_n(intake->head, __ATOMIC_RELAXED); /* nobody else writes it */
    finish->tail = find_tail(finish->slots, entries);
    /* Pairs with the release in reap_ring_take(). */
    head = __atomic_load_n(finish->head, __ATOMIC_ACQUIRE);
    finish->cached_head = head;
    return finish->tail - head <= entries;
}

/* ---- submissions ---- */

bool submit_ring_push(struct submit_ring *ring, const struct wire_submission *entry)
{
    if (ring->tail - ring->cached_head > ring->mask) {
        /* Pairs with the release in intake_ring_advance(): the slot has been copied before it is written again. */
        ring->cached_head = __atomic_load_n(ring->head, __ATOMIC_ACQUIRE);
        if (ring->tail - ring->cached_head > ring->mask)
            return false;
    }
    slot_publish(&ring->slots[ring->tail & ring->mask], entry, ring->tail + 1);
    ring->tail++;
    return true;
}

bool intake_ring_ready(const struct intake_ring *ring)
{
    return slot_ready(&ring->slots[ring->next & ring->mask], ring->next + 1);
}

bool intake_ring_holds(const struct intake_ring *ring, enum wire_op op)
{
    return intake_ring_ready(ring) && __atomic_load_n(&ring->slots[ring->next & ring->mask].op, __ATOMIC_RELAXED) == op;
}

bool intake_ring_copy(const struct intake_ring *ring, struct wire_submission *copy)
{
    if (!intake_ring_ready(ring))
        return false;
    slot_copy(copy, &ring->slots[ring->next & ring->mask], ring->next + 1);
    return true;
}

void intake_ring_advance(struct intake_ring *ring)
{
    ring->next++;
    /* Pairs with the acquire in submit_ring_push(). */
    __atomic_store_n(ring->head, ring->next, __ATOMIC_RELEASE);
}

bool intake_ring_take(struct intake_ring *ring, struct wire_submission *copy)
{
    if (!intake_ring_copy(ring, copy))
        return false;
    intake_ring_advance(ring);
    return true;
}

/* ---- completions ---- */

int finish_ring_credit(struct finish_ring *ring, uint32_t reserved)
{
    uint32_t entries = ring->mask + 1;
    uint32_t used = ring->tail - ring->cached_head;
    uint32_t head;

    insist(used <= entries, "%u of %u", used, entries);
    if (used + (uint64_t)reserved >= entries) {
        /* Pairs with the release in reap_ring_take(): the slot has been copied before it is written again. An honest
         * head lies between the last one seen and our tail. */
        head = __atomic_load_n(ring->head, __ATOMIC_ACQUIRE);
        if (head - ring->cached_head > used)
            return -1;
        ring->cached_head = head;
        used = ring->tail - head;
    }
    return used + (uint64_t)reserved >= entries ? 0 : (int)(entries - used - reserved);
}

void finish_ring_push(struct finish_ring *ring, const struct wire_completion *entry)
{
    /* Of what finish_ring_credit() has seen: the client's own word is looked at nowhere else. */
    insist(ring->tail - ring->cached_head <= ring->mask, "%u, %u", ring->tail, ring->cached_head);
    slot_publish(&ring->slots[ring->tail & ring->mask], entry, ring->tail + 1);
    ring->tail++;
}

bool reap_ring_ready(const struct reap_ring *ring)
{
    return slot_ready(&ring->slots[ring->next & ring->mask], ring->next + 1);
}

bool reap_ring_take(struct reap_ring *ring, struct wire_completion *copy)
{
    if (!reap_ring_ready(ring))
        return false;
    slot_copy(copy, &ring->slots[ring->next & ring->mask], ring->next + 1);
    ring->next++;
    /* Pairs with the acquire in finish_ring_credit(). */
    __atomic_store_n(ring->head, ring->next, __ATOMIC_RELEASE);
    return true;
}
