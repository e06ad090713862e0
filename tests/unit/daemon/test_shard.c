/* SPDX-License-Identifier: Apache-2.0
 *
 * The shard, which strings the stages together: fairness, the active set, channels that die, and what the path of a
 * request costs.
 */
#include "support/test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "daemon/shard/doorbell.h"
#include "unit/daemon/rig.h"

/* ---- allocations are counted: the linker sends those of everything below here ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* ---- requests and channels ---- */

/* A large request and small ones take turns: the small ones need not wait for all of it. */
static void slices_take_turns(void **state)
{
    struct wire_submission large = rig_infer(40, 0), small = rig_infer(1, 100);
    struct wire_completion completion;

    (void)state;
    rig_into_queue(0, &large);
    rig_into_queue(1, &small);
    for (int slice = 0; slice < 2; slice++) {
        rig_run_batch(&rig.queues->queues[0]);
    }
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_no_completion(0);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    rig_check_answer(0, &large);
    rig_check_answer(1, &small);
}

/* When it is to stop, a large request is finished before the next one is begun: one answer is more than two halves. */
static void draining_finishes_what_it_has_begun(void **state)
{
    struct wire_submission first = rig_infer(5 * RIG_BATCH, 0), second = rig_infer(5 * RIG_BATCH, 100);
    struct wire_completion completion;
    int batches;

    (void)state;
    rig_into_queue(0, &first);
    rig_into_queue(1, &second);
    rig.shard.draining = true;
    /* Five batches, or more, where this thread was away for a while and its time is thought to be the model's. */
    for (batches = 0; !reap_ring_ready(&rig.peers[0].reap); batches++) {
        assert_true(batches < 5 * RIG_BATCH);
        rig_run_batch(&rig.queues->queues[0]);
    }
    assert_true(batches >= 5);
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    rig_no_completion(1);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(0, &first);
    rig_check_answer(1, &second);
}

/* What it had under way, begun or not, is gone with it, and nobody else's is. */
static void a_channel_that_is_left_leaves_nothing(void **state)
{
    struct wire_submission begun = rig_infer(20, 0), waiting = rig_infer(1, 100), other = rig_infer(1, 1);
    struct channel *left = rig.channels[0];
    struct wire_completion completion;

    (void)state;
    rig_into_queue(0, &begun);
    rig_into_queue(0, &waiting);
    rig_into_queue(1, &other);
    rig_run_batch(&rig.queues->queues[0]);
    shard_leave(&rig.shard, left);
    assert_int_equal(left->under_way, 0);
    assert_int_equal(left->daemon->state, WIRE_STATE_CLOSED);
    assert_int_equal(rig.queues->held, 1);
    assert_null(rig.shard.channels[left->index]);
    rig_no_completion(0);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(1, &other);
    rig_no_completion(0);
    assert_int_equal(rig.shard.cancelled, 2);
}

/* It may be broken, or have completions that its client has not been woken for. */
static void a_channel_is_left_whatever_is_to_be_done_for_it(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };

    (void)state;
    for (int i = 0; i < RIG_CHANNELS; i++) {
        s2_admit(&rig.shard, rig_take(i, &ping)); /* to be woken */
        shard_break(&rig.shard, rig.channels[i], "is broken");
    }
    rig_close_channel(1);
    s6_wake(&rig.shard);
    assert_ptr_equal(shard_take_broken(&rig.shard), rig.channels[2]);
    assert_ptr_equal(shard_take_broken(&rig.shard), rig.channels[0]);
    assert_null(shard_take_broken(&rig.shard));
}

static void a_slot_comes_back_under_another_generation(void **state)
{
    uint32_t index = rig.channels[2]->index, generation = rig.channels[2]->generation;

    (void)state;
    assert_ptr_equal(connection_find(&rig.table, index, generation), rig.connections[2]);
    rig_close_channel(2);
    assert_null(connection_find(&rig.table, index, generation));
    rig_open_channel(2);
    assert_int_equal(rig.channels[2]->index, index);
    assert_null(connection_find(&rig.table, index, generation));
    assert_ptr_equal(connection_find(&rig.table, index, generation + 1), rig.connections[2]);
    assert_null(connection_find(&rig.table, 1000000, generation));
}

/* ---- the shard ---- */

