/* SPDX-License-Identifier: Apache-2.0
 *
 * The description's validator: one table of keys, with each its type, bounds and what it is when absent; then what
 * concerns several keys at once (spec_finish()). A refusal names the key.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "base/suggest.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"
#include "media/spec/spec_finish.h"

enum {
    KEYS_MAX = 16, /* of one kind */
};

enum value_type {
    VALUE_COUNT,  /* whole number -> uint32_t */
    VALUE_REAL,   /* number -> double */
    VALUE_PAIR,   /* [least, most] -> uint32_t[2] */
    VALUE_CHOICE, /* one of `choices` -> uint32_t */
    VALUE_LIST,   /* number or list of numbers -> double[CHANNELS_MAX] */
    VALUE_IDF,    /* false, true, or base64 -> uint8_t *, a byte a feature */
    VALUE_SHAPE,  /* list of whole numbers -> dimensions and rank */
    VALUE_PIECES, /* false, true, or a list of strings -> struct vocabulary * */
    VALUE_MEDIA,  /* the description of a text -> struct media * */
};

/* A sound's tensor has bands or spectra, and some keys are of one of them. */
enum sound_form { FORM_ANY, FORM_BANDS, FORM_SPECTRA };

struct key {
    enum media_kind kind;
    const char *name;
    enum value_type type;
    size_t offset; /* in struct media */
    bool required;
    double min, max;
    double default_value, default_second; /* the value when the key is absent */
    const char *const *choices;
    enum sound_form form;
};

static const char *const kinds[] = {
    [MEDIA_RAW] = "raw", [MEDIA_IMAGE] = "image", [MEDIA_TEXT] = "text", [MEDIA_AUDIO] = "audio"
};
static const char *const fits[] = { [MEDIA_FIT_STRETCH] = "stretch",
                                    [MEDIA_FIT_CONTAIN] = "contain",
                                    [MEDIA_FIT_COVER] = "cover",
                                    [MEDIA_FIT_TILES] = "tiles",
                                    NULL };
static const char *const normalises[] = {
    [MEDIA_NORMALISE_GIVEN] = "given", [MEDIA_NORMALISE_PICTURE] = "picture", NULL
};
static const char *const answers[] = {
    [MEDIA_ANSWER_NONE] = "none", [MEDIA_ANSWER_PICTURE] = "picture", [MEDIA_ANSWER_MASK] = "mask", NULL
};
static const char *const sound_answers[] = { "none", "sound", NULL };
static const char *const weights[] = {
    [MEDIA_WEIGHT_COUNT] = "count", [MEDIA_WEIGHT_SQRT] = "sqrt", [MEDIA_WEIGHT_LOG] = "log", NULL
};
static const char *const norms[] = { [MEDIA_NORM_L2] = "l2", [MEDIA_NORM_NONE] = "none", NULL };

static const char *const each[] = { [MEDIA_EACH_TEXT] = "text", [MEDIA_EACH_WORD] = "word", NULL };

#define IMAGE(member) MEDIA_IMAGE, #member, .offset = offsetof(struct media, image.member)
#define TEXT(member)  MEDIA_TEXT, #member, .offset = offsetof(struct media, text.member)
#define AUDIO(member) MEDIA_AUDIO, #member, .offset = offsetof(struct media, audio.member)

