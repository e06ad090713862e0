/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: what stands in one is what the encoders make of its samples, and filling one allocates nothing.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "forge/data/pairs/pairs.h"
#include "forge/train/batches.h"
#include "forge/train/nonzeros.h"
#include "forge/train/sequence.h"
#include "support/test.h"
#include "support/translator.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static _Atomic size_t allocations;

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_aligned_alloc(alignment, size);
}

enum { SAMPLES = 50, WIDTH = 6, HEIGHT = 5, ELEMENTS = 3 * WIDTH * HEIGHT };

struct fixture {
    struct dataset data;
    struct media_picture pictures[SAMPLES];
    uint32_t classes[SAMPLES];
    uint8_t pixels[SAMPLES][4 * 3 * WIDTH * HEIGHT];
    struct media *media;
};

/* Colour pictures `scale` times as large as the tensor. */
static void make_pictures(struct fixture *f, uint32_t scale)
{
    struct rng rng = rng_make(1, scale);
    struct reason why;

    f->data = (struct dataset){ .name = "made", .kind = MEDIA_IMAGE, .count = SAMPLES, .pictures = f->pictures };
    f->data.classes = f->classes;
    for (size_t i = 0; i < SAMPLES; i++) {
        f->pictures[i] = (struct media_picture){ scale * WIDTH, scale * HEIGHT, 3, f->pixels[i] };
        for (size_t p = 0; p < (size_t)scale * scale * ELEMENTS; p++)
            f->pixels[i][p] = (uint8_t)rng_below(&rng, 256);
    }
    assert_ok(media_parse("{\"kind\":\"image\",\"width\":6,\"height\":5,\"mean\":[0.2,0.5,0.6],"
                          "\"deviation\":[0.3,0.1,0.7]}",
                          &f->media, &why),
              why);
}

/* A batch of `count` samples, backwards and with repeats, against the encoder's own tensors, to the bit. */
static void check_batch(const struct fixture *f, struct batches *batches, size_t count)
{
    float *expected = memory_alloc(ELEMENTS, sizeof *expected);
    float *batch = memory_alloc(count, ELEMENTS * sizeof *batch);
    uint32_t *which = calloc(count, sizeof *which);
    struct reason why;
    size_t before;

    for (size_t i = 0; i < count; i++)
        which[i] = (uint32_t)((7 * (count - i)) % SAMPLES);
    before = allocations;
    assert_ok(batches_fill(batches, &(struct batch){ .which = which, .count = count }, batch, &why), why);
    if (batches_memory(batches))
        assert_int_equal(allocations, before);
    for (size_t i = 0; i < count; i++) {
        assert_ok(media_encode_picture(f->media, &f->pictures[which[i]], expected, &why), why);
        for (size_t e = 0; e < ELEMENTS; e++)
            assert_memory_equal(&batch[e * count + i], &expected[e], sizeof *expected);
    }
    free(which);
    free(batch);
    free(expected);
}

/* ---- several threads, each with batches of its own ---- */

enum { PARTS = 3, ALONE = 33 };

struct alone {
    struct batches *batches[PARTS];
    uint32_t which[PARTS][ALONE];
    float *batch[PARTS];
    int results[PARTS];
    const struct recipe *recipe;
};

static struct batch batch_of(const struct alone *a, unsigned part)
{
    return (struct batch){ .which = a->which[part], .count = ALONE, .recipe = a->recipe };
}

static void fill_alone(void *argument, unsigned part, unsigned parts)
{
    struct alone *a = argument;
    const struct batch batch = batch_of(a, part);
    const struct sparse_vector *vectors;
    struct reason why;

    (void)parts;
    a->results[part] = batches_fill(a->batches[part], &batch, a->batch[part], &why);
    if (!a->results[part] && batches_are_sparse(a->batches[part]))
        a->results[part] = batches_lend(a->batches[part], &batch, &vectors, &why);
}

