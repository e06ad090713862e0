/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples decoded in the forge: texts of all lengths together, in batches of any size, greedily and by beams, give the
 * words of the plain forward pass over each alone, to which the daemon is held, too (tests/unit/daemon/test_decode.c).
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/decoding/decode.h"
#include "support/test.h"
#include "support/translator.h"

enum { SAMPLES = 23, SOURCE = 7, TARGET = 9, VOCABULARY = 16, TEXT = 2 * SOURCE + 4 };

#define MEDIA "{\"kind\":\"text\",\"features\":16,\"sequence\":%d}"

static struct fixture {
    struct dataset data;
    struct dataset_text texts[SAMPLES], targets[SAMPLES];
    char words[SAMPLES][TEXT];
    struct media *source, *target;
    struct model *model;
    struct batches *batches;
} f;

/* Of one letter to more than there is room for. */
static void make_texts(void)
{
    struct rng rng = rng_make(11, 0);

    for (size_t i = 0; i < SAMPLES; i++) {
        const size_t words = 1 + i % (SOURCE + 1);

        for (size_t w = 0; w < words; w++) {
            f.words[i][2 * w] = (char)('a' + rng_below(&rng, 26));
            f.words[i][2 * w + 1] = ' ';
        }
        f.texts[i] = (struct dataset_text){ f.words[i], 2 * words - 1 };
        f.targets[i] = (struct dataset_text){ f.words[i], 2 * (1 + words / 2) - 1 };
    }
}

static int setup(void **state)
{
    static const struct translator translator = { .kind = "attention",
                                                  .source = SOURCE,
                                                  .positions = TARGET,
                                                  .length = TARGET - 1,
                                                  .vocabulary = VOCABULARY,
                                                  .width = 4,
                                                  .masked = true,
                                                  .seed = 12 };
    struct batches_words words = { .source = 0, .target = 1 };
    char text[64];
    struct reason why;

    (void)state;
    make_texts();
    f.data = (struct dataset){
        .name = "made", .kind = MEDIA_TEXT, .count = SAMPLES, .texts = f.texts, .targets = f.targets
    };
    snprintf(text, sizeof text, MEDIA, SOURCE);
    assert_ok(media_parse(text, &f.source, &why), why);
    snprintf(text, sizeof text, MEDIA, TARGET);
    assert_ok(media_parse(text, &f.target, &why), why);
    f.model = translator_model(&translator);
    words.media = f.target;
    assert_ok(batches_new(&f.data, f.source, NULL, true, &f.batches, &why), why);
    assert_ok(batches_follow(f.batches, &words, true, &why), why);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    batches_free(f.batches);
    media_free(f.source);
    media_free(f.target);
    model_free(f.model);
    return 0;
}

struct seen {
    uint32_t beam;
    size_t count;
};

static void see(void *argument, const struct decoded *decoded)
{
    struct seen *seen = argument;
    const struct dataset_text *text = &f.texts[decoded->sample];
    float numbers[SOURCE];
    int32_t source[SOURCE], right[TARGET];
    uint32_t count;
    double score;
    struct reason why;

    assert_int_equal(decoded->sample, (seen->count++ * 5) % SAMPLES);
    assert_ok(media_encode_text(f.source, "text", text->bytes, text->length, numbers, &why), why);
    for (size_t i = 0; i < SOURCE; i++)
        source[i] = (int32_t)numbers[i];
    count = seen->beam == 1 ? translator_decode(f.model, source, right)
                            : translator_search(f.model, source, seen->beam, right, &score);
    assert_int_equal(decoded->count, count);
    assert_memory_equal(decoded->words, right, count * sizeof *right);
}

static void test_words(void **state)
{
    static const struct {
        size_t batch;
        uint32_t beam;
    } cases[] = { { 4, 1 }, { SAMPLES, 4 }, { 7, 3 } };
    uint32_t which[SAMPLES];

    (void)state;
    for (uint32_t i = 0; i < SAMPLES; i++)
        which[i] = i * 5 % SAMPLES;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct decode decode = { .model = f.model,
                                       .kernels = kernels_find("auto"),
                                       .batches = f.batches,
                                       .batch = cases[i].batch,
                                       .beam = cases[i].beam };
        struct seen seen = { .beam = cases[i].beam };
        struct reason why;

        assert_ok(decode_samples(&decode, which, SAMPLES, see, &seen, &why), why);
        assert_int_equal(seen.count, SAMPLES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };

    return cmocka_run_group_tests(tests, setup, teardown);
}
