/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of recordings: which they are, noise at its ratio, the blocks that are trained on, and how near an answer is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "data_make.h"
#include "forge/data/recordings/mixing.h"
#include "support/test.h"

enum { RATE = 8000 };

static double power(const float *samples, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum / (double)count;
}

static void noise_has_its_ratio(void **state)
{
    static float clean[4000], mixed[4000], recorded[700];
    const struct media_sound noise = { RATE, ARRAY_SIZE(recorded), recorded };
    struct mixing mixing;
    struct reason why;
    double lowest = 100, highest = -100;

    (void)state;
    fill_sine(clean, ARRAY_SIZE(clean), RATE, 300, 0.5);
    fill_sine(recorded, ARRAY_SIZE(recorded), RATE, 1700, 0.1);
    assert_int_equal(mixing_parse("mix=-3:13", &mixing, &why), 0);
    for (int recordings = 0; recordings <= 1; recordings++) {
        mixing.noises = recordings ? &noise : NULL;
        mixing.noise_count = (size_t)recordings;
        for (uint64_t n = 0; n < 40; n++) {
            struct rng rng = rng_make(1, n);
            double ratio;

            mixing_apply(&mixing, &rng, clean, ARRAY_SIZE(clean), power(clean, ARRAY_SIZE(clean)), mixed);
            for (size_t i = 0; i < ARRAY_SIZE(clean); i++)
                mixed[i] -= clean[i];
            ratio = 10 * log10(power(clean, ARRAY_SIZE(clean)) / power(mixed, ARRAY_SIZE(mixed)));
            assert_true(ratio > -3.01 && ratio < 13.01);
            lowest = fmin(lowest, ratio);
            highest = fmax(highest, ratio);
        }
    }
    assert_true(lowest < -1 && highest > 11);
}

/* Of pink noise every octave has as much power: its lower half of frequencies far more than white noise's. */
static void sorts_of_noise_differ(void **state)
{
    static float silence[8192], mixed[8192];
    struct mixing mixing = { .low = 0, .high = 0 };
    int pink = 0, white = 0;

    (void)state;
    for (uint64_t n = 0; n < 40; n++) {
        struct rng rng = rng_make(2, n);
        double steps = 0;

        mixing_apply(&mixing, &rng, silence, ARRAY_SIZE(silence), 1, mixed);
        for (size_t i = 1; i < ARRAY_SIZE(mixed); i++)
            steps += pow((double)mixed[i] - (double)mixed[i - 1], 2);
        steps /= (double)ARRAY_SIZE(mixed); /* 2 for white noise of power 1 */
        white += steps > 1.9 && steps < 2.1;
        pink += steps < 0.8;
    }
    assert_int_equal(white + pink, 40);
    assert_true(white > 8 && pink > 8);
}

static void ratios_are_refused(void **state)
{
    static const char *const words[] = { "mix",      "mix=",      "mix=3:",   "mix=5:1",
                                         "mix=0:61", "mix=nan:3", "mix=0:3x", "noise=3" };
    struct mixing mixing;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        assert_int_equal(mixing_parse(words[i], &mixing, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "mix=LOW:HIGH"));
    }
    assert_int_equal(mixing_parse("mix=5", &mixing, &why), 0);
    assert_true(mixing.low == 5 && mixing.high == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_has_its_ratio),
        cmocka_unit_test(sorts_of_noise_differ),
        cmocka_unit_test(ratios_are_refused),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