static void arming_looks_once_more(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    uint64_t until = UINT64_MAX;

    (void)state;
    assert_int_equal(rig.shard.active_count, RIG_CHANNELS);
    rig_push(1, &ping);
    assert_false(shard_arm(&rig.shard, clock_ns(), &until));
    assert_true(rig.channels[1]->active);
    assert_int_equal(rig.channels[1]->daemon->need_wake, 0);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    assert_true(shard_arm(&rig.shard, clock_ns(), &until));
    assert_true(until == UINT64_MAX);
    assert_int_equal(rig.shard.active_count, 0);
    for (int i = 0; i < RIG_CHANNELS; i++)
        assert_int_equal(rig.channels[i]->daemon->need_wake, 1);
    active_add(&rig.shard, rig.channels[2], clock_ns());
    active_add(&rig.shard, rig.channels[2], clock_ns());
    assert_int_equal(rig.shard.active_count, 1);
    assert_int_equal(rig.channels[2]->daemon->need_wake, 0);
}

static void a_starved_channel_is_looked_at_again(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    uint64_t until = UINT64_MAX, now = clock_ns();

    (void)state;
    for (int i = 0; i < RIG_ENTRIES; i++)
        rig_push(0, &ping);
    rig_turn_until_idle();
    rig_push(0, &ping);
    assert_false(shard_turn(&rig.shard, now));
    assert_true(shard_arm(&rig.shard, now, &until));
    assert_true(until > now && until <= now + 10 * NS_PER_MS);
    for (int i = 0; i < RIG_ENTRIES; i++)
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
}

/* Channel 0 is one whose client leaves its answers where they are: when something was taken last. */
static uint64_t leave_answers(void)
{
    const struct wire_submission ping = { .op = WIRE_OP_NOP };

    for (int i = 0; i < RIG_ENTRIES; i++)
        rig_push(0, &ping);
    rig_turn_until_idle();
    rig_push(0, &ping);
    return rig.channels[0]->active_ns;
}

/* And so long after, it is set aside. */
static void see_it_set_aside(uint64_t at_ns)
{
    assert_false(shard_turn(&rig.shard, at_ns));
    assert_int_equal(rig.shard.aside_count, 1);
    assert_true(rig.channels[0]->active);
    assert_int_equal(rig.channels[0]->daemon->need_wake, 0);
}

/* The longer it has been so, the less often it is looked at. */
static void who_leaves_his_answers_costs_less_and_less(void **state)
{
    const uint64_t begin = leave_answers(), step = 100 * NS_PER_US;
    uint64_t due = 0, longest = 0;
    unsigned looks = 0;

    (void)state;
    shard_turn(&rig.shard, begin + 900 * NS_PER_US);
    assert_int_equal(rig.shard.aside_count, 0);
    for (uint64_t now = begin + NS_PER_MS; now < begin + 400 * NS_PER_MS; now += step) {
        see_it_set_aside(now);
        if (rig.channels[0]->aside_due_ns == due)
            continue;
        due = rig.channels[0]->aside_due_ns;
        longest = MAX(longest, due - now);
        assert_true(due > now && due - now <= now - begin);
        looks++;
    }
    assert_true(longest > 63 * NS_PER_MS && longest <= 64 * NS_PER_MS);
    assert_true(looks >= 400 / 64 && looks < 16);
}

/* Once he takes them he is served again, after as long again at most. */
static void who_takes_his_answers_at_last_is_served_soon(void **state)
{
    const uint64_t begin = leave_answers();
    struct wire_completion completion;
    uint64_t until = UINT64_MAX;

    (void)state;
    see_it_set_aside(begin + 8 * NS_PER_MS);
    for (int i = 0; i < RIG_ENTRIES; i++)
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
    assert_true(shard_arm(&rig.shard, begin + 8 * NS_PER_MS, &until));
    assert_true(until > begin + 15 * NS_PER_MS && until <= begin + 16 * NS_PER_MS);
    see_it_set_aside(begin + 14 * NS_PER_MS);
    assert_true(shard_turn(&rig.shard, begin + 16 * NS_PER_MS));
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(rig.shard.aside_count, 0);
}

