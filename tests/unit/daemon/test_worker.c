/* SPDX-License-Identifier: Apache-2.0
 *
 * The shard's thread, with this one as its control thread and as its clients: channels come and go, sets of models give
 * way to others under load, it stops, and it shows that it lives. Under ThreadSanitizer, who owns what when.
 */
#include "support/process_threads.h"
#include "support/test.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/rng.h"
#include "base/size.h"
#include "daemon/shard/worker.h"
#include "libipc/wake.h"
#include "unit/daemon/rig.h"

#define PATIENCE_NS (20 * NS_PER_S)

static enum loop_kind loop_kind;
static struct worker *worker;

static struct mail next_report(void)
{
    uint64_t until = clock_ns() + PATIENCE_NS;
    struct mail mail;

    while (!worker_report(worker, &mail)) {
        assert_true(clock_ns() < until);
        poll(NULL, 0, 1);
    }
    return mail;
}

static void expect_report(enum report kind, const void *subject)
{
    struct mail mail = next_report();

    assert_int_equal(mail.kind, kind);
    assert_ptr_equal(mail.subject, subject);
}

/* The rig's channels are closed, and new ones are the worker's. */
static int setup(void **state)
{
    struct worker_setup how = {
        .loop = loop_kind, .channels = 8, .shards = 1, .threads = rig_threads, .spin_ns = 20 * NS_PER_US
    };
    struct reason why;

    rig_setup(state);
    assert_ok(worker_new(&how, &worker, &why), why);
    worker_use(worker, rig.queues);
    expect_report(REPORT_IN_USE, rig.queues);
    for (int i = 0; i < RIG_CHANNELS; i++) {
        rig_close_channel(i);
        rig_make_channel(i);
        worker_serve(worker, rig.channels[i]);
    }
    return 0;
}

/* As the daemon ends. */
static int teardown(void **state)
{
    worker_stop(worker);
    for (int i = 0; i < RIG_CHANNELS; i++) {
        if (rig.channels[i] && !rig.channels[i]->leaving)
            shard_leave(worker_shard(worker), rig.channels[i]);
    }
    worker = worker_free(worker);
    return rig_teardown(state);
}

static bool ring(int peer, const struct wire_submission *ask)
{
    if (!submit_ring_push(&rig.peers[peer].submit, ask))
        return false;
    assert_int_equal(wake_daemon(rig.channels[peer]->daemon, rig.channels[peer]->memory.eventfd), 0);
    return true;
}

static struct wire_completion wait_completion(int peer)
{
    uint64_t until = clock_ns() + PATIENCE_NS;
    struct wire_completion completion;

    while (!reap_ring_take(&rig.peers[peer].reap, &completion))
        assert_true(clock_ns() < until);
    return completion;
}

static void a_doorbell_wakes_it(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct wire_submission ask = rig_infer(1 + i, 0);

        poll(NULL, 0, i % 4); /* it sleeps by now, or spins still */
        rig_fill((int)i % RIG_CHANNELS, &ask);
        assert_true(ring((int)i % RIG_CHANNELS, &ask));
        assert_int_equal(wait_completion((int)i % RIG_CHANNELS).status, WISP_OK);
        rig_check_answer((int)i % RIG_CHANNELS, &ask);
    }
}

/* In the middle of its requests; the memory goes at once, so that whoever still looked at it would crash. */
static void a_channel_leaves_whatever_is_under_way(void **state)
{
    struct wire_submission large = rig_infer(40, 0), other = rig_infer(8, 100);

    (void)state;
    for (int round = 0; round < 50; round++) {
        rig_fill(0, &large);
        rig_fill(1, &other);
        for (uint32_t i = 0; i < RIG_ENTRIES; i++)
            assert_true(ring(0, &large));
        assert_true(ring(1, &other));
        for (int i = 0; i < round; i++)
            cpu_pause();
        worker_leave(worker, rig.channels[0]);
        expect_report(REPORT_LEFT, rig.channels[0]);
        assert_int_equal(rig.channels[0]->daemon->state, WIRE_STATE_CLOSED);
        assert_int_equal(rig.channels[0]->under_way, 0);
        rig_drop_channel(0);
        rig_make_channel(0);
        worker_serve(worker, rig.channels[0]);
        assert_int_equal(wait_completion(1).status, WISP_OK);
        rig_check_answer(1, &other);
    }
}