/* Side by side they make what one makes after the other. */
static void check_alone(struct batches *batches)
{
    const struct recipe dropping = { .seed = 3, .input_dropout = 0.3 };
    const size_t bytes = ALONE * batches_elements(batches) * sizeof(float);
    struct alone a = { .recipe = &dropping };
    float *expected = memory_alloc(1, bytes);
    struct pool *pool;
    struct reason why;

    assert_int_equal(pool_new(PARTS, &pool), 0);
    for (unsigned part = 0; part < PARTS; part++) {
        assert_int_equal(batches_alone(batches, &a.batches[part]), 0);
        a.batch[part] = memory_alloc(1, bytes);
        for (uint32_t i = 0; i < ALONE; i++)
            a.which[part][i] = (part + i * 7) % SAMPLES;
    }
    pool_run(pool, fill_alone, &a);
    for (unsigned part = 0; part < PARTS; part++) {
        const struct batch batch = batch_of(&a, part);

        assert_int_equal(a.results[part], 0);
        assert_ok(batches_fill(batches, &batch, expected, &why), why);
        assert_memory_equal(a.batch[part], expected, bytes);
        batches_free(a.batches[part]);
        free(a.batch[part]);
    }
    pool_free(pool);
    free(expected);
}

static void check_pictures(uint32_t scale, bool keep, unsigned threads)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct batches *batches;
    struct pool *pool;
    struct reason why;

    make_pictures(f, scale);
    assert_int_equal(pool_new(threads, &pool), 0);
    assert_ok(batches_new(&f->data, f->media, pool, keep, &batches, &why), why);
    for (size_t count = 1; count < 40; count += 7)
        check_batch(f, batches, count);
    check_alone(batches);
    batches_free(batches);
    pool_free(pool);
    media_free(f->media);
    free(f);
}

static void test_a_batch_holds_what_the_encoder_makes(void **state)
{
    (void)state;
    for (uint32_t scale = 1; scale <= 2; scale++) {
        for (unsigned threads = 1; threads <= 3; threads++) {
            check_pictures(scale, true, threads);
            check_pictures(scale, false, threads);
        }
    }
}

/* What is lent is what stands in a batch, with and without what a recipe does to it. */
static void check_lent(struct batches *batches, const uint32_t *which, size_t count, size_t features, bool keep)
{
    const struct recipe dropping = { .seed = 3, .input_dropout = 0.3 };
    float *batch = memory_alloc(count, features * sizeof *batch);
    struct batch b = { .which = which, .count = count };
    const struct sparse_vector *vectors;
    struct reason why;
    size_t memory = 0;

    assert_true(batches_are_sparse(batches));
    for (unsigned turn = 0; turn < 40; turn++) {
        size_t before = allocations;

        memory = turn == 2 ? batches_memory(batches) : memory;
        b.recipe = turn & 1 ? &dropping : NULL;
        assert_ok(batches_lend(batches, &b, &vectors, &why), why);
        assert_true(turn < 2 || !keep || allocations == before);
        assert_ok(batches_fill(batches, &b, batch, &why), why);
        for (size_t i = 0; i < count; i++) {
            const struct sparse_element *next = vectors[i].elements, *end = next + vectors[i].count;

            for (size_t e = 0; e < features; e++) {
                const float expected = next < end && next->index == e ? next++->value : 0;

                assert_memory_equal(&batch[e * count + i], &expected, sizeof expected);
            }
            assert_ptr_equal(next, end);
        }
    }
    assert_int_equal(batches_memory(batches), memory); /* of one batch, not of all */
    free(batch);
}

/* Texts by their features, kept as what is not 0 or made each time: the same bits, and no allocation for what is kept.
 */
