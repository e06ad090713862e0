/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipe, augmentation, split and loss: the parts of training that need no network.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/data/pairs/pairs.h"
#include "forge/experiment/media_default.h"
#include "forge/experiment/split.h"
#include "forge/experiment/tasks.h"
#include "forge/train/augment/augment.h"
#include "forge/train/batches.h"
#include "forge/train/recipe.h"
#include "support/test.h"

static void test_half_cosine(void **state)
{
    (void)state;
    for (int i = 0; i <= 1000; i++)
        assert_true(fabs(half_cosine(i / 1000.0) - 0.5 * (1 + cos(M_PI * i / 1000.0))) < 1e-9);
    assert_true(fabs(half_cosine(1)) < 1e-11);
}

static void test_rate_warms_up_and_falls(void **state)
{
    struct recipe r = { .epochs = 10, .rate = 0.1, .warmup = 1 };

    (void)state;
    assert_true(recipe_rate(&r, 0, 1000, 100) > 0);
    for (uint64_t step = 1; step < 100; step++)
        assert_true(recipe_rate(&r, step, 1000, 100) > recipe_rate(&r, step - 1, 1000, 100));
    assert_true(fabsf(recipe_rate(&r, 100, 1000, 100) - 0.1f) < 1e-6f);
    for (uint64_t step = 101; step < 1000; step++)
        assert_true(recipe_rate(&r, step, 1000, 100) < recipe_rate(&r, step - 1, 1000, 100));
    assert_true(recipe_rate(&r, 999, 1000, 100) < 1e-5f);
    r.schedule = schedule_find("step");
    r.warmup = 0;
    assert_true(fabsf(recipe_rate(&r, 499, 1000, 100) - 0.1f) < 1e-7f);
    assert_true(fabsf(recipe_rate(&r, 500, 1000, 100) - 0.01f) < 1e-7f);
    assert_true(fabsf(recipe_rate(&r, 750, 1000, 100) - 0.001f) < 1e-7f);
    r.schedule = schedule_find("constant");
    assert_true(fabsf(recipe_rate(&r, 999, 1000, 100) - 0.1f) < 1e-7f);
}

/* The rate that somebody gives is its largest, at three tenths; a warm-up leads to where it begins. */
static void test_one_cycle_rises_and_falls(void **state)
{
    struct recipe_options said = { .schedule = "one-cycle" };
    struct recipe r = { .epochs = 10, .rate = 0.1, .schedule = schedule_find("one-cycle") }, read;
    struct reason why;

    (void)state;
    assert_true(fabsf(recipe_rate(&r, 0, 1000, 100) - 0.004f) < 1e-6f);
    for (uint64_t step = 1; step < 1000; step++)
        assert_true((recipe_rate(&r, step, 1000, 100) > recipe_rate(&r, step - 1, 1000, 100)) == (step <= 300));
    assert_true(fabsf(recipe_rate(&r, 300, 1000, 100) - 0.1f) < 1e-6f);
    assert_true(recipe_rate(&r, 999, 1000, 100) < 2e-6f);
    r.warmup = 1;
    for (uint64_t step = 1; step < 100; step++)
        assert_true(recipe_rate(&r, step, 1000, 100) > recipe_rate(&r, step - 1, 1000, 100));
    assert_true(recipe_rate(&r, 99, 1000, 100) < recipe_rate(&r, 100, 1000, 100));
    for (size_t i = 0; schedule_at(i); i++)
        assert_true(fabs(schedule_at(i)->factor(0) - schedule_at(i)->first) < 1e-9);
    said.recipe = (struct recipe){ .epochs = 10, .warmup = 1 };
    assert_ok(recipe_from_options(&said, &read, &why), why);
    assert_true(read.warmup == 0);
    said.warmup_given = true;
    assert_ok(recipe_from_options(&said, &read, &why), why);
    assert_true(read.warmup == 1);
}

