/* SPDX-License-Identifier: Apache-2.0
 *
 * The inputs that ship, through recipes like those of the models that ship. What pictures and texts become is the same
 * to the bit on every machine, and a change of it would make every trained model worse: so it is held here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

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
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t count = encode(cases[i].json, cases[i].path);
        uint64_t hash = XXH3_64bits(values, count * sizeof *values);

        if (hash != cases[i].hash)
            fail_msg("%s by %s: 0x%016" PRIx64, cases[i].path, cases[i].json, hash);
    }
}

/* Every so many values of the recording, to what another CPU may change. */
static void recording(void **state)
{
    static const float expected[] = { 0.413863f, 0.692715f, 0.296508f, 0.664571f, 0.198098f, 0.516638f,
                                      0.170051f, 0.289076f, 0.164035f, 0.488971f, 0.039666f, 0.000000f,
                                      0.114583f, 0.495143f, 0.316334f, 0.339436f };
    size_t count = encode("{\"kind\":\"audio\",\"mels\":40,\"frames\":32}", "examples/recording.wav");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_float_equal(values[i * count / ARRAY_SIZE(expected)], expected[i], 1e-4);
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(golden), cmocka_unit_test(recording),
                                        cmocka_unit_test(small) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
