/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Compiled into this file, so that its state may stand on the stack: that of the library has to be allocated. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/size.h"
#include "sparse/graph/structure.h"

uint32_t structure_words(const struct structure *structure, uint32_t input)
{
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        if (layer->kind->indexed && layer->inputs[0] == input)
            return (uint32_t)layer->plan.inputs;
    }
    return 0;
}

void structure_deinit(struct structure *structure)
{
    free(structure->layers);
    free(structure->base);
    *structure = STRUCTURE_NULL;
}

int structure_name_check(const char *name, struct reason *why)
{
    static const char *const endings[] = { ".yaml", ".yml", ".safetensors" };
    const char *dot = strrchr(name, '.');
    int result = name_check("a structure's name", name, MODEL_NAME_MAX, why);

    for (size_t i = 0; dot && i < ARRAY_SIZE(endings) && !result; i++) {
        if (!strcmp(dot, endings[i]))
            result = refuse(why, WISP_E_FORMAT, "a structure's name does not end in %s, as files do", dot);
    }
    return result;
}

static uint64_t layer_potential(const struct structure_layer *layer)
{
    return layer->plan.inputs * layer->plan.outputs * layer->plan.kernel_height * layer->plan.kernel_width;
}

static int check_parameters(const struct structure_layer *layer, struct reason *why)
{
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++) {
        int result = layer_parameter_check(&layer->kind->parameters[p], layer->parameters[p], why);

        if (result)
            return result;
    }
    return 0;
}

uint32_t structure_value_count(const struct structure *structure)
{
    return structure->signature.input_count + structure->layer_count;
}

uint32_t structure_value(const struct structure *structure, uint32_t index)
{
    return structure->signature.input_count + index;
}

const struct shape *structure_value_shape(const struct structure *structure, uint32_t value)
{
    uint32_t inputs = structure->signature.input_count;

    return value < inputs ? &structure->signature.inputs[value].shape : &structure->layers[value - inputs].plan.shape;
}

const char *structure_value_name(const struct structure *structure, uint32_t value)
{
    uint32_t inputs = structure->signature.input_count;

    return value < inputs ? structure->signature.inputs[value].name : structure->layers[value - inputs].name;
}

bool structure_reads_previous(const struct structure *structure, uint32_t index)
{
    const struct structure_layer *layer = &structure->layers[index];

    return layer->input_count == 1 && layer->inputs[0] + 1 == structure_value(structure, index) &&
           (index || structure->signature.input_count == 1);
}

int structure_plan_layer(struct structure *structure, uint32_t index, struct reason *why)
{
    struct structure_layer *layer = &structure->layers[index];
    struct shape shapes[LAYER_INPUTS_MAX];
    uint64_t rows_columns;
    int result;

    if (layer->input_count < layer->kind->inputs_min || layer->input_count > layer->kind->inputs_max)
        return refuse(why, WISP_E_FORMAT, "takes %u to %u inputs, not %u", layer->kind->inputs_min,
                      layer->kind->inputs_max, layer->input_count);
    for (uint32_t i = 0; i < layer->input_count; i++) {
        uint32_t value = layer->inputs[i];

        if (value >= structure_value(structure, index))
            return refuse(why, WISP_E_FORMAT, "reads a value that comes later");
        shapes[i] = *structure_value_shape(structure, value);
    }
    if ((result = check_parameters(layer, why)))
        return result;
    if ((result = layer->kind->plan(layer->parameters, shapes, layer->input_count, &layer->plan, why)) ||
        (result = shape_check(&layer->plan.shape, why)))
        return result;
    if (!size_multiply(layer->plan.inputs, layer->plan.kernel_height * layer->plan.kernel_width, &rows_columns) ||
        rows_columns > UINT32_MAX || layer->plan.outputs > UINT32_MAX)
        return refuse(why, WISP_E_FORMAT, "its weight would be too large");
    return 0;
}

/* Names are few and short; a sorted copy finds twins in O(n log n). */
static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(const struct structure *structure, struct reason *why)
{
    const char **names = malloc(structure->layer_count * sizeof *names);
    int result = 0;

    if (!names)
        return refuse_errno(why, -ENOMEM, "structure %s", structure->name);
    for (uint32_t i = 0; i < structure->layer_count; i++)
        names[i] = structure->layers[i].name;
    qsort(names, structure->layer_count, sizeof *names, compare_names);
    for (uint32_t i = 1; i < structure->layer_count && !result; i++) {
        if (!strcmp(names[i - 1], names[i]))
            result = refuse(why, WISP_E_FORMAT, "two layers are called \"%s\"", names[i]);
    }
    free(names);
    return result;
}

