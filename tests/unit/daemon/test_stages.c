/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages one by one, and the shard that strings them together, over real rings in real regions, with real models.
 * The client's end is in this process and thread; there is no daemon and no event loop.
 */
#include "support/test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "daemon/stages.h"
#include "support/model.h"

enum { ENTRIES = 16, CHANNELS = 3, INPUTS = 24, OUTPUTS = 6, IN_BYTES = INPUTS * 4, OUT_BYTES = OUTPUTS * 4, MOST = 8 };

#define ARENA (256u << 10)

static const struct model_recipe recipe = {
    .name = "small", .processing = "image.classification", .sizes = { INPUTS, 30, OUTPUTS }, .density = 0.4, .seed = 1
};

/* A client's end. */
struct peer {
    int socket;
    struct region request;
    struct submit_ring submit;
    struct reap_ring reap;
    float *input;
    const float *output;
};

static struct {
    const char *folder;
    char path[256];
    struct config config;
    struct registry registry;
    struct users users;
    struct channel_table table;
    struct shard shard;
    struct channel *channels[CHANNELS];
    struct peer peers[CHANNELS];
    struct reference *reference;
    uint32_t route;
} the;

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

/* ---- set-up ---- */

static void open_channel(int at)
{
    struct wire_welcome welcome = {
        .abi = 1, .features = WIRE_FEATURES, .entries = ENTRIES, .request_arena = ARENA, .response_arena = ARENA
    };
    struct peer *peer = &the.peers[at];
    struct channel *channel;
    struct reason why;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    channel = channel_accept(&the.table, ends[0], users_get(&the.users, (uid_t)(1000 + at)));
    assert_non_null(channel);
    assert_ok(channel_agree(&the.table, channel, &the.users, &welcome, &why), why);
    assert_ok(channel_memory_make(&channel->memory, &channel->layout, &why), why);
    channel_open(&the.table, channel, 4096);
    peer->socket = ends[1];
    assert_ok(region_map(&peer->request, dup(channel->memory.request.fd), channel->layout.request_size, true, &why),
              why);
    ring_attach_client(&peer->submit, &peer->reap, peer->request.address, channel->memory.response.address,
                       &channel->layout, 0);
    peer->input = (float *)((char *)peer->request.address + channel->layout.arena_offset);
    peer->output = (const float *)((const char *)channel->memory.response.address + channel->layout.arena_offset);
    shard_heat(&the.shard, channel, clock_ns());
    the.channels[at] = channel;
}

static int setup_with(uint64_t wait_ns)
{
    struct reason why;

    memset(&the, 0, sizeof the);
    the.folder = scratch_make();
    snprintf(the.path, sizeof the.path, "%s", scratch_path(the.folder, "small.safetensors"));
    model_make(the.path, &recipe);
    the.reference = reference_new(the.path);
    assert_int_equal(config_init(&the.config), 0);
    the.config.models = calloc(1, sizeof *the.config.models);
    config_model_init(the.config.models);
    the.config.models->path = strdup(the.path);
    the.config.models->batch_most = MOST;
    the.config.models->wait_ns = wait_ns;
    the.config.model_count = 1;
    assert_ok(registry_init(&the.registry, &the.config, &why), why);
    the.route = registry_find(&the.registry, "small", 5);
    assert_int_equal(users_init(&the.users, 8, 8, 1ull << 30), 0);
    assert_int_equal(channel_table_init(&the.table, 8), 0);
    assert_int_equal(shard_init(&the.shard, &the.registry, 8), 0);
    for (int i = 0; i < CHANNELS; i++)
        open_channel(i);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(0);
}

static int setup_waiting(void **state)
{
    (void)state;
    return setup_with(NS_PER_S);
}

static void close_channel(int at)
{
    shard_forget(&the.shard, the.channels[at]);
    channel_close(&the.table, the.channels[at]);
    if (channel_is_over(the.channels[at])) {
        channel_memory_unmake(&the.channels[at]->memory);
        channel_release(&the.table, the.channels[at]);
    }
    close(the.peers[at].socket);
    region_deinit(&the.peers[at].request);
    the.channels[at] = NULL;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < CHANNELS; i++) {
        if (the.channels[i])
            close_channel(i);
    }
    assert_int_equal(the.table.used, 0);
    for (uint32_t i = 0; i < the.users.capacity; i++) {
        assert_int_equal(the.users.entries[i].channels, 0);
        assert_int_equal(the.users.entries[i].memory, 0);
    }
    shard_deinit(&the.shard);
    channel_table_deinit(&the.table);
    users_deinit(&the.users);
    registry_deinit(&the.registry);
    config_deinit(&the.config);
    the.reference = reference_free(the.reference);
    scratch_remove(the.folder);
    return 0;
}

