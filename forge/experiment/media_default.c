/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/experiment/media_default.h"
#include "forge/experiment/spelling.h"
#include "forge/experiment/tasks.h"
#include "forge/plan/lineage.h"
#include "forge/train/batches.h"
#include "sparse/file/model_json.h"

enum {
    MEASURED_MAX = 20000,
    MELS = 40,
    FREQUENCIES = 257, /* of frames of 512 samples */
    CHANNELS_MAX = 4,
    PAIRS_FEATURES = 16384, /* where there are fewer, pairs of words share them with too many words */
};

CLEANUP_DEFINE(media, struct media, media_free)
CLEANUP_DEFINE(batches, struct batches, batches_free)

int media_kind_of(const char *processing, enum media_kind *out, struct reason *why)
{
    static const struct {
        const char *modality;
        enum media_kind kind;
    } modalities[] = { { "image", MEDIA_IMAGE }, { "text", MEDIA_TEXT }, { "audio", MEDIA_AUDIO } };
    size_t length = strcspn(processing, ".");

    for (size_t i = 0; i < ARRAY_SIZE(modalities); i++) {
        if (strlen(modalities[i].modality) == length && !strncmp(modalities[i].modality, processing, length)) {
            *out = modalities[i].kind;
            return 0;
        }
    }
    return refuse(why, WISP_E_INVALID,
                  "%s: training data are pictures, texts or sounds; give a type that begins with image, text or audio, "
                  "as --processing image.classification",
                  processing);
}

static uint64_t square_side(uint64_t area)
{
    uint64_t side = (uint64_t)sqrt((double)area);

    while (side * side > area)
        side--;
    while ((side + 1) * (side + 1) <= area)
        side++;
    return side * side == area ? side : 0;
}

struct media_input media_input_of(const struct model *model, uint32_t input)
{
    const struct model_tensor *taken = &model->signature.inputs[input];

    return (struct media_input){ taken->name, shape_elements(&taken->shape), model_words(model, input) };
}

/* What is said, and when: for that a second has to be as many frames always. */
static bool writes_down(const struct model *model)
{
    const struct loss *loss = task_loss(model->processing);

    return loss && loss->targets == TARGETS_LABELS;
}

/* Spectra that go back to sound, which are masked: as many as the network takes. False: its input is none. */
static bool describe_spectra(const struct model *model, uint32_t input, char *text, size_t size)
{
    const struct loss *loss = task_loss(model->processing);
    const struct shape *shape = &model->signature.inputs[input].shape;
    const uint32_t rows = shape->dimension[0];
    uint32_t recordings = 1;

    if (!loss || loss->targets != TARGETS_SPECTRA || shape->rank != 2)
        return false;
    if (!strcmp(model->processing, "audio.synthesis") && rows % FREQUENCIES == 0)
        recordings = rows / FREQUENCIES;
    snprintf(text, size,
             "{\"kind\":\"audio\",\"spectrum\":%u,\"frames\":%u,\"rate\":16000,\"floor_db\":40,\"recordings\":%u,"
             "\"answer\":\"sound\"}",
             2 * (rows / recordings - 1), shape->dimension[1], recordings);
    return true;
}

/* A softmax at as many positions as it reads words. */
static bool tags_words(const struct model *model, uint64_t inputs)
{
    const struct shape *output = model_output(model);
    const uint64_t positions = shape_elements(output) / output->dimension[0];

    return model->layers[model->layer_count - 1].kind->distribution == DISTRIBUTION_CATEGORICAL && positions > 1 &&
           positions * MEDIA_WORD_NUMBERS == inputs;
}

