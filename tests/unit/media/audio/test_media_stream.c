/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording that is read block by block from a file is, to the bit, what it is read whole: every format, rate and
 * loudness; and what is damaged is refused with the same sentence.
 */
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte_source.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/test.h"
#include "unit/media/make.h"

enum { CHANNELS = 2 };

static const struct {
    int format, rate;
    uint32_t wished;
    size_t frames;
    float loudness; /* beyond 1 in formats that can: then all is divided */
} cases[] = {
    { SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 16000, 100000, 0.9f },
    { SF_FORMAT_WAV | SF_FORMAT_PCM_24, 44100, 16000, 150000, 0.5f },
    { SF_FORMAT_WAV | SF_FORMAT_FLOAT, 8000, 16000, 70000, 3 },
    { SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 48000, 70000, 3 },
    { SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 22050, 8000, 40000, 0.9f },
    { SF_FORMAT_AU | SF_FORMAT_ULAW, 8000, 8000, 40000, 0.9f },
    { SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 96000, 16000, 90000, 0.9f },
    { SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 8000, 60000, 0.7f },
    { SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 16000, 60000, 0.7f },
    { SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 16000, 60000, 0.7f },
    { SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 16000, 1, 0.9f },
    { SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 8000, 65536 / CHANNELS, 0.9f },
};

static struct bytes make_case(size_t number, struct rng *rng)
{
    const size_t count = cases[number].frames * CHANNELS;
    float *samples = memory_alloc(count, sizeof *samples);
    struct bytes file;

    for (size_t i = 0; i < count; i++)
        samples[i] = cases[number].loudness * (2 * rng_float(rng) - 1);
    file = make_sound(cases[number].format, cases[number].rate, CHANNELS, samples, cases[number].frames);
    free(samples);
    return file;
}

/* As it is read whole. */
static struct media_sound read_whole(struct bytes file, uint32_t rate)
{
    struct media_sound sound, resampled;
    struct reason why;

    assert_ok(media_decode_sound("x", file.data, file.size, &sound, &why), why);
    if (sound.rate == rate)
        return sound;
    assert_ok(media_resample(&sound, rate, &resampled, &why), why);
    free(sound.samples);
    return resampled;
}

static FILE *open_source(struct bytes file, struct byte_source *source)
{
    FILE *stream = tmpfile();

    assert_int_equal(pwrite(fileno(stream), file.data, file.size, 0), file.size);
    assert_int_equal(byte_source_of_file(source, fileno(stream)), 0);
    return stream;
}

/* In blocks of any size. */
static void read_blocks(struct media_stream *stream, float *out, size_t count, struct rng *rng)
{
    struct reason why;

    for (size_t done = 0, now; done < count; done += now) {
        now = 1 + rng_below(rng, 50000);
        now = MIN(now, count - done);
        assert_ok(media_stream_read(stream, out + done, now, &why), why);
    }
    assert_int_equal(media_stream_read(stream, out, 1, &why), WISP_E_FORMAT); /* there is no more */
}

static void blocks_are_the_whole(void **state)
{
    struct rng rng = rng_make(5, 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bytes file = make_case(i, &rng);
        struct media_sound whole = read_whole(file, cases[i].wished);
        float *out = memory_alloc(whole.count, sizeof *out);
        struct media_stream *stream;
        struct byte_source source;
        FILE *at = open_source(file, &source);
        struct reason why;

        assert_ok(media_stream_new("x", &source, cases[i].wished, &stream, &why), why);
        assert_int_equal(media_stream_count(stream), whole.count);
        for (int times = 0; times < 2; times++) {
            assert_ok(media_stream_read(stream, out, whole.count / 2, &why), why);
            assert_ok(media_stream_rewind(stream, &why), why);
            read_blocks(stream, out, whole.count, &rng);
            assert_memory_equal(out, whole.samples, whole.count * sizeof *out);
            assert_ok(media_stream_rewind(stream, &why), why);
        }
        media_stream_free(stream);
        byte_source_deinit(&source);
        fclose(at);
        free(out);
        free(whole.samples);
        free(file.data);
    }
}

static void assert_same_refusal(struct bytes file)
{
    struct media_stream *stream;
    struct media_sound sound;
    struct byte_source source;
    FILE *at = open_source(file, &source);
    struct reason why, other;

    assert_int_equal(media_decode_sound("x", file.data, file.size, &sound, &why), WISP_E_FORMAT);
    assert_int_equal(media_stream_new("x", &source, 16000, &stream, &other), WISP_E_FORMAT);
    assert_string_equal(why.text, other.text);
    byte_source_deinit(&source);
    fclose(at);
}

/* Cut off anywhere, a tone against itself, and what is no sound. */
static void refusals_are_the_same(void **state)
{
    static const float opposite[] = { 0.5f, -0.5f, -0.5f, 0.5f };
    struct rng rng = rng_make(5, 2);
    struct bytes file = make_sound(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, CHANNELS, opposite, 2);

    (void)state;
    assert_same_refusal(file);
    free(file.data);
    assert_same_refusal((struct bytes){ (uint8_t *)"\x89PNG\r\n\x1a\n", 8 });
    assert_same_refusal((struct bytes){ (uint8_t *)"", 0 });
    for (size_t i = 0; i < 10; i++) {
        file = make_case(i, &rng);
        assert_same_refusal((struct bytes){ file.data, file.size - 1 - rng_below(&rng, file.size / 2) });
        free(file.data);
    }
}

/* A file that becomes shorter while it is read is told from a damaged one. */
static void a_file_that_shrinks(void **state)
{
    struct rng rng = rng_make(5, 3);
    struct bytes file = make_case(1, &rng);
    float *out = memory_alloc(50000, sizeof *out);
    struct media_stream *stream;
    struct byte_source source;
    FILE *at = open_source(file, &source);
    struct reason why;

    (void)state;
    assert_ok(media_stream_new("it.wav", &source, 16000, &stream, &why), why);
    assert_int_equal(ftruncate(fileno(at), 300000), 0);
    assert_int_equal(media_stream_read(stream, out, 50000, &why), -EIO);
    assert_string_equal(why.text, "cannot read it.wav: Input/output error");
    media_stream_free(stream);
    byte_source_deinit(&source);
    fclose(at);
    free(out);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_whole),
        cmocka_unit_test(refusals_are_the_same),
        cmocka_unit_test(a_file_that_shrinks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