/* What suits which data, and that what somebody says is what is done. */
static void test_recipe_suits_the_data(void **state)
{
    struct recipe_options said = { .recipe = recipe_usual(MEDIA_IMAGE) };
    struct recipe r = recipe_usual(MEDIA_IMAGE);
    struct reason why;

    (void)state;
    assert_string_equal(r.optimizer->name, "sgd");
    assert_true(r.rate == 0.05 && r.batch == 128 && r.decay == 5e-4 && r.epochs == 10 && r.validation == 0.1);
    assert_true(!augment_is_on(&r.augment));
    r = recipe_usual(MEDIA_AUDIO);
    assert_string_equal(r.optimizer->name, "adamw");
    assert_true(r.rate == 0.004 && r.batch == 32 && r.epochs == 10 && r.validation == 0.05 && r.keep_last);
    assert_true(r.augment.amount[AUGMENT_SPEED] == 0.1 && r.augment.amount[AUGMENT_NOISE] == 15);
    r.augment = (struct augment){ .amount = { [AUGMENT_CUT] = 0.25 } };
    assert_ok(recipe_settle(&(struct recipe_options){ .augment = "cut=0.25" }, MEDIA_AUDIO, 1000, &r, &why), why);
    assert_true(r.augment.amount[AUGMENT_SPEED] == 0 && r.augment.amount[AUGMENT_CUT] == 0.25 && r.epochs == 32);
    said.optimizer = "sgd";
    assert_ok(recipe_settle(&said, MEDIA_AUDIO, 1000, &r, &why), why);
    assert_true(r.rate == 0.05 && r.epochs == 10 && !augment_is_on(&r.augment));
    r = recipe_usual(MEDIA_TEXT);
    assert_string_equal(r.optimizer->name, "adamw");
    assert_true(r.rate == 0.001 && r.batch == 32 && r.epochs == 4 && r.validation == 0.05 && r.keep_last);
    said.optimizer = "sgd";
    assert_ok(recipe_settle(&said, MEDIA_TEXT, 1600, &r, &why), why);
    assert_string_equal(r.optimizer->name, "sgd");
    assert_true(r.rate == 0.5 && r.batch == 128 && r.epochs == 10);
    said = (struct recipe_options){
        .rate_given = true, .batch_given = true, .decay_given = true, .epochs_given = true, .validation_given = true
    };
    r = (struct recipe){ .rate = 0.004, .batch = 7, .decay = 0.5, .epochs = 3, .validation = 0.5, .warmup = 2 };
    assert_ok(recipe_settle(&said, MEDIA_TEXT, 1600, &r, &why), why);
    assert_true(r.rate == 0.004 && r.batch == 7 && r.decay == 0.5 && r.epochs == 3 && r.validation == 0.5);
    assert_true(r.warmup == 2);
    r.warmup = 3; /* the rate would never be reached */
    assert_ok(recipe_settle(&said, MEDIA_TEXT, 1600, &r, &why), why);
    assert_true(r.warmup == 0);
    assert_ok(recipe_settle(&(struct recipe_options){ .keep = "last" }, MEDIA_TEXT, 1600, &r, &why), why);
    assert_true(r.keep_last && r.epochs == 10);
    assert_ok(recipe_settle(&(struct recipe_options){ .keep = "best" }, MEDIA_TEXT, 16, &r, &why), why);
    assert_true(!r.keep_last && r.epochs == 50);
    r.rate = 0.5;
    assert_int_equal(recipe_settle(&said, MEDIA_TEXT, 1600, &r, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "--optimizer sgd"));
    said.optimizer = "adamw"; /* who says both gets both */
    assert_ok(recipe_settle(&said, MEDIA_TEXT, 1600, &r, &why), why);
    assert_null(optimizer_find("adam"));
}