static void who_breaks_the_protocol_is_reported_once(void **state)
{
    struct wire_client_control *control = rig.peers[2].request.address;
    struct wire_submission ping = { .op = WIRE_OP_NOP };

    (void)state;
    assert_true(worker_arm(worker));
    for (int i = 0; i < RIG_ENTRIES; i++)
        assert_true(ring(2, &ping));
    __atomic_store_n(&control->cq_head, 12345, __ATOMIC_RELAXED);
    while (!ring(2, &ping)) /* there is room again: all have been taken, and none is reaped */
        cpu_pause();
    assert_int_equal(poll(&(struct pollfd){ .fd = worker_eventfd(worker), .events = POLLIN }, 1, 20000), 1);
    worker_disarm(worker);
    expect_report(REPORT_BROKEN, rig.channels[2]);
    assert_non_null(strstr(rig.channels[2]->broken, "ring index"));
    worker_leave(worker, rig.channels[2]);
    expect_report(REPORT_LEFT, rig.channels[2]);
}

static void draining_answers_everything(void **state)
{
    struct wire_submission ask = rig_infer(1, 0);

    (void)state;
    poll(NULL, 0, 10);
    assert_true(submit_ring_push(&rig.peers[0].submit, &ask)); /* no doorbell */
    worker_drain(worker);
    expect_report(REPORT_DRAINED, NULL);
    assert_int_equal(wait_completion(0).status, WISP_E_SHUTDOWN);
    assert_int_equal(rig.channels[1]->daemon->state, WIRE_STATE_DRAINING);
}

static void it_shows_that_it_lives(void **state)
{
    uint64_t until = clock_ns() + PATIENCE_NS;
    struct mail mail;

    (void)state;
    for (int i = 0; i < 3; i++) {
        worker_ask_beat(worker);
        do {
            assert_true(clock_ns() < until);
            assert_false(worker_report(worker, &mail)); /* keeps the sign of life for itself */
        } while (!worker_lives(worker));
    }
}

/* ---- a thread that is stuck ---- */

static _Atomic uint32_t held, released;

