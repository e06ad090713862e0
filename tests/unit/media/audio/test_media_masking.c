/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound in pieces, masked, and put together: with masks of 1 it is what it was, at any length.
 */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_source.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "media/spec/spectra.h"
#include "support/test.h"
#include "unit/media/make.h"

static struct media *describe(uint32_t spectrum, uint32_t hop, uint32_t frames)
{
    char json[160];

    snprintf(json, sizeof json,
             "{\"kind\":\"audio\",\"spectrum\":%u,\"hop\":%u,\"frames\":%u,\"floor_db\":40,\"answer\":\"sound\"}",
             spectrum, hop, frames);
    return make_media(json);
}

static struct media_sound noise(size_t count)
{
    struct media_sound sound = { .rate = 8000, .count = count, .samples = memory_alloc(count, sizeof(float)) };
    struct rng rng = rng_make(3, count);

    for (size_t i = 0; i < count; i++)
        sound.samples[i] = 2 * rng_float(&rng) - 1;
    return sound;
}

/* Writes the whole sound, its masks said by `say`; how many samples came. */
static size_t mask_all(const struct media *media, const struct media_sound *sound,
                       void (*say)(const struct media *, uint64_t piece, float *), float *out)
{
    float *masks = memory_alloc(media_elements(media), sizeof *masks);
    struct media_masking *masking;
    size_t done = 0;

    assert_int_equal(media_masking_new(media, sound, &masking), 0);
    for (uint64_t piece = 0; piece < media_masking_pieces(masking); piece++) {
        struct media_finished finished;
        struct reason why = { "" };

        say(media, piece, masks);
        assert_ok(media_masking_take(masking, masks, &finished, &why), why);
        assert_true(done + finished.count <= sound->count);
        memcpy(out + done, finished.samples, finished.count * sizeof *out);
        done += finished.count;
    }
    media_masking_free(masking);
    free(masks);
    return done;
}

static void say_all(const struct media *media, uint64_t piece, float *out)
{
    (void)piece;
    for (size_t i = 0; i < media_elements(media); i++)
        out[i] = 1;
}

static void masks_of_one_give_the_sound_back(void **state)
{
    struct rng rng = rng_make(11, 0);

    (void)state;
    for (int n = 0; n < 60; n++) {
        const uint32_t spectrum = 16 + 2 * (uint32_t)rng_below(&rng, 40);
        const uint32_t hop = 1 + (uint32_t)rng_below(&rng, spectrum / 2);
        struct media *media = describe(spectrum, hop, 1 + (uint32_t)rng_below(&rng, 20));
        struct media_sound sound = noise(1 + rng_below(&rng, 3000));
        float *out = memory_alloc(sound.count, sizeof *out);

        assert_int_equal(mask_all(media, &sound, say_all, out), sound.count);
        for (size_t i = 0; i < sound.count; i++) {
            if (!(fabsf(out[i] - sound.samples[i]) < 1e-5f))
                fail_msg("spectrum %u, hop %u: sample %zu of %zu is %g, was %g", spectrum, hop, i, sound.count,
                         (double)out[i], (double)sound.samples[i]);
        }
        free(out);
        free(sound.samples);
        media_free(media);
    }
}

/* Each piece says another number everywhere; and what a daemon may say as well. */
static void say_its_number(const struct media *media, uint64_t piece, float *out)
{
    static const float numbers[] = { 0, 0.5f, -1e30f, 7, 1, -1, 0.25f };

    for (size_t i = 0; i < media_elements(media); i++)
        out[i] = numbers[piece % ARRAY_SIZE(numbers)];
}

/* Where only one piece counts the sound is that piece's number times itself, and never louder than it was. */
static void pieces_say_what_is_theirs(void **state)
{
    static const float wanted[] = { 0, 0.5f, 0, 1, 1, 0, 0.25f };
    struct media *media = describe(64, 32, 16);
    struct media_sound sound = noise(10 * 7 * 32 + 5 * 32); /* seven pieces, each ten frames behind the other */
    float *out = memory_alloc(sound.count, sizeof *out);

    (void)state;
    assert_int_equal(mask_all(media, &sound, say_its_number, out), sound.count);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        const size_t middle = (10 * i + 8) * 32;

        for (size_t k = middle - 32; k < middle + 32; k++)
            assert_true(fabsf(out[k] - wanted[i] * sound.samples[k]) < 1e-5f);
    }
    free(out);
    free(sound.samples);
    media_free(media);
}

