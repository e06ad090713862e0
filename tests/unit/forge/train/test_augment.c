/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to the pixels of pictures, and to the words and letters of texts: as much as is said, and no more.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forge/train/augment/augment.h"
#include "support/test.h"

enum { SIDE = 32, DRAWS = 200 };

static struct media_picture make(uint32_t channels)
{
    struct media_picture picture = { SIDE, SIDE, channels, malloc((size_t)SIDE * SIDE * channels) };

    return picture;
}

/* A new one, of the size of the old. */
static struct media_picture vary(enum augment_kind kind, double amount, uint64_t draw,
                                 const struct media_picture *picture)
{
    struct augment augment = { .amount = { 0 } };
    struct rng rng = rng_make(5, draw);
    struct media_picture out;

    augment.amount[kind] = amount;
    assert_int_equal(augment_picture(&augment, &rng, picture, &out), 0);
    assert_true(out.width == SIDE && out.height == SIDE && out.channels == picture->channels);
    return out;
}

/* Of a picture that grows to the right by 4 a pixel: the crop grows by as much less as it is smaller, everywhere alike,
 * and shows nothing that was not there. */
static void test_zoom_is_a_crop(void **state)
{
    struct media_picture ramp = make(1);
    double flattest = 4, steepest = 0;

    (void)state;
    for (unsigned i = 0; i < SIDE * SIDE; i++)
        ramp.pixels[i] = (uint8_t)(i % SIDE * 4);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        struct media_picture out = vary(AUGMENT_ZOOM, 0.5, draw, &ramp);
        double slope = (out.pixels[SIDE - 2] - out.pixels[1]) / (double)(SIDE - 3);

        for (unsigned x = 1; x < SIDE; x++) {
            assert_true(out.pixels[x] >= out.pixels[x - 1] && out.pixels[x] <= 4 * (SIDE - 1));
            assert_int_equal(out.pixels[x], out.pixels[(SIDE - 1) * SIDE + x]);
        }
        for (unsigned x = 2; x < SIDE - 1; x++)
            assert_true(fabs(out.pixels[x] - (out.pixels[1] + slope * (x - 1))) < 2);
        flattest = fmin(flattest, slope);
        steepest = fmax(steepest, slope);
        free(out.pixels);
    }
    assert_true(flattest > 1.9 && flattest < 2.3 && steepest > 3.7 && steepest < 4.1);
    free(ramp.pixels);
}

/* A quarter takes a row to a column; each number of quarters is as frequent as the others, and none as what is left. */
static void test_turns_by_quarters(void **state)
{
    struct media_picture picture = make(3);
    unsigned turned[4] = { 0 };

    (void)state;
    for (unsigned i = 0; i < SIDE * SIDE * 3; i++)
        picture.pixels[i] = (uint8_t)(i % 251);
    for (uint64_t draw = 0; draw < 3 * DRAWS; draw++) {
        struct media_picture out = vary(AUGMENT_TURN, 0.6, draw, &picture);
        unsigned found = 0;

        for (unsigned turns = 0; turns < 4; turns++) {
            bool same = true;

            for (unsigned i = 0; i < SIDE * SIDE && same; i++) {
                const unsigned y = i / SIDE, x = i % SIDE, last = SIDE - 1;
                const unsigned from[] = { i, (last - x) * SIDE + y, (last - y) * SIDE + last - x, x * SIDE + last - y };

                same = !memcmp(out.pixels + (size_t)3 * i, picture.pixels + (size_t)3 * from[turns], 3);
            }
            found += same;
            turned[turns] += same;
        }
        assert_int_equal(found, 1);
        free(out.pixels);
    }
    for (unsigned turns = 1; turns < 4; turns++)
        assert_true(turned[turns] > DRAWS / 2 - 40 && turned[turns] < DRAWS * 3 / 4 + 40);
    assert_true(turned[0] > DRAWS - 40 && turned[0] < DRAWS * 6 / 5 + 60);
    free(picture.pixels);
}