int media_default(enum media_kind kind, const struct model *model, uint32_t input, char **out, struct reason *why)
{
    const uint64_t inputs = shape_elements(&model->signature.inputs[input].shape);
    const uint32_t vocabulary = model_words(model, input);
    unsigned long long n = inputs, grey = square_side(inputs), colour = inputs % 3 ? 0 : square_side(inputs / 3);
    char text[160] = "";

    if (kind == MEDIA_IMAGE && (grey || colour))
        snprintf(text, sizeof text, "{\"kind\":\"image\",\"width\":%llu,\"height\":%llu,\"channels\":%d}",
                 grey ? grey : colour, grey ? grey : colour, grey ? 1 : 3);
    else if (kind == MEDIA_TEXT && vocabulary && tags_words(model, n))
        snprintf(text, sizeof text, "{\"kind\":\"text\",\"features\":%u,\"sequence\":%llu,\"each\":\"word\"}",
                 vocabulary, n / MEDIA_WORD_NUMBERS);
    else if (kind == MEDIA_TEXT && vocabulary)
        snprintf(text, sizeof text, "{\"kind\":\"text\",\"features\":%u,\"sequence\":%llu%s}", vocabulary, n,
                 vocabulary >= SPELLING_FEATURES_MIN ? ",\"vocabulary\":true" : "");
    else if (kind == MEDIA_TEXT)
        snprintf(text, sizeof text,
                 "{\"kind\":\"text\",\"features\":%llu,\"characters\":[1,1],\"words\":[1,%d],\"idf\":%s}", n,
                 n < PAIRS_FEATURES ? 1 : 2, n <= MEDIA_IDF_FEATURES_MAX ? "true" : "false");
    else if (kind == MEDIA_AUDIO && describe_spectra(model, input, text, sizeof text))
        ;
    else if (kind == MEDIA_AUDIO && n % MELS == 0)
        snprintf(text, sizeof text, "{\"kind\":\"audio\",\"mels\":%d,\"frames\":%llu%s}", MELS, n / MELS,
                 writes_down(model) ? ",\"hop\":128" : "");
    if (!*text)
        return refuse(why, WISP_E_INVALID,
                      "with %llu inputs wisp cannot guess how inputs become tensors; say it by "
                      "--media, as --media '{\"kind\": \"image\", \"width\": 32, \"height\": 24, "
                      "\"channels\": 1}'",
                      n);
    *out = strdup(text);
    return *out ? 0 : refuse_errno(why, -ENOMEM, "media");
}

enum { RATE_USUAL = 8000, RATE_HIGH = 16000 };

static bool most_are_high(const struct dataset *data)
{
    size_t high = 0;

    for (size_t i = 0; i < data->count; i++)
        high += data->sounds[i].rate >= RATE_HIGH;
    return 2 * high > data->count;
}

int media_follow_rate(char **json, const struct dataset *data, struct reason *why)
{
    cleanup_json json_t *object = json_from_string(*json, 0, NULL);
    const json_int_t hop = json_integer_value(json_object_get(object, "hop"));
    char *text;

    if (data->kind != MEDIA_AUDIO || !most_are_high(data))
        return 0;
    json_object_set_new(object, "rate", json_integer(RATE_HIGH));
    json_object_set_new(object, "window", json_integer(512));
    if (hop)
        json_object_set_new(object, "hop", json_integer(hop * RATE_HIGH / RATE_USUAL));
    text = json_to_text(object, JSON_FORM);
    if (!text)
        return refuse_errno(why, -ENOMEM, "media");
    free(*json);
    *json = text;
    return 0;
}

/* Sums of a tensor's values by channel, in double, in order: the same on every machine. */
struct moments {
    size_t channels, plane;
    double sum[CHANNELS_MAX], squares[CHANNELS_MAX];
    uint64_t count;
};

static void add_tensor(struct moments *m, const float *values)
{
    for (size_t c = 0; c < m->channels; c++) {
        for (size_t i = c * m->plane; i < (c + 1) * m->plane; i++) {
            m->sum[c] += (double)values[i];
            m->squares[c] += (double)values[i] * (double)values[i];
        }
    }
    m->count += m->plane;
}

/* Six digits: what a person would write, and no less good. */
static double rounded(double value)
{
    return rint(value * 1e6) / 1e6;
}

static void describe(json_t *object, const struct moments *m, bool by_channel)
{
    json_t *means = json_array(), *deviations = json_array();

    for (size_t c = 0; c < m->channels; c++) {
        double mean = m->sum[c] / (double)m->count;
        double variance = m->squares[c] / (double)m->count - mean * mean;

        json_array_append_new(means, json_real(rounded(mean)));
        json_array_append_new(deviations, json_real(variance > 1e-8 ? rounded(sqrt(variance)) : 1));
    }
    json_object_set(object, "mean", by_channel ? means : json_array_get(means, 0));
    json_object_set(object, "deviation", by_channel ? deviations : json_array_get(deviations, 0));
    json_decref(means);
    json_decref(deviations);
}

static int measure(const char *json, const struct dataset *data, const struct split *split, struct moments *m,
                   struct reason *why)
{
    cleanup(media_at_exit) struct media *media = NULL;
    cleanup(batches_at_exit) struct batches *batches = NULL;
    cleanup_free float *values = NULL;
    uint32_t dimensions[4];
    int result = media_parse(json, &media, why);