static void check_texts(bool keep, unsigned threads)
{
    enum { FEATURES = 3000, COUNT = 37 };
    static char words[SAMPLES][40];
    struct dataset_text texts[SAMPLES];
    struct dataset data = { .name = "made", .kind = MEDIA_TEXT, .count = SAMPLES, .texts = texts };
    float *batch = memory_alloc(COUNT, FEATURES * sizeof *batch), *expected = memory_alloc(FEATURES, sizeof *expected);
    uint32_t which[COUNT];
    struct batches *batches;
    struct media *media;
    struct pool *pool;
    struct reason why;
    size_t before;

    for (size_t i = 0; i < SAMPLES; i++)
        texts[i] = (struct dataset_text){ words[i], (size_t)snprintf(words[i], 40, "text %zu, %zu times", i, 7 * i) };
    assert_ok(media_parse("{\"kind\":\"text\",\"features\":3000}", &media, &why), why);
    assert_int_equal(pool_new(threads, &pool), 0);
    assert_ok(batches_new(&data, media, pool, keep, &batches, &why), why);
    assert_true(keep == (batches_memory(batches) > 0));
    assert_true(batches_memory(batches) < SAMPLES * FEATURES * sizeof *batch);
    for (size_t i = 0; i < COUNT; i++)
        which[i] = (uint32_t)((11 * i + 3) % SAMPLES);
    memset(batch, 0xff, COUNT * FEATURES * sizeof *batch);
    before = allocations;
    assert_ok(batches_fill(batches, &(struct batch){ .which = which, .count = COUNT }, batch, &why), why);
    assert_true(!keep || allocations == before);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(media_encode_text(media, "t", texts[which[i]].bytes, texts[which[i]].length, expected, &why), why);
        for (size_t e = 0; e < FEATURES; e++)
            assert_memory_equal(&batch[e * COUNT + i], &expected[e], sizeof *expected);
    }
    check_lent(batches, which, COUNT, FEATURES, keep);
    check_alone(batches);
    batches_free(batches);
    pool_free(pool);
    media_free(media);
    free(expected);
    free(batch);
}

static void test_texts_are_kept_by_what_is_not_0(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        check_texts(true, threads);
        check_texts(false, threads);
    }
}

/* What is too large for its share is refused, and what was added before it is there. */
static void test_nonzeros_have_a_limit(void **state)
{
    const float tensor[] = { 0, -0.0f, 3, 0 }, expected[] = { 9, -0.0f, 3, 9 };
    float out[] = { 9, 9, 9, 9 };
    struct nonzeros *nonzeros;

    (void)state;
    assert_int_equal(nonzeros_new(3, 1, 5 * 8, &nonzeros), 0);
    assert_int_equal(nonzeros_add(nonzeros, 0, 1, tensor, 4), 0);
    assert_int_equal(nonzeros_add(nonzeros, 0, 0, tensor, 4), 0);
    assert_int_equal(nonzeros_add(nonzeros, 0, 2, tensor, 4), -EFBIG);
    nonzeros_spread(nonzeros, 1, out, 1);
    assert_memory_equal(out, expected, sizeof out);
    nonzeros_free(nonzeros);
}

/* The reason comes from the part that failed, and the next batch has nothing of it. */
static void test_a_sample_that_cannot_be_made_is_named(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t which[20] = { 0 };
    const struct sparse_vector *vectors;
    float *batch = memory_alloc(20, ELEMENTS * sizeof *batch);
    struct dataset_text texts[2] = { { "fine", 4 }, { "\xff", 1 } };
    struct batches *batches;
    struct pool *pool;
    struct reason why;

    (void)state;
    f->data = (struct dataset){ .name = "made", .kind = MEDIA_TEXT, .count = 2, .texts = texts };
    f->data.classes = f->classes;
    assert_ok(media_parse("{\"kind\":\"text\",\"features\":90}", &f->media, &why), why);
    assert_int_equal(pool_new(2, &pool), 0);
    assert_ok(batches_new(&f->data, f->media, pool, false, &batches, &why), why);
    which[18] = 1;
    assert_int_equal(batches_fill(batches, &(struct batch){ .which = which, .count = 20 }, batch, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "not UTF-8"));
    assert_int_equal(batches_lend(batches, &(struct batch){ .which = which, .count = 20 }, &vectors, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "not UTF-8"));
    which[18] = 0;
    assert_ok(batches_fill(batches, &(struct batch){ .which = which, .count = 20 }, batch, &why), why);
    batches_free(batches);
    pool_free(pool);
    media_free(f->media);
    free(batch);
    free(f);
}

