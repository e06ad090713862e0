/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings whose headers are put together here, byte by byte: every way to say how many samples there are, whole,
 * left open, or cut off; and that libsndfile, shown the same file, counts as many.
 */
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

enum { RATE = 8000, SAMPLES = 500, FILE_MAX = 65536 };

/* A file as it grows. */
struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
    bool big; /* the order of its numbers */
};

static void put(struct file *file, const void *bytes, size_t size)
{
    assert_true(file->size + size <= sizeof file->bytes);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void put_number(struct file *file, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * (file->big ? size - 1 - i : i));

        put(file, &byte, 1);
    }
}

static void begin(struct file *file, const char *magic, uint32_t size, const char *kind)
{
    file->size = 0;
    put(file, magic, 4);
    put_number(file, size, 4);
    put(file, kind, 4);
}

static void put_wav_format(struct file *file, unsigned channels, unsigned bits)
{
    put(file, "fmt ", 4);
    put_number(file, 16, 4);
    put_number(file, 1, 2);
    put_number(file, channels, 2);
    put_number(file, RATE, 4);
    put_number(file, (uint64_t)RATE * channels * bits / 8, 4);
    put_number(file, channels * bits / 8, 2);
    put_number(file, bits, 2);
}

/* A chunk of `size` bytes that mean nothing, and its padding. */
static void put_junk(struct file *file, const char *name, uint32_t size)
{
    put(file, name, 4);
    put_number(file, size, 4);
    for (uint32_t i = 0; i < size + (size & 1); i++)
        put(file, i < size ? "j" : "", 1);
}

static void put_samples(struct file *file, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_number(file, (uint64_t)(i * 7919 % 60000 + 1), 2);
}

/* As many samples of 16 bits as announced; what the file and the chunk say of it. */
static void make_wav_saying(struct file *file, uint32_t riff, uint32_t data)
{
    begin(file, "RIFF", riff, "WAVE");
    put_wav_format(file, 1, 16);
    put(file, "data", 4);
    put_number(file, data, 4);
    put_samples(file, SAMPLES);
}

static void put_ds64(struct file *file, uint64_t riff, uint64_t data)
{
    put(file, "ds64", 4);
    put_number(file, 28, 4);
    put_number(file, riff, 8);
    put_number(file, data, 8);
    put_number(file, 0, 8);
    put_number(file, 0, 4);
}

static void make_rf64(struct file *file, const char *magic, uint64_t riff, uint64_t data)
{
    begin(file, magic, UINT32_MAX, "WAVE");
    put_ds64(file, riff, data);
    put_wav_format(file, 1, 16);
    put(file, "data", 4);
    put_number(file, UINT32_MAX, 4);
    put_samples(file, SAMPLES);
}

static void assert_samples(const struct file *file, size_t count)
{
    struct media_sound sound;
    struct reason why = { "" };

    assert_ok(media_decode_sound("x", file->bytes, file->size, &sound, &why), why);
    assert_int_equal(sound.count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(sound.samples[i] == (float)(int16_t)(i * 7919 % 60000 + 1) / 32768);
    free(sound.samples);
}

static void assert_refused(const struct file *file, size_t size, const char *says)
{
    struct media_sound sound;
    struct reason why = { "" };

    assert_int_equal(media_decode_sound("x", file->bytes, size, &sound, &why), WISP_E_FORMAT);
    if (!strstr(why.text, says))
        fail_msg("%s\n  wanted: %s", why.text, says);
}

/* Every program that writes into a pipe leaves the sizes in its own way. */
static void open_sizes(void **state)
{
    static const uint32_t sizes[][2] = {
        { 0, 0 },                   /* neither was filled in */
        { 36, 0 },                  /* the head alone, before the first sample */
        { 0xffffffff, 0xffffffff }, /* ffmpeg */
        { 0x7fffffff, 0x7fffffff },
        { 0x7ffff024, 0x7ffff000 }, /* sox */
        { 0x80000024, 0x80000000 },
        { 0, 2 * SAMPLES },
        { UINT32_MAX, 2 * SAMPLES },
    };
    static struct file file;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        make_wav_saying(&file, sizes[i][0], sizes[i][1]);
        assert_samples(&file, SAMPLES);
    }
}