/* Pictures of pictures: any, of a compressing network, of one that puts right. */
static void test_recipe_suits_pictures_of_pictures(void **state)
{
    struct recipe r = recipe_usual(MEDIA_IMAGE);
    struct reason why;

    (void)state;
    assert_ok(recipe_settle(&(struct recipe_options){ .pictures = true }, MEDIA_IMAGE, 400, &r, &why), why);
    assert_string_equal(r.optimizer->name, "adamw");
    assert_true(r.rate == 0.003 && r.batch == 8 && r.decay == 1e-4 && r.epochs == 20 && !r.keep_last);
    assert_true(r.clip == 0 && r.by_density == RATE_BY_DENSITY_FULL);
    assert_ok(
        recipe_settle(&(struct recipe_options){ .pictures = true, .compresses = true }, MEDIA_IMAGE, 565, &r, &why),
        why);
    assert_true(r.rate == 0.002 && r.batch == 1 && r.epochs == 22 && r.keep_last && r.validation == 0);
    assert_true(r.clip == 0.2 && r.by_density == RATE_BY_DENSITY_ROOT && r.augment.amount[AUGMENT_TURN] == 0.75);
    assert_ok(recipe_settle(&(struct recipe_options){ .pictures = true, .restores = true }, MEDIA_IMAGE, 565, &r, &why),
              why);
    assert_true(r.rate == 0.01 && r.batch == 4 && r.epochs == 17 && !r.keep_last && r.validation == 0.1);
    assert_true(r.by_density == RATE_BY_DENSITY_ROOT && r.augment.amount[AUGMENT_TURN] == 0.75);
    r = (struct recipe){ .rate = 0.5 };
    assert_int_equal(
        recipe_settle(&(struct recipe_options){ .pictures = true, .rate_given = true }, MEDIA_IMAGE, 400, &r, &why),
        WISP_E_INVALID);
    assert_non_null(strstr(why.text, "pictures of pictures are trained by adamw, whose rates are about 0.003"));
}

static void test_rate_by_density(void **state)
{
    struct recipe_options said = { .recipe = recipe_usual(MEDIA_IMAGE), .by_density = "root" };
    struct recipe r;
    struct reason why;

    (void)state;
    assert_true(said.recipe.by_density == RATE_BY_DENSITY_FULL);
    assert_ok(recipe_from_options(&said, &r, &why), why);
    assert_true(r.by_density == RATE_BY_DENSITY_ROOT);
    assert_true(rate_by_density(RATE_BY_DENSITY_NONE, 0.01) == 1);
    assert_true(rate_by_density(RATE_BY_DENSITY_ROOT, 0.25) == 2);
    assert_true(rate_by_density(RATE_BY_DENSITY_FULL, 0.25) == 4);
    assert_true(rate_by_density(RATE_BY_DENSITY_FULL, 0.01) == OPTIMIZER_BOOST_MAX);
    assert_true(rate_by_density(RATE_BY_DENSITY_ROOT, 1e-6) == OPTIMIZER_BOOST_MAX);
    assert_true(rate_by_density(RATE_BY_DENSITY_FULL, 0) == 1); /* a layer without connections */
    assert_int_equal(rate_by_density_find("half"), -1);
}

/* The types of the structures that ship are all known; those that classify may end in a softmax. */
static void test_types_of_shipped_structures(void **state)
{
    static const char *const files[] = { "audio", "cnn", "mlp", "picture-to-picture", "resnet", "text", "vit" };
    unsigned found = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char path[96], line[256], type[64];
        struct reason why;
        FILE *file;

        snprintf(path, sizeof path, "config/structures/%s.yaml", files[i]);
        file = fopen(source_path(path), "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file)) {
            const char *key = strstr(line, "processing: ");

            if (!key || sscanf(key, "processing: %63[a-z.-]", type) != 1)
                continue;
            assert_ok(task_check(type, &why), why);
            found++;
        }
        fclose(file);
    }
    assert_true(found > 10);
    assert_int_equal(task_fits("text.semantics", true, NULL), 0);
    assert_int_equal(task_check("text.semantic-analysis", NULL),
                     WISP_E_INVALID); /* which is the same by a longer name */
    assert_int_equal(task_fits("text.translation", true, NULL), WISP_E_INVALID);
    assert_int_equal(task_fits("text.translation", false, NULL), 0);
    assert_int_equal(task_check("text.translatio", NULL), WISP_E_INVALID);
}

