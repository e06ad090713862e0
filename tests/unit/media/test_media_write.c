/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a network's pictures: files, which are read back; and objects.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/size.h"
#include "media/spec/media.h"
#include "support/test.h"

/* What is written is read back as it was. */
static void written_and_read(void **state)
{
    uint8_t pixels[7 * 5 * 4];
    struct reason why = { "" };

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37);
    for (uint32_t channels = 1; channels <= 4; channels++) {
        struct media_picture picture = { 7, 5, channels, pixels }, read;
        void *bytes = NULL;
        size_t length = 0;

        assert_ok(media_write_picture(&picture, "a/b.x/c.PNG", &bytes, &length, &why), why);
        assert_ok(media_decode_picture("written", bytes, length, &read, &why), why);
        assert_true(read.width == 7 && read.height == 5 && read.channels == channels);
        assert_memory_equal(read.pixels, pixels, 35 * channels);
        free(read.pixels);
        free(bytes);
    }
}

/* By the name's ending; and a JPEG is near what was written: a ramp of colours, to a byte or two. */
static void written_by_name(void **state)
{
    static const struct {
        const char *name, *magic;
    } cases[] = { { "-", "\x89PNG" },
                  { "a.b/c", "\x89PNG" },
                  { "c.png", "\x89PNG" },
                  { "c.jpg", "\xff\xd8\xff" },
                  { "c.JPEG", "\xff\xd8\xff" } };
    uint8_t pixels[16 * 16 * 3];
    struct media_picture picture = { 16, 16, 3, pixels }, read;
    struct reason why = { "" };
    size_t length;
    void *bytes;

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i % 3 * 60 + i / 3 % 16 * 4 + i / 48 * 3);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_ok(media_write_picture(&picture, cases[i].name, &bytes, &length, &why), why);
        assert_memory_equal(bytes, cases[i].magic, 3);
        assert_ok(media_decode_picture("written", bytes, length, &read, &why), why);
        for (size_t k = 0; k < sizeof pixels; k++)
            assert_in_range(read.pixels[k] + 3 - pixels[k], 0, 6);
        free(read.pixels);
        free(bytes);
    }
    assert_int_equal(media_write_picture(&picture, "c.gif", &bytes, &length, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "c.gif: pictures are written as PNG or JPEG"));
    picture.width = 0;
    assert_int_equal(media_write_picture(&picture, "c.png", &bytes, &length, &why), WISP_E_INVALID);
    assert_int_equal(media_write_picture(&picture, "c.jpg", &bytes, &length, &why), WISP_E_INVALID);
}

/* What goes to "-" goes to the end of the file, wherever the writer would have it. */
static void write_sound(const char *name, const float *samples, size_t count, void **bytes, size_t *length)
{
    struct media_sound_writer *writer;
    struct reason why = { "" };
    FILE *stream = tmpfile();
    const int fd = fileno(stream);

    assert_int_equal(fcntl(fd, F_SETFL, strcmp(name, "-") ? 0 : O_APPEND), 0);
    assert_ok(media_sound_writer_new(name, 16000, count, fd, &writer, &why), why);
    assert_ok(media_sound_writer_add(writer, samples, count / 3, &why), why);
    assert_ok(media_sound_writer_add(writer, samples + count / 3, count - count / 3, &why), why);
    assert_ok(media_sound_writer_end(writer, &why), why);
    media_sound_writer_free(writer);
    lseek(fd, 0, SEEK_SET);
    assert_ok(file_read_fd(fd, name, 1 << 24, bytes, length, &why), why);
    fclose(stream);
}

static void written_as_it_goes_it_is_the_same(void **state)
{
    const float samples[] = { 0.5f, 0.25f, -0.5f, 1, 0, 0, 0.125f };
    size_t length, other_length;
    void *bytes, *other;

    (void)state;
    write_sound("-", samples, ARRAY_SIZE(samples), &bytes, &length);
    write_sound("x.wav", samples, ARRAY_SIZE(samples), &other, &other_length);
    assert_int_equal(length, other_length);
    assert_memory_equal(bytes, other, length);
    free(bytes);
    free(other);
}

/* What cannot be written; more than a file has room for; and what does not become as long as was said. */
static void a_sound_that_cannot_be_written(void **state)
{
    const float samples[] = { 0.5f, 0.25f, -0.5f };
    struct media_sound_writer *writer;
    struct reason why;
    FILE *full = fopen("/dev/full", "r+"), *stream = tmpfile();

    (void)state;
    assert_ok(media_sound_writer_new("x.wav", 8000, 3, fileno(full), &writer, &why), why);
    assert_int_equal(media_sound_writer_add(writer, samples, ARRAY_SIZE(samples), &why), -ENOSPC);
    assert_string_equal(why.text, "the recording cannot be written: No space left on device");
    media_sound_writer_free(writer);
    assert_int_equal(media_sound_writer_new("x.wav", 8000, 1ull << 31, fileno(stream), &writer, &why), WISP_E_INVALID);
    assert_string_equal(why.text, "x.wav: a recording of 2147483648 samples is too long for a file in wav");
    assert_ok(media_sound_writer_new("-", 8000, 4, fileno(stream), &writer, &why), why);
    assert_ok(media_sound_writer_add(writer, samples, ARRAY_SIZE(samples), &why), why);
    assert_int_equal(media_sound_writer_end(writer, &why), -EIO);
    media_sound_writer_free(writer);
    fclose(full);
    fclose(stream);
}

