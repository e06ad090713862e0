/* SPDX-License-Identifier: Apache-2.0
 *
 * The rings: their properties on one thread, both ends as threads on one mapping (so that ThreadSanitizer sees every
 * access), and a peer that writes whatever it likes. Most start just below 2^32, so that the counters wrap every time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "libipc/ring.h"
#include "libipc/wire_check.h"
#include "support/resources.h"
#include "support/test.h"

enum { NEAR_WRAP = -100 };

struct channel {
    struct wire_layout layout;
    void *request, *response;
    struct submit_ring submit;
    struct reap_ring reap;
    struct intake_ring intake;
    struct finish_ring finish;
};

static struct channel channel_make(uint32_t entries, uint32_t start)
{
    struct channel channel = { 0 };
    struct reason why;

    assert_ok(wire_layout(entries, WIRE_ARENA_MIN, WIRE_ARENA_MIN, &channel.layout, &why), why);
    channel.request = memory_zalloc(1, channel.layout.request_size);
    channel.response = memory_zalloc(1, channel.layout.response_size);
    assert_non_null(channel.request);
    assert_non_null(channel.response);
    /* The heads begin where the counters do. */
    ((struct wire_client_control *)channel.request)->cq_head = start;
    ((struct wire_daemon_control *)channel.response)->sq_head = start;
    ring_attach_client(&channel.submit, &channel.reap, channel.request, channel.response, &channel.layout, start);
    ring_attach_daemon(&channel.intake, &channel.finish, channel.request, channel.response, &channel.layout, start);
    return channel;
}

static void channel_drop(struct channel *channel)
{
    free(channel->request);
    free(channel->response);
}

/* Every field follows from the number, so that a torn or stale entry cannot pass. */
static struct wire_submission submission_of(uint64_t number)
{
    uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15u;

    return (struct wire_submission){ .op = (uint8_t)mixed,
                                     .flags = (uint8_t)(mixed >> 8),
                                     .beam = (uint16_t)(mixed >> 16),
                                     .route = (uint32_t)(mixed >> 32),
                                     .user_data = number,
                                     .in_offset = mixed ^ 1,
                                     .in_length = mixed ^ 2,
                                     .out_offset = mixed ^ 3,
                                     .out_length = mixed ^ 4,
                                     .rows = (uint32_t)mixed,
                                     .deadline_us = (uint32_t)(mixed >> 7),
                                     .mark = (uint32_t)(mixed >> 11) };
}

static bool submission_matches(const struct wire_submission *got, uint64_t number)
{
    struct wire_submission expected = submission_of(number);

    expected.seq = got->seq;
    return memcmp(got, &expected, sizeof expected) == 0;
}

static struct wire_completion completion_of(uint64_t number)
{
    struct wire_completion completion = { .user_data = number,
                                          .status = (int32_t)number,
                                          .flags = (uint32_t)(number * 7),
                                          .out_length = ~number,
                                          .queue_ns = (uint32_t)(number * 3),
                                          .compute_ns = (uint32_t)(number * 5),
                                          .batch = (uint32_t)(number >> 1),
                                          .cause = (uint32_t)(number * 9),
                                          .where = { (uint32_t)(number * 13), (uint32_t)(number * 17) } };

    for (size_t i = 0; i < ARRAY_SIZE(completion.done); i++)
        completion.done[i] = (uint32_t)(number * 11 + i);
    return completion;
}

static bool completion_matches(const struct wire_completion *got, uint64_t number)
{
    struct wire_completion expected = completion_of(number);

    expected.seq = got->seq;
    return memcmp(got, &expected, sizeof expected) == 0;
}

/* ---- one thread ---- */

static void test_an_empty_ring_has_nothing(void **state)
{
    struct channel channel = channel_make(16, 0);
    struct wire_submission submission;
    struct wire_completion completion;

    (void)state;
    assert_false(intake_ring_ready(&channel.intake));
    assert_false(intake_ring_take(&channel.intake, &submission));
    assert_false(reap_ring_ready(&channel.reap));
    assert_false(reap_ring_take(&channel.reap, &completion));
    assert_int_equal(finish_ring_credit(&channel.finish, 0), 16);
    channel_drop(&channel);
}

/* Random pushes and takes against a plain count of what must be inside. */
static void walk_submissions(uint32_t entries, uint32_t start)
{
    struct channel channel = channel_make(entries, start);
    struct rng rng = rng_make(entries, start);
    struct wire_submission copy;
    uint64_t pushed = 0, taken = 0;

    while (taken < 4 * entries + 500) {
        if (rng_u32(&rng) % 2) {
            struct wire_submission entry = submission_of(pushed);
            bool fits = pushed - taken < entries;

            assert_int_equal(submit_ring_push(&channel.submit, &entry), fits);
            pushed += fits;
        } else {
            bool there = taken < pushed;

            assert_int_equal(intake_ring_ready(&channel.intake), there);
            assert_int_equal(intake_ring_take(&channel.intake, &copy), there);
            if (there)
                assert_true(submission_matches(&copy, taken));
            taken += there;
        }
    }
    channel_drop(&channel);
}

