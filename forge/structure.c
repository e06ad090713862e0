/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "forge/structure.h"
#include "sparse/model.h"

#define HOW "write the neurons of each layer separated by '-', as 784-1000-10"

/* One number of `text` at *at, which is moved past it. */
static int parse_neurons(const char *text, size_t *at, uint64_t *out, struct reason *why)
{
    size_t begin = *at;
    uint64_t value = 0;

    if (!isdigit((unsigned char)text[begin]))
        return refuse(why, WISP_E_INVALID, "'%s', position %zu: a number of neurons is missing; " HOW, text, begin + 1);
    for (; isdigit((unsigned char)text[*at]); ++*at) {
        value = value * 10 + (uint64_t)(text[*at] - '0');
        if (value > MODEL_ELEMENTS_MAX)
            return refuse(why, WISP_E_INVALID, "'%s', position %zu: a layer has at most %u neurons", text, begin + 1,
                          MODEL_ELEMENTS_MAX);
    }
    if (!value)
        return refuse(why, WISP_E_INVALID, "'%s', position %zu: a layer needs at least one neuron", text, begin + 1);
    *out = value;
    return 0;
}

int structure_parse(const char *text, struct structure *out, struct reason *why)
{
    size_t numbers = 1, at = 0;
    uint64_t previous;
    struct structure built = STRUCTURE_NULL;
    int result;

    for (const char *c = text; *c; c++)
        numbers += *c == '-';
    if (numbers - 1 > STRUCTURE_LAYERS_MAX)
        return refuse(why, WISP_E_INVALID, "%zu layers; at most %d are allowed", numbers - 1, STRUCTURE_LAYERS_MAX);
    result = parse_neurons(text, &at, &previous, why);
    if (result)
        return result;
    if (numbers < 2 && !text[at])
        return refuse(why, WISP_E_INVALID, "'%s': a network needs an input and at least one layer; " HOW, text);
    built.layers = memory_zalloc(numbers, sizeof *built.layers);
    if (!built.layers)
        return refuse_errno(why, -ENOMEM, "structure");
    while (!result && text[at]) {
        struct structure_layer *layer = &built.layers[built.layer_count++];

        if (text[at] != '-') {
            result = refuse(why, WISP_E_INVALID, "'%s', position %zu: '%c' is not expected here; " HOW, text, at + 1,
                            text[at]);
            break;
        }
        at++;
        *layer = (struct structure_layer){
            .kind = "linear", .activation = "relu", .inputs = previous, .kernel_width = 1, .kernel_height = 1
        };
        result = parse_neurons(text, &at, &layer->outputs, why);
        previous = layer->outputs;
    }
    if (result) {
        structure_deinit(&built);
        return result;
    }
    built.layers[built.layer_count - 1].activation = "softmax";
    *out = built;
    return 0;
}

void structure_deinit(struct structure *structure)
{
    free(structure->layers);
    *structure = STRUCTURE_NULL;
}

char *structure_text(const struct structure *structure)
{
    size_t capacity = (structure->layer_count + 1) * 21, used;
    cleanup_free char *text = malloc(capacity);

    if (!text)
        return NULL;
    used = (size_t)snprintf(text, capacity, "%llu", (unsigned long long)structure->layers[0].inputs);
    for (size_t i = 0; i < structure->layer_count; i++)
        used +=
            (size_t)snprintf(text + used, capacity - used, "-%llu", (unsigned long long)structure->layers[i].outputs);
    return steal(&text);
}
