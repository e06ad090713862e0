/* SPDX-License-Identifier: Apache-2.0
 *
 * Latents to bytes and back, and the file around them: what is written is read again, what is damaged is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/rng.h"
#include "media/latents/coded.h"
#include "support/test.h"

enum { WIDTH = 21, HEIGHT = 13, DEPTH = 5 };

/* Each channel as large as a half of the one before, and its neighbours alike; some numbers far out. */
static void fill(struct latents *l, uint64_t seed)
{
    struct rng rng = rng_make(seed, 0);
    const size_t plane = (size_t)l->width * l->height;
    int32_t before = 0;

    for (size_t i = 0; i < latents_count(l); i++) {
        const int32_t scale = i / plane < 6 ? 60 >> i / plane : 0;

        before += (int32_t)((float)scale * rng_normal(&rng));
        before = before / 2;
        l->values[i] = (int16_t)before;
    }
    l->values[3] = LATENTS_VALUE_MAX;
    l->values[latents_count(l) - 1] = -LATENTS_VALUE_MAX;
}

static struct latents make(uint32_t channels, uint32_t width, uint32_t height, uint64_t seed)
{
    struct latents made;
    struct reason why;

    assert_ok(latents_init(&made, channels, width, height, &why), why);
    if (seed)
        fill(&made, seed);
    return made;
}

static void check_round_trip(struct latents *l)
{
    struct latents read = make(l->channels, l->width, l->height, 0);
    struct reason why;
    uint8_t *bytes;
    size_t length;

    assert_int_equal(latents_encode(l, &bytes, &length), 0);
    assert_ok(latents_decode(&read, bytes, length, &why), why);
    assert_memory_equal(read.values, l->values, latents_count(l) * sizeof *l->values);
    free(bytes);
    latents_deinit(&read);
}

static void test_round_trip(void **state)
{
    static const uint32_t sizes[][3] = { { 1, 40, 1 }, { 2, 3, 30 }, { DEPTH, WIDTH, HEIGHT }, { 60, 4, 4 } };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct latents l = make(sizes[i][0], sizes[i][1], sizes[i][2], i + 1);

        check_round_trip(&l);
        latents_deinit(&l);
    }
}

/* Nothing takes next to nothing; and any numbers come back, be they as unlikely as can be. */
static void test_extremes(void **state)
{
    struct latents l = make(8, 32, 32, 0);
    struct rng rng = rng_make(1, 1);
    uint8_t *bytes;
    size_t length;

    (void)state;
    assert_int_equal(latents_encode(&l, &bytes, &length), 0);
    assert_in_range(length, 0, 40);
    free(bytes);
    check_round_trip(&l);
    for (size_t i = 0; i < latents_count(&l); i++)
        l.values[i] = (int16_t)((int32_t)rng_below(&rng, 2 * LATENTS_VALUE_MAX + 1) - LATENTS_VALUE_MAX);
    check_round_trip(&l);
    latents_deinit(&l);
}

/* The same bytes on every machine, and with every version that reads what this one wrote. */
static void test_kept(void **state)
{
    struct latents l = make(DEPTH, WIDTH, HEIGHT, 7);
    uint8_t *bytes;
    size_t length;

    (void)state;
    assert_int_equal(latents_encode(&l, &bytes, &length), 0);
    if (XXH3_64bits(bytes, length) != 0x617442e9a7cf8ef3ull)
        fail_msg("%zu bytes of the hash 0x%llx", length, (unsigned long long)XXH3_64bits(bytes, length));
    free(bytes);
    latents_deinit(&l);
}

/* ---- the file ---- */

static struct coded coded_of(void)
{
    struct coded c = { .width = WIDTH * 8 - 3,
                       .height = HEIGHT * 8,
                       .channels = 3,
                       .block = 8,
                       .depth = DEPTH,
                       .step = CODED_STEP_ONE,
                       .model = "photo" };

    coded_identity("xxh3-128:0123", c.identity);
    return c;
}

struct file {
    uint8_t *bytes;
    size_t length;
};