/* ---- helpers ---- */

static struct wire_submission infer(uint32_t rows, uint32_t at)
{
    return (struct wire_submission){
        .op = WIRE_OP_INFER,
        .route = the.route,
        .user_data = at,
        .in_offset = at * 1024ull,
        .in_length = (uint64_t)rows * IN_BYTES,
        .out_offset = at * 256ull,
        .out_length = (uint64_t)rows * OUT_BYTES,
        .rows = rows,
    };
}

static void fill(int peer, const struct wire_submission *ask)
{
    floats_make(the.peers[peer].input + ask->in_offset / 4, ask->in_length / 4, 7, ask->user_data);
}

/* As a client does: publish, and kick if the daemon sleeps on the channel. */
static bool try_push(int peer, const struct wire_submission *ask)
{
    if (!submit_ring_push(&the.peers[peer].submit, ask))
        return false;
    if (the.channels[peer]->daemon->need_wake)
        shard_heat(&the.shard, the.channels[peer], clock_ns());
    return true;
}

static void push(int peer, const struct wire_submission *ask)
{
    assert_true(try_push(peer, ask));
}

static void check_answer(int peer, const struct wire_submission *ask)
{
    float input[40 * INPUTS], want[40 * OUTPUTS];

    assert_true(ask->rows <= 40);
    floats_make(input, ask->in_length / 4, 7, ask->user_data);
    reference_run(the.reference, input, ask->rows, want);
    assert_memory_equal(the.peers[peer].output + ask->out_offset / 4, want, ask->out_length);
}

static struct request *take(int peer, const struct wire_submission *ask)
{
    struct request *request;

    push(peer, ask);
    request = s1_intake(&the.shard, the.channels[peer], clock_ns());
    assert_non_null(request);
    return request;
}

/* The completion that is there, and no other; its status. */
static int only_completion(int peer, struct wire_completion *completion)
{
    struct wire_completion more;

    assert_true(reap_ring_take(&the.peers[peer].reap, completion));
    assert_false(reap_ring_take(&the.peers[peer].reap, &more));
    return completion->status;
}

static void no_completion(int peer)
{
    assert_false(reap_ring_ready(&the.peers[peer].reap));
}

static void all_requests_are_free(int at)
{
    uint32_t count = 0;

    assert_int_equal(the.channels[at]->under_way, 0);
    for (const struct request *request = the.channels[at]->free; request; request = request->next) {
        assert_int_equal(request->state, REQUEST_FREE);
        count++;
    }
    assert_int_equal(count, ENTRIES);
}

static void turn_until_idle(void)
{
    for (int i = 0; shard_turn(&the.shard, clock_ns()); i++)
        assert_true(i < 100000);
}

/* ---- s1 ---- */

static void s1_copies_the_slot(void **state)
{
    struct wire_submission ask = infer(1, 3);
    struct request *request;

    (void)state;
    assert_null(s1_intake(&the.shard, the.channels[0], 5));
    ask.deadline_us = 77;
    push(0, &ask);
    request = s1_intake(&the.shard, the.channels[0], 5);
    assert_non_null(request);
    assert_int_equal(request->state, REQUEST_TAKEN);
    assert_int_equal(request->taken_ns, 5);
    assert_ptr_equal(request->channel, the.channels[0]);
    assert_memory_equal(&request->ask, &ask, offsetof(struct wire_submission, seq));
    assert_int_equal(the.channels[0]->under_way, 1);
    /* What the client writes afterwards changes nothing. */
    memset(the.peers[0].submit.slots, 0xff, sizeof ask);
    assert_int_equal(request->ask.user_data, 3);
    s6_complete(&the.shard, request, WISP_OK);
}