static const struct key keys[] = {
    { IMAGE(width), .type = VALUE_COUNT, .required = true, .min = 1, .max = SIDE_MAX },
    { IMAGE(height), .type = VALUE_COUNT, .required = true, .min = 1, .max = SIDE_MAX },
    { IMAGE(channels), .type = VALUE_COUNT, .min = 1, .max = 3, .default_value = 3 },
    { IMAGE(fit), .type = VALUE_CHOICE, .choices = fits, .default_value = MEDIA_FIT_STRETCH },
    { IMAGE(overlap), .type = VALUE_COUNT, .min = 0, .max = SIDE_MAX / 2.0, .default_value = OVERLAP_UNSAID },
    { IMAGE(background), .type = VALUE_COUNT, .min = 0, .max = 255, .default_value = 0 },
    { IMAGE(normalise), .type = VALUE_CHOICE, .choices = normalises, .default_value = MEDIA_NORMALISE_GIVEN },
    { IMAGE(mean), .type = VALUE_LIST, .min = -1e6, .max = 1e6, .default_value = 0 },
    { IMAGE(deviation), .type = VALUE_LIST, .min = 1e-6, .max = 1e6, .default_value = 1 },
    { IMAGE(answer), .type = VALUE_CHOICE, .choices = answers, .default_value = MEDIA_ANSWER_NONE },
    { IMAGE(threshold), .type = VALUE_COUNT, .min = 1, .max = 255, .default_value = 128 },

    { TEXT(features), .type = VALUE_COUNT, .required = true, .min = 1, .max = 1 << 24 },
    { TEXT(sequence), .type = VALUE_COUNT, .min = 0, .max = 65536, .default_value = 0 },
    { TEXT(each), .type = VALUE_CHOICE, .choices = each, .default_value = MEDIA_EACH_TEXT },
    { TEXT(characters), .type = VALUE_PAIR, .min = 1, .max = 8, .default_value = 1, .default_second = 3 },
    { TEXT(words), .type = VALUE_PAIR, .min = 1, .max = 8, .default_value = 1, .default_second = 1 },
    { TEXT(weight), .type = VALUE_CHOICE, .choices = weights, .default_value = MEDIA_WEIGHT_LOG },
    { TEXT(norm), .type = VALUE_CHOICE, .choices = norms, .default_value = MEDIA_NORM_L2 },
    { TEXT(idf), .type = VALUE_IDF },           /* after `features` */
    { TEXT(vocabulary), .type = VALUE_PIECES }, /* the same */
    { TEXT(answer), .type = VALUE_MEDIA },
    { TEXT(limit), .type = VALUE_COUNT, .min = 16, .max = 1 << 24, .default_value = 65536 },

    { AUDIO(rate), .type = VALUE_COUNT, .min = 1000, .max = 192000, .default_value = 8000 },
    { AUDIO(mels), .type = VALUE_COUNT, .required = true, .min = 1, .max = 512, .form = FORM_BANDS },
    { AUDIO(spectrum), .type = VALUE_COUNT, .min = 16, .max = 8192, .default_value = 0, .form = FORM_SPECTRA },
    { AUDIO(recordings), .type = VALUE_COUNT, .min = 1, .max = 8, .default_value = 1, .form = FORM_SPECTRA },
    { AUDIO(answer), .type = VALUE_CHOICE, .choices = sound_answers, .default_value = 0, .form = FORM_SPECTRA },
    { AUDIO(frames), .type = VALUE_COUNT, .required = true, .min = 1, .max = 4096 },
    { AUDIO(hop), .type = VALUE_COUNT, .min = 0, .max = 65536, .default_value = 0 },
    { AUDIO(window), .type = VALUE_COUNT, .min = 16, .max = 65536, .default_value = 256, .form = FORM_BANDS },
    { AUDIO(low), .type = VALUE_REAL, .min = 0, .max = 96000, .default_value = 60, .form = FORM_BANDS },
    { AUDIO(high), .type = VALUE_REAL, .min = 1, .max = 96000, .default_value = 0, .form = FORM_BANDS },
    { AUDIO(trim_db), .type = VALUE_REAL, .min = 0, .max = 120, .default_value = 40, .form = FORM_BANDS },
    { AUDIO(floor_db), .type = VALUE_REAL, .min = 1, .max = 200, .default_value = 60 },
    { AUDIO(mean), .type = VALUE_REAL, .min = -1e6, .max = 1e6, .default_value = 0 },
    { AUDIO(deviation), .type = VALUE_REAL, .min = 1e-6, .max = 1e6, .default_value = 1 },

    { MEDIA_RAW, "shape", .type = VALUE_SHAPE, .required = true, .min = 1, .max = ELEMENTS_MAX },
};

#undef IMAGE
#undef TEXT
#undef AUDIO

CLEANUP_DEFINE(media, struct media, media_free)

static int refuse_range(const struct key *key, struct reason *why)
{
    return refuse(why, WISP_E_FORMAT, "%s: a %s from %.10g to %.10g is expected", key->name,
                  key->type == VALUE_REAL || key->type == VALUE_LIST ? "number" : "whole number", key->min, key->max);
}

static bool in_range(const struct key *key, double value)
{
    return value >= key->min && value <= key->max;
}