/* Whether the graph has what its signature says; outputs get their shapes. */
static int check_signature(struct structure *structure, struct reason *why)
{
    struct signature *signature = &structure->signature;
    uint32_t read = 0;
    int result;

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        for (uint32_t k = 0; k < layer->input_count; k++)
            read |= layer->inputs[k] < signature->input_count ? 1u << layer->inputs[k] : 0;
    }
    signature_complete(signature, structure_value_count(structure));
    result = signature_check_outputs(signature, structure_value_count(structure), why);
    for (uint32_t i = 0; !result && i < signature->output_count; i++)
        signature->outputs[i].shape = *structure_value_shape(structure, signature->outputs[i].value);
    return result ? result : signature_check_read(signature, read, why);
}

int structure_plan_at(struct structure *structure, uint32_t *refused, struct reason *why)
{
    uint64_t total = 0;
    int result;

    *refused = structure->layer_count;
    if (!structure->layer_count || structure->layer_count > MODEL_LAYERS_MAX)
        return refuse(why, WISP_E_FORMAT, "a structure has 1 to %d layers, not %u", MODEL_LAYERS_MAX,
                      structure->layer_count);
    if ((result = processing_check(structure->processing, why)) || (result = check_names(structure, why)))
        return result;
    if ((result = signature_check_inputs(&structure->signature, why)))
        return result;
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        *refused = i;
        if ((result = structure_plan_layer(structure, i, why)))
            return refuse_in(why, result, "layer %s (%s)", layer->name, layer->kind->name);
        if (!size_add(total, layer_potential(layer), &total) || total >> 62)
            return refuse(why, WISP_E_FORMAT, "layer %s: more than 2^62 potential connections in all", layer->name);
    }
    *refused = structure->layer_count;
    return check_signature(structure, why);
}

int structure_plan(struct structure *structure, struct reason *why)
{
    uint32_t refused;

    return structure_plan_at(structure, &refused, why);
}

uint32_t structure_depth(const struct structure *structure)
{
    uint32_t values = structure_value_count(structure), *depth = calloc(values, sizeof *depth), deepest;

    if (!depth)
        return 0;
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];
        uint32_t *own = &depth[structure_value(structure, i)];

        for (uint32_t j = 0; j < layer->input_count; j++)
            *own = MAX(*own, depth[layer->inputs[j]]);
        *own += layer->kind->weighted;
    }
    deepest = depth[values - 1];
    for (uint32_t i = 0; i < structure->signature.output_count; i++)
        deepest = MAX(deepest, depth[structure->signature.outputs[i].value]);
    free(depth);
    return deepest;
}

uint64_t structure_potential(const struct structure *structure)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < structure->layer_count; i++)
        total += layer_potential(&structure->layers[i]);
    return total;
}

uint64_t structure_vectors(const struct structure *structure)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
            total += structure->layers[i].plan.vectors[v];
    }
    return total;
}

double structure_cost(const struct structure *structure)
{
    double total = 0;

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        total += (double)layer_potential(layer) * layer->plan.uses + layer->plan.fixed_cost;
    }
    return total;
}

uint32_t structure_weighted(const struct structure *structure)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < structure->layer_count; i++)
        count += structure->layers[i].kind->weighted;
    return count;
}

void structure_density_layers(const struct structure *structure, struct density_layer *out)
{
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct layer_plan *plan = &structure->layers[i].plan;

        if (structure->layers[i].kind->weighted)
            *out++ = (struct density_layer){ .name = structure->layers[i].name,
                                             .inputs = plan->inputs,
                                             .outputs = plan->outputs,
                                             .kernel_width = plan->kernel_width,
                                             .kernel_height = plan->kernel_height,
                                             .convolution = plan->convolution };
    }
}

/* ---- identity ---- */

static void hash_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

static void hash_tensor(XXH3_state_t *state, const struct model_tensor *tensor)
{
    hash_text(state, dtype_name(tensor->dtype));
    XXH3_128bits_update(state, &tensor->scale, sizeof tensor->scale);
}

/* What is plain is the first input's shape alone, as it was when there was nothing else. */
static void hash_signature(XXH3_state_t *state, const struct structure *structure)
{
    const struct signature *signature = &structure->signature;
    bool plain_input = tensors_are_simple(signature->inputs, signature->input_count);
    bool plain_output = tensors_are_simple(signature->outputs, signature->output_count) &&
                        signature->outputs[0].value + 1 == structure_value_count(structure);

    XXH3_128bits_update(state, &signature->inputs[0].shape, sizeof signature->inputs[0].shape);
    for (uint32_t i = 0; i < signature->input_count && !plain_input; i++) {
        hash_text(state, "input");
        hash_tensor(state, &signature->inputs[i]);
        XXH3_128bits_update(state, &signature->inputs[i].shape, sizeof signature->inputs[i].shape);
    }
    for (uint32_t i = 0; i < signature->output_count && !plain_output; i++) {
        hash_text(state, "output");
        hash_tensor(state, &signature->outputs[i]);
        XXH3_128bits_update(state, &signature->outputs[i].value, sizeof signature->outputs[i].value);
    }
}

