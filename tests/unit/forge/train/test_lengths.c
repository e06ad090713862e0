/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches of like length: every sample once, few positions of padding, no order of length from batch to batch, the same
 * for the same numbers; and a translator that is trained so has the same bits for any number of threads, and resumed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/train/lengths/lengths.h"
#include "support/test.h"
#include "unit/data/data_make.h"
#include "unit/forge/process.h"

#define TRAIN "train m.safetensors -D . -n t -e 60 -b 70 --validation 0 --no-history "

enum { SAMPLES = 1997, BATCH = 16, WHOLE = SAMPLES / BATCH * BATCH, LONGEST = 50 };

static const char *folder;
static struct ran ran;

static int make_folder(void **state)
{
    (void)state;
    folder = scratch_make();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static uint64_t length_of(const void *of, uint32_t sample)
{
    return ((const uint64_t *)of)[sample];
}

static void make_order(uint32_t *order, uint64_t *lengths, size_t count)
{
    struct rng rng = rng_make(2, 0);

    for (uint32_t i = 0; i < count; i++) {
        order[i] = (i * 7u) % (uint32_t)count; /* some order, and no sample twice */
        lengths[i] = 1 + rng_below(&rng, LONGEST);
    }
}

/* Positions that batches come to, when each has those of its longest sample. */
static uint64_t positions(const uint32_t *order, const uint64_t *lengths)
{
    uint64_t sum = 0;

    for (size_t begin = 0; begin < WHOLE; begin += BATCH) {
        uint64_t longest = 0;

        for (size_t i = begin; i < begin + BATCH; i++)
            longest = MAX(longest, lengths[order[i]]);
        sum += longest * BATCH;
    }
    return sum;
}

static void test_batches_have_like_lengths(void **state)
{
    static uint32_t order[SAMPLES], again[ARRAY_SIZE(order)], other[ARRAY_SIZE(order)];
    static uint64_t lengths[ARRAY_SIZE(order)];
    static bool seen[ARRAY_SIZE(order)];
    struct lengths by = { BATCH, 5, 77, length_of, lengths };
    uint64_t before, least = 0;
    size_t longer = 0;

    (void)state;
    make_order(order, lengths, ARRAY_SIZE(order));
    memcpy(again, order, sizeof order);
    memcpy(other, order, sizeof order);
    before = positions(order, lengths);
    assert_int_equal(lengths_order(&by, order, ARRAY_SIZE(order)), 0);
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        assert_true(order[i] < ARRAY_SIZE(order) && !seen[order[i]]);
        seen[order[i]] = true;
        least += i < WHOLE ? lengths[order[i]] : 0;
    }
    assert_true(positions(order, lengths) < least + least / 5 && before > least + least / 2);
    for (size_t i = BATCH; i < WHOLE; i += BATCH)
        longer += lengths[order[i]] > lengths[order[i - BATCH]];
    assert_in_range(longer, WHOLE / BATCH / 3, WHOLE / BATCH * 2 / 3);
    assert_memory_equal(order + WHOLE, other + WHOLE, (ARRAY_SIZE(order) % BATCH) * sizeof *order);
    assert_int_equal(lengths_order(&by, again, ARRAY_SIZE(again)), 0);
    assert_memory_equal(order, again, sizeof order);
    by.stream++;
    assert_int_equal(lengths_order(&by, other, ARRAY_SIZE(other)), 0);
    assert_memory_not_equal(order, other, sizeof order);
}

/* Pairs of texts of one to six letters and their numbers, of all lengths side by side. */
static void write_pairs(unsigned count)
{
    static char table[1 << 16];
    struct rng rng = rng_make(6, 0);
    size_t used = 0;

    for (unsigned i = 0; i < count; i++) {
        const unsigned words = 1 + (unsigned)rng_below(&rng, 6);
        unsigned letters[6];

        for (unsigned w = 0; w < words; w++) {
            letters[w] = (unsigned)rng_below(&rng, 20);
            used += (size_t)snprintf(table + used, sizeof table - used, "%s%c", w ? " " : "", 'a' + (int)letters[w]);
        }
        for (unsigned w = 0; w < words; w++)
            used += (size_t)snprintf(table + used, sizeof table - used, "%c%u", w ? ' ' : '\t', letters[w]);
        used += (size_t)snprintf(table + used, sizeof table - used, "\n");
    }
    data_write_text(folder, "train.tsv", table);
}

static void test_threads_and_resuming_change_nothing(void **state)
{
    (void)state;
    write_pairs(80);
    data_write_text(folder, "n.yaml",
                    "name: n\nprocessing: text.translation\ninputs:\n  source: {shape: [20], dtype: int32}\n"
                    "  target: {shape: [20], dtype: int32}\nlayers:\n"
                    "  - embedding: {name: read, from: source, vocabulary: 50, neurons: 8}\n  - position\n"
                    "  - self_attention: {name: memory, heads: 2, mask: source}\n"
                    "  - embedding: {from: target, vocabulary: 50, neurons: 8}\n  - position\n"
                    "  - dropout: {rate: 0.1}\n  - self_attention: {heads: 2, causal: true}\n"
                    "  - cross_attention: {heads: 2, from: [previous, memory], mask: source}\n"
                    "  - projection: {name: words, neurons: 50}\n");
    forge_run_well(&ran, folder, "build --structure n.yaml -s 0.3 --no-history -o m.safetensors");
    forge_run_well(&ran, folder, TRAIN "-t 1 -o one.safetensors");
    forge_run_well(&ran, folder, TRAIN "-t 2 -o two.safetensors");
    assert_same_bytes(folder, "one.safetensors", "two.safetensors");
    assert_int_equal(mkfifo(scratch_path(folder, "events"), 0600), 0);
    assert_int_equal(
        forge_stop(folder, TRAIN "--checkpoint ck --checkpoint-every steps=1 -o x.safetensors", 2, SIGKILL),
        128 + SIGKILL);
    forge_run_well(&ran, folder, TRAIN "--resume ck -o resumed.safetensors");
    assert_same_bytes(folder, "one.safetensors", "resumed.safetensors");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_have_like_lengths),
        cmocka_unit_test(test_threads_and_resuming_change_nothing),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
