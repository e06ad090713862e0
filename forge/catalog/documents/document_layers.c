/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the list of layers: each entry appends one layer, several (attention), or a repeated group.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/suggest.h"
#include "forge/catalog/documents/document_layers.h"
#include "forge/catalog/documents/document_read.h"
#include "forge/catalog/documents/layer_names.h"

enum { REPEAT_MAX = 1000, REPEAT_NAME_MAX = 41, KINDS_MAX = 64 };

struct builder {
    struct structure *structure;
    struct findings *findings;
    struct document_work *work;
    uint32_t capacity;
    char scope[LAYER_NAME_MAX]; /* "block3." inside a repeat */
    uint32_t start;             /* value that the repetition began with */
    bool repeating;
    bool again;                  /* in a repetition after the first: layers that nobody wrote */
    bool full;                   /* too many layers: said once */
    uint32_t of_kind[KINDS_MAX]; /* layers there are of each kind, by its row in the table */
    uint32_t planned;            /* layers that are planned: all before this one */
    bool unplannable;            /* the one at `planned` cannot be */
    struct layer_names names;
};

/* ---- small readers ---- */

/* One of an enum's words; a finding says which there are. */
static void read_choice(struct builder *builder, const struct node *node, const struct layer_kind *kind,
                        unsigned number, double *out)
{
    struct reason why;

    if (layer_parameter_parse(kind, number, node->kind == NODE_TEXT ? node->text : NULL, out, &why))
        findings_add(builder->findings, node->mark, "%s", why.text);
}

/* A number; where it can only be 0 or 1, also a truth. False: it is none, which is still to be said. */
static bool read_parameter_value(struct builder *builder, const struct node *node, const struct layer_kind *kind,
                                 unsigned number, double *out)
{
    const struct layer_parameter *rule = &kind->parameters[number];

    if (rule->type == PARAMETER_ENUM) {
        read_choice(builder, node, kind, number, out);
        return true;
    }
    if (rule->min == 0 && rule->max == 1 && rule->type == PARAMETER_WHOLE && node->kind == NODE_TEXT && node->plain &&
        (!strcmp(node->text, "true") || !strcmp(node->text, "false"))) {
        *out = node->text[0] == 't';
        return true;
    }
    return read_real(node, out);
}

static uint32_t newest(const struct builder *builder)
{
    return structure_value_count(builder->structure) - 1;
}

/* Whether there is one value that a layer reads when nothing is said: of several inputs none is before the others. */
static bool is_clear(const struct builder *builder, uint32_t value)
{
    uint32_t inputs = builder->structure->signature.input_count;

    return value >= inputs || inputs == 1;
}

/* The input of a name; false: there is none. "input" is the only one, whatever it is called. */
static bool find_input(const struct builder *builder, const char *name, uint32_t *out)
{
    const struct signature *signature = &builder->structure->signature;

    for (*out = 0; *out < signature->input_count; ++*out) {
        if (!strcmp(signature->inputs[*out].name, name))
            return true;
    }
    *out = 0;
    return signature->input_count == 1 && !strcmp(name, "input");
}

/* The layer of a name; false: there is none. */
static bool find_layer(const struct builder *builder, const char *name, uint32_t *out)
{
    uint32_t number = layer_names_find(&builder->names, builder->structure, name);

    if (number)
        *out = structure_value(builder->structure, number - 1);
    return number;
}