/* What is grey stays grey; brightness and contrast stay within what is said. */
static void test_colour_changes_all_pixels_alike(void **state)
{
    struct media_picture grey = make(3), red = make(3);
    unsigned changed = 0, paler = 0;

    (void)state;
    memset(grey.pixels, 128, SIDE * SIDE * 3);
    for (unsigned i = 0; i < SIDE * SIDE * 3; i++)
        red.pixels[i] = i % 3 ? 100 : 160;
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        struct media_picture out = vary(AUGMENT_COLOUR, 0.25, draw, &grey);

        for (unsigned i = 0; i < SIDE * SIDE * 3; i++)
            assert_int_equal(out.pixels[i], out.pixels[0]);
        assert_true(abs(out.pixels[0] - 128) <= 32);
        changed += abs(out.pixels[0] - 128) > 4;
        free(out.pixels);
        out = vary(AUGMENT_COLOUR, 0.25, draw, &red);
        assert_int_equal(out.pixels[1], out.pixels[2]);
        assert_true(out.pixels[0] - out.pixels[1] > 60 * 0.75 * 0.75 - 2 &&
                    out.pixels[0] - out.pixels[1] < 60 * 1.25 * 1.25 + 2);
        paler += out.pixels[0] - out.pixels[1] < 60;
        free(out.pixels);
    }
    assert_true(changed > DRAWS / 2 && paler > DRAWS / 4 && paler < DRAWS * 3 / 4);
    free(grey.pixels);
    free(red.pixels);
}

static void test_grain_has_the_deviation_it_says(void **state)
{
    struct media_picture flat = make(1);
    double sum = 0, squares = 0, count = 0;

    (void)state;
    memset(flat.pixels, 128, SIDE * SIDE);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        struct media_picture out = vary(AUGMENT_GRAIN, 12, draw, &flat);

        for (unsigned i = 0; i < SIDE * SIDE; i++, count++) {
            sum += out.pixels[i] - 128;
            squares += (out.pixels[i] - 128) * (out.pixels[i] - 128);
        }
        free(out.pixels);
    }
    assert_true(fabs(sum / count) < 0.2 && fabs(sqrt(squares / count) - 12) < 0.2);
    free(flat.pixels);
}

/* A square of the mean, that may stick out. */
static void test_cutout_is_a_square(void **state)
{
    struct media_picture halves = make(1);
    unsigned whole = 0;

    (void)state;
    for (unsigned i = 0; i < SIDE * SIDE; i++)
        halves.pixels[i] = i % 2 ? 200 : 100;
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        struct media_picture out = vary(AUGMENT_CUTOUT, 0.25, draw, &halves);
        unsigned count = 0, left = SIDE, right = 0, top = SIDE, bottom = 0;

        for (unsigned i = 0; i < SIDE * SIDE; i++) {
            if (out.pixels[i] == halves.pixels[i])
                continue;
            assert_int_equal(out.pixels[i], 150);
            count++;
            left = i % SIDE < left ? i % SIDE : left;
            right = i % SIDE > right ? i % SIDE : right;
            top = i / SIDE < top ? i / SIDE : top;
            bottom = i / SIDE > bottom ? i / SIDE : bottom;
        }
        assert_true(count > 0 && right - left < 8 && bottom - top < 8);
        assert_int_equal(count, (right - left + 1) * (bottom - top + 1));
        whole += count == 64;
        free(out.pixels);
    }
    assert_true(whole > DRAWS / 3);
    free(halves.pixels);
}

/* All samples by one step, either way; what comes in is silence, and the length stays. */
static void test_sounds_move_in_time(void **state)
{
    enum { COUNT = 1000 };
    const struct augment a = { .amount = { [AUGMENT_MOVE] = 0.25 } };
    float samples[COUNT];
    const struct media_sound sound = { 8000, COUNT, samples };
    long earliest = 0, latest = 0;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        samples[i] = (float)(1 + i);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        struct rng rng = rng_make(5, draw);
        struct media_sound out;
        struct reason why;
        long by;

        assert_ok(augment_sound(&a, &rng, &sound, &out, &why), why);
        assert_int_equal(out.count, COUNT);
        by = COUNT / 2 - ((long)out.samples[COUNT / 2] - 1);
        for (long i = 0; i < COUNT; i++) {
            const long from = i - by;

            assert_true(out.samples[i] == (from < 0 || from >= COUNT ? 0 : samples[from]));
        }
        earliest = by < earliest ? by : earliest;
        latest = by > latest ? by : latest;
        free(out.samples);
    }
    assert_true(earliest >= -COUNT / 4 && earliest < -COUNT / 8 && latest <= COUNT / 4 && latest > COUNT / 8);
}