static int read_count(const struct key *key, const json_t *value, uint32_t *out, struct reason *why)
{
    if (!json_is_integer(value) || !in_range(key, (double)json_integer_value(value)))
        return refuse_range(key, why);
    *out = (uint32_t)json_integer_value(value);
    return 0;
}

static int read_real(const struct key *key, const json_t *value, double *out, struct reason *why)
{
    if (!json_is_number(value) || !in_range(key, json_number_value(value)))
        return refuse_range(key, why);
    *out = json_number_value(value);
    return 0;
}

static int read_pair(const struct key *key, const json_t *value, uint32_t out[2], struct reason *why)
{
    const json_t *min = json_array_get(value, 0), *max = json_array_get(value, 1);
    int result;

    if (json_array_size(value) != 2)
        return refuse(why, WISP_E_FORMAT, "%s: [shortest, longest] is expected, or [0, 0] for none", key->name);
    out[0] = out[1] = 0;
    if (json_is_integer(min) && json_is_integer(max) && !json_integer_value(min) && !json_integer_value(max))
        return 0;
    result = read_count(key, min, &out[0], why);
    if (!result)
        result = read_count(key, max, &out[1], why);
    if (!result && out[0] > out[1])
        return refuse(why, WISP_E_FORMAT, "%s: [%u, %u] begins above its end", key->name, out[0], out[1]);
    return result;
}

static int read_choice(const struct key *key, const json_t *value, uint32_t *out, struct reason *why)
{
    const char *word = json_string_value(value);
    char known[80] = "";

    for (uint32_t i = 0; key->choices[i]; i++) {
        if (word && !strcmp(word, key->choices[i])) {
            *out = i;
            return 0;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s\"%s\"", i ? ", " : "", key->choices[i]);
    }
    return refuse(why, WISP_E_FORMAT, "%s: one of %s is expected", key->name, known);
}

/* One number for all channels, or one for each. */
static int read_list(const struct media *media, const struct key *key, const json_t *value, double out[CHANNELS_MAX],
                     struct reason *why)
{
    size_t channels = media->image.channels, count = json_is_array(value) ? json_array_size(value) : 1;

    if (count != 1 && count != channels)
        return refuse(why, WISP_E_FORMAT, "%s: %zu values for %zu channel%s", key->name, count, channels,
                      channels == 1 ? "" : "s");
    for (size_t i = 0; i < channels; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, count == 1 ? 0 : i) : value;
        int result = read_real(key, one, &out[i], why);

        if (result)
            return result;
    }
    return 0;
}

static int read_idf(struct media *media, const struct key *key, const json_t *value, uint8_t **out, struct reason *why)
{
    const char *text = json_string_value(value);
    uint32_t features = media->text.features;

    if (!text && !json_is_boolean(value))
        return refuse(why, WISP_E_FORMAT, "%s: true, false, or base64 is expected", key->name);
    if (json_is_false(value))
        return 0;
    if (features > MEDIA_IDF_FEATURES_MAX)
        return refuse(why, WISP_E_FORMAT, "%s: at most %u features can have it; there are %u", key->name,
                      MEDIA_IDF_FEATURES_MAX, features);
    *out = calloc(features, sizeof **out);
    if (!*out)
        return refuse_errno(why, -ENOMEM, "%s", key->name);
    if (text && !base64_decode(text, json_string_length(value), *out, features))
        return refuse(why, WISP_E_FORMAT, "%s: base64 of %u bytes is expected, one a feature", key->name, features);
    return 0;
}

static int read_shape(struct media *media, const struct key *key, const json_t *value, struct reason *why)
{
    size_t rank = json_array_size(value);

    if (rank < 1 || rank > ARRAY_SIZE(media->dimensions))
        return refuse(why, WISP_E_FORMAT, "%s: a list of 1 to %zu dimensions is expected", key->name,
                      ARRAY_SIZE(media->dimensions));
    for (size_t i = 0; i < rank; i++) {
        int result = read_count(key, json_array_get(value, i), &media->dimensions[i], why);

        if (result)
            return result;
    }
    media->rank = (unsigned)rank;
    return 0;
}

