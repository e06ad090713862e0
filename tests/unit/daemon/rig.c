/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sparse/file/model_file.h"
#include "unit/daemon/rig.h"

struct rig rig;
uint32_t rig_threads = 1;

static const struct model_recipe recipe = { .name = "small",
                                            .processing = "image.classification",
                                            .sizes = { RIG_INPUTS, 30, RIG_OUTPUTS },
                                            .density = 0.4,
                                            .seed = 1 };

/* ---- set-up ---- */

void rig_make_channel(int at)
{
    struct wire_welcome welcome = { .abi = WIRE_ABI_MAX,
                                    .features = WIRE_FEATURES,
                                    .entries = RIG_ENTRIES,
                                    .request_arena = RIG_ARENA,
                                    .response_arena = RIG_ARENA };
    struct peer *peer = &rig.peers[at];
    struct connection *connection;
    struct channel *channel;
    struct reason why;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    connection = connection_accept(&rig.table, ends[0], users_get(&rig.users, (uid_t)(1000 + at)));
    assert_non_null(connection);
    channel = &connection->channel;
    assert_ok(connection_agree(&rig.table, connection, &rig.users, &welcome, &why), why);
    assert_ok(channel_memory_make(&channel->memory, &channel->layout, &why), why);
    channel_attach(channel, &welcome, 4096);
    channel->uid = (uid_t)(1000 + at);
    connection_open(&rig.table, connection);
    peer->socket = ends[1];
    assert_ok(region_map(&peer->request, dup(channel->memory.request.fd), channel->layout.request_size, true, &why),
              why);
    assert_ok(region_seal(&peer->request, &why), why);
    ring_attach_client(&peer->submit, &peer->reap, peer->request.address, channel->memory.response.address,
                       &channel->layout, 0);
    peer->input = (float *)((char *)peer->request.address + channel->layout.arena_offset);
    peer->output = (const float *)((const char *)channel->memory.response.address + channel->layout.arena_offset);
    rig.channels[at] = channel;
    rig.connections[at] = connection;
}

void rig_open_channel(int at)
{
    rig_make_channel(at);
    shard_serve(&rig.shard, rig.channels[at]);
    assert_true(channel_is_sealed(rig.channels[at])); /* as at its first doorbell */
    active_add(&rig.shard, rig.channels[at], clock_ns());
}

static void add_model(const char *path, uint64_t wait_ns)
{
    struct config_model *model = &rig.config.models[rig.config.model_count++];

    config_model_init(model);
    model->path = strdup(path);
    model->batch_max = RIG_BATCH;
    model->wait_ns = wait_ns;
}

/* Its sequences end at different places. */
static void add_translator(void)
{
    static const struct translator translator = {
        .kind = "attention", .source = RIG_SOURCE, .positions = RIG_WORDS, .vocabulary = 13, .width = 6, .seed = 24
    };
    const char *path = scratch_path(rig.folder, "translator.safetensors");
    struct reason why;

    rig.translator = translator_model(&translator);
    assert_ok(model_write(rig.translator, path, &why), why);
    add_model(path, 0);
}

/* Not by the clock: what was disturbed as it was timed would have its batches cut. */
static void know_costs(struct queue *queue)
{
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue->cost.ns[i] = queue->hoped.ns[i] = NS_PER_US << i;
}

static int setup_with(uint64_t wait_ns, bool decoding)
{
    struct reason why;

    memset(&rig, 0, sizeof rig);
    rig.folder = scratch_make();
    snprintf(rig.path, sizeof rig.path, "%s", scratch_path(rig.folder, "small.safetensors"));
    model_make(rig.path, &recipe);
    rig.reference = reference_new(rig.path);
    assert_int_equal(config_init(&rig.config), 0);
    rig.config.threads = rig_threads;
    rig.config.models = calloc(2, sizeof *rig.config.models);
    add_model(rig.path, wait_ns);
    if (decoding)
        add_translator();
    assert_ok(model_set_load(&rig.config, NULL, NULL, &rig.set, &why), why);
    rig.route = model_set_find(rig.set, "small", 5);
    rig.translator_route = model_set_find(rig.set, "translator", 10);
    assert_int_equal(users_init(&rig.users, 8, 8, 1ull << 30), 0);
    assert_int_equal(connection_table_init(&rig.table, 8, 1), 0);
    assert_int_equal(shard_init(&rig.shard, 8, 1), 0);
    assert_int_equal(queue_set_new(rig.set, 0, &rig.queues), 0);
    know_costs(&rig.queues->queues[0]);
    shard_use(&rig.shard, rig.queues);
    for (int i = 0; i < RIG_CHANNELS; i++)
        rig_open_channel(i);
    return 0;
}

int rig_setup(void **state)
{
    (void)state;
    return setup_with(0, false);
}

int rig_setup_decoding(void **state)
{
    (void)state;
    return setup_with(0, true);
}

int rig_setup_waiting(void **state)
{
    (void)state;
    return setup_with(NS_PER_S, false);
}

void rig_drop_channel(int at)
{
    connection_close(&rig.table, rig.connections[at]);
    assert_true(connection_is_over(rig.connections[at]));
    channel_memory_unmake(&rig.channels[at]->memory);
    connection_release(&rig.table, rig.connections[at]);
    close(rig.peers[at].socket);
    region_deinit(&rig.peers[at].request);
    rig.channels[at] = NULL;
}