static void hold(int signal)
{
    (void)signal;
    atomic_store(&held, 1);
    while (!atomic_load(&released))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void wait_for_life(bool lives)
{
    const uint64_t until = clock_ns() + PATIENCE_NS;
    struct mail mail;

    do {
        assert_true(clock_ns() < until);
        worker_ask_beat(worker);
        poll(NULL, 0, 5);
        assert_false(worker_report(worker, &mail));
    } while (worker_lives(worker) != lives);
}

/* The shard does not answer for one that helps it, and does not come round. */
static void a_helper_that_is_stuck_is_noticed(void **state)
{
    const struct sigaction action = { .sa_handler = hold };
    pid_t helper;

    (void)state;
    if (rig_threads == 1)
        skip();
    helper = process_thread(getpid(), "wispd-shard-1");
    assert_true(helper > 0);
    atomic_store(&held, 0);
    atomic_store(&released, 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    wait_for_life(true);
    assert_int_equal(syscall(SYS_tgkill, getpid(), helper, SIGUSR1), 0);
    while (!atomic_load(&held))
        poll(NULL, 0, 1);
    wait_for_life(false);
    atomic_store(&released, 1);
    wait_for_life(true);
}

/* ---- sets of models under load ---- */

enum { SETS = 2, SWAPS = 60, DEPTH = 4 };

struct side {
    struct model_set *set;
    struct reference *reference;
    uint32_t route;
};

static struct side make_side(const char *path, struct model_set *set)
{
    return (struct side){ .set = set, .reference = reference_new(path), .route = model_set_find(set, "small", 5) };
}

struct sent {
    struct wire_submission ask;
    int side;
};

/* What is given back meanwhile is freed. */
static unsigned given_back;

static void take_report(void)
{
    struct mail mail = next_report();

    if (mail.kind == REPORT_DONE_WITH) {
        queue_set_free(mail.subject);
        given_back++;
    } else {
        assert_int_equal(mail.kind, REPORT_IN_USE);
    }
}

static void use_queues(struct model_set *set)
{
    assert_int_equal(queue_set_new(set, 0, &rig.queues), 0);
    worker_use(worker, rig.queues);
}

static unsigned outcomes[2]; /* right answers; another model by then */

static void reap(int peer, struct sent *sent, const struct side *sides)
{
    struct wire_completion completion = wait_completion(peer);
    struct sent *one = &sent[completion.user_data / 4];
    float input[8 * RIG_INPUTS], want[8 * RIG_OUTPUTS];

    outcomes[completion.status != WISP_OK]++;
    if (completion.status) {
        assert_int_equal(completion.status, WISP_E_CHANGED);
        return;
    }
    floats_make(input, one->ask.in_length / 4, 7, one->ask.user_data);
    reference_run(sides[one->side].reference, input, one->ask.rows, want);
    assert_memory_equal(rig.peers[peer].output + one->ask.out_offset / 4, want, one->ask.out_length);
}

/* Each answer is that of the model which its number was given for, or there is none; and each set goes when nothing is
 * under way on it. */
static void sets_give_way_under_load(void **state)
{
    static const struct model_recipe recipe = { .name = "small",
                                                .processing = "image.classification",
                                                .sizes = { RIG_INPUTS, 40, RIG_OUTPUTS },
                                                .density = 0.3,
                                                .seed = 2 };
    char path[256];
    struct config_model model = rig.config.models[0];
    struct config config = rig.config;
    struct model_set *other, *again;
    struct rng rng = rng_make(5, 5);
    struct sent sent[RIG_CHANNELS][DEPTH];
    struct side sides[SETS];
    struct reason why;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(rig.folder, "other.safetensors"));
    model_make(path, &recipe);
    model.path = path;
    config.models = &model;
    assert_ok(model_set_load(&config, rig.set, NULL, &other, &why), why);
    assert_ok(model_set_load(&rig.config, other, NULL, &again, &why), why); /* knows the numbers of both */
    sides[0] = make_side(rig.path, again);
    sides[1] = make_side(path, other);
    given_back = 0;
    use_queues(again);
    expect_report(REPORT_IN_USE, rig.queues); /* from here on its numbers are known */
    for (unsigned swap = 1; swap <= SWAPS; swap++) {
        for (int peer = 0; peer < RIG_CHANNELS; peer++) {
            for (uint32_t i = 0; i < DEPTH; i++) {
                struct sent *one = &sent[peer][i];

                one->side = (int)rng_below(&rng, SETS);
                one->ask = rig_infer(1 + (uint32_t)rng_below(&rng, 8), 4 * i);
                one->ask.route = sides[one->side].route;
                rig_fill(peer, &one->ask);
                assert_true(ring(peer, &one->ask));
            }
        }
        use_queues(sides[swap % SETS].set);
        for (int peer = 0; peer < RIG_CHANNELS; peer++) {
            for (int i = 0; i < DEPTH; i++)
                reap(peer, sent[peer], sides);
        }
        while (swap + 2 - given_back > WORKER_QUEUE_SETS - 2)
            take_report();
    }
    while (given_back < SWAPS + 1)
        take_report();
    assert_int_equal(rig.set->holders, 1);
    assert_int_equal(other->holders, 1);
    assert_int_equal(again->holders, 2); /* the queues in use */
    assert_true(outcomes[0] > SWAPS && outcomes[1] > SWAPS);
    for (int i = 0; i < SETS; i++)
        reference_free(sides[i].reference);
    model_set_release(other);
    model_set_release(again);
}

#define WORKER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(a_doorbell_wakes_it),
        WORKER_TEST(a_channel_leaves_whatever_is_under_way),
        WORKER_TEST(who_breaks_the_protocol_is_reported_once),
        WORKER_TEST(draining_answers_everything),
        WORKER_TEST(it_shows_that_it_lives),
        WORKER_TEST(a_helper_that_is_stuck_is_noticed),
        WORKER_TEST(sets_give_way_under_load),
    };
    int failed = 0;

    for (loop_kind = LOOP_AUTO; loop_kind <= LOOP_EPOLL; loop_kind += LOOP_EPOLL - LOOP_AUTO)
        failed +=
            cmocka_run_group_tests_name(loop_kind == LOOP_EPOLL ? "worker, epoll" : "worker, auto", tests, NULL, NULL);
    loop_kind = LOOP_AUTO;
    rig_threads = 3;
    failed += cmocka_run_group_tests_name("worker, three threads", tests, NULL, NULL);
    return failed;
}