static void s1_takes_no_more_than_can_be_answered(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct request *requests[ENTRIES];
    struct wire_completion completion;

    (void)state;
    for (int i = 0; i < ENTRIES; i++)
        requests[i] = take(0, &ping);
    push(0, &ping);
    assert_null(s1_intake(&the.shard, the.channels[0], 1));
    assert_true(the.channels[0]->starved);
    for (int i = 0; i < ENTRIES; i++)
        s6_complete(&the.shard, requests[i], WISP_OK);
    assert_null(s1_intake(&the.shard, the.channels[0], 1)); /* answered, and not reaped */
    assert_true(reap_ring_take(&the.peers[0].reap, &completion));
    requests[0] = s1_intake(&the.shard, the.channels[0], 1);
    assert_non_null(requests[0]);
    s6_complete(&the.shard, requests[0], WISP_OK);
}

static void s1_marks_a_client_with_an_impossible_index(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_client_control *control = the.peers[0].request.address;

    (void)state;
    control->cq_head = 12345;
    for (int i = 0; i < ENTRIES; i++)
        s6_complete(&the.shard, take(0, &ping), WISP_OK);
    push(0, &ping);
    assert_null(s1_intake(&the.shard, the.channels[0], 1));
    assert_true(the.channels[0]->broken);
    assert_int_equal(the.shard.doubtful, 1);
    assert_null(s1_intake(&the.shard, the.channels[0], 1));
    assert_int_equal(the.shard.doubtful, 1);
}

/* ---- s2 ---- */

static void s2_refuses_what_reaches_outside(void **state)
{
    struct wire_submission ask = infer(1, 0);
    struct wire_completion completion;

    (void)state;
    ask.in_offset = ARENA;
    assert_false(s2_admit(&the.shard, take(0, &ask)));
    assert_int_equal(only_completion(0, &completion), WISP_E_INVALID);
    ask = infer(1, 0);
    ask.rows = 4097; /* more than the channel's limit */
    assert_false(s2_admit(&the.shard, take(0, &ask)));
    assert_int_equal(only_completion(0, &completion), WISP_E_INVALID);
    all_requests_are_free(0);
}

static void s2_answers_a_ping_and_refuses_when_draining(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP, .user_data = 42 };
    struct wire_completion completion;

    (void)state;
    assert_false(s2_admit(&the.shard, take(0, &ping)));
    assert_int_equal(only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.user_data, 42);
    the.shard.draining = true;
    assert_false(s2_admit(&the.shard, take(0, &ping)));
    assert_int_equal(only_completion(0, &completion), WISP_E_SHUTDOWN);
}

static void s2_sets_the_deadline(void **state)
{
    struct wire_submission ask = infer(1, 0);
    struct request *request;

    (void)state;
    request = take(0, &ask);
    assert_true(s2_admit(&the.shard, request));
    assert_int_equal(request->state, REQUEST_ADMITTED);
    assert_true(request->deadline_ns == UINT64_MAX);
    s6_complete(&the.shard, request, WISP_OK);
    ask.deadline_us = UINT32_MAX;
    request = take(0, &ask);
    assert_true(s2_admit(&the.shard, request));
    assert_true(request->deadline_ns == request->taken_ns + UINT32_MAX * NS_PER_US);
    s6_complete(&the.shard, request, WISP_OK);
}

/* ---- s3 and s4 ---- */

static struct request *into_lane(int peer, const struct wire_submission *ask)
{
    struct request *request = take(peer, ask);

    fill(peer, ask);
    assert_true(s2_admit(&the.shard, request));
    assert_true(s3_batch(&the.shard, request));
    assert_int_equal(request->state, REQUEST_BATCHED);
    return request;
}

static void s3_knows_its_routes(void **state)
{
    static const char *const names[] = { "small", "image.classification", "image" };
    struct wire_submission ask = infer(1, 0);
    struct wire_completion completion;

    (void)state;
    assert_int_equal(registry_find(&the.registry, "imag", 4), ROUTE_NONE);
    assert_int_equal(registry_find(&the.registry, "", 0), ROUTE_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        ask.route = registry_find(&the.registry, names[i], strlen(names[i]));
        assert_int_equal(ask.route, i + 1);
        into_lane(0, &ask);
    }
    assert_int_equal(the.shard.lanes[0].rows, 3);
    assert_int_equal(the.shard.under_way, 3);
    ask.route = the.registry.route_count;
    assert_false(s3_batch(&the.shard, take(1, &ask)));
    assert_int_equal(only_completion(1, &completion), WISP_E_NO_MODEL);
    turn_until_idle();
}

