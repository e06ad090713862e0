/* SPDX-License-Identifier: Apache-2.0
 *
 * The inputs that ship, and small files of every format, through recipes like those of the models that ship. What they
 * become is the same to the bit on every machine, and a change of it would make every trained model worse: so it is
 * held here. CMakeLists.txt runs this as other processors would: the libraries below pick their code by what they find.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/size.h"
#include "make.h"
#include "support/test.h"

#define AUDIO "{\"kind\":\"audio\",\"mels\":40,\"frames\":32"
#define SHORT "{\"kind\":\"audio\",\"mels\":16,\"frames\":9,\"rate\":6000}"
#define IMAGE "{\"kind\":\"image\",\"width\":13,\"height\":17}"

enum { VALUES_MAX = 8192 };

static float values[VALUES_MAX];

static size_t encode(const char *json, const char *path)
{
    struct media *media = make_media(json);
    size_t count = media_elements(media);
    struct reason why = { "" };

    assert_true(count <= VALUES_MAX);
    assert_ok(media_encode_file(media, source_path(path), values, &why), why);
    media_free(media);
    return count;
}

static void assert_hash(const char *path, const char *json, size_t count, uint64_t wanted)
{
    uint64_t hash = XXH3_64bits(values, count * sizeof *values);

    if (hash != wanted)
        fail_msg("%s by %s: 0x%016" PRIx64, path, json, hash);
}

static void golden(void **state)
{
    static const struct {
        const char *json, *path;
        uint64_t hash;
    } cases[] = {
        { "{\"kind\":\"image\",\"width\":28,\"height\":28,\"channels\":1,\"mean\":[0.286],\"deviation\":[0.353]}",
          "examples/picture.png", 0xc46ecf532787b29b },
        { "{\"kind\":\"image\",\"width\":50,\"height\":20,\"fit\":\"contain\",\"background\":9}",
          "examples/picture.png", 0x2170d952a7b647b2 },
        { "{\"kind\":\"image\",\"width\":20,\"height\":50,\"channels\":1,\"fit\":\"cover\"}", "examples/picture.png",
          0x843efd53eca67d15 },
        { "{\"kind\":\"text\",\"features\":8192}", "examples/sentence.txt", 0x44a0506520684729 },
        { "{\"kind\":\"text\",\"features\":8192,\"weight\":\"sqrt\",\"words\":[1,2]}", "examples/sentences/zh.txt",
          0x3496bf1d71d2b8aa },
        { AUDIO "}", "examples/recording.wav", 0x9086dd010ca46c30 },
        { AUDIO ",\"rate\":16000,\"window\":400,\"trim_db\":0}", "examples/recording.wav", 0x1e39166955d63820 },
        { AUDIO ",\"rate\":22050,\"window\":1024}", "examples/recording.wav", 0x33eb51ab8989c326 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_hash(cases[i].path, cases[i].json, encode(cases[i].json, cases[i].path), cases[i].hash);
}

/* The fuzzer's seeds: behind a byte that says what they are stands a small file of every format; but for Opus, whose
 * decoder picks its code by the processor and may differ in the last bits. */
static void formats(void **state)
{
    static const struct {
        const char *name, *json;
        uint64_t hash;
    } cases[] = {
        { "jpeg", IMAGE, 0x258b212d7eb809c4 },       { "jpeg_progressive", IMAGE, 0x9969474fd5119bd8 },
        { "jpeg_exif", IMAGE, 0x538a3e30596303fd },  { "png_rgba", IMAGE, 0xf98405009fa3ad2f },
        { "png_exif", IMAGE, 0xd1646d4c5ed0b415 },   { "wav", SHORT, 0x112fda46d645258c },
        { "wav_float", SHORT, 0x71eb40a09912655e },  { "wav_adpcm", SHORT, 0xd7a1b6dc8bee6e88 },
        { "rf64", SHORT, 0xf5cb1a5f76107255 },       { "aiff", SHORT, 0xf5cb1a5f76107255 },
        { "aifc_float", SHORT, 0x274560d28f02aee9 }, { "aifc_ima", SHORT, 0x12ec443f6e765089 },
        { "au", SHORT, 0xf5cb1a5f76107255 },         { "flac", SHORT, 0x2e30094b5c1ae6d3 },
        { "ogg_vorbis", SHORT, 0xe52ba50031523e51 }, { "mp3", SHORT, 0x77e4e53abf187375 },
        { "mp3_tagged", SHORT, 0x77e4e53abf187375 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct media *media = make_media(cases[i].json);
        size_t count = media_elements(media), size;
        struct reason why = { "" };
        char path[128];
        void *bytes;

        snprintf(path, sizeof path, "tests/fuzz/corpus/media/%s", cases[i].name);
        assert_ok(file_read(source_path(path), 1 << 20, &bytes, &size, &why), why);
        assert_ok(media_encode(media, path, (const char *)bytes + 1, size - 1, values, &why), why);
        assert_hash(path, cases[i].json, count, cases[i].hash);
        free(bytes);
        media_free(media);
    }
}

static void small(void **state)
{
    static const char *const paths[] = { "examples/picture.png", "examples/sentence.txt", "examples/recording.wav" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct stat status;

        assert_int_equal(stat(source_path(paths[i]), &status), 0);
        assert_true(status.st_size < 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(golden), cmocka_unit_test(formats), cmocka_unit_test(small) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