static void test_rare_classes_weigh_more(void **state)
{
    static const size_t even[] = { 100, 60, 50 }, rare[] = { 900, 100, 0 }, lost[] = { 1000000, 1 };
    float w[3];

    (void)state;
    assert_int_equal(balance_choose(BALANCE_AUTO, even, 3), BALANCE_NONE);
    assert_int_equal(balance_choose(BALANCE_AUTO, rare, 3), BALANCE_ROOT);
    assert_int_equal(balance_choose(BALANCE_FULL, even, 3), BALANCE_FULL);
    assert_int_equal(balance_choose(BALANCE_NONE, rare, 3), BALANCE_NONE);
    balance_weights(BALANCE_NONE, rare, 3, w);
    assert_true(w[0] == 1 && w[1] == 1 && w[2] == 1);
    balance_weights(BALANCE_FULL, rare, 3, w);
    assert_true(fabsf(w[1] / w[0] - 9) < 1e-5f && fabsf(w[0] * 0.9f + w[1] * 0.1f - 1) < 1e-6f);
    balance_weights(BALANCE_ROOT, rare, 3, w);
    assert_true(fabsf(w[1] / w[0] - 3) < 1e-5f && fabsf(w[0] * 0.9f + w[1] * 0.1f - 1) < 1e-6f);
    balance_weights(BALANCE_FULL, lost, 2, w);
    assert_true(fabsf(w[1] / w[0] - (float)BALANCE_MAX) < 1e-3f);
    for (int b = BALANCE_AUTO; b <= BALANCE_FULL; b++)
        assert_int_equal(balance_find(balance_name((enum balance)b)), b);
    assert_int_equal(balance_find("half"), -1);
}

static void test_augment_is_a_list(void **state)
{
    static const char *const bad[] = { "", "shift", "shift=", "shift=x", "shift=-1", "flip=2", "shift=2,", "Shift=2" };
    struct augment a = { .amount = { 0 } };
    struct reason why;

    (void)state;
    assert_false(augment_is_on(&a));
    assert_ok(augment_parse("shift=2,flip=0.5,noise=10", &a, &why), why);
    assert_true(augment_is_on(&a));
    assert_true(a.amount[AUGMENT_SHIFT] == 2 && a.amount[AUGMENT_FLIP] == 0.5 && a.amount[AUGMENT_NOISE] == 10);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(augment_parse(bad[i], &a, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "pictures have shift"));
    }
}

/* Every picture that comes out is the one that went in, moved: its bright pixel is where the shift says, or at an
 * edge's repetition of nothing. */
static void test_pictures_move_and_mirror(void **state)
{
    enum { SIDE = 9 };
    uint8_t pixels[SIDE * SIDE] = { 0 };
    struct media_picture picture = { SIDE, SIDE, 1, pixels }, moved;
    struct augment a = { .amount = { [AUGMENT_SHIFT] = 2, [AUGMENT_FLIP] = 0.5 } };
    unsigned seen[SIDE * SIDE] = { 0 }, places = 0;

    (void)state;
    pixels[4 * SIDE + 3] = 255;
    for (uint64_t i = 0; i < 2000; i++) {
        struct rng rng = rng_make(1, i);
        unsigned bright = 0;

        assert_int_equal(augment_picture(&a, &rng, &picture, &moved), 0);
        for (size_t p = 0; p < sizeof pixels; p++) {
            bright += moved.pixels[p] == 255;
            seen[p] += moved.pixels[p] == 255;
        }
        assert_int_equal(bright, 1);
        free(moved.pixels);
    }
    /* Columns 1 to 5 as it is and 3 to 7 mirrored, rows 2 to 6. */
    for (size_t p = 0; p < sizeof pixels; p++) {
        bool reachable = p / SIDE >= 2 && p / SIDE <= 6 && p % SIDE >= 1 && p % SIDE <= 7;

        assert_int_equal(seen[p] > 0, reachable);
        places += seen[p] > 0;
    }
    assert_int_equal(places, 35);
}