static bool find_value(const struct builder *builder, const char *name, uint32_t *out)
{
    char scoped[2 * LAYER_NAME_MAX];

    if (!strcmp(name, "previous"))
        return *out = newest(builder), is_clear(builder, *out);
    if (!strcmp(name, "start") && builder->repeating)
        return *out = builder->start, is_clear(builder, *out);
    snprintf(scoped, sizeof scoped, "%s%s", builder->scope, name);
    return find_layer(builder, scoped, out) || find_layer(builder, name, out) || find_input(builder, name, out);
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
    if (builder->again && ++builder->work->repeated > DOCUMENT_REPEATED_MAX) {
        if (builder->work->repeated == DOCUMENT_REPEATED_MAX + 1)
            findings_add(builder->findings, mark, "the repeats of one document make more than %d layers: divide it",
                         DOCUMENT_REPEATED_MAX);
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
    size_t row = 0;
    int length;

    while (row < KINDS_MAX - 1 && layer_kind_at(row) != layer->kind)
        row++;
    builder->of_kind[row]++;
    if (name)
        length = snprintf(layer->name, sizeof layer->name, "%s%s", builder->scope, name);
    else
        length = snprintf(layer->name, sizeof layer->name, "%s%s%u", builder->scope, layer->kind->name,
                          builder->of_kind[row]);
    if (length >= (int)sizeof layer->name)
        findings_add(builder->findings, mark, "a layer's name has at most %d characters with its block's",
                     LAYER_NAME_MAX - 1);
    layer_names_add(&builder->names, builder->structure);
}

static int add_kind(struct builder *builder, const struct layer_kind *kind, const char *name, struct mark mark,
                    struct structure_layer **out)
{
    struct structure_layer *layer = append(builder, mark);

    *out = layer;
    if (!layer)
        return builder->full ? 0 : -ENOMEM;
    layer->kind = kind;
    layer->inputs[0] = newest(builder) - 1;
    layer->input_count = 1;
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && kind->parameters[p].name; p++)
        layer->parameters[p] = kind->parameters[p].default_value;
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
static bool is_meant(const char *parameter, const char *key)
{
    return !strcmp(parameter, key) || (!strcmp(key, "kernel") && !strncmp(parameter, "kernel_", 7));
}

static void refuse_key(struct builder *builder, const struct layer_kind *kind, const struct node *child)
{
    const char *names[LAYER_PARAMETERS_MAX + 2], *near;
    size_t count;

    names_of(kind, names, &count);
    near = suggest(child->key, names, count);
    findings_add(builder->findings, child->key_mark, "%s has no \"%s\"%s%s%s", kind->name, child->key,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void read_parameter(struct builder *builder, struct structure_layer *layer, const struct node *child)
{
    bool found = false, right = true;

    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++) {
        if (is_meant(layer->kind->parameters[p].name, child->key)) {
            found = true;
            right &= read_parameter_value(builder, child, layer->kind, p, &layer->parameters[p]);
        }
    }
    if (!found)
        refuse_key(builder, layer->kind, child);
    else if (!right)
        findings_add(builder->findings, child->mark, "\"%s\" takes a number", child->key);
}

static const char *name_in(struct builder *builder, const struct node *body)
{
    const struct node *child = body->kind == NODE_SECTION ? node_child(body, "name") : NULL;
    uint32_t input;
    const char *name = child ? read_word(child, "a layer's name", LAYER_NAME_MAX, builder->findings) : NULL;

    if (name && (!strcmp(name, "previous") || !strcmp(name, "input") || !strcmp(name, "start")))
        findings_add(builder->findings, child->mark, "\"%s\" has a meaning of its own in \"from\"", name);
    else if (name && find_input(builder, name, &input))
        findings_add(builder->findings, child->mark, "\"%s\" is an input", name);
    return name;
}

/* What nothing but its place says must be clear. */
static void check_unsaid(struct builder *builder, struct mark mark)
{
    if (!is_clear(builder, newest(builder)))
        findings_add(builder->findings, mark,
                     "there are several inputs: \"from\" says which one the first layer reads");
}

static int add_layer(struct builder *builder, const struct layer_kind *kind, const struct node *body, struct mark mark)
{
    struct structure_layer *layer;
    uint32_t inputs[LAYER_INPUTS_MAX], count = 0;
    const struct node *from = NULL;
    int result;

    /* Before the layer exists: it cannot read itself. */
    if (body && body->kind == NODE_SECTION && (from = node_child(body, "from")))
        read_from(builder, from, inputs, &count);
    else
        check_unsaid(builder, mark);
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
        if (!read_parameter_value(builder, body, kind, 0, &layer->parameters[0]))
            findings_add(builder->findings, body->mark, "%s takes a number (its %s) or a section", kind->name,
                         kind->parameters[0].name);
    } else if (body->kind != NODE_SECTION) {
        findings_add(builder->findings, body->mark, "%s takes a section like {name: …}", kind->name);
    } else {
        check_keys(body, builder->findings);
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
    result = add_kind(builder, layer_kind_of(ROLE_POSITION_MAP), full, mark, &layer);
    if (result || !layer)
        return result;
    layer->inputs[0] = from;
    layer->parameters[0] = neurons;
    *out = newest(builder);
    return 0;
}

/* Features of a value; 0 when it cannot be planned. Each layer is planned once, however many ask. */
static uint32_t features_of(struct builder *builder, uint32_t value)
{
    struct structure *structure = builder->structure;

    while (structure_value(structure, builder->planned) <= value && !builder->unplannable) {
        builder->unplannable = structure_plan_layer(structure, builder->planned, NULL);
        builder->planned += !builder->unplannable;
    }
    return value < structure_value(structure, builder->planned) ? structure_value_shape(structure, value)->dimension[0]
                                                                : 0;
}

static void check_attention_keys(struct builder *builder, const struct node *body)
{
    static const char *const keys[] = { "heads", "causal", "mask", "name", "from" };

    check_keys(body, builder->findings);
    for (const struct node *child = body->first; child; child = child->next) {
        size_t i = 0;

        while (child->key && i < ARRAY_SIZE(keys) && strcmp(child->key, keys[i]) != 0)
            i++;
        if (i == ARRAY_SIZE(keys))
            findings_add(builder->findings, child->key_mark,
                         "attention has \"heads\", \"causal\", \"mask\", \"name\", \"from\"");
    }
}

/* The value that says which keys there are: 0 or 1 more inputs. */
static uint32_t read_mask(struct builder *builder, const struct node *body, uint32_t *mask)
{
    const struct node *named = body->kind == NODE_SECTION ? node_child(body, "mask") : NULL;

    if (!named)
        return 0;
    if (named->kind == NODE_TEXT && find_value(builder, named->text, mask))
        return 1;
    findings_add(builder->findings, named->mark, "\"mask\" names an input, or a layer before this one");
    return 0;
}

static int add_attention(struct builder *builder, const struct node *body, bool cross, struct mark mark)
{
    const struct node *heads = body->kind == NODE_SECTION ? node_child(body, "heads") : NULL;
    const struct node *from = body->kind == NODE_SECTION ? node_child(body, "from") : NULL;
    const struct node *causal = body->kind == NODE_SECTION ? node_child(body, "causal") : NULL;
    uint32_t inputs[LAYER_INPUTS_MAX] = { newest(builder), newest(builder) }, count = 1, q = 0, k = 0, v = 0, mask = 0,
             masks, o, width;
    const char *name = body->kind == NODE_SECTION ? name_in(builder, body) : NULL;
    struct structure_layer *layer;
    double head_count = 0, is_causal = 0;
    char default_value[LAYER_NAME_MAX];
    int result;

    if (body->kind == NODE_SECTION)
        check_attention_keys(builder, body);
    if (!heads || !read_real(heads, &head_count))
        findings_add(builder->findings, mark, "attention takes {heads: a number}");
    if (causal && !read_parameter_value(builder, causal, layer_kind_of(ROLE_ATTENTION), 1, &is_causal))
        findings_add(builder->findings, causal->mark, "\"causal\" is true or false");
    if (from)
        read_from(builder, from, inputs, &count);
    else
        check_unsaid(builder, mark);
    masks = read_mask(builder, body, &mask);
    if (cross && count != 2) {
        findings_add(builder->findings, mark, "cross_attention takes from: [queries, memory]");
        return 0;
    }
    if (!cross)
        inputs[1] = inputs[0];
    if (!(width = features_of(builder, inputs[0])))
        width = 1; /* what is wrong before this layer will be said when the whole is planned */
    if (!name) {
        snprintf(default_value, sizeof default_value, "attention%u", builder->structure->layer_count);
        name = default_value;
    }
    if ((result = add_projection(builder, name, "q", inputs[0], width, mark, &q)) ||
        (result = add_projection(builder, name, "k", inputs[1], width, mark, &k)) ||
        (result = add_projection(builder, name, "v", inputs[1], width, mark, &v)) ||
        (result = add_kind(builder, layer_kind_of(ROLE_ATTENTION), name, mark, &layer)) || !layer)
        return result;
    layer->inputs[0] = q;
    layer->inputs[1] = k;
    layer->inputs[2] = v;
    layer->inputs[3] = mask;
    layer->input_count = 3 + masks;
    layer->parameters[0] = head_count;
    layer->parameters[1] = is_causal;
    return add_projection(builder, name, "o", newest(builder), width, mark, &o);
}

/* ---- the list ---- */

static int add_entries(struct builder *builder, const struct node *list);

/* The repetitions themselves. */
static int add_repetitions(struct builder *builder, const struct node *layers, unsigned count, const char *name)
{
    int result = 0;

    builder->repeating = true;
    for (unsigned i = 1; i <= count && !result && !builder->full; i++) {
        size_t before = builder->findings->count;

        snprintf(builder->scope, sizeof builder->scope, "%s%u.", name, i);
        builder->start = newest(builder);
        builder->again = i > 1;
        result = add_entries(builder, layers);
        if (builder->findings->count > before)
            break; /* the same faults again would help nobody */
    }
    builder->repeating = builder->again = false;
    builder->scope[0] = 0;
    return result;
}

static int add_repeat(struct builder *builder, const struct node *entry)
{
    const struct node *times = node_child(entry, "repeat"), *layers = node_child(entry, "layers");
    const struct node *named = node_child(entry, "name");
    const char *name = "block";
    double count;

    check_keys(entry, builder->findings);
    for (const struct node *child = entry->first; child; child = child->next) {
        if (child->key && strcmp(child->key, "repeat") != 0 && child != layers && child != named)
            findings_add(builder->findings, child->key_mark, "a repeat has \"repeat\", \"name\" and \"layers\"");
    }
    if (builder->repeating) {
        findings_add(builder->findings, entry->mark, "a repeat cannot stand inside a repeat");
        return 0;
    }
    if (!read_real(times, &count) || count < 1 || count > REPEAT_MAX || count != (unsigned)count) {
        findings_add(builder->findings, times->mark, "\"repeat\" takes a whole number from 1 to %d", REPEAT_MAX);
        return 0;
    }
    if (!layers || layers->kind != NODE_LIST) {
        findings_add(builder->findings, entry->mark, "a repeat needs \"layers\", a list");
        return 0;
    }
    if (named && !(name = read_word(named, "a block's name", REPEAT_NAME_MAX, builder->findings)))
        return 0;
    return add_repetitions(builder, layers, (unsigned)count, name);
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
    if (entry->kind == NODE_SECTION && node_child(entry, "repeat"))
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

int document_layers(const struct node *list, struct structure *structure, struct document_work *work,
                    struct findings *findings)
{
    cleanup_free struct builder *builder = calloc(1, sizeof *builder);

    if (!builder)
        return -ENOMEM;
    builder->structure = structure;
    builder->findings = findings;
    builder->work = work;
    return add_entries(builder, list);
}
