/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings for recordings: tones under noise, learned by the defaults of audio.denoising, measured, and the same for
 * any number of threads; and what is refused.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/train/batches.h"
#include "forge/train/losses/masked.h"
#include "support/test.h"
#include "unit/data/data_make.h"
#include "unit/forge/process.h"

enum { RATE = 16000, LENGTH = 800 };

static const char *folder;
static struct ran ran;

/* Three tones one after the other. */
static void write_sound(const char *split, const char *name, unsigned number, float noise)
{
    static float samples[LENGTH];
    struct rng rng = rng_make(17, number), hiss = rng_make(18, number);
    char path[96];
    struct bytes wav;

    for (size_t begin = 0; begin < LENGTH; begin += LENGTH / 4)
        fill_sine(samples + begin, LENGTH / 4, RATE, 500 * (double)rng_below(&rng, 9), 0.3);
    for (size_t i = 0; i < LENGTH; i++)
        samples[i] += noise * rng_normal(&hiss);
    wav = make_wav(RATE, samples, LENGTH);
    snprintf(path, sizeof path, "%s/%s/%u.wav", split, name, number);
    data_write(folder, path, wav.data, wav.size);
    free(wav.data);
}

static int make_folder(void **state)
{
    (void)state;
    folder = scratch_make();
    for (unsigned i = 0; i < 40; i++)
        write_sound(i < 32 ? "train" : "test", "clean", i, 0);
    for (unsigned i = 0; i < 8; i++) {
        write_sound("pairs/test", "clean", i, 0);
        write_sound("pairs/test", "noisy", i, 0.1f);
    }
    data_write_text(folder, "n.yaml",
                    "name: n\nprocessing: audio.denoising\ninput: [33, 16]\nlayers:\n  - conv1d: {channels: 16, "
                    "kernel: 3, padding: 1}\n  - relu\n  - conv1d: {channels: 33, kernel: 1}\n  - sigmoid\n");
    forge_run_well(&ran, folder, "build --structure n.yaml -s 0.3 --no-history -o m.safetensors");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static double figure(const char *command, const char *name)
{
    json_t *result;
    double value;

    forge_run_well(&ran, folder, command);
    result = json_loads(ran.out, 0, NULL);
    assert_non_null(result);
    value = json_real_value(json_object_get(result, name));
    json_decref(result);
    return value;
}

#define TRAIN "train m.safetensors -D train --degrade mix=0:10 -b 8 -e 20 -r 0.02 --no-history -q -n n "

static void test_noise_is_taken_away(void **state)
{
    double before, after;

    (void)state;
    forge_run_well(&ran, folder, TRAIN "-t 2 -o a.safetensors");
    forge_run_well(&ran, folder, TRAIN "-t 1 -o b.safetensors");
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
    before = figure("eval a.safetensors -D . --degrade mix=0:10 --json", "input_si_sdr");
    after = figure("eval a.safetensors -D . --degrade mix=0:10 --json", "si_sdr");
    if (!(after > before + 5))
        fail_msg("SI-SDR of %g dB, and of %g before", after, before);
    before = figure("eval a.safetensors -D pairs --json", "input_si_sdr");
    after = figure("eval a.safetensors -D pairs --json", "si_sdr");
    if (!(after > before + 3))
        fail_msg("of pairs, SI-SDR of %g dB, and of %g before", after, before);
}

/* Two recordings of one event, of which either is muffled where the other is not. */
static void test_recordings_are_merged(void **state)
{
    double before, after;

    (void)state;
    data_write_text(folder, "two.yaml",
                    "name: n\nprocessing: audio.synthesis\ninput: [66, 16]\nlayers:\n  - conv1d: {channels: 24, "
                    "kernel: 3, padding: 1}\n  - relu\n  - conv1d: {channels: 66, kernel: 1}\n  - sigmoid\n");
    data_write_text(folder, "two.json",
                    "{\"kind\":\"audio\",\"spectrum\":64,\"frames\":16,\"rate\":16000,\"floor_db\":40,\"recordings\":2,"
                    "\"answer\":\"sound\"}");
    forge_run_well(&ran, folder, "build --structure two.yaml -s 0.3 -m two.json --no-history -o two.safetensors");
    forge_run_well(
        &ran, folder,
        "train two.safetensors -D train --degrade damage=0:10 -b 8 -e 20 -r 0.02 --no-history -q -o d.safetensors");
    before = figure("eval d.safetensors -D . --degrade damage=0:10 --json", "input_si_sdr");
    after = figure("eval d.safetensors -D . --degrade damage=0:10 --json", "si_sdr");
    if (!(after > before + 2))
        fail_msg("SI-SDR of %g dB, and of %g before, of the better", after, before);
    forge_run(&ran, folder, "train two.safetensors -D train --degrade mix=0:10 -o x.safetensors");
    assert_int_equal(ran.status, 2);
    assert_non_null(strstr(ran.err, "the network merges 2 recordings of one event"));
    forge_run_well(&ran, folder, "train two.safetensors -D train -e 1 --no-history -n n -o said.safetensors");
    assert_non_null(strstr(ran.err, "they are made into them by --degrade damage=-3:12, as for audio.synthesis"));
    forge_run_well(&ran, folder,
                   "train two.safetensors -D train --degrade damage=-3:12 -e 1 --no-history -n n -o told.safetensors");
    assert_same_bytes(folder, "said.safetensors", "told.safetensors");
}

/* Clean recordings alone: what goes without saying is what would be said. */
static void test_a_type_has_a_degradation(void **state)
{
    (void)state;
    forge_run_well(&ran, folder, "train m.safetensors -D train -e 1 --no-history -n n -o said.safetensors");
    assert_non_null(strstr(ran.err, "they are made into them by --degrade mix=0:10, as for audio.denoising"));
    forge_run_well(&ran, folder,
                   "train m.safetensors -D train/ --degrade mix=0:10 -e 1 --no-history -n n -o told.safetensors");
    assert_same_bytes(folder, "said.safetensors", "told.safetensors");
    forge_run_well(&ran, folder, "eval m.safetensors -D pairs --json");
    assert_null(strstr(ran.err, "--degrade"));
}

static void test_what_does_not_fit_is_refused(void **state)
{
    static const struct refusal refusals[] = {
        { "train m.safetensors -D train --degrade noise=3 -o x.safetensors", 2,
          "--degrade 'noise=3': of recordings give mix=LOW:HIGH, or of several of one event damage=LOW:HIGH, decibels "
          "from -60 to 60 by which they are above the noise" },
        { "eval m.safetensors -D pairs --noise train", 2,
          "--noise is what --degrade mix=LOW:HIGH mixes with recordings" },
        { "train m.safetensors -D train --degrade mix=0:10 --augment speed=0.1 -o x.safetensors", 2,
          "--augment: pairs of recordings are varied by the place at which they are cut, and by noise" },
        { "train m.safetensors -D train --degrade mix=0:10 --loss binary-cross-entropy -o x.safetensors", 65,
          "m.safetensors gives the masks of a sound, by its media description, and those are learned by --loss "
          "masked-snr, as --processing audio.denoising has it; the loss here is binary-cross-entropy" },
        { "eval m.safetensors -D train --degrade mix=0:10 --noise none", 65,
          "--noise: cannot open none: No such file or directory" },
    };

    (void)state;
    forge_refuses(&ran, folder, refusals, ARRAY_SIZE(refusals));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_is_taken_away),
        cmocka_unit_test(test_recordings_are_merged),
        cmocka_unit_test(test_a_type_has_a_degradation),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