void rig_close_channel(int at)
{
    shard_leave(&rig.shard, rig.channels[at]);
    rig_drop_channel(at);
}

int rig_teardown(void **state)
{
    (void)state;
    for (int i = 0; i < RIG_CHANNELS; i++) {
        if (rig.channels[i] && rig.channels[i]->leaving)
            rig_drop_channel(i);
        else if (rig.channels[i])
            rig_close_channel(i);
    }
    assert_int_equal(rig.table.used, 0);
    for (uint32_t i = 0; i < rig.users.capacity; i++) {
        assert_int_equal(rig.users.entries[i].channels, 0);
        assert_int_equal(rig.users.entries[i].memory, 0);
    }
    shard_deinit(&rig.shard);
    connection_table_deinit(&rig.table);
    users_deinit(&rig.users);
    rig.queues = queue_set_free(rig.queues);
    rig.set = model_set_release(rig.set);
    config_deinit(&rig.config);
    rig.reference = reference_free(rig.reference);
    rig.translator = model_free(rig.translator);
    scratch_remove(rig.folder);
    return 0;
}

/* ---- helpers ---- */

struct wire_submission rig_infer(uint32_t rows, uint32_t at)
{
    return (struct wire_submission){
        .op = WIRE_OP_INFER,
        .route = rig.route,
        .user_data = at,
        .in_offset = at * 1024ull,
        .in_length = (uint64_t)rows * RIG_IN_BYTES,
        .out_offset = at * 256ull,
        .out_length = (uint64_t)rows * RIG_OUT_BYTES,
        .rows = rows,
    };
}

void rig_fill(int peer, const struct wire_submission *ask)
{
    floats_make(rig.peers[peer].input + ask->in_offset / 4, ask->in_length / 4, 7, ask->user_data);
}

/* As a client does: publish, and ring the doorbell if the daemon sleeps on the channel. */
bool rig_try_push(int peer, const struct wire_submission *ask)
{
    if (!submit_ring_push(&rig.peers[peer].submit, ask))
        return false;
    if (rig.channels[peer]->daemon->need_wake)
        active_add(&rig.shard, rig.channels[peer], clock_ns());
    return true;
}

void rig_push(int peer, const struct wire_submission *ask)
{
    assert_true(rig_try_push(peer, ask));
}

void rig_check_answer(int peer, const struct wire_submission *ask)
{
    float input[40 * RIG_INPUTS], want[40 * RIG_OUTPUTS];

    assert_true(ask->rows <= 40);
    floats_make(input, ask->in_length / 4, 7, ask->user_data);
    reference_run(rig.reference, input, ask->rows, want);
    assert_memory_equal(rig.peers[peer].output + ask->out_offset / 4, want, ask->out_length);
}

struct request *rig_take(int peer, const struct wire_submission *ask)
{
    struct request *request;

    rig_push(peer, ask);
    request = s1_intake(&rig.shard, rig.channels[peer], clock_ns());
    assert_non_null(request);
    return request;
}

/* The completion that is there, and no other; its status. */
int rig_only_completion(int peer, struct wire_completion *completion)
{
    struct wire_completion more;

    assert_true(reap_ring_take(&rig.peers[peer].reap, completion));
    assert_false(reap_ring_take(&rig.peers[peer].reap, &more));
    return completion->status;
}

void rig_no_completion(int peer)
{
    assert_false(reap_ring_ready(&rig.peers[peer].reap));
}

void rig_all_requests_are_free(int at)
{
    uint32_t count = 0;

    assert_int_equal(rig.channels[at]->under_way, 0);
    for (const struct request *request = rig.channels[at]->free; request; request = request->next) {
        assert_int_equal(request->state, REQUEST_FREE);
        count++;
    }
    assert_int_equal(count, RIG_ENTRIES);
}

/* A channel that was not served for a millisecond may have been set aside: it is looked at now. */
static bool turn_for_those_aside(void)
{
    if (!rig.shard.aside_count)
        return false;
    rig.shard.aside_due_ns = 0;
    for (int i = 0; i < RIG_CHANNELS; i++)
        rig.channels[i]->aside_due_ns = 0;
    return shard_turn(&rig.shard, clock_ns());
}

void rig_turn_until_idle(void)
{
    for (int i = 0; shard_turn(&rig.shard, clock_ns()) || turn_for_those_aside(); i++)
        assert_true(i < 100000);
}

void rig_make_late(struct request *request)
{
    const uint64_t until = clock_ns() + 2 * WHEEL_TICK_NS;

    wheel_remove(&rig.shard.wheel, &request->deadline);
    request->deadline_ns = 1;
    wheel_add(&rig.shard.wheel, &request->deadline, request->deadline_ns);
    while (clock_ns() < until)
        continue;
}

void rig_run_batch(struct queue *queue)
{
    assert_true(s4_dispatch(&rig.shard, queue, clock_ns()));
    s5_begin(&rig.shard, queue);
    while (queue->batch.count)
        s5_run(&rig.shard, queue);
}

struct request *rig_into_queue(int peer, const struct wire_submission *ask)
{
    struct request *request = rig_take(peer, ask);

    rig_fill(peer, ask);
    assert_true(s2_admit(&rig.shard, request));
    assert_true(s3_batch(&rig.shard, request));
    assert_int_equal(request->state, REQUEST_BATCHED);
    return request;
}
