/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG of so many bytes: between the two qualities that are the nearest.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "forge/compressing/compressing.h"
#include "support/test.h"

enum { SIDE = 48 };

static struct media_picture make_picture(void)
{
    struct media_picture made = { SIDE, SIDE, 3, malloc(SIDE * SIDE * 3) };
    struct rng rng = rng_make(1, 1);

    assert_non_null(made.pixels);
    for (uint32_t i = 0; i < SIDE * SIDE * 3; i++) {
        const uint32_t x = i / 3 % SIDE, y = i / 3 / SIDE;

        made.pixels[i] = (uint8_t)(128 + 60 * sin(x / 5.0) + 40 * cos(y / 9.0) + (double)rng_below(&rng, 20));
    }
    return made;
}

static size_t bytes_of(const struct media_picture *picture, int quality)
{
    struct reason why;
    void *bytes;
    size_t length;

    assert_ok(media_write_jpeg(picture, quality, &bytes, &length, &why), why);
    free(bytes);
    return length;
}

static double psnr_of(const struct media_picture *picture, size_t *bytes)
{
    struct likeness_of_pictures likeness;
    struct reason why;

    assert_ok(compressing_jpeg(picture, bytes, &likeness, &why), why);
    assert_true(likeness.ssim > 0 && likeness.ssim <= 1);
    return likeness.psnr;
}

static void test_between_two_qualities(void **state)
{
    struct media_picture picture = make_picture();
    size_t none = 1, all = 1 << 20, low, middle, high;
    double psnr[5];
    int quality = 50;

    (void)state;
    while (bytes_of(&picture, quality + 1) < bytes_of(&picture, quality) + 4)
        assert_true(++quality < 90);
    low = bytes_of(&picture, quality);
    high = bytes_of(&picture, quality + 1);
    middle = (low + high) / 2;
    psnr[0] = psnr_of(&picture, &none);
    psnr[1] = psnr_of(&picture, &low);
    psnr[2] = psnr_of(&picture, &middle);
    psnr[3] = psnr_of(&picture, &high);
    psnr[4] = psnr_of(&picture, &all);
    for (int i = 1; i < 5; i++)
        assert_true(psnr[i] > psnr[i - 1]);
    assert_int_equal(none, bytes_of(&picture, 1));
    assert_int_equal(low, bytes_of(&picture, quality));
    assert_in_range(middle, (low + high) / 2 - 1, (low + high) / 2); /* rounded down */
    assert_int_equal(high, bytes_of(&picture, quality + 1));
    assert_int_equal(all, bytes_of(&picture, 100));
    free(picture.pixels);
}

static void test_likeness(void **state)
{
    struct media_picture one = make_picture(), other = make_picture();
    struct likeness_of_pictures likeness;

    (void)state;
    assert_int_equal(compressing_compare(&one, &other, &likeness), 0);
    assert_true(likeness.psnr == 100 && likeness.ssim > 0.9999);
    for (uint32_t i = 0; i < SIDE * SIDE * 3; i++)
        other.pixels[i] = (uint8_t)(other.pixels[i] + (i % 2 ? 5 : -5));
    assert_int_equal(compressing_compare(&one, &other, &likeness), 0);
    assert_true(fabs(likeness.psnr - 10 * log10(255 * 255 / 25.0)) < 1e-9);
    assert_true(likeness.ssim < 0.999);
    free(one.pixels);
    free(other.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_two_qualities),
        cmocka_unit_test(test_likeness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
