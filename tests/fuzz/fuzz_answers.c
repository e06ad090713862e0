/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that lies: any bytes as what it says of a model and as what that model gives. A description, in JSON, ends
 * with a zero; the bytes behind it are the outputs, again from the beginning where they end. What the library makes of
 * that is refused with a sentence, or labels, a text in UTF-8, a transcript, words with labels, a picture, within what
 * there is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>
#include <wisp/private.h>

#include "base/memory.h"
#include "base/size.h"
#include "client/codecs/codec.h"
#include "client/model.h"
#include "media/spec/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 18, TOP = 5 };

static const char text[] = "The first words are few. 42 m\xc3\xa4nn\xc3\xa4 \xf0\x9f\x90\x9d, and more of them";

static void require(int condition)
{
    if (!condition)
        abort();
}

/* Refused with a sentence, or done. */
static int done(int result)
{
    require(!result || strlen(wisp_last_error()) > 4);
    return !result;
}

static void require_utf8(const char *said)
{
    const uint8_t *at = (const uint8_t *)said;

    while (*at) {
        const int more = *at < 0x80 ? 0 : (*at & 0xe0) == 0xc0 ? 1 : (*at & 0xf0) == 0xe0 ? 2 : 3;

        require(*at < 0x80 || (*at >= 0xc2 && *at <= 0xf4));
        for (int i = 1; i <= more; i++)
            require((at[i] & 0xc0) == 0x80);
        at += more + 1;
    }
}

/* Memory of just that size, so that the sanitizer sees the first byte beyond it. */
static void *fill(size_t bytes, const uint8_t *from, size_t size)
{
    uint8_t *to = malloc(bytes ? bytes : 1);

    require(to != NULL);
    for (size_t i = 0; i < bytes; i++)
        to[i] = size ? from[i % size] : 0;
    return to;
}

/* ---- what is made of it ---- */

static void try_labels(const wisp_model *model, const float *output)
{
    struct wisp_label top[TOP];
    size_t count = TOP;

    if (!done(wisp_top(model, output, top, &count)))
        return;
    require(count <= TOP);
    for (size_t i = 0; i < count; i++)
        require(isfinite(top[i].probability));
}

static void try_transcript(const wisp_model *model, const float *input, const float *output)
{
    static const uint32_t beams[] = { 1, 3, 16 };

    for (size_t i = 0; i < ARRAY_SIZE(beams); i++) {
        char *said;

        if (!done(wisp_transcript(model, input, output, beams[i], &said)))
            return;
        require_utf8(said);
        free(said);
    }
}

static void try_words(const wisp_model *model, const float *output)
{
    wisp_words *words = NULL;
    float *input;

    if (!wisp_takes_words(model) || !done(wisp_words_new(model, text, strlen(text), &words)))
        return;
    input = malloc(wisp_model_input_size(model) * sizeof *input);
    require(input != NULL);
    for (size_t i = 0; i < wisp_words_samples(words); i++) {
        wisp_words_encode(words, i, input);
        if (!done(wisp_words_take(words, i, output)))
            break;
    }
    for (size_t i = 0; i < wisp_words_count(words); i++) {
        const struct wisp_word word = wisp_words_word(words, i);

        require(word.probability >= 0 && word.probability <= 1 && word.label <= wisp_model_label_count(model));
        require_utf8(word.text);
        require_utf8(word.category);
        require_utf8(word.lemma ? word.lemma : "");
    }
    free(input);
    wisp_words_free(words);
}

static void try_text(const wisp_model *model, const int32_t *words)
{
    char *said;

    if (!done(wisp_decode_text(model, words, wisp_model_words(model), &said)))
        return;
    require_utf8(said);
    free(said);
}

static void try_picture(const wisp_model *model, const float *output)
{
    struct media_picture picture;

    if (!done(codec_picture(model, output, 0.5f, &picture)))
        return;
    require(picture.channels == 1 || picture.channels == 3);
    free(picture.pixels);
}

static void try_input(const wisp_model *model, const struct wisp_tensor *input)
{
    void *memory = malloc(input->bytes ? input->bytes : 1);

    require(memory != NULL);
    (void)done(wisp_encode_input(model, text, strlen(text), memory));
    free(memory);
}

static void try_outputs(const wisp_model *model, const uint8_t *bytes, size_t size)
{
    struct wisp_tensor input, output;
    void *given, *taken;

    require(!wisp_model_input(model, 0, &input) && !wisp_model_output(model, 0, &output));
    if (input.bytes > BYTES_MAX || output.bytes > BYTES_MAX)
        return;
    taken = fill(input.bytes, bytes, size);
    given = fill(output.bytes, bytes, size);
    try_input(model, &input);
    if (wisp_model_words(model)) {
        require(wisp_model_words(model) * sizeof(int32_t) == output.bytes);
        try_text(model, given);
    }
    if (wisp_model_output_size(model))
        try_labels(model, given);
    if (wisp_gives_transcript(model))
        try_transcript(model, taken, given);
    if (output.dtype == WISP_FLOAT32) {
        try_words(model, given);
        try_picture(model, given);
    }
    free(taken);
    free(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    const size_t length = end ? (size_t)(end - data) : size;
    char *json = strndup((const char *)data, length);
    wisp_model *model = NULL;
    struct reason why = { "" };

    require(json != NULL);
    if (model_from_json("fuzz", json, &model, &why)) {
        require(!model && strlen(why.text) > 4);
        return 0;
    }
    try_outputs(model, end ? end + 1 : NULL, end ? size - length - 1 : 0);
    wisp_model_free(model);
    return 0;
}