/* A word that is not dropped is the word that it was. */
static void test_numbers_of_words_are_no_amounts(void **state)
{
    enum { WORDS = 12, COUNT = 16 };
    const struct recipe dropping = { .seed = 3, .input_dropout = 0.5 };
    struct dataset_text text = { "a b c d e f g h i j k l", 23 };
    struct dataset data = { .name = "made", .kind = MEDIA_TEXT, .count = 1, .texts = &text };
    const uint32_t which[COUNT] = { 0 };
    float whole[WORDS * COUNT], some[WORDS * COUNT];
    struct batch batch = { .which = which, .count = COUNT };
    struct batches *batches;
    struct media *media;
    struct reason why;
    size_t dropped = 0;

    (void)state;
    assert_ok(media_parse("{\"kind\":\"text\",\"features\":900,\"sequence\":12}", &media, &why), why);
    assert_ok(batches_new(&data, media, NULL, true, &batches, &why), why);
    assert_ok(batches_fill(batches, &batch, whole, &why), why);
    batch.recipe = &dropping;
    assert_ok(batches_fill(batches, &batch, some, &why), why);
    for (size_t i = 0; i < (size_t)WORDS * COUNT; i++) {
        assert_true(some[i] == 0 || some[i] == whole[i]);
        dropped += some[i] == 0;
    }
    assert_true(dropped > 0 && dropped < (size_t)WORDS * COUNT);
    batches_free(batches);
    media_free(media);
}

/* Texts of two words, of as many as there is room for, and of one: what is to be given behind each of them. */
static void test_words_follow_words(void **state)
{
    float words[] = { 5, 7, 3, 6, 8, 0, 0, 9, 0, 0, 4, 0 }; /* [position][text] */
    const float moved[] = { 0, 0, 0, 5, 7, 3, 6, 8, 0, 0, 9, 0 };
    const int32_t next[] = { 6, 8, 0, 0, 9, -1, -1, 4, -1, -1, -1, -1 };
    const int32_t all[] = { 5, 7, 3, 6, 8, 0, 0, 9, -1, -1, -1, -1 };
    struct sequence sequence = { words, 4, 3, 4, false };
    int32_t targets[12];

    (void)state;
    sequence_targets(&sequence, targets);
    assert_memory_equal(targets, next, sizeof next);
    sequence_move(&sequence);
    assert_memory_equal(words, moved, sizeof moved);
    sequence_targets(&sequence, targets);
    assert_memory_equal(targets, all, sizeof all);
    memset(targets, 0xee, sizeof targets);
    sequence.looked_at = 2;
    sequence_targets(&sequence, targets);
    assert_memory_equal(targets, all, 6 * sizeof *all);
    assert_int_equal(targets[6], (int32_t)0xeeeeeeee);
}

/* Pairs of up to four words and up to three: a pass has four positions of the source, and four of the target, of which
 * the last is where the longest ends. */
