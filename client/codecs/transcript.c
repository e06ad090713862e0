/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model has written down, as a text. The daemon is not believed: any scores are a text of the model's labels.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>
#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/memory.h"
#include "media/transcript/search.h"

#define BLANK "<blank>"
#define SPACE "\xe2\x96\x81"

WISP_EXPORT int wisp_gives_transcript(const wisp_model *model)
{
    const size_t labels = wisp_model_label_count(model);
    struct wisp_tensor output;

    if (!labels || wisp_model_output_count(model) != 1 || wisp_model_input_count(model) != 1 ||
        wisp_model_output(model, 0, &output))
        return 0;
    return output.dtype == WISP_FLOAT32 && output.rank == 2 && output.dimensions[0] == labels &&
           !strcmp(wisp_model_label(model, 0), BLANK);
}

/* Up to the last frame that has more in it than the least there is. */
static size_t count_sounding(const struct wisp_tensor *tensor, const float *input)
{
    const size_t frames = tensor->dimensions[1];
    float least = input[0];
    size_t last = 0;

    insist(frames > 0 && tensor->elements % frames == 0);
    for (size_t i = 1; i < tensor->elements; i++)
        least = input[i] < least ? input[i] : least;
    for (size_t i = 0; i < tensor->elements; i++) {
        if (input[i] > least && i % frames > last)
            last = i % frames;
    }
    return last + 1;
}

static size_t count_positions(const wisp_model *model, const float *input, size_t positions)
{
    struct wisp_tensor tensor;

    (void)wisp_model_input(model, 0, &tensor);
    if (strncmp(wisp_model_processing(model), "audio.", strlen("audio.")) != 0 || tensor.dtype != WISP_FLOAT32 ||
        tensor.rank != 2)
        return positions;
    return (count_sounding(&tensor, input) * positions + tensor.dimensions[1] - 1) / tensor.dimensions[1];
}

static bool is_word(const char *label)
{
    size_t characters = 0;

    for (; *label; label++)
        characters += ((unsigned char)*label & 0xc0) != 0x80;
    return characters > 1;
}

static bool has_words(const wisp_model *model)
{
    for (size_t i = 1; i < wisp_model_label_count(model); i++) {
        if (is_word(wisp_model_label(model, i)))
            return true;
    }
    return false;
}

/* NULL: out of memory. */
static char *text_of(const wisp_model *model, const struct transcript *said)
{
    const bool words = has_words(model);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; out && i < said->count; i++) {
        const char *label = wisp_model_label(model, said->labels[i]);

        insist(label); /* the search knows as many as there are */
        if (words && i)
            fputc(' ', out);
        fputs(!words && !strcmp(label, SPACE) ? " " : label, out);
    }
    if (out && fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

WISP_EXPORT int wisp_transcript(const wisp_model *model, const float *input, const float *output, uint32_t beam,
                                char **text)
{
    struct reason *why = wisp_private_last_error();
    cleanup_free uint32_t *labels = NULL;
    struct transcript said;
    struct wisp_tensor tensor;

    if (!wisp_gives_transcript(model))
        return refuse(why, WISP_E_INVALID, "%s does not write down what is said", wisp_model_name(model));
    if (beam > TRANSCRIPT_BEAM_MAX)
        return refuse(why, WISP_E_INVALID, "a beam of %u: at most %u", beam, TRANSCRIPT_BEAM_MAX);
    (void)wisp_model_output(model, 0, &tensor);
    labels = memory_alloc(tensor.dimensions[1], sizeof *labels);
    said.labels = labels;
    if (!labels ||
        transcript_search(&(struct transcript_scores){ .values = output,
                                                       .labels = tensor.dimensions[0],
                                                       .label_step = tensor.dimensions[1],
                                                       .positions = count_positions(model, input, tensor.dimensions[1]),
                                                       .position_step = 1 },
                          beam ? beam : 1, &said))
        return refuse_errno(why, -ENOMEM, "a transcript");
    insist(said.count <= tensor.dimensions[1], "%zu of %u", (size_t)said.count, tensor.dimensions[1]);
    *text = text_of(model, &said);
    return *text ? 0 : refuse_errno(why, -ENOMEM, "a transcript");
}