/* A piece's tensor is that of the sound from its first frame on. */
static void tensors_are_of_the_piece(void **state)
{
    struct media *media = describe(64, 32, 16);
    struct media_sound sound = noise(3000), rest;
    float *whole = memory_alloc(media_elements(media), sizeof *whole);
    float *piece = memory_alloc(media_elements(media), sizeof *piece);
    struct fourier_number *spectra = memory_alloc(media_elements(media), sizeof *spectra);
    struct media_masking *masking;

    (void)state;
    assert_int_equal(media_masking_new(media, &sound, &masking), 0);
    assert_int_equal(media_masking_pieces(masking), 9); /* 95 frames */
    assert_int_equal(media_masking_tensor(masking, 8, piece, NULL), 0);
    rest = (struct media_sound){ .rate = 8000, .count = sound.count - 78 * 32, .samples = sound.samples + 78 * 32 };
    assert_int_equal(media_spectra(media, &sound, 79 * 32, spectra), 0);
    media_spectra_tensor(media, spectra, whole);
    assert_memory_equal(whole, piece, media_elements(media) * sizeof *whole);
    assert_int_equal(media_spectra(media, &rest, 32, spectra), 0);
    media_spectra_tensor(media, spectra, whole);
    assert_memory_equal(whole, piece, media_elements(media) * sizeof *whole);
    media_masking_free(masking);
    free(spectra);
    free(piece);
    free(whole);
    free(sound.samples);
    media_free(media);
}

static void say_a_third(const struct media *media, uint64_t piece, float *out)
{
    (void)piece;
    for (size_t i = 0; i < media_elements(media); i++)
        out[i] = 1.0f / 3;
}

/* The same three times, at gains of their own, comes to the mean of them; where one has ended, two thirds are left. */
static void recordings_go_in_as_loud_as_each_other(void **state)
{
    static const float gains[] = { 0.5f, 2, 1 };
    struct media *media = make_media("{\"kind\":\"audio\",\"spectrum\":64,\"frames\":16,\"recordings\":3,"
                                     "\"answer\":\"sound\"}");
    struct media_sound sounds[3], one = noise(3000);
    float *out = memory_alloc(one.count, sizeof *out);

    (void)state;
    for (size_t r = 0; r < ARRAY_SIZE(sounds); r++) {
        sounds[r] = noise(3000);
        for (size_t i = 0; i < one.count; i++)
            sounds[r].samples[i] *= gains[r];
    }
    assert_int_equal(mask_all(media, sounds, say_a_third, out), one.count);
    for (size_t i = 0; i < one.count; i++)
        assert_true(fabsf(out[i] - one.samples[i] * (3.5f / 3)) < 1e-5f);
    memset(sounds[2].samples, 0, one.count * sizeof(float));
    sounds[2].count = 1000;
    assert_int_equal(mask_all(media, sounds, say_a_third, out), one.count);
    for (size_t i = 0; i < one.count; i++)
        assert_true(fabsf(out[i] - one.samples[i] * (2.0f / 3 * 2.5f / 3)) < 1e-5f);
    for (size_t r = 0; r < ARRAY_SIZE(sounds); r++)
        free(sounds[r].samples);
    free(one.samples);
    free(out);
    media_free(media);
}

/* A recording as a stream of it, in a WAV file of floats. */
struct streamed {
    struct bytes file;
    struct byte_source source;
    struct media_stream *stream;
};