static void test_a_pass_is_as_long_as_its_texts(void **state)
{
    enum { COUNT = 3, SOURCE = 12, TARGET = 8, WORDS = 900 };
    static const int32_t ends[COUNT] = { 0, -1, -1 };
    const struct translator translator = {
        .kind = "attention", .source = SOURCE, .positions = TARGET, .vocabulary = WORDS, .width = 2, .masked = true
    };
    struct dataset_text texts[] = { { "a b", 3 }, { "c d e f", 7 }, { "g", 1 } };
    struct dataset_text targets[] = { { "r s t", 5 }, { "u", 1 }, { "v", 1 } };
    struct dataset data = { .name = "made", .kind = MEDIA_TEXT, .count = COUNT, .texts = texts, .targets = targets };
    const uint32_t which[COUNT] = { 0, 1, 2 };
    const struct batch batch = { .which = which, .count = COUNT };
    struct model *model = translator_model(&translator);
    struct batches_words words = { .source = 0, .target = 1 };
    struct loss_batch loss;
    struct batches *batches;
    struct forward *forward;
    struct media *source, *target;
    struct reason why;

    (void)state;
    assert_ok(media_parse("{\"kind\":\"text\",\"features\":900,\"sequence\":12}", &source, &why), why);
    assert_ok(media_parse("{\"kind\":\"text\",\"features\":900,\"sequence\":8}", &target, &why), why);
    words.media = target;
    assert_ok(batches_new(&data, source, NULL, true, &batches, &why), why);
    assert_ok(batches_follow(batches, &words, true, &why), why);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = model, .kernels = kernels_find("auto"), .mode = LAYER_EVALUATE, .batch = COUNT },
                  &forward, &why),
              why);
    assert_int_equal(loss_batch_init(&loss, loss_find("sequence-cross-entropy"), model_output(model), COUNT), 0);
    assert_ok(batches_forward(batches, &batch, forward, LAYER_EVALUATE, &why), why);
    assert_ok(batches_targets(batches, &batch, NULL, &loss, &why), why);
    assert_int_equal(loss.positions, 4);
    assert_memory_equal(loss.classes + (size_t)3 * COUNT, ends, sizeof ends);
    assert_true(loss.classes[1] > 0 && loss.classes[1 + COUNT] == 0 && loss.classes[1 + 2 * COUNT] == -1);
    forward_free(forward);
    loss_batch_deinit(&loss);
    batches_free(batches);
    media_free(source);
    media_free(target);
    model_free(model);
}

/* ---- pairs of pictures ---- */

enum { PAIRS = 3, TILE = 8, BATCH = 37, TILE_ELEMENTS = 3 * TILE * TILE };

struct pair_batch {
    float in[TILE_ELEMENTS * BATCH], target[TILE_ELEMENTS * BATCH];
};

static void check_pairs_alone(const struct batches *batches, const struct batch *batch, struct loss_batch *loss,
                              const struct pair_batch *expected)
{
    static float in[TILE_ELEMENTS * BATCH];
    struct batches *alone;
    struct reason why;

    assert_int_equal(batches_alone(batches, &alone), 0);
    assert_ok(batches_fill(alone, batch, in, &why), why);
    memset(loss->values, 0xff, sizeof expected->target);
    assert_ok(batches_targets(alone, batch, NULL, loss, &why), why);
    assert_memory_equal(in, expected->in, sizeof in);
    assert_memory_equal(loss->values, expected->target, sizeof expected->target);
    batches_free(alone);
}

/* Of pictures of different sizes, whose inputs are made so. */
static void take_pairs(const char *degradation, const struct recipe *recipe, uint64_t epoch, unsigned threads,
                       struct pair_batch *out)
{
    static uint8_t pixels[PAIRS][3 * 64 * 64];
    struct dataset set = { .name = "made", .kind = MEDIA_IMAGE, .count = PAIRS };
    struct pairs_wish wish = { .scale = 1, .channels = 3 };
    struct rng rng = rng_make(4, 0);
    struct shape shape = { .rank = 3, .dimension = { 3, TILE, TILE } };
    uint32_t which[BATCH];
    struct loss_batch loss;
    struct batches *batches;
    struct media *media;
    struct pool *pool;
    struct reason why;

    set.pictures = calloc(PAIRS, sizeof *set.pictures);
    for (uint32_t i = 0; i < PAIRS; i++) {
        set.pictures[i] = (struct media_picture){ TILE + 13 * i, TILE + 9 * i, 3, pixels[i] };
        for (size_t k = 0; k < sizeof pixels[i]; k++)
            pixels[i][k] = (uint8_t)rng_u32(&rng);
    }
    assert_ok(media_parse("{\"kind\":\"image\",\"width\":8,\"height\":8,\"mean\":[0.2,0.5,0.6],\"deviation\":[0.3,0.1,"
                          "0.7],\"answer\":\"picture\"}",
                          &media, &why),
              why);
    wish.media = media;
    assert_ok(degradation_parse(degradation, &wish.degrading, &why), why);
    assert_ok(pairs_make(&set, &wish, &why), why);
    for (size_t i = 0; i < BATCH; i++)
        which[i] = (uint32_t)(i * 5 % set.count);
    assert_int_equal(pool_new(threads, &pool), 0);
    assert_ok(batches_new(&set, media, pool, true, &batches, &why), why);
    assert_int_equal(loss_batch_init(&loss, loss_find("mse"), &shape, BATCH), 0);
    assert_ok(batches_fill(batches, &(struct batch){ which, BATCH, recipe, epoch }, out->in, &why), why);
    assert_ok(batches_targets(batches, &(struct batch){ which, BATCH, recipe, epoch }, NULL, &loss, &why), why);
    memcpy(out->target, loss.values, sizeof out->target);
    check_pairs_alone(batches, &(struct batch){ which, BATCH, recipe, epoch }, &loss, out);
    loss_batch_deinit(&loss);
    batches_free(batches);
    pool_free(pool);
    media_free(media);
    free(set.pairs);
    free(set.pictures);
    free(set.classes);
}