static void walk_completions(uint32_t entries, uint32_t start)
{
    struct channel channel = channel_make(entries, start);
    struct rng rng = rng_make(entries, ~start);
    struct wire_completion copy;
    uint64_t pushed = 0, taken = 0;

    while (taken < 4 * entries + 500) {
        if (rng_u32(&rng) % 2) {
            uint32_t unreaped = (uint32_t)(pushed - taken), reserved = (uint32_t)rng_below(&rng, entries + 3);
            int credit = finish_ring_credit(&channel.finish, reserved);
            int max = unreaped + reserved >= entries ? 0 : (int)(entries - unreaped - reserved);

            /* It may know too little of what was reaped, never too much; and not nothing when there is something. */
            assert_in_range(credit, 0, max);
            assert_int_equal(credit == 0, max == 0);
            if (finish_ring_credit(&channel.finish, 0) > 0) {
                struct wire_completion entry = completion_of(pushed++);

                finish_ring_push(&channel.finish, &entry);
            }
        } else {
            bool there = taken < pushed;

            assert_int_equal(reap_ring_ready(&channel.reap), there);
            assert_int_equal(reap_ring_take(&channel.reap, &copy), there);
            if (there)
                assert_true(completion_matches(&copy, taken));
            taken += there;
        }
    }
    channel_drop(&channel);
}

static void test_order_and_fullness(void **state)
{
    (void)state;
    for (uint32_t entries = WIRE_ENTRIES_MIN; entries <= WIRE_ENTRIES_MAX; entries *= 2) {
        walk_submissions(entries, 0);
        walk_completions(entries, 0);
        walk_submissions(entries, -2 * entries); /* wraps in the third lap */
        walk_completions(entries, -2 * entries);
    }
}

/* Another daemon goes on at the very place, wherever the one before was killed. */
static void test_the_next_daemon_goes_on_where_one_ended(void **state)
{
    enum { ENTRIES = 8, STEPS = 400 };
    struct rng rng = rng_make(7, 7);

    (void)state;
    for (uint32_t start = 0; start == 0 || start == -2u * ENTRIES; start -= 2u * ENTRIES) {
        struct channel channel = channel_make(ENTRIES, start);
        struct wire_submission submission;
        struct wire_completion completion = completion_of(0);

        finish_ring_push(&channel.finish, &completion);
        for (int i = 0; i < STEPS; i++) {
            struct intake_ring intake;
            struct finish_ring finish;

            switch (rng_below(&rng, 4)) {
            case 0:
                submission = submission_of((uint64_t)i);
                (void)submit_ring_push(&channel.submit, &submission);
                break;
            case 1:
                (void)intake_ring_take(&channel.intake, &submission);
                break;
            case 2:
                if (finish_ring_credit(&channel.finish, 0) > 0)
                    finish_ring_push(&channel.finish, &completion);
                break;
            default:
                (void)reap_ring_take(&channel.reap, &completion);
            }
            assert_true(ring_resume_daemon(&intake, &finish, channel.request, channel.response, &channel.layout));
            assert_int_equal(intake.next, channel.intake.next);
            assert_int_equal(finish.tail, channel.finish.tail);
            channel.intake = intake;
            channel.finish = finish;
        }
        __atomic_store_n((uint32_t *)channel.request, channel.finish.tail + 1, __ATOMIC_RELAXED);
        assert_false(
            ring_resume_daemon(&channel.intake, &channel.finish, channel.request, channel.response, &channel.layout));
        channel_drop(&channel);
    }
}

static void test_a_ring_that_nothing_went_through_begins_at_its_beginning(void **state)
{
    struct channel channel = channel_make(4, 0);

    (void)state;
    assert_true(
        ring_resume_daemon(&channel.intake, &channel.finish, channel.request, channel.response, &channel.layout));
    assert_int_equal(channel.intake.next, 0);
    assert_int_equal(channel.finish.tail, 0);
    channel_drop(&channel);
}

static void test_a_half_written_entry_does_not_exist(void **state)
{
    struct channel channel = channel_make(4, 0);
    struct wire_submission *slots = (struct wire_submission *)((char *)channel.request + channel.layout.ring_offset);
    struct wire_submission copy;

    (void)state;
    slots[0] = submission_of(0); /* all but the number */
    assert_false(intake_ring_take(&channel.intake, &copy));
    slots[0].seq = 5; /* the number of another lap */
    assert_false(intake_ring_take(&channel.intake, &copy));
    slots[0].seq = 1;
    assert_true(intake_ring_take(&channel.intake, &copy));
    channel_drop(&channel);
}

