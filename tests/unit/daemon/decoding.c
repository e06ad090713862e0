/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "unit/daemon/decoding.h"

enum { SLOT = 4096 /* bytes of either arena */ };

struct wire_submission translate(uint32_t rows, uint32_t at)
{
    const uint64_t in = sizeof(int32_t) * RIG_SOURCE, words = sizeof(int32_t) * RIG_WORDS;

    return (struct wire_submission){ .op = WIRE_OP_INFER,
                                     .route = rig.translator_route,
                                     .user_data = at,
                                     .in_offset = (uint64_t)at * SLOT,
                                     .in_length = rows * in,
                                     .out_offset = (uint64_t)at * SLOT,
                                     .out_length = (rows * words + 63) / 64 * 64 + rows * sizeof(struct wire_progress),
                                     .rows = rows,
                                     .mark = 1000 + at };
}

struct wire_submission search(uint32_t rows, uint32_t at, uint16_t beam)
{
    struct wire_submission ask = translate(rows, at);

    ask.beam = beam;
    return ask;
}

int32_t *source_of(int peer, const struct wire_submission *ask, uint32_t row)
{
    return (int32_t *)(void *)rig.peers[peer].input + ask->in_offset / 4 + row * RIG_SOURCE;
}

const int32_t *words_of(int peer, const struct wire_submission *ask, uint32_t row)
{
    return (const int32_t *)(const void *)rig.peers[peer].output + ask->out_offset / 4 + row * RIG_WORDS;
}

struct wire_progress progress_of(int peer, const struct wire_submission *ask, uint32_t row)
{
    const uint64_t words = (ask->rows * RIG_WORDS * sizeof(int32_t) + 63) / 64 * 64;
    struct wire_progress progress;

    memcpy(&progress,
           (const char *)rig.peers[peer].output + ask->out_offset + words + row * sizeof(struct wire_progress),
           sizeof progress);
    return progress;
}

void push(int peer, const struct wire_submission *ask, uint64_t seed)
{
    struct rng rng = rng_make(seed, ask->user_data);

    for (uint32_t i = 0; i < ask->rows * RIG_SOURCE; i++)
        source_of(peer, ask, 0)[i] = (int32_t)rng_below(&rng, 15);
    rig_push(peer, ask);
}

uint32_t right_words(int peer, const struct wire_submission *ask, uint32_t row, int32_t right[RIG_WORDS])
{
    const int32_t *source = source_of(peer, ask, row);
    double score;

    return ask->beam > 1 ? translator_search(rig.translator, source, ask->beam, right, &score)
                         : translator_decode(rig.translator, source, right);
}

/* The words of a row, and behind them the one that ends. */
void check_row(int peer, const struct wire_submission *ask, uint32_t row)
{
    const struct wire_progress progress = progress_of(peer, ask, row);
    int32_t right[RIG_WORDS] = { 0 };
    const uint32_t count = right_words(peer, ask, row, right);

    assert_int_equal(progress.mark, ask->mark);
    assert_int_equal(progress.count, count);
    assert_memory_equal(words_of(peer, ask, row), right, sizeof right);
}

void check(int peer, const struct wire_submission *ask)
{
    struct wire_completion completion;

    assert_int_equal(rig_only_completion(peer, &completion), WISP_OK);
    assert_int_equal(completion.user_data, ask->user_data);
    assert_int_equal(completion.out_length, ask->out_length);
    for (uint32_t row = 0; row < ask->rows; row++)
        check_row(peer, ask, row);
}

struct queue *queue(void)
{
    return &rig.queues->queues[1];
}

void steps_are_short(void)
{
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->cost.ns[i] = queue()->hoped.ns[i] = queue()->beginning.ns[i] = NS_PER_US << i;
}

void turn(void)
{
    assert_true(shard_turn(&rig.shard, clock_ns()));
}

static int compare(const void *left, const void *right)
{
    const unsigned char *const *a = left, *const *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* Each once, none lost. */
static void blocks_are_there(void)
{
    const struct sequences *sequences = queue()->sequences;

    assert_int_equal(sequences->free_count, sequences->capacity);
    qsort(sequences->free, sequences->capacity, sizeof *sequences->free, compare);
    for (uint32_t i = 0; i < sequences->capacity; i++)
        assert_ptr_equal(sequences->free[i],
                         sequences->memory + i * decoder_sequence_bytes(rig.set->models[1].decoder));
}

void nothing_runs(void)
{
    assert_int_equal(queue()->running, 0);
    assert_int_equal(queue()->rows, 0);
    assert_null(queue()->first);
    assert_int_equal(rig.queues->held, 0);
    assert_int_equal(rig.shard.under_way, 0);
    for (uint32_t i = 0; i < queue()->sequences->capacity; i++)
        assert_null(queue()->sequences->slots[i].request);
    blocks_are_there();
}
