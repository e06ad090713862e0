/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the list of layers: each entry appends one layer, several (attention), or a repeated group.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/suggest.h"
#include "forge/structures/document_layers.h"

enum { REPEAT_MAX = 1000, KINDS_MAX = 64 };

struct builder {
    struct structure *structure;
    struct findings *findings;
    uint32_t capacity;
    char scope[LAYER_NAME_MAX]; /* "block3." inside a repeat */
    uint32_t start;             /* value that the repetition began with */
    bool repeating;
    bool full; /* too many layers: said once */
};

/* ---- small readers ---- */

static const struct node *child_of(const struct node *section, const char *key)
{
    for (const struct node *child = section->first; child; child = child->next) {
        if (child->key && !strcmp(child->key, key))
            return child;
    }
    return NULL;
}

static bool read_number(const struct node *node, double *out)
{
    char *end;

    if (node->kind != NODE_TEXT || !*node->text)
        return false;
    if (!strcmp(node->text, "true") || !strcmp(node->text, "false")) {
        *out = node->text[0] == 't';
        return true;
    }
    *out = strtod(node->text, &end);
    return !*end && *out == *out;
}

static uint32_t newest(const struct builder *builder)
{
    return builder->structure->layer_count;
}

static bool find_value(const struct builder *builder, const char *name, uint32_t *out)
{
    char scoped[2 * LAYER_NAME_MAX];

    if (!strcmp(name, "previous"))
        return *out = newest(builder), true;
    if (!strcmp(name, "input"))
        return *out = 0, true;
    if (!strcmp(name, "start") && builder->repeating)
        return *out = builder->start, true;
    snprintf(scoped, sizeof scoped, "%s%s", builder->scope, name);
    for (int outer = 0; outer < 2; outer++) {
        for (uint32_t i = builder->structure->layer_count; i-- > 0;) {
            if (!strcmp(builder->structure->layers[i].name, outer ? name : scoped))
                return *out = i + 1, true;
        }
    }
    return false;
}

/* ---- appending ---- */

static struct structure_layer *append(struct builder *builder, struct mark mark)
{
    struct structure *structure = builder->structure;

    if (structure->layer_count == MODEL_LAYERS_MAX) {
        if (!builder->full)
            findings_add(builder->findings, mark, "more than %d layers", MODEL_LAYERS_MAX);
        builder->full = true;
        return NULL;
    }
    if (structure->layer_count == builder->capacity) {
        uint32_t capacity = MAX(16u, builder->capacity * 2);
        struct structure_layer *larger = realloc(structure->layers, capacity * sizeof *larger);

        if (!larger)
            return NULL;
        structure->layers = larger;
        builder->capacity = capacity;
    }
    structure->layers[structure->layer_count] = (struct structure_layer){ .line = mark.line };
    return &structure->layers[structure->layer_count++];
}

static void name_layer(struct builder *builder, struct structure_layer *layer, const char *name, struct mark mark)
{
    unsigned number = 0;
    int length;

    if (name) {
        length = snprintf(layer->name, sizeof layer->name, "%s%s", builder->scope, name);
    } else {
        for (uint32_t i = 0; i < builder->structure->layer_count; i++)
            number += builder->structure->layers[i].kind == layer->kind;
        length = snprintf(layer->name, sizeof layer->name, "%s%s%u", builder->scope, layer->kind->name, number);
    }
    if (length >= (int)sizeof layer->name)
        findings_add(builder->findings, mark, "a layer's name has at most %d characters with its block's",
                     LAYER_NAME_MAX - 1);
}

static int add_kind(struct builder *builder, const struct layer_kind *kind, const char *name, struct mark mark,
                    struct structure_layer **out)
{
    struct structure_layer *layer = append(builder, mark);

