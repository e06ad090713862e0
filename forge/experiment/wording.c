/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "forge/experiment/media_default.h"
#include "forge/experiment/spelling.h"
#include "forge/experiment/wording.h"

/* The number of inputs, where none is called so. */
static uint32_t find_input(const struct signature *signature, const char *name)
{
    uint32_t i = 0;

    while (i < signature->input_count && strcmp(signature->inputs[i].name, name) != 0)
        i++;
    return i;
}

int wording_inputs(const struct model *model, const struct batches_noise *noise, struct batches_words *out,
                   struct reason *why)
{
    const struct signature *signature = &model->signature;

    *out = (struct batches_words){ .media = NULL };
    if (noise->drawn && !noise->alone)
        out->source = !noise->input; /* of two */
    if (noise->drawn || signature->input_count == 1)
        return 0;
    out->source = find_input(signature, "source");
    out->target = find_input(signature, "target");
    if (signature->input_count == 2 && out->source < 2 && out->target < 2)
        return 0;
    return refuse(why, WISP_E_FORMAT,
                  "it has %u inputs; data fill one, or two that are called source and target, of a network that gives "
                  "words",
                  signature->input_count);
}

static bool learns_targets(const struct experiment *s)
{
    return loss_is_of_words(s->loss) && (s->model->signature.input_count == 2 || s->loss->targets == TARGETS_LABELS);
}

int wording_describe(struct experiment *s, struct reason *why)
{
    int result;

    s->media = media_free(s->media);
    result = media_of_model(s->model, &s->media, why);
    if (!result && learns_targets(s) && media_answer_text(s->media))
        s->words.media = media_answer_text(s->media);
    return result;
}

/* How the other text of a pair is read. */
static int describe_target(const struct experiment *s, char **out, struct reason *why)
{
    const struct shape *output = model_output(s->model);
    const unsigned long long classes = output->dimension[0], elements = shape_elements(output);

    if (!s->words.apart)
        return media_default(MEDIA_TEXT, s->model, s->words.target, out, why);
    if (media_kind(s->media) != MEDIA_TEXT)
        return refuse(why, WISP_E_FORMAT,
                      "this version of wisp reads labels in their order of pairs of texts and of recordings");
    if (asprintf(out, "{\"kind\":\"text\",\"features\":%llu,\"sequence\":%llu}", classes, elements / classes) >= 0)
        return 0;
    *out = NULL;
    return refuse_errno(why, -ENOMEM, "media");
}

/* Where the source is read by a vocabulary, the target has one of its own, which the model keeps as its answer's. */
static int open_target(struct experiment *s, struct reason *why)
{
    const struct shape *target = &s->model->signature.inputs[s->words.target].shape;
    cleanup_free char *json = NULL;
    int result;

    if (!s->words.apart && media_reads_back(s->media) && !media_answer_text(s->media)) {
        result = spelling_answer(&s->model->media, model_words(s->model, s->words.target), shape_elements(target), why);
        if (!result)
            result = wording_describe(s, why);
        if (result)
            return result;
    }
    if (media_answer_text(s->media))
        return 0;
    result = describe_target(s, &json, why);
    if (!result)
        result = media_parse(json, &s->target_media, why);
    s->words.media = s->target_media;
    return result;
}

/* A network of pairs decodes as it was taught: 0 stands before the first word and behind the last, and what would
 * follow the last position is not learned. One that looks ahead on its way does not decode. */
static void take_decoding(struct model *model, uint32_t target)
{
    const uint32_t positions = model->signature.inputs[target].shape.dimension[0];

    if (model->decoding.length)
        return;
    model->decoding = (struct decoding){ .length = positions > 1 ? positions - 1 : 1, .input = target };
    if (decoding_check(model, NULL))
        model->decoding = (struct decoding){ .length = 0 };
}

int wording_open(struct experiment *s, struct reason *why)
{
    const struct shape *output = model_output(s->model);
    const struct media *learned = s->media;
    struct media_input target;
    int result = 0;

    s->words.apart = s->loss->targets == TARGETS_LABELS;
    if (wording_is_spoken(s))
        return 0;
    if (s->words.apart || s->model->signature.input_count == 2)
        result = open_target(s, why);
    if (result)
        return result;
    if (s->words.media)
        learned = s->words.media;
    if (s->words.apart)
        return 0;
    target = media_input_of(s->model, s->words.target);
    if (s->words.media && media_check_words(learned, &target, why))
        return refuse_in(why, WISP_E_FORMAT, "media, answer");
    if (!media_vocabulary(s->media) || !media_vocabulary(learned))
        return refuse(why, WISP_E_FORMAT, "it learns words, but its media description has no \"sequence\" of them");
    if (media_vocabulary(learned) > output->dimension[0] ||
        media_elements(learned) * output->dimension[0] != shape_elements(output))
        return refuse(why, WISP_E_FORMAT,
                      "it gives numbers for %llu words at %llu positions, but reads %u words at %zu to learn them from",
                      (unsigned long long)output->dimension[0],
                      (unsigned long long)(shape_elements(output) / output->dimension[0]), media_vocabulary(learned),
                      media_elements(learned));
    if (s->model->signature.input_count == 2)
        take_decoding(s->model, s->words.target);
    return 0;
}

int wording_check_tags(const struct experiment *s, struct reason *why)
{
    const struct shape *output = model_output(s->model);
    const uint64_t positions = shape_elements(output) / output->dimension[0];
    const uint64_t words = media_elements(s->media) / MEDIA_WORD_NUMBERS;

    if (!media_is_of_words(s->media) || (wording_is_tagged(s) && positions == words))
        return 0;
    return refuse(
        why, WISP_E_FORMAT,
        "its media description is of words, %llu of them with %d numbers each; then it ends in a softmax at so "
        "many positions, and it has %llu",
        (unsigned long long)words, MEDIA_WORD_NUMBERS, (unsigned long long)positions);
}