static void s3_waits_only_as_configured(void **state)
{
    struct lane *lane = &the.shard.lanes[0];
    struct wire_submission ask = infer(1, 0);
    uint64_t begin;

    (void)state;
    assert_true(s3_due_ns(lane) == UINT64_MAX);
    begin = into_lane(0, &ask)->taken_ns;
    assert_true(s3_due_ns(lane) == begin + NS_PER_S);
    assert_false(s3_due(&the.shard, lane, begin + NS_PER_S - 1));
    assert_true(s3_due(&the.shard, lane, begin + NS_PER_S));
    ask = infer(MOST - 1, 1);
    into_lane(1, &ask); /* enough for a batch */
    assert_true(s3_due(&the.shard, lane, begin));
    turn_until_idle();
    into_lane(0, &ask);
    assert_false(s3_due(&the.shard, lane, clock_ns()));
    the.shard.draining = true;
    assert_true(s3_due(&the.shard, lane, clock_ns()));
    turn_until_idle();
}

static void s4_takes_in_order_up_to_a_batch(void **state)
{
    struct wire_submission asks[3] = { infer(3, 0), infer(4, 1), infer(5, 2) };
    struct batch *batch = &the.shard.batch;
    struct request *requests[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        requests[i] = into_lane(i, &asks[i]);
    assert_true(s4_dispatch(&the.shard, &the.shard.lanes[0]));
    assert_int_equal(batch->count, 3);
    assert_int_equal(batch->rows, MOST);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(batch->requests[i], requests[i]);
    assert_int_equal(requests[2]->rows_now, 1); /* 3 + 4, and one of five */
    assert_int_equal(the.shard.lanes[0].rows, 0);
    s5_run(&the.shard);
    assert_int_equal(the.shard.lanes[0].rows, 4); /* the rest comes back */
    assert_int_equal(requests[2]->rows_done, 1);
    turn_until_idle();
    for (int i = 0; i < 3; i++) {
        struct wire_completion completion;

        assert_int_equal(only_completion(i, &completion), WISP_OK);
        assert_int_equal(completion.batch, MOST);
        check_answer(i, &asks[i]);
    }
}

static void s4_refuses_what_does_not_fit_and_goes_on(void **state)
{
    struct wire_submission good = infer(1, 0), bad = infer(1, 1);
    struct wire_completion completion;

    (void)state;
    bad.in_length += 4;
    into_lane(0, &bad);
    into_lane(1, &good);
    assert_true(s4_dispatch(&the.shard, &the.shard.lanes[0]));
    assert_int_equal(the.shard.batch.count, 1);
    assert_int_equal(only_completion(0, &completion), WISP_E_SHAPE);
    no_completion(1);
    s5_run(&the.shard);
    assert_int_equal(only_completion(1, &completion), WISP_OK);
    check_answer(1, &good);
    into_lane(0, &bad);
    assert_false(s4_dispatch(&the.shard, &the.shard.lanes[0])); /* nothing is left to run */
}

/* A large request and small ones take turns: the small ones need not wait for all of it. */
static void slices_take_turns(void **state)
{
    struct wire_submission large = infer(40, 0), small = infer(1, 100);
    struct wire_completion completion;

    (void)state;
    into_lane(0, &large);
    into_lane(1, &small);
    for (int slice = 0; slice < 2; slice++) {
        assert_true(s4_dispatch(&the.shard, &the.shard.lanes[0]));
        s5_run(&the.shard);
    }
    assert_int_equal(only_completion(1, &completion), WISP_OK);
    no_completion(0);
    turn_until_idle();
    assert_int_equal(only_completion(0, &completion), WISP_OK);
    check_answer(0, &large);
    check_answer(1, &small);
}

/* ---- s5 ---- */

static void s5_drops_what_is_late(void **state)
{
    struct wire_submission late = infer(2, 0), good = infer(2, 1);
    struct wire_completion completion;
    uint64_t samples = the.registry.models[0].samples;

    (void)state;
    late.deadline_us = 1;
    into_lane(0, &late)->deadline_ns = clock_ns() - 1;
    into_lane(1, &good);
    assert_true(s4_dispatch(&the.shard, &the.shard.lanes[0]));
    s5_run(&the.shard);
    assert_int_equal(only_completion(0, &completion), WISP_E_DEADLINE);
    assert_int_equal(completion.out_length, 0);
    assert_int_equal(only_completion(1, &completion), WISP_OK);
    assert_int_equal(completion.batch, 2);
    assert_int_equal(the.registry.models[0].samples, samples + 2);
    check_answer(1, &good);
}

/* ---- s6, and channels that die ---- */

static void s6_fills_in_the_receipt(void **state)
{
    struct wire_submission ask = infer(3, 2);
    struct wire_completion completion;

    (void)state;
    into_lane(0, &ask);
    turn_until_idle();
    assert_int_equal(only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.user_data, 2);
    assert_int_equal(completion.out_length, ask.out_length);
    assert_int_equal(completion.batch, 3);
    assert_true(completion.compute_ns > 0);
    the.channels[0]->receipts = false;
    into_lane(0, &ask);
    turn_until_idle();
    assert_int_equal(only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.batch, 0);
    assert_int_equal(completion.compute_ns, 0);
}

static void a_dead_channel_lasts_as_long_as_its_requests(void **state)
{
    struct wire_submission ask = infer(20, 0), other = infer(1, 1);
    struct channel *dying = the.channels[0];
    struct wire_completion completion;

    (void)state;
    into_lane(0, &ask);
    into_lane(1, &other);
    assert_true(s4_dispatch(&the.shard, &the.shard.lanes[0]));
    s5_run(&the.shard);
    close_channel(0);
    assert_int_equal(dying->state, CHANNEL_DEAD);
    assert_non_null(dying->memory.request.address);
    assert_false(channel_is_over(dying));
    assert_null(channel_find(&the.table, dying->index, dying->generation));
    turn_until_idle();
    assert_int_equal(dying->under_way, 0);
    assert_int_equal(the.shard.doubtful, 1);
    assert_true(channel_is_over(dying));
    channel_memory_unmake(&dying->memory);
    channel_release(&the.table, dying);
    assert_int_equal(only_completion(1, &completion), WISP_OK);
    check_answer(1, &other);
}

static void a_slot_comes_back_under_another_generation(void **state)
{
    uint32_t index = the.channels[2]->index, generation = the.channels[2]->generation;

    (void)state;
    assert_ptr_equal(channel_find(&the.table, index, generation), the.channels[2]);
    close_channel(2);
    assert_null(channel_find(&the.table, index, generation));
    open_channel(2);
    assert_int_equal(the.channels[2]->index, index);
    assert_null(channel_find(&the.table, index, generation));
    assert_ptr_equal(channel_find(&the.table, index, generation + 1), the.channels[2]);
    assert_null(channel_find(&the.table, 1000000, generation));
}

/* ---- the shard ---- */

static void arming_looks_once_more(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    uint64_t until = UINT64_MAX;

    (void)state;
    assert_int_equal(the.shard.hot_count, CHANNELS);
    push(1, &ping);
    assert_false(shard_arm(&the.shard, clock_ns(), &until));
    assert_true(the.channels[1]->hot);
    assert_int_equal(the.channels[1]->daemon->need_wake, 0);
    turn_until_idle();
    assert_int_equal(only_completion(1, &completion), WISP_OK);
    assert_true(shard_arm(&the.shard, clock_ns(), &until));
    assert_true(until == UINT64_MAX);
    assert_int_equal(the.shard.hot_count, 0);
    for (int i = 0; i < CHANNELS; i++)
        assert_int_equal(the.channels[i]->daemon->need_wake, 1);
    shard_heat(&the.shard, the.channels[2], clock_ns());
    shard_heat(&the.shard, the.channels[2], clock_ns());
    assert_int_equal(the.shard.hot_count, 1);
    assert_int_equal(the.channels[2]->daemon->need_wake, 0);
}

static void a_starved_channel_is_looked_at_again(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    uint64_t until = UINT64_MAX, now = clock_ns();

    (void)state;
    for (int i = 0; i < ENTRIES; i++)
        push(0, &ping);
    turn_until_idle();
    push(0, &ping);
    assert_false(shard_turn(&the.shard, now));
    assert_true(shard_arm(&the.shard, now, &until));
    assert_true(until > now && until <= now + 10 * NS_PER_MS);
    for (int i = 0; i < ENTRIES; i++)
        assert_true(reap_ring_take(&the.peers[0].reap, &completion));
    turn_until_idle();
    assert_int_equal(only_completion(0, &completion), WISP_OK);
}

static void an_idle_channel_leaves_the_hot_set(void **state)
{
    uint64_t now = clock_ns();

    (void)state;
    for (int i = 0; i < CHANNELS; i++)
        the.channels[i]->active_ns = now;
    assert_false(shard_turn(&the.shard, now + 100 * NS_PER_US));
    assert_int_equal(the.shard.hot_count, CHANNELS);
    assert_false(shard_turn(&the.shard, now + NS_PER_S));
    assert_int_equal(the.shard.hot_count, 0);
}

/* Whatever is asked, by whomever, in whatever order: one completion for each, the right one, and everything is free in
 * the end. */
static void every_slot_gets_exactly_one_completion(void **state)
{
    enum { ROUNDS = 4000 };
    struct rng rng = rng_make(11, 11);
    uint64_t sent[CHANNELS] = { 0 }, done[CHANNELS] = { 0 }, right = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int peer = (int)rng_below(&rng, CHANNELS);
        uint32_t slot = (uint32_t)rng_below(&rng, 8);
        struct wire_submission ask = infer(1 + (uint32_t)rng_below(&rng, 30), slot * 4);
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
            ask = (struct wire_submission){ .op = (uint8_t)rng_below(&rng, 3) };
            break;
        case 4:
            ask.deadline_us = 1;
            break;
        default:
            break;
        }
        if (try_push(peer, &ask))
            sent[peer]++;
        if (rng_below(&rng, 3))
            shard_turn(&the.shard, clock_ns());
        while (rng_below(&rng, 4) && reap_ring_take(&the.peers[peer].reap, &completion)) {
            done[peer]++;
            right += completion.status == WISP_OK;
        }
    }
    for (int i = 0; i < CHANNELS; i++) {
        struct wire_completion completion;

        do
            turn_until_idle();
        while (reap_ring_take(&the.peers[i].reap, &completion) && ++done[i]);
        assert_true(sent[i] > ROUNDS / CHANNELS / 4);
        assert_int_equal(sent[i], done[i]);
        all_requests_are_free(i);
    }
    assert_true(right > ROUNDS / 8);
    assert_int_equal(the.shard.under_way, 0);
    assert_int_equal(the.shard.lanes[0].rows, 0);
}