    *out = layer;
    if (!layer)
        return builder->full ? 0 : -ENOMEM;
    layer->kind = kind;
    layer->inputs[0] = builder->structure->layer_count - 1;
    layer->input_count = 1;
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && kind->parameters[p].name; p++)
        layer->parameters[p] = kind->parameters[p].preset;
    name_layer(builder, layer, name, mark);
    return 0;
}

/* ---- one layer ---- */

static void read_from(struct builder *builder, const struct node *from, uint32_t *inputs, uint32_t *count)
{
    const struct node *item = from->kind == NODE_LIST ? from->first : from;

    *count = 0;
    for (; item; item = from->kind == NODE_LIST ? item->next : NULL) {
        if (item->kind != NODE_TEXT) {
            findings_add(builder->findings, item->mark, "\"from\" takes names of layers");
        } else if (*count == LAYER_INPUTS_MAX) {
            findings_add(builder->findings, item->mark, "at most %d inputs", LAYER_INPUTS_MAX);
            return;
        } else if (!find_value(builder, item->text, &inputs[*count])) {
            findings_add(builder->findings, item->mark, "no layer before this one is called \"%s\"", item->text);
        } else {
            ++*count;
        }
    }
}

static const char *names_of(const struct layer_kind *kind, const char **names, size_t *count)
{
    *count = 0;
    names[(*count)++] = "name";
    names[(*count)++] = "from";
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && kind->parameters[p].name; p++)
        names[(*count)++] = kind->parameters[p].name;
    return NULL;
}

/* `kernel: 3` for kernel_height and kernel_width. */
static bool set_parameter(const struct layer_kind *kind, double *parameters, const char *key, double value)
{
    bool found = false;

    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && kind->parameters[p].name; p++) {
        const char *name = kind->parameters[p].name;

        if (!strcmp(name, key) || (!strcmp(key, "kernel") && !strncmp(name, "kernel_", 7))) {
            parameters[p] = value;
            found = true;
        }
    }
    return found;
}