/* Whoever is to be told that the daemon goes is looked at, and who goes himself is forgotten. */
static void what_was_set_aside_is_not_left_behind(void **state)
{
    const uint64_t begin = leave_answers();
    struct wire_completion completion;

    (void)state;
    see_it_set_aside(begin + 20 * NS_PER_MS);
    for (int i = 0; i < RIG_ENTRIES; i++)
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
    shard_drain(&rig.shard, begin + 20 * NS_PER_MS);
    rig_turn_until_idle();
    assert_int_equal(rig.shard.aside_count, 0);
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_SHUTDOWN);
    rig.shard.draining = false;
    see_it_set_aside(leave_answers() + NS_PER_MS);
    rig_close_channel(0);
    assert_int_equal(rig.shard.aside_count, 0);
    assert_false(shard_turn(&rig.shard, begin + NS_PER_S));
}

static void an_idle_channel_leaves_the_active_set(void **state)
{
    uint64_t now = clock_ns();

    (void)state;
    for (int i = 0; i < RIG_CHANNELS; i++)
        rig.channels[i]->active_ns = now;
    assert_false(shard_turn(&rig.shard, now + 100 * NS_PER_US));
    assert_int_equal(rig.shard.active_count, RIG_CHANNELS);
    assert_false(shard_turn(&rig.shard, now + NS_PER_S));
    assert_int_equal(rig.shard.active_count, 0);
}

/* The last few stay for as long as the shard is to look: a doorbell would be a system call, and a thread to wake. */
static void few_idle_channels_are_looked_at_for_as_long_as_it_spins(void **state)
{
    const uint64_t now = clock_ns(), spin = 100 * NS_PER_MS;

    (void)state;
    rig.shard.spin_ns = spin;
    for (int i = 0; i < RIG_CHANNELS; i++)
        rig.channels[i]->active_ns = now;
    shard_turn(&rig.shard, now + spin);
    assert_int_equal(rig.shard.active_count, RIG_CHANNELS);
    for (int i = 0; i < RIG_CHANNELS; i++)
        assert_int_equal(rig.channels[i]->daemon->need_wake, 0);
    shard_turn(&rig.shard, now + spin + NS_PER_US);
    assert_int_equal(rig.shard.active_count, 0);
}

/* Whoever rings for nothing too often is not listened to for a while, and then again: though more of his rings had been
 * reported by the same look at the events than the one that was too many. */
static void a_doorbell_is_given_up_once(void **state)
{
    struct channel *channel = rig.channels[0];
    const struct loop_event rung = { .result = POLLIN };
    struct loop_event events[8];
    struct loop *loop;
    struct reason why;
    unsigned timers = 0;
    uint64_t end;

    (void)state;
    assert_ok(loop_new(LOOP_AUTO, 4, &loop, NULL, &why), why);
    assert_int_equal(doorbell_listen(loop, channel), 0);
    for (int i = 0; i < 100000 && doorbell_rung(loop, &rig.shard, channel, &rung); i++)
        continue;
    assert_true(channel->throttled);
    for (int i = 0; i < 3; i++)
        assert_true(doorbell_rung(loop, &rig.shard, channel, &rung));
    end = clock_ns() + 300 * NS_PER_MS; /* three times as long as it is given up for */
    while (clock_ns() < end) {
        int count = loop_wait(loop, events, ARRAY_SIZE(events), end);

        assert_true(count >= 0);
        for (int i = 0; i < count; i++) {
            if (events[i].token != shard_token(SHARD_EVENT_DOORBELL_AGAIN, channel))
                continue;
            timers++;
            doorbell_again(loop, channel);
        }
    }
    assert_int_equal(timers, 1);
    assert_false(channel->throttled);
    assert_int_equal(eventfd_write(channel->memory.eventfd, 1), 0);
    assert_int_equal(loop_wait(loop, events, 1, clock_ns() + NS_PER_S), 1);
    assert_int_equal(events[0].token, shard_token(SHARD_EVENT_DOORBELL, channel));
    doorbell_forget(loop, channel);
    loop_free(loop);
}

/* Whatever is asked, by whomever, in whatever order: one completion for each, the right one, and everything is free in
 * the end. */