/* Nothing between the head and other chunks: no samples is what was meant. */
static void empty_on_purpose(void **state)
{
    static struct file file;

    (void)state;
    begin(&file, "RIFF", 36, "WAVE");
    put_wav_format(&file, 1, 16);
    put_junk(&file, "data", 0);
    assert_refused(&file, file.size, "the recording has no samples");
    put_junk(&file, "LIST", 11);
    assert_refused(&file, file.size, "the recording has no samples");
    put_junk(&file, "id3 ", 26);
    assert_refused(&file, file.size, "the recording has no samples");
}

static void rf64(void **state)
{
    static const char *const magics[] = { "RF64", "BW64" };
    static struct file file;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
        make_rf64(&file, magics[i], 72 + 2 * SAMPLES, 2 * SAMPLES);
        assert_samples(&file, SAMPLES);
        for (size_t size = file.size - 2 * SAMPLES; size < file.size; size += 1 + size / 97)
            assert_refused(&file, size, "cut off at byte");
        make_rf64(&file, magics[i], UINT64_MAX, 1ull << 40);
        assert_refused(&file, file.size, "1099511627776 bytes of samples are announced");
        make_rf64(&file, magics[i], 0, 0); /* into a pipe */
        assert_samples(&file, SAMPLES);
        make_rf64(&file, magics[i], UINT64_MAX, UINT64_MAX);
        assert_samples(&file, SAMPLES);
        make_rf64(&file, magics[i], 0, 0);
        memcpy(file.bytes + 12, "JUNK", 4); /* its place is kept, as in RIFF */
        assert_refused(&file, file.size, "without a chunk \"ds64\"");
    }
}

/* The samples are what the first chunk of that name has, in whatever order the chunks stand. */
static void order_of_chunks(void **state)
{
    static struct file file;

    (void)state;
    make_wav_saying(&file, 0, 2 * SAMPLES);
    put_junk(&file, "data", 100);
    assert_samples(&file, SAMPLES);

    begin(&file, "RIFF", 0, "WAVE");
    put(&file, "data", 4);
    put_number(&file, 2 * SAMPLES, 4);
    put_samples(&file, SAMPLES);
    assert_refused(&file, file.size, "no chunk \"fmt \"");
    put_wav_format(&file, 1, 16);
    assert_samples(&file, SAMPLES);
}

/* ---- by libsndfile, of the same bytes ---- */

struct source {
    const struct file *file;
    sf_count_t at;
};

static sf_count_t source_length(void *user)
{
    return (sf_count_t)((const struct source *)user)->file->size;
}

static sf_count_t source_seek(sf_count_t offset, int whence, void *user)
{
    struct source *source = user;

    source->at = offset + (whence == SEEK_CUR ? source->at : whence == SEEK_END ? source_length(user) : 0);
    return source->at;
}

static sf_count_t source_read(void *out, sf_count_t count, void *user)
{
    struct source *source = user;
    sf_count_t left = source_length(user) - source->at, got = left < count ? left : count;

    if (got <= 0)
        return 0;
    memcpy(out, source->file->bytes + source->at, (size_t)got);
    source->at += got;
    return got;
}

static sf_count_t source_tell(void *user)
{
    return ((const struct source *)user)->at;
}

static sf_count_t frames_by_libsndfile(const struct file *file)
{
    SF_VIRTUAL_IO io = { source_length, source_seek, source_read, NULL, source_tell };
    struct source source = { .file = file };
    SF_INFO info = { .format = 0 };
    SNDFILE *sound = sf_open_virtual(&io, SFM_READ, &info, &source);

    assert_non_null(sound);
    sf_close(sound);
    return info.frames;
}

/* ---- AIFF and AU ---- */

/* `frames` as "COMM" has them, `size` as "SSND" does, `before` the bytes between. */
static void make_aiff(struct file *file, uint32_t frames, uint32_t size, uint32_t before)
{
    file->big = true;
    begin(file, "FORM", 0, "AIFF");
    put(file, "COMM", 4);
    put_number(file, 18, 4);
    put_number(file, 1, 2);
    put_number(file, frames, 4);
    put_number(file, 16, 2);
    put(file, "\x40\x0b\xfa\0\0\0\0\0\0\0", 10); /* 8000 as a number of 80 bits */
    put(file, "SSND", 4);
    put_number(file, size, 4);
    put_number(file, before, 4);
    put_number(file, 0, 4);
    for (uint32_t i = 0; i < before; i++)
        put(file, "?", 1);
    put_samples(file, SAMPLES);
}