static void test_texts_are_cropped_between_characters(void **state)
{
    static const char text[] = "Größe über alles: 日本語のテキスト, naïve café";
    struct augment a = { .amount = { [AUGMENT_CROP] = 1 } };
    bool whole = false, part = false;

    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        struct rng rng = rng_make(2, i);
        struct augmented_text made = { text, sizeof text - 1, NULL };
        const char *from;
        size_t length, characters = 0;

        assert_int_equal(augment_text(&a, &rng, &made), 0);
        assert_null(made.own);
        from = made.bytes;
        length = made.length;
        assert_true(from >= text && from + length <= text + sizeof text - 1);
        assert_true(((unsigned char)*from & 0xc0) != 0x80);
        assert_true(((unsigned char)from[length] & 0xc0) != 0x80);
        for (size_t k = 0; k < length; k++)
            characters += ((unsigned char)from[k] & 0xc0) != 0x80;
        assert_true(characters >= 12);
        whole |= length == sizeof text - 1;
        part |= length < 20;
    }
    assert_true(whole && part);
}

static void test_noise_has_the_power_it_says(void **state)
{
    enum { COUNT = 8000 };
    struct augment a = { .amount = { [AUGMENT_NOISE] = 10 } };
    struct media_sound sound = { 8000, COUNT, malloc(COUNT * sizeof(float)) }, noisy;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        sound.samples[i] = (float)sin((double)i * 0.3);
    for (uint64_t k = 0; k < 40; k++) {
        struct rng rng = rng_make(3, k);
        double noise = 0, power = 0, below;

        assert_ok(augment_sound(&a, &rng, &sound, &noisy, &why), why);
        assert_int_equal(noisy.count, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            double difference = (double)noisy.samples[i] - (double)sound.samples[i];

            noise += difference * difference;
            power += (double)sound.samples[i] * (double)sound.samples[i];
        }
        below = 10 * log10(power / noise);
        assert_true(below > 8 && below < 52);
        free(noisy.samples);
    }
    free(sound.samples);
}

static void test_split_is_disjoint_and_reproducible(void **state)
{
    struct split a, b, c;
    unsigned seen[1000] = { 0 };
    size_t moved = 0;

    (void)state;
    assert_int_equal(split_make(1000, 0.1, 5, &a), 0);
    assert_int_equal(split_make(1000, 0.1, 5, &b), 0);
    assert_int_equal(split_make(1000, 0.1, 6, &c), 0);
    assert_int_equal(a.train_count, 900);
    assert_int_equal(a.validation_count, 100);
    assert_memory_equal(a.samples, b.samples, 1000 * sizeof *a.samples);
    for (size_t i = 0; i < 1000; i++) {
        seen[a.samples[i]]++;
        moved += a.samples[i] != c.samples[i];
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > 100);
    split_deinit(&a);
    split_deinit(&b);
    split_deinit(&c);
}

/* So many labels, of each class as its share is; the others between, and the held back ones of the labelled. */
static void test_some_labels_are_used(void **state)
{
    enum { COUNT = 1000, OWN = 900, CLASSES = 3 };
    static uint32_t classes[COUNT];
    static const size_t shares[][CLASSES] = { { 26, 13, 1 }, { 1, 1, 1 }, { 600, 297, 3 } };
    static const uint64_t labelled[] = { 40, 3, 900 };
    char word[] = "x", *labels[] = { word, word, word };
    struct dataset rest = { .count = COUNT - OWN };
    struct dataset data = {
        .count = COUNT, .own = OWN, .rest = &rest, .classes = classes, .labels = labels, .label_count = CLASSES
    };

    (void)state;
    for (uint32_t i = 0; i < OWN; i++)
        classes[i] = i % 300 == 7 ? 2 : i % 3 == 1;
    for (size_t k = 0; k < ARRAY_SIZE(labelled); k++) {
        size_t counts[CLASSES] = { 0 };
        unsigned seen[COUNT] = { 0 };
        struct split a, b;

        assert_int_equal(split_make_labelled(&data, labelled[k], 0.25, 5, &a), 0);
        assert_int_equal(split_make_labelled(&data, labelled[k], 0.25, 6, &b), 0);
        assert_int_equal(a.train_count + a.validation_count, labelled[k]);
        assert_int_equal(a.unlabelled_count, COUNT - labelled[k]);
        assert_int_equal(a.validation_count, MAX(labelled[k] / 4, (uint64_t)1));
        for (size_t i = 0; i < COUNT; i++)
            seen[a.samples[i]]++;
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(seen[i], 1);
        for (size_t i = 0; i < a.train_count; i++)
            counts[classes[a.samples[i]]] += a.samples[i] < OWN;
        for (size_t i = 0; i < a.validation_count; i++)
            counts[classes[split_validation(&a)[i]]] += split_validation(&a)[i] < OWN;
        assert_memory_equal(counts, shares[k], sizeof counts);
        assert_memory_not_equal(a.samples, b.samples, a.train_count * sizeof *a.samples);
        split_deinit(&a);
        split_deinit(&b);
    }
}