static size_t words_of(const char *text, size_t length, char words[][16])
{
    size_t count = 0, used = 0;

    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != ' ') {
            words[count][used++] = text[i];
        } else if (used) {
            words[count++][used] = 0;
            used = 0;
        }
    }
    return count;
}

static double common_of(const struct augment *augment, unsigned seed, const char *text, size_t length)
{
    struct augmented_text made = { text, length, NULL }, again = made;
    struct rng rng = rng_make(seed, 1), same = rng_make(seed, 1);
    char all[128][16], left[128][16];
    size_t count = words_of(text, length, all), kept, at = 0;

    assert_int_equal(augment_text(augment, &rng, &made), 0);
    assert_int_equal(augment_text(augment, &same, &again), 0);
    assert_int_equal(made.length, again.length);
    assert_memory_equal(made.bytes, again.bytes, made.length);
    kept = words_of(made.bytes, made.length, left);
    assert_true(kept > 0);
    for (size_t i = 0; i < kept; i++, at++) { /* in their order */
        while (at < count && strcmp(all[at], left[i]) != 0)
            at++;
        assert_true(at < count);
    }
    free(made.own);
    free(again.own);
    return (double)kept / (double)count;
}

/* So many as the probability says, whole, in their order; one at least. */
static void test_words_are_dropped(void **state)
{
    static const char text[] = "a fox  and the hen of my own house were seen at dawn, so they say; who knows for sure "
                               "where both had been";
    struct augment augment = { .amount = { [AUGMENT_DROP] = 0.3 } };
    double kept = 0;

    (void)state;
    for (unsigned seed = 0; seed < 200; seed++)
        kept += common_of(&augment, seed, text, strlen(text)) / 200;
    assert_true(fabs(kept - 0.7) < 0.03);
    augment.amount[AUGMENT_DROP] = 0.9;
    for (unsigned seed = 0; seed < 200; seed++)
        common_of(&augment, seed, "one two", 7);
    assert_true(common_of(&augment, 1, "alone", 5) == 1);
}

/* Texts stay texts, of about the letters they had, and of something to read. */
static void test_letters_are_mistyped(void **state)
{
    static const char text[] = "Zw\xc3\xb6lf Boxk\xc3\xa4mpfer jagen Viktor \xe5\x97\xa8 quer";
    struct augment augment = { .amount = { [AUGMENT_TYPOS] = 0.1 } };
    double lengths = 0, others = 0;
    struct reason why;

    (void)state;
    for (unsigned seed = 0; seed < 400; seed++) {
        struct augmented_text made = { text, strlen(text), NULL };
        struct rng rng = rng_make(seed, 2);

        assert_int_equal(augment_text(&augment, &rng, &made), 0);
        assert_ok(media_check_text("t", made.bytes, made.length, &why), why);
        lengths += (double)made.length / (double)strlen(text) / 400;
        others += made.length != strlen(text) || memcmp(made.bytes, text, made.length) != 0;
        free(made.own);
    }
    assert_true(lengths > 0.95 && lengths < 1.02);
    assert_true(others > 320);
    augment.amount[AUGMENT_TYPOS] = 0.5;
    for (unsigned seed = 0; seed < 100; seed++) {
        struct augmented_text made = { "\xc3\xa4", 2, NULL };
        struct rng rng = rng_make(seed, 2);

        assert_int_equal(augment_text(&augment, &rng, &made), 0);
        assert_ok(media_check_text("t", made.bytes, made.length, &why), why);
        free(made.own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_by_quarters),
        cmocka_unit_test(test_zoom_is_a_crop),
        cmocka_unit_test(test_colour_changes_all_pixels_alike),
        cmocka_unit_test(test_grain_has_the_deviation_it_says),
        cmocka_unit_test(test_cutout_is_a_square),
        cmocka_unit_test(test_sounds_move_in_time),
        cmocka_unit_test(test_words_are_dropped),
        cmocka_unit_test(test_letters_are_mistyped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
