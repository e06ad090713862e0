/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of recordings: which they are, noise at its ratio, the blocks that are trained on, and how near an answer is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "data_make.h"
#include "forge/data/recordings/likeness.h"
#include "support/test.h"

enum { RATE = 8000, BINS = 33, FRAMES = 16, HOP = 32, SPAN = (FRAMES - 1) * HOP };

#define MEDIA "{\"kind\":\"audio\",\"spectrum\":64,\"frames\":16,\"floor_db\":40,\"answer\":\"sound\"}"

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

            mixing_apply(&mixing, &rng, &(struct media_sound){ RATE, ARRAY_SIZE(clean), clean },
                         power(clean, ARRAY_SIZE(clean)), mixed);
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

        mixing_apply(&mixing, &rng, &(struct media_sound){ RATE, ARRAY_SIZE(silence), silence }, 1, mixed);
        for (size_t i = 1; i < ARRAY_SIZE(mixed); i++)
            steps += pow((double)mixed[i] - (double)mixed[i - 1], 2);
        steps /= 8192; /* 2 for white noise of power 1 */
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

/* By NumPy: t = np.dot(e, s) / np.dot(s, s) * s; 10 * np.log10(np.sum(t**2) / np.sum((e - t)**2)), of s and e as
 * float32. */
static void si_sdr_is_that_of_numpy(void **state)
{
    static const struct {
        double scale, other, offset, wanted;
    } cases[] = {
        { 0.7, 0.2, 0.05, 11.359135 },
        { 1, 0.01, 0, 40.988406 },
        { -2, 0.5, 0, 13.029140 },
        { 0.001, 1, 0, -57.385455 },
    };
    static float s[1000], e[1000];

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
            s[i] = (float)(sin(0.1 * (double)i) + 0.5 * sin(0.37 * (double)i));
            e[i] = (float)(cases[c].scale * (double)s[i] + cases[c].other * sin(1.3 * (double)i) + cases[c].offset);
        }
        assert_true(fabs(si_sdr(e, s, ARRAY_SIZE(s)) - cases[c].wanted) < 1e-4);
    }
    assert_true(si_sdr(s, s, ARRAY_SIZE(s)) == 100);
    memset(e, 0, sizeof e);
    assert_true(si_sdr(e, s, ARRAY_SIZE(s)) == -100);
}

static void write_sound(const char *name, int rate, size_t count, double frequency)
{
    float *samples = memory_alloc(count, sizeof *samples);
    struct bytes wav;

    fill_sine(samples, count, rate, frequency, 0.3);
    wav = make_wav(rate, samples, count);
    data_write(data_root, name, wav.data, wav.size);
    free(wav.data);
    free(samples);
}

static struct dataset *read_sounds(const char *folder)
{
    return data_read_unlabelled(data_path(data_root, folder), MEDIA_AUDIO);
}

static void pairs_are_told_by_their_folders(void **state)
{
    struct media *media = make_media(MEDIA);
    struct recordings_wish wish = { .media = media, .root = data_path(data_root, "pairs") };
    struct dataset *set;
    struct reason why;

    (void)state;
    write_sound("pairs/noisy/a.wav", RATE, 3000, 500);
    write_sound("pairs/clean/a.wav", RATE, 3000, 300);
    write_sound("pairs/noisy/b.wav", 2 * RATE, 400, 500);
    write_sound("pairs/clean/b.wav", 2 * RATE, 400, 300);
    set = read_sounds("pairs");
    assert_ok(recordings_make(set, &wish, &why), why);
    assert_int_equal(set->recordings->count, 2);
    assert_int_equal(set->recordings->pairs[0].inputs->count, 3000);
    assert_int_equal(set->recordings->pairs[1].target.rate, RATE);
    assert_int_equal(set->recordings->pairs[1].target.count, 200);
    assert_int_equal(set->count, 10); /* 95 frames are 9 blocks, and 8 frames are one */
    assert_int_equal(set->recordings->blocks[9].pair, 1);
    dataset_free(set);
    write_sound("pairs/noisy/c.wav", RATE, 3000, 500);
    write_sound("pairs/clean/c.wav", RATE, 2999, 300);
    set = read_sounds("pairs");
    assert_int_equal(recordings_make(set, &wish, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "noisy/c.wav: the input has 3000 samples at 8000 Hz, and the target 2999"));
    dataset_free(set);
    wish.skip_bad = true;
    set = read_sounds("pairs");
    assert_ok(recordings_make(set, &wish, &why), why);
    assert_int_equal(set->recordings->count, 2);
    assert_int_equal(set->skipped.count, 2);
    assert_int_equal(set->skipped.reasons, 1);
    assert_int_equal(set->files, 4);
    dataset_free(set);
    media_free(media);
}