/* Those that the model has learned; true: none yet. */
static int read_pieces(const struct key *key, const json_t *value, struct vocabulary **out, struct reason *why)
{
    const size_t count = json_array_size(value);
    int result = 0;

    if (!json_is_array(value) && !json_is_boolean(value))
        return refuse(why, WISP_E_FORMAT, "%s: true, false, or a list of strings is expected", key->name);
    if (json_is_false(value))
        return 0;
    *out = vocabulary_new(count);
    if (!*out)
        return refuse_errno(why, -ENOMEM, "%s", key->name);
    for (size_t i = 0; !result && i < count; i++) {
        const json_t *piece = json_array_get(value, i);

        if (!json_is_string(piece))
            return refuse(why, WISP_E_FORMAT, "%s: piece %zu is no string", key->name, i + 1);
        result = vocabulary_add(*out, json_string_value(piece), json_string_length(piece), why);
    }
    return result ? refuse_in(why, result, "%s", key->name) : 0;
}

static int read_media(json_t *object, struct media *media, struct reason *why);

/* Of a text whose answer is described in turn there is none. */
static int read_answer(const struct key *key, json_t *value, struct media **out, struct reason *why)
{
    const bool nested = json_object_get(value, key->name) != NULL;
    int result;

    *out = calloc(1, sizeof **out);
    if (!*out)
        return refuse_errno(why, -ENOMEM, "%s", key->name);
    result = nested ? refuse(why, WISP_E_FORMAT, "an answer has no answer") : read_media(value, *out, why);
    if (!result && !media_vocabulary(*out))
        result = refuse(why, WISP_E_FORMAT, "it is no text with a \"sequence\"");
    return result ? refuse_in(why, result, "%s", key->name) : 0;
}

static int read_value(struct media *media, const struct key *key, json_t *value, struct reason *why)
{
    void *out = (char *)media + key->offset;

    switch (key->type) {
    case VALUE_COUNT:
        return read_count(key, value, out, why);
    case VALUE_REAL:
        return read_real(key, value, out, why);
    case VALUE_PAIR:
        return read_pair(key, value, out, why);
    case VALUE_CHOICE:
        return read_choice(key, value, out, why);
    case VALUE_LIST:
        return read_list(media, key, value, out, why);
    case VALUE_IDF:
        return read_idf(media, key, value, out, why);
    case VALUE_SHAPE:
        return read_shape(media, key, value, why);
    case VALUE_PIECES:
        return read_pieces(key, value, out, why);
    case VALUE_MEDIA:
        return read_answer(key, value, out, why);
    }
    return -EINVAL;
}

static void default_value(struct media *media, const struct key *key)
{
    void *out = (char *)media + key->offset;
    uint32_t *counts = out;
    double *reals = out;

    switch (key->type) {
    case VALUE_PAIR:
        counts[1] = (uint32_t)key->default_second;
        counts[0] = (uint32_t)key->default_value;
        break;
    case VALUE_COUNT:
    case VALUE_CHOICE:
        counts[0] = (uint32_t)key->default_value;
        break;
    case VALUE_LIST:
        for (int i = 0; i < CHANNELS_MAX; i++)
            reals[i] = key->default_value;
        break;
    case VALUE_REAL:
        reals[0] = key->default_value;
        break;
    case VALUE_IDF:
    case VALUE_SHAPE:
    case VALUE_PIECES:
    case VALUE_MEDIA:
        break;
    }
}

static int refuse_unknown(enum media_kind kind, const char *name, struct reason *why)
{
    const char *known[KEYS_MAX] = { "kind" };
    size_t count = 1;
    const char *near;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].kind == kind && count < KEYS_MAX)
            known[count++] = keys[i].name;
    }
    near = suggest(name, known, count);
    return refuse(why, WISP_E_FORMAT, "unknown key '%.60s' for kind \"%s\"%s%s%s", name, kinds[kind],
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool is_known(enum media_kind kind, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].kind == kind && !strcmp(keys[i].name, name))
            return true;
    }
    return !strcmp(name, "kind");
}