static void every_slot_gets_exactly_one_completion(void **state)
{
    enum { ROUNDS = 4000 };
    struct rng rng = rng_make(11, 11);
    uint64_t sent[RIG_CHANNELS] = { 0 }, done[RIG_CHANNELS] = { 0 }, right = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int peer = (int)rng_below(&rng, RIG_CHANNELS);
        uint32_t slot = (uint32_t)rng_below(&rng, 8);
        struct wire_submission ask = rig_infer(1 + (uint32_t)rng_below(&rng, 30), slot * 4);
        struct wire_completion completion;

        /* One in two is wrong in some way. */
        switch (rng_below(&rng, 10)) {
        case 0:
            ask.route = (uint32_t)rng_below(&rng, 8);
            break;
        case 1:
            ask.in_length += 64;
            break;
        case 2:
            ask.out_offset = rng_u64(&rng);
            break;
        case 3:
            ask = (struct wire_submission){ .op = rng_below(&rng, 2) ? WIRE_OP_NOP : 3 };
            break;
        case 4:
            ask.deadline_us = 1;
            break;
        default:
            break;
        }
        if (rig_try_push(peer, &ask))
            sent[peer]++;
        if (rng_below(&rng, 3))
            shard_turn(&rig.shard, clock_ns());
        while (rng_below(&rng, 4) && reap_ring_take(&rig.peers[peer].reap, &completion)) {
            done[peer]++;
            right += completion.status == WISP_OK;
        }
    }
    for (int i = 0; i < RIG_CHANNELS; i++) {
        struct wire_completion completion;

        do
            rig_turn_until_idle();
        while (reap_ring_take(&rig.peers[i].reap, &completion) && ++done[i]);
        assert_true(sent[i] > ROUNDS / RIG_CHANNELS / 4);
        assert_int_equal(sent[i], done[i]);
        rig_all_requests_are_free(i);
    }
    assert_true(right > ROUNDS / 8);
    assert_int_equal(rig.shard.under_way, 0);
    assert_int_equal(rig.queues->queues[0].rows, 0);
}

static void expect_round(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct wire_submission ask = rig_infer(1 + (uint32_t)i % 20, 0);
        struct wire_completion completion;
        int peer = i % RIG_CHANNELS;

        if (!rig_try_push(peer, &ask))
            abort();
        while (!reap_ring_take(&rig.peers[peer].reap, &completion))
            shard_turn(&rig.shard, clock_ns());
        if (completion.status)
            abort();
    }
}

static void the_path_of_a_request_allocates_nothing(void **state)
{
    unsigned before;

    (void)state;
    expect_round(10);
    before = allocations;
    expect_round(500);
    assert_int_equal(allocations, before);
}

/* From here on any call but exit kills. (Strict mode would do, but takes away the time stamp counter as well.) */
static void forbid_system_calls(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(rules), .filter = rules };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(4);
}

/* With both sides awake; the kernel watches. */
static void the_path_of_a_request_makes_no_system_call(void **state)
{
    int status;
    pid_t pid;

    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* its runtime makes calls of its own */
#endif
    expect_round(10);
    /* Regions are not inherited, and no second mapping could be written. */
    for (int i = 0; i < RIG_CHANNELS; i++)
        assert_int_equal(madvise(rig.peers[i].request.address, rig.peers[i].request.size, MADV_DOFORK), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        forbid_system_calls();
        expect_round(500);
        syscall(SYS_exit, 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(slices_take_turns),
        RIG_TEST(draining_finishes_what_it_has_begun),
        RIG_TEST(a_channel_that_is_left_leaves_nothing),
        RIG_TEST(a_channel_is_left_whatever_is_to_be_done_for_it),
        RIG_TEST(a_slot_comes_back_under_another_generation),
        RIG_TEST(arming_looks_once_more),
        RIG_TEST(a_starved_channel_is_looked_at_again),
        RIG_TEST(who_leaves_his_answers_costs_less_and_less),
        RIG_TEST(who_takes_his_answers_at_last_is_served_soon),
        RIG_TEST(what_was_set_aside_is_not_left_behind),
        RIG_TEST(an_idle_channel_leaves_the_active_set),
        RIG_TEST(few_idle_channels_are_looked_at_for_as_long_as_it_spins),
        RIG_TEST(a_doorbell_is_given_up_once),
        RIG_TEST(every_slot_gets_exactly_one_completion),
        RIG_TEST(the_path_of_a_request_allocates_nothing),
        RIG_TEST(the_path_of_a_request_makes_no_system_call),
    };

    return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