static void stream_init(struct streamed *s, const struct media_sound *sound)
{
    struct reason why;

    s->file = make_sound(SF_FORMAT_WAV | SF_FORMAT_FLOAT, (int)sound->rate, 1, sound->samples, sound->count);
    byte_source_of_memory(&s->source, s->file.data, s->file.size);
    assert_ok(media_stream_new("x", &s->source, sound->rate, &s->stream, &why), why);
}

/* Both give the same of the same, with up to `ahead` pieces under way. */
static void assert_alike(struct media_masking *a, struct media_masking *b, size_t elements, uint64_t ahead)
{
    const uint64_t pieces = media_masking_pieces(a);
    float *one = memory_alloc(elements, sizeof *one), *other = memory_alloc(elements, sizeof *other);
    struct media_finished x, y;
    struct reason why;

    assert_int_equal(media_masking_pieces(b), pieces);
    for (uint64_t sent = 0, taken = 0; taken < pieces; taken++) {
        for (; sent < pieces && sent - taken < ahead; sent++) {
            assert_ok(media_masking_tensor(a, sent, one, &why), why);
            assert_ok(media_masking_tensor(b, sent, other, &why), why);
            assert_memory_equal(one, other, elements * sizeof *one);
        }
        for (size_t i = 0; i < elements; i++)
            one[i] = (float)((i * 7 + taken) % 11) / 11;
        assert_ok(media_masking_take(a, one, &x, &why), why);
        assert_ok(media_masking_take(b, one, &y, &why), why);
        assert_int_equal(x.count, y.count);
        assert_memory_equal(x.samples, y.samples, x.count * sizeof *x.samples);
    }
    free(one);
    free(other);
}

static void streams_are_the_sounds(void **state)
{
    static const size_t lengths[][2] = { { 9000, 9000 }, { 3000, 70000 }, { 70000, 200 }, { 1, 2 } };
    struct media *media = make_media("{\"kind\":\"audio\",\"spectrum\":64,\"hop\":20,\"frames\":16,\"recordings\":2,"
                                     "\"answer\":\"sound\"}");

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(lengths); i++) {
        struct media_sound sounds[2] = { noise(lengths[i / 2][0]), noise(lengths[i / 2][1]) };
        struct media_masking *whole, *blocks;
        struct streamed streamed[2];
        struct reason why;

        stream_init(&streamed[0], &sounds[0]);
        stream_init(&streamed[1], &sounds[1]);
        assert_int_equal(media_masking_new(media, sounds, &whole), 0);
        assert_ok(media_masking_of_streams(media, (struct media_stream *[]){ streamed[0].stream, streamed[1].stream },
                                           &blocks, &why),
                  why);
        assert_alike(whole, blocks, media_elements(media), i % 2 ? 1 : 7);
        media_masking_free(whole);
        media_masking_free(blocks);
        for (size_t r = 0; r < 2; r++) {
            media_stream_free(streamed[r].stream);
            free(streamed[r].file.data);
            free(sounds[r].samples);
        }
    }
    media_free(media);
}

static void no_number_is_refused(void **state)
{
    static const float numbers[] = { NAN, INFINITY, -INFINITY };
    struct media *media = describe(64, 32, 16);
    struct media_sound sound = noise(3000);
    float *masks = memory_zalloc(media_elements(media), sizeof *masks);
    struct media_masking *masking;
    struct media_finished finished;
    struct reason why = { "" };

    (void)state;
    assert_int_equal(media_masking_new(media, &sound, &masking), 0);
    assert_ok(media_masking_take(masking, masks, &finished, &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        masks[media_elements(media) - 1] = numbers[i];
        assert_int_equal(media_masking_take(masking, masks, &finished, &why), WISP_E_INVALID);
        assert_string_equal(why.text, "what the model gives for piece 2 of 9 has a value that is no finite number");
    }
    media_masking_free(masking);
    free(masks);
    free(sound.samples);
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_of_one_give_the_sound_back), cmocka_unit_test(pieces_say_what_is_theirs),
        cmocka_unit_test(tensors_are_of_the_piece),         cmocka_unit_test(recordings_go_in_as_loud_as_each_other),
        cmocka_unit_test(streams_are_the_sounds),           cmocka_unit_test(no_number_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