/* What stands still is the same in every run; what is trained on is another block, with noise at the ratio. */
static void blocks_are_mixed_anew(void **state)
{
    static struct fourier_number in[FRAMES * BINS], out[FRAMES * BINS], again[FRAMES * BINS];
    struct media *media = make_media(MEDIA);
    struct recordings_wish wish = { .media = media, .mixed = true, .mixing = { .low = 20, .high = 20 } };
    struct dataset *set;
    struct reason why;

    (void)state;
    write_sound("clean/a.wav", RATE, 3000, 300);
    write_sound("clean/b.wav", RATE, 100, 300); /* shorter than a block */
    write_sound("noise/n.wav", RATE, 50, 2000);
    set = read_sounds("clean");
    wish.noise = read_sounds("noise");
    assert_ok(recordings_make(set, &wish, &why), why);
    for (uint32_t sample = 0; sample < set->count; sample++) {
        const struct rng rng = rng_make(4, sample), other = rng_make(5, sample);
        struct recording_sample still = { set, media, sample, NULL }, trained = { set, media, sample, &rng };
        double noise = 0, signal = 0;

        assert_int_equal(recordings_spectra(&still, in, out), 0);
        assert_int_equal(recordings_spectra(&trained, in, out), 0);
        for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
            const double re = (double)in[i].re - (double)out[i].re, im = (double)in[i].im - (double)out[i].im;

            noise += re * re + im * im;
            signal += (double)out[i].re * (double)out[i].re + (double)out[i].im * (double)out[i].im;
        }
        if (!(fabs(10 * log10(signal / noise) - 20) < (set->recordings->blocks[sample].pair ? 6 : 3)))
            fail_msg("sample %u: %g dB", sample, 10 * log10(signal / noise));
        assert_int_equal(recordings_spectra(&trained, again, NULL), 0);
        assert_memory_equal(in, again, sizeof in);
        trained.rng = &other;
        assert_int_equal(recordings_spectra(&trained, again, NULL), 0);
        assert_memory_not_equal(in, again, sizeof in);
    }
    dataset_free(set);
    media_free(media);
}

/* Of one event as many recordings as the network takes, each damaged by itself: half as loud to twice as loud, and
 * muffled for a while. */
static void recordings_are_damaged(void **state)
{
    struct media *media =
        make_media("{\"kind\":\"audio\",\"spectrum\":64,\"frames\":16,\"recordings\":3,\"answer\":\"sound\"}");
    struct recordings_wish wish = { .media = media,
                                    .mixed = true,
                                    .mixing = { .damages = true, .low = 60, .high = 60 } };
    struct fourier_number *in = memory_alloc(media_elements(media), 2 * sizeof *in);
    const struct rng rng = rng_make(4, 0);
    struct dataset *set;
    struct reason why;

    (void)state;
    write_sound("event/a.wav", RATE, 8000, 300);
    set = read_sounds("event");
    assert_ok(recordings_make(set, &wish, &why), why);
    assert_int_equal(set->recordings->inputs, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct media_sound *made = &set->recordings->pairs[0].inputs[i],
                                 *clean = &set->recordings->pairs[0].target;
        size_t muffled = 0;
        double loudest = 0;

        for (size_t at = 0; at + 80 <= made->count; at += 80)
            loudest = fmax(loudest, power(made->samples + at, 80) / power(clean->samples + at, 80));
        for (size_t at = 0; at + 80 <= made->count; at += 80)
            muffled += power(made->samples + at, 80) / power(clean->samples + at, 80) < loudest / 100;
        assert_true(loudest > 0.25 && loudest < 4);
        assert_true(muffled < 32);
        assert_true(muffled >= 9 || power(made->samples + 7900, 80) < loudest / 100);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(made->samples, set->recordings->pairs[0].inputs[k].samples, 8000 * sizeof(float));
    }
    assert_int_equal(recordings_spectra(&(struct recording_sample){ set, media, 0, &rng }, in, NULL), 0);
    assert_memory_not_equal(in, in + BINS * FRAMES, BINS * FRAMES * sizeof *in);
    free(in);
    dataset_free(set);
    media_free(media);
}

/* Masks of 1 give the input back, whatever the batches are, and its likeness is that of the input. */
static void likeness_is_of_whole_recordings(void **state)
{
    static float masks[BINS * FRAMES * 4];
    struct media *media = make_media(MEDIA);
    struct recordings_wish wish = { .media = media, .mixed = true, .mixing = { .low = 3, .high = 9 } };
    struct dataset *set;
    struct likeness likeness;
    struct likeness_figures figures;
    struct reason why;

    (void)state;
    write_sound("clean/a.wav", RATE, 3000, 300);
    write_sound("clean/b.wav", RATE, 700, 900);
    set = read_sounds("clean");
    assert_ok(recordings_make(set, &wish, &why), why);
    assert_int_equal(likeness_init(&likeness, set, media), 0);
    for (size_t i = 0; i < ARRAY_SIZE(masks); i++)
        masks[i] = 1;
    for (uint32_t at = 0; at < set->count; at += 4) {
        const uint32_t which[] = { at, at + 1, at + 2, at + 3 };

        assert_int_equal(likeness_add(&likeness, which, MIN(set->count - at, (size_t)4), masks, &why), 0);
    }
    figures = likeness_figures(&likeness);
    assert_int_equal(figures.recordings, 2);
    assert_true(fabs(figures.si_sdr - figures.input) < 1e-3);
    assert_true(figures.input > 3 && figures.input < 9 && figures.lowest <= figures.si_sdr);
    likeness_deinit(&likeness);
    dataset_free(set);
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_has_its_ratio),
        cmocka_unit_test(sorts_of_noise_differ),
        cmocka_unit_test(ratios_are_refused),
        cmocka_unit_test(si_sdr_is_that_of_numpy),
        cmocka_unit_test(pairs_are_told_by_their_folders),
        cmocka_unit_test(blocks_are_mixed_anew),
        cmocka_unit_test(recordings_are_damaged),
        cmocka_unit_test(likeness_is_of_whole_recordings),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