static void aiff(void **state)
{
    static const uint32_t sizes[][2] = {
        { SAMPLES, 2 * SAMPLES + 8 },
        { 0, 0 }, /* into a pipe */
        { 0, 8 },
        { 0x7f000000 / 2, 0x7f000000 + 8 }, /* sox */
        { UINT32_MAX, UINT32_MAX },
        { 0, 2 * SAMPLES + 8 },
    };
    static struct file file;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        make_aiff(&file, sizes[i][0], sizes[i][1], 0);
        assert_samples(&file, SAMPLES);
    }
    make_aiff(&file, SAMPLES, 2 * SAMPLES + 8 + 7, 7);
    assert_samples(&file, SAMPLES);
    assert_int_equal(frames_by_libsndfile(&file), SAMPLES);
    make_aiff(&file, 123, 2 * SAMPLES + 8, 0); /* libsndfile would take what is behind them for sound */
    assert_samples(&file, 123);
    for (size_t size = file.size - 2 * SAMPLES; size < file.size; size += 97)
        assert_refused(&file, size, "cut off at byte");
    make_aiff(&file, SAMPLES + 1, 2 * SAMPLES + 8, 0);
    assert_refused(&file, file.size, "501 frames are announced, 1000 bytes hold them");
    make_aiff(&file, SAMPLES, 2 * SAMPLES + 8, 0);
    memcpy(file.bytes + 46, "\xff\xff\xff\xff", 4);
    assert_refused(&file, file.size, "its samples begin behind their chunk");
    memcpy(file.bytes + 12, "JUNK", 4);
    assert_refused(&file, file.size, "no chunk \"COMM\"");
}

static void make_au(struct file *file, uint32_t at, uint32_t size, bool big)
{
    file->big = big;
    file->size = 0;
    put(file, big ? ".snd" : "dns.", 4);
    put_number(file, at, 4);
    put_number(file, size, 4);
    put_number(file, 3, 4); /* 16 bits */
    put_number(file, RATE, 4);
    put_number(file, 1, 4);
    for (uint32_t i = 24; i < at; i++)
        put(file, "", 1);
    put_samples(file, SAMPLES);
}

static void au(void **state)
{
    static const uint32_t sizes[] = { 2 * SAMPLES, 0, UINT32_MAX };
    static struct file file;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        make_au(&file, 24, sizes[i], true);
        assert_samples(&file, SAMPLES);
        make_au(&file, 40, sizes[i], false);
        assert_samples(&file, SAMPLES);
    }
    make_au(&file, 32, 2 * SAMPLES, true);
    assert_int_equal(frames_by_libsndfile(&file), SAMPLES);
    for (size_t size = 32; size < file.size; size += 97)
        assert_refused(&file, size, "cut off at byte");
    assert_refused(&file, 20, "cut off at byte 20, within its head");
    make_au(&file, 24, 2 * SAMPLES, true);
    memset(file.bytes + 4, 0, 4);
    assert_refused(&file, file.size, "said to begin at byte 0");
}

/* Pseudo-random files, whole ones: with chunks that mean nothing before and behind, in both orders of bytes. */
static void both_readers_agree(void **state)
{
    static const char *const names[] = { "JUNK", "LIST", "wisp", "fact", "bext" };
    static struct file file;
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 400; round++) {
        unsigned draw = (seed = seed * 1664525 + 1013904223) >> 8;
        unsigned channels = 1 + draw % 3, bits = 8 * (1 + draw / 3 % 4), frames = 1 + draw / 16 % 200;
        uint32_t size = frames * channels * bits / 8;
        struct media_sound sound;
        struct reason why = { "" };

        file.big = draw & 1 << 15;
        begin(&file, file.big ? "RIFX" : "RIFF", 0, "WAVE");
        for (unsigned i = draw >> 16 & 3; i; i--, draw = draw * 31 + 7)
            put_junk(&file, "JUNK", draw % 50);
        put_wav_format(&file, channels, bits);
        put_junk(&file, names[draw % 3], draw % 41);
        put_junk(&file, "data", size);
        if (draw % 4)
            put_junk(&file, names[draw % 2], draw % 99);
        assert_ok(media_decode_sound("x", file.bytes, file.size, &sound, &why), why);
        assert_int_equal(sound.count, frames);
        assert_int_equal(sound.count, frames_by_libsndfile(&file));
        free(sound.samples);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_sizes),
        cmocka_unit_test(empty_on_purpose),
        cmocka_unit_test(rf64),
        cmocka_unit_test(order_of_chunks),
        cmocka_unit_test(aiff),
        cmocka_unit_test(au),
        cmocka_unit_test(both_readers_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
