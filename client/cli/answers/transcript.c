/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/answers/transcript.h"

#define BLANK "<blank>"
#define SPACE "\xe2\x96\x81"

bool transcript_is_given(const wisp_model *model)
{
    const size_t labels = wisp_model_label_count(model);
    struct wisp_tensor output;

    if (!labels || wisp_model_output_count(model) != 1 || wisp_model_input_count(model) != 1 ||
        wisp_model_output(model, 0, &output))
        return false;
    return output.dtype == WISP_FLOAT32 && output.rank == 2 && output.dimensions[0] == labels &&
           !strcmp(wisp_model_label(model, 0), BLANK);
}

/* Up to the last frame that has more in it than the least there is. */
static size_t count_sounding(const struct wisp_tensor *tensor, const float *input)
{
    const size_t frames = tensor->dimensions[1];
    float least = input[0];
    size_t last = 0;

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

static size_t best_label(const float *output, size_t labels, size_t positions, size_t position)
{
    size_t best = 0;

    for (size_t k = 1; k < labels; k++) {
        if (output[k * positions + position] > output[best * positions + position])
            best = k;
    }
    return best;
}

char *transcript_of(const wisp_model *model, const float *input, const float *output)
{
    const size_t labels = wisp_model_label_count(model);
    const bool words = has_words(model);
    struct wisp_tensor scores;
    size_t said = 0, size = 0, count;
    char *text = NULL;
    FILE *out;

    (void)wisp_model_output(model, 0, &scores);
    count = count_positions(model, input, scores.dimensions[1]);
    out = open_memstream(&text, &size);
    for (size_t position = 0; out && position < count; position++) {
        const size_t before = said;
        const char *label;

        said = best_label(output, labels, scores.dimensions[1], position);
        if (!said || said == before)
            continue;
        label = wisp_model_label(model, said);
        if (words && ftell(out))
            fputc(' ', out);
        fputs(!words && !strcmp(label, SPACE) ? " " : label, out);
    }
    if (out && fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