static void expect_round(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct wire_submission ask = infer(1 + (uint32_t)i % 20, 0);
        struct wire_completion completion;
        int peer = i % CHANNELS;

        if (!try_push(peer, &ask))
            abort();
        while (!reap_ring_take(&the.peers[peer].reap, &completion))
            shard_turn(&the.shard, clock_ns());
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
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        struct reason why;

        /* Regions are not inherited: the client's end is mapped anew. */
        for (int i = 0; i < CHANNELS; i++) {
            struct peer *peer = &the.peers[i];
            const struct channel *channel = the.channels[i];

            if (region_map(&peer->request, dup(channel->memory.request.fd), channel->layout.request_size, true, &why))
                _exit(3);
            peer->submit.slots =
                (struct wire_submission *)((char *)peer->request.address + channel->layout.ring_offset);
            peer->reap.head = &((struct wire_client_control *)peer->request.address)->cq_head;
        }
        forbid_system_calls();
        expect_round(500);
        syscall(SYS_exit, 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define STAGE(test)   cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WAITING(test) cmocka_unit_test_setup_teardown(test, setup_waiting, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE(s1_copies_the_slot),
        STAGE(s1_takes_no_more_than_can_be_answered),
        STAGE(s1_marks_a_client_with_an_impossible_index),
        STAGE(s2_refuses_what_reaches_outside),
        STAGE(s2_answers_a_ping_and_refuses_when_draining),
        STAGE(s2_sets_the_deadline),
        STAGE(s3_knows_its_routes),
        WAITING(s3_waits_only_as_configured),
        STAGE(s4_takes_in_order_up_to_a_batch),
        STAGE(s4_refuses_what_does_not_fit_and_goes_on),
        STAGE(slices_take_turns),
        STAGE(s5_drops_what_is_late),
        STAGE(s6_fills_in_the_receipt),
        STAGE(a_dead_channel_lasts_as_long_as_its_requests),
        STAGE(a_slot_comes_back_under_another_generation),
        STAGE(arming_looks_once_more),
        STAGE(a_starved_channel_is_looked_at_again),
        STAGE(an_idle_channel_leaves_the_hot_set),
        STAGE(every_slot_gets_exactly_one_completion),
        STAGE(the_path_of_a_request_allocates_nothing),
        STAGE(the_path_of_a_request_makes_no_system_call),
    };

    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
