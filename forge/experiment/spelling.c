/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "forge/experiment/spelling.h"
#include "forge/plan/lineage.h"
#include "forge/vocabulary/learner.h"

CLEANUP_DEFINE(learner, struct learner, learner_free)
CLEANUP_DEFINE(vocabulary, struct vocabulary, vocabulary_free)

static int write_back(char **json, const json_t *object, struct reason *why)
{
    char *text = json_to_text(object, JSON_FORM);

    if (!text)
        return refuse_errno(why, -ENOMEM, "media");
    free(*json);
    *json = text;
    return 0;
}

int spelling_answer(char **json, uint32_t features, unsigned long long sequence, struct reason *why)
{
    cleanup_json json_t *object = json_from_string(*json, 0, NULL);

    json_object_set_new(object, "answer",
                        json_pack("{s:s s:I s:I s:b}", "kind", "text", "features", (json_int_t)features, "sequence",
                                  (json_int_t)sequence, "vocabulary", features >= SPELLING_FEATURES_MIN));
    return write_back(json, object, why);
}

static json_t *list_pieces(const struct vocabulary *vocabulary)
{
    json_t *list = json_array();

    for (uint32_t i = VOCABULARY_PIECES; i < vocabulary_size(vocabulary); i++) {
        size_t length;
        const char *piece = vocabulary_piece(vocabulary, i, &length);

        if (json_array_append_new(list, json_stringn(piece, length))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Puts a list in the place of true. */
static int learn_texts(json_t *description, const struct dataset_text *texts, const struct split *split,
                       struct reason *why)
{
    const json_int_t features = json_integer_value(json_object_get(description, "features"));
    cleanup(learner_at_exit) struct learner *learner = learner_new();
    cleanup(vocabulary_at_exit) struct vocabulary *vocabulary = NULL;
    int result = learner ? 0 : -ENOMEM;

    for (size_t i = 0; !result && i < split->train_count; i++) {
        const struct dataset_text *text = &texts[split->samples[i]];

        result = learner_add(learner, text->bytes, text->length);
    }
    if (!result)
        result = learner_finish(learner, (size_t)features - VOCABULARY_PIECES, &vocabulary);
    if (!result && json_object_set_new(description, "vocabulary", list_pieces(vocabulary)))
        result = -ENOMEM;
    return result ? refuse_errno(why, result, "a vocabulary of %lld", (long long)features) : 0;
}

static bool is_called_for(const json_t *description)
{
    return json_is_true(json_object_get(description, "vocabulary"));
}

int spelling_learn(struct model *model, const struct dataset *data, const struct split *split, struct reason *why)
{
    cleanup_json json_t *object = json_from_string(model->media, 0, NULL);
    json_t *answer = json_object_get(object, "answer");
    const bool reads = is_called_for(object), writes = is_called_for(answer) && data->targets;
    int result = 0;

    if (reads)
        result = learn_texts(object, data->texts, split, why);
    if (!result && writes)
        result = learn_texts(answer, data->targets, split, why);
    return result || !(reads || writes) ? result : write_back(&model->media, object, why);
}