/* ---- a client that lies about what it has consumed ---- */

static void test_impossible_heads_are_noticed(void **state)
{
    static const uint32_t starts[] = { 0, (uint32_t)NEAR_WRAP, -8u };

    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        uint32_t start = starts[i];
        struct channel channel = channel_make(4, start);
        struct wire_client_control *client = channel.request;
        struct wire_completion entry = completion_of(0);

        for (int j = 0; j < 4; j++) {
            assert_int_equal(finish_ring_credit(&channel.finish, 0), 4 - j);
            finish_ring_push(&channel.finish, &entry);
        }
        client->cq_head = start + 5; /* more than was published */
        assert_int_equal(finish_ring_credit(&channel.finish, 0), -1);
        client->cq_head = start - 1; /* before the beginning */
        assert_int_equal(finish_ring_credit(&channel.finish, 0), -1);
        client->cq_head = start + 0x80000000u;
        assert_int_equal(finish_ring_credit(&channel.finish, 0), -1);
        client->cq_head = start + 4;
        assert_int_equal(finish_ring_credit(&channel.finish, 0), 4);
        client->cq_head = start + 3; /* back again: what was consumed stays consumed */
        assert_int_equal(finish_ring_credit(&channel.finish, 4), -1);
        channel_drop(&channel);
    }
}

static void test_credit_never_exceeds_the_ring(void **state)
{
    struct channel channel = channel_make(16, (uint32_t)NEAR_WRAP);
    struct wire_client_control *client = channel.request;
    struct rng rng = rng_make(3, 3);
    struct wire_completion entry = completion_of(0);

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint32_t reserved = rng_u32(&rng) % 4 ? rng_u32(&rng) % 20 : rng_u32(&rng);
        uint32_t before = channel.finish.cached_head;
        int credit;

        client->cq_head = rng_u32(&rng) % 2 ? channel.finish.tail - rng_u32(&rng) % 20 : rng_u32(&rng);
        credit = finish_ring_credit(&channel.finish, reserved);
        assert_in_range(credit + 1, 0, 17);
        assert_true(channel.finish.tail - channel.finish.cached_head <= 16);
        assert_true(channel.finish.cached_head - before <= 16); /* only forwards */
        if (credit > 0)
            finish_ring_push(&channel.finish, &entry);
    }
    channel_drop(&channel);
}

/* ---- both ends at once ---- */

struct run {
    struct channel channel;
    uint64_t count;
    unsigned bad;   /* entries that were not what was sent; read after join */
    int stop;       /* atomic: set by the check, read by the scribbler */
    uint64_t flips; /* words that the scribbler has written; atomic */
};

/* Plain memory beside the rings, as tensors are: ordered by the hand-over of its entry and by nothing else, which is
 * what ThreadSanitizer checks. At most two rings' worth of entries are anywhere between the two ends. */
static uint64_t *tensor(const struct channel *channel, void *region, uint64_t number)
{
    uint64_t *arena = (uint64_t *)((char *)region + channel->layout.arena_offset);

    return &arena[number % (4ull * channel->layout.entries)];
}

static void *daemon_end(void *argument)
{
    struct run *run = argument;
    struct channel *channel = &run->channel;
    struct wire_submission copy;
    uint64_t done = 0;

    while (done < run->count) {
        int credit = finish_ring_credit(&channel->finish, 0);

        if (credit <= 0 || !intake_ring_take(&channel->intake, &copy)) {
            run->bad += credit < 0;
            sched_yield();
            continue;
        }
        run->bad += !submission_matches(&copy, done);
        *tensor(channel, channel->response, done) = 3 * *tensor(channel, channel->request, done);
        struct wire_completion entry = completion_of(done++);
        finish_ring_push(&channel->finish, &entry);
    }
    return NULL;
}

static void stress(uint32_t entries, uint32_t start, uint64_t count)
{
    struct run run = { .channel = channel_make(entries, start), .count = count };
    uint64_t sent = 0, received = 0;
    unsigned bad = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, daemon_end, &run), 0);
    while (received < count) {
        struct wire_completion copy;
        bool moved = false;

        if (sent < count) {
            struct wire_submission entry = submission_of(sent);

            *tensor(&run.channel, run.channel.request, sent) = sent;
            moved = submit_ring_push(&run.channel.submit, &entry);
            sent += moved;
        }
        if (reap_ring_take(&run.channel.reap, &copy)) {
            bad += *tensor(&run.channel, run.channel.response, received) != 3 * received;
            bad += !completion_matches(&copy, received++);
            moved = true;
        }
        if (!moved)
            sched_yield();
    }
    pthread_join(thread, NULL);
    assert_int_equal(bad + run.bad, 0);
    channel_drop(&run.channel);
}