static int read_kind(const json_t *object, enum media_kind *out, struct reason *why)
{
    const char *word = json_string_value(json_object_get(object, "kind")), *near;

    if (!word)
        return refuse(why, WISP_E_FORMAT, "kind: one of \"image\", \"text\", \"audio\", \"raw\" is expected");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(word, kinds[i])) {
            *out = (enum media_kind)i;
            return 0;
        }
    }
    near = suggest(word, kinds, ARRAY_SIZE(kinds));
    return refuse(why, WISP_E_FORMAT, "kind: \"%.40s\" is none of \"image\", \"text\", \"audio\", \"raw\"%s%s%s", word,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Whether a key is of the form of sound that the description has. */
static int check_form(const struct key *key, enum sound_form form, const json_t *value, struct reason *why)
{
    if (!value || key->form == FORM_ANY || key->form == form)
        return 0;
    return refuse(why, WISP_E_FORMAT,
                  key->form == FORM_BANDS ? "%s: that is of mel bands, and with 'spectrum' there are none"
                                          : "%s: that is of spectra; give 'spectrum' in place of 'mels'",
                  key->name);
}

static int read_keys(struct media *media, json_t *object, struct reason *why)
{
    const enum sound_form form = json_object_get(object, "spectrum") ? FORM_SPECTRA : FORM_BANDS;
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        if (!is_known(media->kind, name))
            return refuse_unknown(media->kind, name, why);
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const struct key *key = &keys[i];
        int result = 0;

        if (key->kind != media->kind)
            continue;
        value = json_object_get(object, key->name);
        result = check_form(key, form, value, why);
        if (!result && value)
            result = read_value(media, key, value, why);
        else if (!result && key->required && (key->form == FORM_ANY || key->form == form))
            return refuse(why, WISP_E_FORMAT, "key '%s' is missing", key->name);
        else if (!result)
            default_value(media, key);
        if (result)
            return result;
    }
    return 0;
}

static int read_media(json_t *object, struct media *media, struct reason *why)
{
    int result;

    if (!json_is_object(object))
        return refuse(why, WISP_E_FORMAT, "a JSON object is expected, as {\"kind\": \"text\", \"features\": 4096}");
    result = read_kind(object, &media->kind, why);
    if (!result)
        result = read_keys(media, object, why);
    return result ? result : spec_finish(media, why);
}

int media_parse(const char *json, struct media **out, struct reason *why)
{
    cleanup(media_at_exit) struct media *media = calloc(1, sizeof *media);
    cleanup_json json_t *object = NULL;
    json_error_t error;
    int result;

    if (!media)
        return refuse_errno(why, -ENOMEM, "media description");
    object = json_from_string(json, JSON_REJECT_DUPLICATES, &error);
    if (!object && errno == ENOMEM)
        return refuse_errno(why, -ENOMEM, "media description");
    if (!object)
        return refuse(why, WISP_E_FORMAT, "media description, line %d, column %d: %s", error.line, error.column,
                      error.text);
    result = read_media(object, media, why);
    if (result)
        return refuse_in(why, result, "media description");
    *out = steal(&media);
    return 0;
}

struct media *media_free(struct media *media)
{
    if (media) {
        mel_free(media->mel);
        spectra_free(media->spectra);
        free(media->text.idf);
        vocabulary_free(media->text.vocabulary);
        media_free(media->text.answer);
        free(media);
    }
    return NULL;
}

enum media_kind media_kind(const struct media *media)
{
    return media->kind;
}

enum media_answer media_answer(const struct media *media)
{
    if (media->kind == MEDIA_AUDIO)
        return media->audio.answer ? MEDIA_ANSWER_SOUND : MEDIA_ANSWER_NONE;
    return media->kind == MEDIA_IMAGE ? (enum media_answer)media->image.answer : MEDIA_ANSWER_NONE;
}

size_t media_elements(const struct media *media)
{
    return media->elements;
}

uint32_t media_vocabulary(const struct media *media)
{
    return media->kind == MEDIA_TEXT && media->text.sequence ? media->text.features : 0;
}

const struct media *media_answer_text(const struct media *media)
{
    return media->text.answer;
}

bool media_is_of_words(const struct media *media)
{
    return media->kind == MEDIA_TEXT && media->text.each == MEDIA_EACH_WORD;
}

bool media_reads_back(const struct media *media)
{
    return media->text.vocabulary != NULL;
}

unsigned media_shape(const struct media *media, uint32_t dimensions[4])
{
    memcpy(dimensions, media->dimensions, sizeof media->dimensions);
    return media->rank;
}