static void hash_parameter(XXH3_state_t *state, const struct structure_layer *layer, unsigned number)
{
    const char *word = layer_parameter_word(layer->kind, number, layer->parameters[number]);

    hash_text(state, layer->kind->parameters[number].name);
    if (word)
        hash_text(state, word);
    else
        XXH3_128bits_update(state, &layer->parameters[number], sizeof layer->parameters[number]);
}

void structure_hash(const struct structure *structure, char out[33])
{
    XXH3_state_t place, *state = &place;
    XXH128_hash_t hash;

    XXH3_128bits_reset(state);
    hash_text(state, structure->processing);
    hash_signature(state, structure);
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        hash_text(state, layer->kind->name);
        XXH3_128bits_update(state, &layer->input_count, sizeof layer->input_count);
        XXH3_128bits_update(state, layer->inputs, layer->input_count * sizeof *layer->inputs);
        for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++) {
            /* A parameter that a later version adds must not change what is stored: only deviations count, by name. */
            if (!layer_parameter_is_default(layer->kind, layer->parameters, p))
                hash_parameter(state, layer, p);
        }
    }
    hash_text(state, structure->base ? structure->base : "");
    hash = XXH3_128bits_digest(state);
    snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64, (uint64_t)hash.low64);
}

/* ---- the short form ---- */

static void add_layer(struct structure *structure, enum layer_role role, const char *name, double neurons)
{
    struct structure_layer *layer = &structure->layers[structure->layer_count];

    *layer = (struct structure_layer){
        .kind = layer_kind_of(role), .inputs = { structure->layer_count }, .input_count = 1, .parameters = { neurons }
    };
    snprintf(layer->name, sizeof layer->name, "%s", name);
    structure->layer_count++;
}

/* One number of the list; *text moves past it. */
static int parse_neurons(const char **text, const char *whole, double *out, struct reason *why)
{
    const char *start = *text;
    uint64_t value = 0;

    while (**text >= '0' && **text <= '9') {
        value = value * 10 + (uint64_t)(*(*text)++ - '0');
        if (value > MODEL_ELEMENTS_MAX)
            return refuse(why, WISP_E_INVALID, "--layers %s: more than %u neurons at character %td", whole,
                          MODEL_ELEMENTS_MAX, start - whole + 1);
    }
    if (*text == start || !value)
        return refuse(why, WISP_E_INVALID, "--layers %s: a number of neurons (1 or more) is expected at character %td",
                      whole, start - whole + 1);
    *out = (double)value;
    return 0;
}

int structure_parse_layers(const char *text, struct structure *out, struct reason *why)
{
    struct structure made = STRUCTURE_NULL;
    const char *at = text;
    size_t dashes = 0;
    double neurons;
    int result;

    for (const char *c = text; *c; c++)
        dashes += *c == '-';
    if (dashes < 1 || dashes > MODEL_LAYERS_MAX / 2)
        return refuse(why, WISP_E_INVALID, "--layers %s: give neurons per layer, like 784-300-10", text);
    made.layers = calloc(2 * dashes, sizeof *made.layers);
    if (!made.layers)
        return refuse_errno(why, -ENOMEM, "--layers");
    if ((result = parse_neurons(&at, text, &neurons, why)))
        goto done;
    made.signature = signature_of((struct shape){ .rank = 1, .dimension = { (uint32_t)neurons } });
    for (size_t i = 1; i <= dashes; i++) {
        enum layer_role role;
        char name[LAYER_NAME_MAX];

        if (*at != '-') {
            result =
                refuse(why, WISP_E_INVALID, "--layers %s: \"-\" is expected at character %td", text, at - text + 1);
            goto done;
        }
        at++;
        if ((result = parse_neurons(&at, text, &neurons, why)))
            goto done;
        snprintf(name, sizeof name, "fc%zu", i);
        add_layer(&made, ROLE_MAP, name, neurons);
        role = i < dashes ? ROLE_ACTIVATION : ROLE_CLASSES;
        if (i < dashes)
            snprintf(name, sizeof name, "%s%zu", layer_kind_of(role)->name, i);
        else
            snprintf(name, sizeof name, "%s", layer_kind_of(role)->name);
        add_layer(&made, role, name, 0);
    }
    if (*at) {
        result =
            refuse(why, WISP_E_INVALID, "--layers %s: unexpected \"%c\" at character %td", text, *at, at - text + 1);
        goto done;
    }
    snprintf(made.network, sizeof made.network, "mlp");
    *out = made;
    return 0;
done:
    structure_deinit(&made);
    return result;
}