static void test_two_threads(void **state)
{
    (void)state;
    stress(4, (uint32_t)NEAR_WRAP, 100000);
    stress(16, (uint32_t)NEAR_WRAP, 200000);
}

/* ---- a client that writes anything anywhere in its own region ---- */

static void *scribble(void *argument)
{
    struct run *run = argument;
    struct channel *channel = &run->channel;
    uint64_t *words = channel->request;
    uint32_t *halves = channel->request;
    size_t ring = channel->layout.ring_offset / 8;
    struct rng rng = rng_make(7, 7);

    /* Relaxed: pairs with the store in the test; only the end of the loop hangs on it. */
    while (!__atomic_load_n(&run->stop, __ATOMIC_RELAXED)) {
        uint64_t index = rng_u32(&rng);
        size_t slot = ring + index % channel->layout.entries * 8;

        if (index & 1 << 20) /* any word of the control block or the ring */
            __atomic_store_n(&words[rng_below(&rng, ring + (size_t)channel->layout.entries * 8)], rng_u64(&rng),
                             __ATOMIC_RELAXED);
        else if (index & 1 << 21) /* a likely entry */
            __atomic_store_n(&words[slot + rng_below(&rng, 7)], rng_below(&rng, 3) ? 64 : 1, __ATOMIC_RELAXED);
        else /* and a number that may publish it */
            __atomic_store_n(&halves[(slot + 8) * 2 - 1],
                             (uint32_t)(NEAR_WRAP + (int)rng_below(&rng, 2000)) + (uint32_t)(index >> 22) % 4,
                             __ATOMIC_RELEASE);
        __atomic_store_n(&run->flips, run->flips + 1, __ATOMIC_RELAXED); /* pairs with the load in the test: a count */
    }
    return NULL;
}

static void test_a_scribbling_client_harms_nobody(void **state)
{
    struct run run = { .channel = channel_make(4, (uint32_t)NEAR_WRAP) };
    const struct wire_limits limits = { .request_arena = WIRE_ARENA_MIN, .response_arena = WIRE_ARENA_MIN, .rows = 8 };
    struct channel *channel = &run.channel;
    const uint64_t end = clock_ns() + 20 * NS_PER_S, flips = repeats("WISP_FLIPS", 1);
    unsigned taken = 0, torn = 0, refused = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, scribble, &run), 0);
    /* Where the machine is busy, the scribbler may not have had a processor by the end of that. */
    for (uint64_t i = 0;
         i < 1000000 || (!refused && clock_ns() < end) || __atomic_load_n(&run.flips, __ATOMIC_RELAXED) < flips; i++) {
        struct wire_submission copy, again;
        struct wire_completion entry = completion_of(i);
        uint32_t expected = channel->intake.next + 1;
        int credit = finish_ring_credit(&channel->finish, 0);

        torn += credit < -1 || credit > 4;
        if (credit > 0)
            finish_ring_push(&channel->finish, &entry);
        if (!intake_ring_take(&channel->intake, &copy)) {
            /* The scribbler rarely hits the next number: help it, as a client that knows what it does would. */
            if (i % 16 == 0)
                __atomic_store_n((uint32_t *)((char *)channel->request + channel->layout.ring_offset +
                                              (size_t)(channel->intake.next & channel->intake.mask) * 64 + 60),
                                 expected, __ATOMIC_RELEASE);
            continue;
        }
        taken++;
        again = copy;
        refused += wire_check_submission(&copy, &limits, NULL) != 0;
        torn += memcmp(&again, &copy, sizeof copy) != 0 || copy.seq != expected;
    }
    __atomic_store_n(&run.stop, 1, __ATOMIC_RELAXED); /* pairs with the load in scribble() */
    pthread_join(thread, NULL);
    assert_int_equal(torn, 0);
    assert_true(taken > 1000);
    assert_true(refused > 0);
    print_message("%llu words written under %u entries taken: none torn\n", (unsigned long long)run.flips, taken);
    channel_drop(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_ring_has_nothing),
        cmocka_unit_test(test_order_and_fullness),
        cmocka_unit_test(test_a_half_written_entry_does_not_exist),
        cmocka_unit_test(test_impossible_heads_are_noticed),
        cmocka_unit_test(test_the_next_daemon_goes_on_where_one_ended),
        cmocka_unit_test(test_a_ring_that_nothing_went_through_begins_at_its_beginning),
        cmocka_unit_test(test_credit_never_exceeds_the_ring),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_a_scribbling_client_harms_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