    if (result)
        return result;
    values = memory_alloc(media_elements(media), sizeof *values);
    if (!values)
        return refuse_errno(why, -ENOMEM, "media");
    media_shape(media, dimensions);
    m->channels = data->kind == MEDIA_IMAGE ? MIN(dimensions[0], (uint32_t)CHANNELS_MAX) : 1;
    m->plane = media_elements(media) / m->channels;
    result = batches_new(data, media, NULL, false, &batches, why);
    for (size_t i = 0; i < MIN(split->train_count, (size_t)MEASURED_MAX) && !result; i++) {
        result = batches_fill(batches, &(struct batch){ .which = split->samples + i, .count = 1 }, values, why);
        if (!result)
            add_tensor(m, values);
    }
    return result;
}

int media_of_model(const struct model *model, struct media **out, struct reason *why)
{
    cleanup_json json_t *media = model_json_media(model);
    cleanup_free char *text = media ? json_to_text(media, JSON_COMPACT) : NULL;

    return text ? media_parse(text, out, why) : refuse_errno(why, -ENOMEM, "media");
}

static bool is_by_itself(const json_t *object)
{
    const char *by = json_string_value(json_object_get(object, "normalise"));

    return by && !strcmp(by, "picture");
}

static int normalise(char **json, const struct dataset *data, const struct split *split, struct reason *why)
{
    cleanup_json json_t *object = json_from_string(*json, 0, NULL);
    struct moments m = { .count = 0 };
    char *text;
    int result;

    if (!object || json_object_get(object, "mean") || is_by_itself(object) || !split->train_count)
        return 0;
    result = measure(*json, data, split, &m, why);
    if (result)
        return result;
    describe(object, &m, data->kind == MEDIA_IMAGE);
    text = json_to_text(object, JSON_FORM);
    if (!text)
        return refuse_errno(why, -ENOMEM, "media");
    free(*json);
    *json = text;
    return 0;
}

/* 1 or 0; -ENOMEM, since a description that memory was too short to read would be one that wants none. */
static int wants_idf(const struct model *model)
{
    cleanup_json json_t *object = json_from_string(model->media, 0, NULL);

    if (!object && errno == ENOMEM)
        return -ENOMEM;
    return !model->idf && json_is_true(json_object_get(object, "idf"));
}

/* In how many of the samples each feature is not 0. */
static int count_features(struct batches *batches, const struct split *split, uint32_t *counts, struct reason *why)
{
    for (size_t i = 0; i < split->train_count; i++) {
        const struct batch batch = { .which = split->samples + i, .count = 1 };
        const struct sparse_vector *text;
        int result = batches_lend(batches, &batch, &text, why);

        if (result)
            return result;
        for (uint32_t k = 0; k < text->count; k++)
            counts[text->elements[k].index]++;
    }
    return 0;
}

static int learn_idf(struct model *model, const struct dataset *data, const struct split *split, struct pool *pool,
                     struct reason *why)
{
    cleanup(media_at_exit) struct media *media = NULL;
    cleanup(batches_at_exit) struct batches *batches = NULL;
    cleanup_free uint32_t *counts = NULL;
    int result = media_parse(model->media, &media, why);

    if (!result)
        result = batches_new(data, media, pool, true, &batches, why);
    if (result)
        return result;
    model->idf_count = (uint32_t)media_elements(media);
    counts = memory_zalloc(model->idf_count, sizeof *counts);
    model->idf = memory_alloc(model->idf_count, 1);
    if (!counts || !model->idf)
        return refuse_errno(why, -ENOMEM, "the idf of %u features", model->idf_count);
    result = count_features(batches, split, counts, why);
    for (uint32_t i = 0; i < model->idf_count; i++)
        model->idf[i] = media_idf(split->train_count, counts[i]);
    return result;
}

int media_complete(struct model *model, const struct dataset *data, const struct split *split, struct pool *pool,
                   struct reason *why)
{
    int wanted;

    if (data->kind != MEDIA_TEXT)
        return normalise(&model->media, data, split, why);
    wanted = wants_idf(model);
    if (wanted < 0)
        return refuse_errno(why, wanted, "the description of the texts");
    return wanted ? learn_idf(model, data, split, pool, why) : spelling_learn(model, data, split, why);
}