/* Of pairs of pictures no sample that is held back has a picture that is trained on; each sample is in one of both. */
static void test_pairs_are_not_parted(void **state)
{
    enum { PAIRS = 11, TILES = 4 };
    struct pairs *pairs = calloc(1, sizeof *pairs + (size_t)PAIRS * TILES * sizeof pairs->tiles[0]);
    const struct dataset data = { .count = (size_t)PAIRS * TILES, .pairs = pairs };
    bool trained[PAIRS] = { false };
    struct split split, other;

    (void)state;
    assert_non_null(pairs);
    pairs->count = PAIRS;
    for (uint32_t i = 0; i < PAIRS * TILES; i++)
        pairs->tiles[i].pair = i / TILES;
    assert_int_equal(split_make_labelled(&data, 0, 0.3, 5, &split), 0);
    assert_int_equal(split.validation_count, 3 * TILES);
    assert_int_equal(split.train_count, (PAIRS - 3) * TILES);
    for (size_t i = 0; i < split.train_count; i++)
        trained[split.samples[i] / TILES] = true;
    for (size_t i = 0; i < split.validation_count; i++)
        assert_false(trained[split_validation(&split)[i] / TILES]);
    for (size_t i = 1; i < data.count; i++)
        assert_true(i == split.train_count || split.samples[i] > split.samples[i - 1]);
    assert_int_equal(split_make_labelled(&data, 0, 0.3, 6, &other), 0);
    assert_memory_not_equal(split.samples, other.samples, data.count * sizeof *split.samples);
    split_deinit(&other);
    split_deinit(&split);
    free(pairs);
}

/* A frame is as long in time at 16 kHz as at 8; most recordings decide, and what they all have less of stays. */
static void test_rate_follows_most_recordings(void **state)
{
    static const char *const expected[] = { "\"hop\":128", "\"hop\":128", "\"hop\":256", "\"hop\":256" };
    struct media_sound sounds[3];
    const struct dataset set = { .kind = MEDIA_AUDIO, .count = 3, .sounds = sounds };

    (void)state;
    for (int high = 0; high <= 3; high++) {
        char *json = strdup("{\"kind\":\"audio\",\"mels\":40,\"frames\":8,\"hop\":128}");
        struct reason why;

        for (int i = 0; i < 3; i++)
            sounds[i] = (struct media_sound){ .rate = i < high ? 16000 : 11025 };
        assert_ok(media_follow_rate(&json, &set, &why), why);
        assert_non_null(strstr(json, expected[high]));
        assert_true(!strstr(json, "\"rate\":16000") == (high < 2));
        free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_follows_most_recordings),
        cmocka_unit_test(test_half_cosine),
        cmocka_unit_test(test_rate_warms_up_and_falls),
        cmocka_unit_test(test_one_cycle_rises_and_falls),
        cmocka_unit_test(test_recipe_suits_the_data),
        cmocka_unit_test(test_recipe_suits_pictures_of_pictures),
        cmocka_unit_test(test_rate_by_density),
        cmocka_unit_test(test_rare_classes_weigh_more),
        cmocka_unit_test(test_types_of_shipped_structures),
        cmocka_unit_test(test_augment_is_a_list),
        cmocka_unit_test(test_pictures_move_and_mirror),
        cmocka_unit_test(test_texts_are_cropped_between_characters),
        cmocka_unit_test(test_some_labels_are_used),
        cmocka_unit_test(test_noise_has_the_power_it_says),
        cmocka_unit_test(test_pairs_are_not_parted),
        cmocka_unit_test(test_split_is_disjoint_and_reproducible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
