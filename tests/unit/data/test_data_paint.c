/* SPDX-License-Identifier: Apache-2.0
 *
 * What is computed of whole pictures, against the same written out: the filter of a style, and structural similarity.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "forge/data/pairs/degradation.h"
#include "forge/data/pairs/edges.h"
#include "forge/data/pairs/ssim.h"
#include "support/test.h"

enum { WIDTH = 23, HEIGHT = 19 };

/* Of the four squares around a pixel the mean of the one that varies least, pixel by pixel, in a channel. */
static double painted(const struct media_picture *p, int x, int y, int channel)
{
    double least = 1e9, mean = 0;

    for (int q = 0; q < 4; q++) {
        double sum = 0, grey = 0, squares = 0, count = 0;

        for (int i = 0; i < 9; i++) {
            const int column = x + (q % 2 ? i % 3 : -(i % 3)), row = y + (q / 2 ? i / 3 : -(i / 3));

            if (column < 0 || row < 0 || column >= (int)p->width || row >= (int)p->height)
                continue;
            sum += p->pixels[((uint32_t)row * p->width + (uint32_t)column) * 3 + (uint32_t)channel];
            grey += edge_grey(p, column, row);
            squares += pow(edge_grey(p, column, row), 2);
            count++;
        }
        if (squares / count - pow(grey / count, 2) < least - 1e-9) {
            least = squares / count - pow(grey / count, 2);
            mean = sum / count;
        }
    }
    return mean;
}

/* Lines darken it by up to four fifths, the more the steeper it is. */
static void oil_is_painted(void **state)
{
    static uint8_t pixels[WIDTH * HEIGHT * 3];
    const struct media_picture in = { WIDTH, HEIGHT, 3, pixels };
    struct media_picture out;
    struct rng rng = rng_make(4, 4);
    unsigned dark = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i / 3 % WIDTH * 5 + (i / 3 / WIDTH > 9) * 120 + rng_below(&rng, 40));
    assert_int_equal(picture_paint(&in, 2, &out), 0);
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++) {
        const int x = i / 3 % WIDTH, y = i / 3 / WIDTH;
        const double oil = floor(painted(&in, x, y, i % 3) + 0.5), steep = edge_steepness(&in, x, y);
        const double t = fmin(fmax((steep - 0.5) / 1.5, 0), 1), left = 1 - 0.8 * t * t * (3 - 2 * t);

        assert_true(fabs(out.pixels[i] - oil * left) <= 0.5001);
        dark += left < 1;
    }
    assert_in_range(dark, 3 * WIDTH, WIDTH * HEIGHT * 3 - 1);
    free(out.pixels);
}

/* Against what scikit-image 0.26 says of the same; and of a picture and itself. */
static void similarity_is_ssim(void **state)
{
    static double a[17 * 24], b[17 * 24];
    double said;

    (void)state;
    for (int i = 0; i < 17 * 24; i++) {
        a[i] = i * 37 % 251;
        b[i] = fmin(fmax(a[i] * 0.8 + i * 101 % 97 - 20, 0), 255);
    }
    assert_int_equal(ssim(a, b, 24, 17, &said), 0);
    assert_float_equal(said, 0.9591198856397167, 1e-12);
    assert_int_equal(ssim(a, a, 24, 17, &said), 0);
    assert_float_equal(said, 1, 1e-12);
    assert_int_equal(ssim(a, b, 11, 11, &said), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oil_is_painted),
        cmocka_unit_test(similarity_is_ssim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