static struct file write_file(const struct coded *c)
{
    struct latents l = make(DEPTH, WIDTH, HEIGHT, 7);
    struct file file;
    struct reason why;
    void *bytes;

    assert_ok(coded_write(c, &l, &bytes, &file.length, &why), why);
    file.bytes = bytes;
    latents_deinit(&l);
    return file;
}

static void test_file(void **state)
{
    const struct coded c = coded_of();
    struct file file = write_file(&c);
    struct latents l = make(DEPTH, WIDTH, HEIGHT, 7), read;
    struct coded_body body;
    struct coded got;
    struct reason why;

    (void)state;
    assert_true(coded_is(file.bytes, file.length));
    assert_ok(coded_open(file.bytes, file.length, &got, &body, &why), why);
    assert_memory_equal(&got, &c, sizeof c);
    assert_ok(coded_latents(&got, &body, &read, &why), why);
    assert_memory_equal(read.values, l.values, latents_count(&l) * sizeof *l.values);
    latents_deinit(&read);
    latents_deinit(&l);
    free(file.bytes);
}

static void refused(const uint8_t *bytes, size_t length, const char *said)
{
    struct latents read;
    struct coded_body body;
    struct coded got;
    struct reason why;
    int result = coded_open(bytes, length, &got, &body, &why);

    if (!result)
        result = coded_latents(&got, &body, &read, &why);
    assert_int_equal(result, WISP_E_FORMAT);
    if (!strstr(why.text, said))
        fail_msg("\"%s\" does not say \"%s\"", why.text, said);
}

/* Every cut and every byte that is another. */
static void test_damage(void **state)
{
    const struct coded c = coded_of();
    struct file file = write_file(&c);

    (void)state;
    for (size_t length = 0; length < file.length; length++)
        refused(file.bytes, length, length < 7 ? "is no picture that wisp compressed" : "cut off");
    for (size_t i = 0; i < file.length; i++) {
        file.bytes[i] ^= 0x10;
        refused(file.bytes, file.length, i < 7 ? "is no picture" : i == 7 ? "of version 17" : "damaged");
        file.bytes[i] ^= 0x10;
    }
    free(file.bytes);
}

/* With a checksum that is right: what the head may not say. */
static void make_sum_right(struct file *file)
{
    const uint64_t sum = XXH3_64bits(file->bytes, file->length - sizeof sum);

    memcpy(file->bytes + file->length - sizeof sum, &sum, sizeof sum);
}

/* A few bytes that say they are a large picture cost what there is in them: to go on for all of its numbers, of
 * nothing, takes longer than a test has. */
static void test_a_small_file_of_a_large_picture(void **state)
{
    static const struct {
        uint32_t side;
        const char *said;
    } sides[] = { { 8192, "too few" }, { 16384, "64 Mi in all" } };
    const struct coded c = coded_of();

    (void)state;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct file file = write_file(&c);

        memcpy(file.bytes + 8, &sides[i].side, sizeof sides[i].side);
        memcpy(file.bytes + 12, &sides[i].side, sizeof sides[i].side);
        make_sum_right(&file);
        refused(file.bytes, file.length, sides[i].said);
        free(file.bytes);
    }
}

static void test_lies(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *said;
    } lies[] = {
        { 11, 1, "pixels" },         { 15, 1, "pixels" },       { 16, 0, "0 numbers" },
        { 17, 4, "numbers, which" }, { 18, 0, "squares of 0" }, { 18, 65, "squares of 65" },
        { 18, 16, "are too many" },  { 19, 2, "2 channels" },   { 21, 0, "its step is 0" },
        { 22, 255, "its head" },     { 22, 0, "has no name" },  { 23, 1, "its head" },
        { 40, 7, "no name has" },
    };
    const struct coded c = coded_of();

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct file file = write_file(&c);

        file.bytes[lies[i].at] = lies[i].byte;
        make_sum_right(&file);
        refused(file.bytes, file.length, lies[i].said);
        free(file.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_a_small_file_of_a_large_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