/* With nothing done to them, input and target are the same numbers, wherever and however turned they were taken; by any
 * number of threads; and in another epoch they are others. */
static void test_inputs_and_targets_are_of_one_place(void **state)
{
    static struct pair_batch one, other, next;
    const struct recipe recipe = { .seed = 3, .augment.amount = { [AUGMENT_FLIP] = 0.5, [AUGMENT_TURN] = 0.75 } };

    (void)state;
    take_pairs("none", &recipe, 7, 1, &one);
    assert_memory_equal(one.in, one.target, sizeof one.in);
    take_pairs("none", &recipe, 8, 1, &next);
    assert_memory_equal(next.in, next.target, sizeof next.in);
    assert_memory_not_equal(one.in, next.in, sizeof one.in);
    take_pairs("none", NULL, 0, 1, &next);
    assert_memory_equal(next.in, next.target, sizeof next.in);
    assert_memory_not_equal(one.in, next.in, sizeof one.in);
    for (unsigned threads = 2; threads <= 4; threads++) {
        take_pairs("noise=25", &recipe, 7, threads, &other);
        assert_memory_equal(other.target, one.target, sizeof one.target);
        assert_memory_not_equal(other.in, one.in, sizeof one.in);
        take_pairs("noise=25", &recipe, 7, 1, &next);
        assert_memory_equal(&other, &next, sizeof other);
    }
}

/* Noise is drawn anew in each epoch, and is always the same where a sample is evaluated. */
static void test_noise_is_drawn_anew(void **state)
{
    static struct pair_batch one, other;
    const struct recipe recipe = { .seed = 3 }, seed = { .seed = 4 };

    (void)state;
    take_pairs("noise=25", NULL, 0, 1, &one);
    take_pairs("noise=25", NULL, 5, 2, &other);
    assert_memory_equal(&one, &other, sizeof one);
    /* The first picture is as large as a tile, so its place is always the same. */
    take_pairs("noise=25", &recipe, 0, 1, &one);
    take_pairs("noise=25", &recipe, 1, 1, &other);
    for (size_t e = 0; e < TILE_ELEMENTS; e++)
        assert_true(one.target[e * BATCH] == other.target[e * BATCH] && one.in[e * BATCH] != other.in[e * BATCH]);
    take_pairs("noise=25", &seed, 0, 1, &other);
    for (size_t e = 0; e < TILE_ELEMENTS; e++)
        assert_true(one.target[e * BATCH] == other.target[e * BATCH] && one.in[e * BATCH] != other.in[e * BATCH]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_holds_what_the_encoder_makes),
        cmocka_unit_test(test_texts_are_kept_by_what_is_not_0),
        cmocka_unit_test(test_nonzeros_have_a_limit),
        cmocka_unit_test(test_numbers_of_words_are_no_amounts),
        cmocka_unit_test(test_words_follow_words),
        cmocka_unit_test(test_a_pass_is_as_long_as_its_texts),
        cmocka_unit_test(test_inputs_and_targets_are_of_one_place),
        cmocka_unit_test(test_noise_is_drawn_anew),
        cmocka_unit_test(test_a_sample_that_cannot_be_made_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