/* What 16 bits can hold is read back as it was, however it comes. */
static void sounds_are_written_and_read(void **state)
{
    enum { COUNT = 200000 };
    static const char *const names[] = { "-", "a.b/c", "c.wav", "c.FLAC" };
    static const char *const magics[] = { "RIFF", "RIFF", "RIFF", "fLaC" };
    float *samples = malloc(COUNT * sizeof *samples);
    struct media_sound read;
    struct reason why = { "" };
    size_t length;
    void *bytes;

    (void)state;
    assert_non_null(samples);
    for (size_t i = 0; i < COUNT; i++)
        samples[i] = (float)((int)(i * 7919 % 65536) - 32768) / 32768;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        write_sound(names[i], samples, COUNT, &bytes, &length);
        assert_memory_equal(bytes, magics[i], 4);
        assert_ok(media_decode_sound("written", bytes, length, &read, &why), why);
        assert_int_equal(read.rate, 16000);
        assert_int_equal(read.count, COUNT);
        assert_memory_equal(read.samples, samples, COUNT * sizeof *samples);
        free(read.samples);
        free(bytes);
    }
    free(samples);
}

/* Whatever a daemon has said. */
static void no_sample_is_beyond(void **state)
{
    const float samples[] = { NAN, INFINITY, -INFINITY, 3, -3, 1, -1, 0.4f / 32768, 0.6f / 32768, 1e-40f };
    const float wanted[] = { 0, 32767, -32768, 32767, -32768, 32767, -32768, 0, 1, 0 };
    struct media_sound read;
    struct reason why = { "" };
    size_t length;
    void *bytes;

    (void)state;
    write_sound("x.wav", samples, ARRAY_SIZE(samples), &bytes, &length);
    assert_ok(media_decode_sound("written", bytes, length, &read, &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
        assert_true(read.samples[i] == wanted[i] / 32768);
    free(read.samples);
    free(bytes);
    assert_int_equal(media_check_sound_name("a.mp3", &why), WISP_E_INVALID);
    assert_string_equal(why.text, "a.mp3: recordings are written as WAV or FLAC, to a file whose name ends in .wav or "
                                  ".flac");
}

/* ---- objects ---- */

enum { SIDE = 24 };

/* Gives all pixels that can be reached from one its number. */
static void flood(const uint8_t *mask, int *numbers, int from, int number)
{
    int stack[SIDE * SIDE], count = 0;

    stack[count++] = from;
    numbers[from] = number;
    while (count) {
        const int at = stack[--count];

        for (int k = 0; k < 9; k++) {
            const int x = at % SIDE + k % 3 - 1, y = at / SIDE + k / 3 - 1;

            if (x < 0 || y < 0 || x >= SIDE || y >= SIDE || !mask[y * SIDE + x] || numbers[y * SIDE + x])
                continue;
            numbers[y * SIDE + x] = number;
            stack[count++] = y * SIDE + x;
        }
    }
}

static void check_object(const struct media_object *object, const int *numbers, int number)
{
    uint32_t right = 0, bottom = 0, left = SIDE, top = SIDE;
    uint64_t area = 0, x = 0, y = 0;

    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        if (numbers[i] != number)
            continue;
        area++;
        x += i % SIDE;
        y += i / SIDE;
        left = MIN(left, i % SIDE);
        right = MAX(right, i % SIDE);
        top = MIN(top, i / SIDE);
        bottom = MAX(bottom, i / SIDE);
    }
    assert_int_equal(object->area, area);
    assert_true(object->left == left && object->top == top);
    assert_true(object->width == right - left + 1 && object->height == bottom - top + 1);
    assert_float_equal(object->x, (double)x / (double)area, 1e-12);
    assert_float_equal(object->y, (double)y / (double)area, 1e-12);
}

/* Against a flood fill, of random masks from sparse to full. */
static void objects_are_what_touches(void **state)
{
    uint8_t mask[SIDE * SIDE];
    const struct media_picture picture = { SIDE, SIDE, 1, mask };
    struct rng rng = rng_make(6, 6);

    (void)state;
    for (unsigned round = 0; round <= 100; round++) {
        int numbers[SIDE * SIDE] = { 0 }, found = 0;
        struct media_object *objects, *large;
        size_t count, large_count;

        for (int i = 0; i < SIDE * SIDE; i++)
            mask[i] = rng_below(&rng, 100) < round ? 255 : 0;
        assert_int_equal(media_find_objects(&picture, 0, &objects, &count), 0);
        for (int i = 0; i < SIDE * SIDE; i++) {
            if (!mask[i] || numbers[i])
                continue;
            flood(mask, numbers, i, ++found);
            assert_true((size_t)found <= count);
            check_object(&objects[found - 1], numbers, found);
        }
        assert_int_equal(count, found);
        assert_int_equal(media_find_objects(&picture, 5, &large, &large_count), 0);
        for (size_t i = 0; i < count; i++)
            large_count -= objects[i].area >= 5;
        assert_int_equal(large_count, 0);
        free(objects);
        free(large);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sounds_are_written_and_read),
        cmocka_unit_test(no_sample_is_beyond),
        cmocka_unit_test(written_as_it_goes_it_is_the_same),
        cmocka_unit_test(a_sound_that_cannot_be_written),
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(written_by_name),
        cmocka_unit_test(objects_are_what_touches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