static void read_parameter(struct builder *builder, struct structure_layer *layer, const struct node *child)
{
    const char *names[LAYER_PARAMETERS_MAX + 2], *near;
    size_t count;
    double value;

    if (!read_number(child, &value)) {
        findings_add(builder->findings, child->mark, "\"%s\" takes a number", child->key);
    } else if (!set_parameter(layer->kind, layer->parameters, child->key, value)) {
        names_of(layer->kind, names, &count);
        near = suggest(child->key, names, count);
        findings_add(builder->findings, child->key_mark, "%s has no \"%s\"%s%s%s", layer->kind->name, child->key,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
}

static const char *name_in(struct builder *builder, const struct node *body)
{
    const struct node *name = body->kind == NODE_SECTION ? child_of(body, "name") : NULL;

    if (!name)
        return NULL;
    if (name->kind != NODE_TEXT || !*name->text || strpbrk(name->text, " ,[]{}:#")) {
        findings_add(builder->findings, name->mark, "a name is one word");
        return NULL;
    }
    if (!strcmp(name->text, "previous") || !strcmp(name->text, "input") || !strcmp(name->text, "start"))
        findings_add(builder->findings, name->mark, "\"%s\" has a meaning of its own in \"from\"", name->text);
    return name->text;
}

static int add_layer(struct builder *builder, const struct layer_kind *kind, const struct node *body, struct mark mark)
{
    struct structure_layer *layer;
    uint32_t inputs[LAYER_INPUTS_MAX], count = 0;
    const struct node *from = NULL;
    int result;

    /* Before the layer exists: it cannot read itself. */
    if (body && body->kind == NODE_SECTION && (from = child_of(body, "from")))
        read_from(builder, from, inputs, &count);
    result = add_kind(builder, kind, body ? name_in(builder, body) : NULL, mark, &layer);
    if (result || !layer)
        return result;
    if (from) {
        memcpy(layer->inputs, inputs, sizeof inputs);
        layer->input_count = count;
    }
    if (!body || node_is_empty(body))
        return 0;
    if (body->kind == NODE_TEXT && kind->parameters[0].name) {
        if (!read_number(body, &layer->parameters[0]))
            findings_add(builder->findings, body->mark, "%s takes a number (its %s) or a section", kind->name,
                         kind->parameters[0].name);
    } else if (body->kind != NODE_SECTION) {
        findings_add(builder->findings, body->mark, "%s takes a section like {name: …}", kind->name);
    } else {
        for (const struct node *child = body->first; child; child = child->next) {
            if (child->key && strcmp(child->key, "name") != 0 && strcmp(child->key, "from") != 0)
                read_parameter(builder, layer, child);
        }
    }
    return 0;
}

/* ---- attention with its four maps ---- */

static int add_projection(struct builder *builder, const char *name, const char *part, uint32_t from, double neurons,
                          struct mark mark, uint32_t *out)
{
    char full[2 * LAYER_NAME_MAX];
    struct structure_layer *layer;
    int result;

    snprintf(full, sizeof full, "%s.%s", name, part);
    result = add_kind(builder, layer_kind_find("projection"), full, mark, &layer);
    if (result || !layer)
        return result;
    layer->inputs[0] = from;
    layer->parameters[0] = neurons;
    *out = builder->structure->layer_count;
    return 0;
}

/* Features of a value, planned as far as the structure stands; 0 when it cannot be. */
static uint32_t features_of(struct builder *builder, uint32_t value)
{
    struct structure copy = *builder->structure;

    copy.layer_count = value;
    if (!value)
        return copy.input.dimension[0];
    return structure_plan(&copy, NULL) ? 0 : copy.layers[value - 1].plan.shape.dimension[0];
}

static int add_attention(struct builder *builder, const struct node *body, bool cross, struct mark mark)
{
    const struct node *heads = body->kind == NODE_SECTION ? child_of(body, "heads") : NULL;
    const struct node *from = body->kind == NODE_SECTION ? child_of(body, "from") : NULL;
    const struct node *causal = body->kind == NODE_SECTION ? child_of(body, "causal") : NULL;
    uint32_t inputs[LAYER_INPUTS_MAX] = { newest(builder), newest(builder) }, count = 1, q = 0, k = 0, v = 0, o, width;
    const char *name = body->kind == NODE_SECTION ? name_in(builder, body) : NULL;
    struct structure_layer *layer;
    double head_count = 0, is_causal = 0;
    char preset[LAYER_NAME_MAX];
    int result;

    if (!heads || !read_number(heads, &head_count))
        findings_add(builder->findings, mark, "attention takes {heads: a number}");
    if (causal && !read_number(causal, &is_causal))
        findings_add(builder->findings, causal->mark, "\"causal\" is true or false");
    if (from)
        read_from(builder, from, inputs, &count);
    if (cross && count != 2) {
        findings_add(builder->findings, mark, "cross_attention takes from: [queries, memory]");
        return 0;
    }
    if (!cross)
        inputs[1] = inputs[0];
    if (!(width = features_of(builder, inputs[0])))
        width = 1; /* what is wrong before this layer will be said when the whole is planned */
    if (!name) {
        snprintf(preset, sizeof preset, "attention%u", builder->structure->layer_count);
        name = preset;
    }
    if ((result = add_projection(builder, name, "q", inputs[0], width, mark, &q)) ||
        (result = add_projection(builder, name, "k", inputs[1], width, mark, &k)) ||
        (result = add_projection(builder, name, "v", inputs[1], width, mark, &v)) ||
        (result = add_kind(builder, layer_kind_find("attention"), name, mark, &layer)) || !layer)
        return result;
    layer->inputs[0] = q;
    layer->inputs[1] = k;
    layer->inputs[2] = v;
    layer->input_count = 3;
    layer->parameters[0] = head_count;
    layer->parameters[1] = is_causal;
    return add_projection(builder, name, "o", newest(builder), width, mark, &o);
}

/* ---- the list ---- */

static int add_entries(struct builder *builder, const struct node *list);

static int add_repeat(struct builder *builder, const struct node *entry)
{
    const struct node *times = child_of(entry, "repeat"), *layers = child_of(entry, "layers");
    const struct node *name = child_of(entry, "name");
    double count;
    int result = 0;

    for (const struct node *child = entry->first; child; child = child->next) {
        if (child->key && child != times && child != layers && child != name)
            findings_add(builder->findings, child->key_mark, "a repeat has \"repeat\", \"name\" and \"layers\"");
    }
    if (builder->repeating) {
        findings_add(builder->findings, entry->mark, "a repeat cannot stand inside a repeat");
        return 0;
    }
    if (!read_number(times, &count) || count < 1 || count > REPEAT_MAX || count != (unsigned)count) {
        findings_add(builder->findings, times->mark, "\"repeat\" takes a whole number from 1 to %d", REPEAT_MAX);
        return 0;
    }
    if (!layers || layers->kind != NODE_LIST) {
        findings_add(builder->findings, entry->mark, "a repeat needs \"layers\", a list");
        return 0;
    }
    builder->repeating = true;
    for (unsigned i = 1; i <= (unsigned)count && !result && !builder->full; i++) {
        size_t before = builder->findings->count;

        snprintf(builder->scope, sizeof builder->scope, "%.40s%u.",
                 name && name->kind == NODE_TEXT ? name->text : "block", i);
        builder->start = newest(builder);
        result = add_entries(builder, layers);
        if (builder->findings->count > before)
            break; /* the same faults again would help nobody */
    }
    builder->repeating = false;
    builder->scope[0] = 0;
    return result;
}

static void refuse_kind(struct builder *builder, const char *word, struct mark mark)
{
    const char *names[KINDS_MAX], *near;
    size_t count = 0;

    names[count++] = "repeat";
    names[count++] = "self_attention";
    names[count++] = "cross_attention";
    for (size_t i = 0; count < KINDS_MAX && layer_kind_at(i); i++)
        names[count++] = layer_kind_at(i)->name;
    near = suggest(word, names, count);
    findings_add(builder->findings, mark, "there is no layer kind \"%s\"%s%s%s", word, near ? "; did you mean \"" : "",
                 near ? near : "", near ? "\"?" : "");
}

static int add_entry(struct builder *builder, const struct node *entry)
{
    const struct node *body = entry->kind == NODE_SECTION ? entry->first : NULL;
    const char *word = entry->kind == NODE_TEXT ? entry->text : body ? body->key : NULL;
    const struct layer_kind *kind;

    if (entry->kind == NODE_REFUSED || (entry->kind == NODE_SECTION && body && !body->key))
        return 0;
    if (!word || !*word) {
        findings_add(builder->findings, entry->mark, "a layer is a kind (\"- relu\") or \"- kind: {…}\"");
        return 0;
    }
    if (entry->kind == NODE_SECTION && child_of(entry, "repeat"))
        return add_repeat(builder, entry);
    if (body && body->next) {
        findings_add(builder->findings, body->next->key_mark, "one layer an entry: put a \"-\" before it");
        return 0;
    }
    if (body && (!strcmp(word, "self_attention") || !strcmp(word, "cross_attention")))
        return add_attention(builder, body, word[0] == 'c', entry->mark);
    kind = layer_kind_find(word);
    if (!kind) {
        refuse_kind(builder, word, body ? body->key_mark : entry->mark);
        return 0;
    }
    return add_layer(builder, kind, body, entry->mark);
}

static int add_entries(struct builder *builder, const struct node *list)
{
    for (const struct node *entry = list->first; entry && !builder->full; entry = entry->next) {
        int result = add_entry(builder, entry);

        if (result)
            return result;
    }
    return 0;
}

int document_layers(const struct node *list, struct structure *structure, struct findings *findings)
{
    struct builder builder = { .structure = structure, .findings = findings };

    return add_entries(&builder, list);
}
