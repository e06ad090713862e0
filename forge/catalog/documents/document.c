/* SPDX-License-Identifier: Apache-2.0
 *
 * The document: from YAML to checked structures, and back to canonical text.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "base/suggest.h"
#include "base/yaml/text.h"
#include "base/yaml/tree.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/documents/document_layers.h"
#include "forge/catalog/documents/document_read.h"
#include "forge/catalog/documents/document_tensors.h"

/* ---- reading ---- */

static void read_name(const struct node *node, struct structure *structure, struct findings *findings)
{
    const char *name = read_word(node, "a structure's name", sizeof structure->name, findings);
    struct reason why;

    if (!name)
        return;
    if (structure_name_check(name, &why))
        findings_add(findings, node->mark, "%s", why.text);
    snprintf(structure->name, sizeof structure->name, "%s", name);
}

static void read_processing(const struct node *node, struct structure *structure, struct findings *findings)
{
    struct reason why;

    if (node->kind != NODE_TEXT || node_is_empty(node))
        findings_add(findings, node->mark, "\"%s\" takes a word", node->key);
    else if (processing_check(node->text, &why))
        findings_add(findings, node->mark, "%s", why.text);
    else
        snprintf(structure->processing, sizeof structure->processing, "%s", node->text);
}

static void read_network(const struct node *node, struct structure *structure, struct findings *findings)
{
    const char *network = read_word(node, "the kind of network", sizeof structure->network, findings);

    if (network)
        snprintf(structure->network, sizeof structure->network, "%s", network);
}

/* A path; document_read() makes it whole. */
static void read_base(const struct node *node, struct structure *structure, struct findings *findings)
{
    free(structure->base); /* a key that stands twice is an error, but no leak */
    structure->base = NULL;
    if (node->kind != NODE_TEXT || node_is_empty(node) || !*node->text)
        findings_add(findings, node->mark, "\"base\" takes the path of a safetensors file");
    else
        structure->base = strdup(node->text);
}

static const struct {
    const char *key;
    void (*read)(const struct node *, struct structure *, struct findings *);
    bool needed;
} keys[] = {
    /* Without a function: after the others. */
    { "name", read_name, true },        { "processing", read_processing, true },
    { "network", read_network, false }, { "input", read_input, false },
    { "inputs", read_inputs, false },   { "outputs", NULL, false },
    { "base", read_base, false },       { "layers", NULL, true },
};

static void read_keys(const struct node *section, struct structure *structure, struct findings *findings)
{
    const char *names[ARRAY_SIZE(keys)], *near;
    bool seen[ARRAY_SIZE(keys)] = { false };

    check_keys(section, findings);
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
        names[k] = keys[k].key;
    for (const struct node *child = section->first; child; child = child->next) {
        size_t k = 0;

        while (child->key && k < ARRAY_SIZE(keys) && strcmp(child->key, keys[k].key) != 0)
            k++;
        if (!child->key)
            continue;
        if (k == ARRAY_SIZE(keys)) {
            near = suggest(child->key, names, ARRAY_SIZE(keys));
            findings_add(findings, child->key_mark, "a structure has no \"%s\"%s%s%s", child->key,
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
            continue;
        }
        seen[k] = true;
        if (keys[k].read)
            keys[k].read(child, structure, findings);
    }
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        if (keys[k].needed && !seen[k])
            findings_add(findings, section->mark, "\"%s\" is missing", keys[k].key);
    }
    if (!node_child(section, "input") && !node_child(section, "inputs"))
        findings_add(findings, section->mark, "\"input\" is missing");
}

static int read_structure(const struct node *section, struct structure *out, struct document_work *work,
                          struct findings *findings)
{
    const struct node *layers, *outputs;
    size_t before = findings->count + findings->dropped;
    struct reason why;
    uint32_t refused;
    int result;

    if (section->kind == NODE_REFUSED)
        return 0;
    if (section->kind != NODE_SECTION) {
        findings_add(findings, section->mark, "a structure is a section: name, processing, input, layers");
        return 0;
    }
    read_keys(section, out, findings);
    layers = node_child(section, "layers");
    outputs = node_child(section, "outputs");
    if (layers && layers->kind != NODE_LIST)
        findings_add(findings, layers->mark, "\"layers\" takes a list");
    else if (layers && out->signature.input_count && (result = document_layers(layers, out, work, findings)))
        return result;
    if (outputs)
        read_outputs(outputs, out, findings);
    if (findings->count + findings->dropped > before)
        return 0;
    result = structure_plan_at(out, &refused, &why);
    if (result != WISP_E_FORMAT)
        return result;
    findings_add(findings, refused < out->layer_count ? (struct mark){ out->layers[refused].line, 1 } : section->mark,
                 "%.200s", why.text);
    return 0;
}

/* ---- a whole document ---- */

struct reading {
    document_visit *visit;
    void *argument;
    struct findings findings;
    struct document_work work;
    const char *path; /* of the file; NULL: it is none */
};

/* What stands in a file is found from that file's folder, and from then on by its whole path. */
static int make_base_whole(const struct reading *reading, struct structure *structure)
{
    const char *slash = strrchr(reading->path, '/');
    cleanup_free char *joined = NULL;
    char *whole;

    if (asprintf(&joined, "%.*s%s", *structure->base == '/' || !slash ? 0 : (int)(slash - reading->path) + 1,
                 reading->path, structure->base) < 0)
        return -ENOMEM;
    whole = realpath(joined, NULL);
    if (!whole && errno == ENOMEM)
        return -ENOMEM;
    if (whole) { /* else whoever uses it says what is wrong */
        free(structure->base);
        structure->base = whole;
    }
    return 0;
}

/* Checks one structure and, while the document is right so far, shows it. */
static int read_item(void *argument, const struct node *item)
{
    struct reading *reading = argument;
    struct structure structure = STRUCTURE_NULL;
    int result = read_structure(item, &structure, &reading->work, &reading->findings);

    if (!result && reading->path && structure.base)
        result = make_base_whole(reading, &structure);
    if (!result && !reading->findings.count)
        result = reading->visit(reading->argument, &structure);
    structure_deinit(&structure);
    return result;
}

static int read_root(struct reading *reading, const struct node *root, bool streamed)
{
    const struct node *first = root->kind == NODE_SECTION ? root->first : NULL;

    if (!first || !first->key || strcmp(first->key, "structures") != 0)
        return read_item(reading, root);
    if (first->next)
        findings_add(&reading->findings, first->next->key_mark,
                     "\"structures\" stands alone: a list, and nothing beside it");
    else if (!streamed)
        findings_add(&reading->findings, first->mark, "\"structures\" takes a list");
    return 0;
}

static int parse(const char *name, const char *path, const char *text, size_t length, document_visit *visit,
                 void *argument, FILE *errors, struct reason *why)
{
    struct reading reading = { .visit = visit, .argument = argument, .path = path };
    struct tree_list list = { .key = "structures", .visit = read_item, .argument = &reading };
    struct node *root = NULL;
    int result = findings_init(&reading.findings);

    if (result)
        return refuse_errno(why, result, "%s", name);
    result = tree_parse_list(text, length, &list, &root, &reading.findings);
    if (!result && !root && !reading.findings.count)
        findings_add(&reading.findings, (struct mark){ 0 },
                     "it is empty: a structure has name, processing, input and layers");
    if (!result && root)
        result = read_root(&reading, root, list.streamed);
    if (result == -ENOMEM)
        result = refuse_errno(why, result, "%s", name);
    else if (!result && findings_report(&reading.findings, name, errors, why))
        result = WISP_E_FORMAT;
    tree_free(root);
    findings_deinit(&reading.findings);
    return result;
}

int document_parse(const char *name, const char *text, size_t length, document_visit *visit, void *argument,
                   FILE *errors, struct reason *why)
{
    return parse(name, NULL, text, length, visit, argument, errors, why);
}

int document_read(const char *path, document_visit *visit, void *argument, FILE *errors, struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size;
    int result = file_read(path, DOCUMENT_FILE_MAX, &data, &size, why);

    if (result)
        return result;
    if (!strcmp(path, "-"))
        return parse("standard input", "", data, size, visit, argument, errors, why);
    return parse(path, path, data, size, visit, argument, errors, why);
}

/* ---- writing ---- */

static void print_inputs(FILE *out, const struct structure *structure, const struct structure_layer *layer)
{
    fprintf(out, ", from: [");
    for (uint32_t i = 0; i < layer->input_count; i++) {
        fputs(i ? ", " : "", out);
        text_print(structure_value_name(structure, layer->inputs[i]), out);
    }
    fprintf(out, "]");
}

static void print_parameter(FILE *out, const struct structure_layer *layer, unsigned number)
{
    const char *word = layer_parameter_word(layer->kind, number, layer->parameters[number]);

    fprintf(out, ", %s: ", layer->kind->parameters[number].name);
    if (word)
        text_print(word, out);
    else
        fprintf(out, "%.17g", layer->parameters[number]);
}

static void print_layer(FILE *out, const struct structure *structure, uint32_t index)
{
    const struct structure_layer *layer = &structure->layers[index];

    fprintf(out, "  - %s: {name: ", layer->kind->name);
    text_print(layer->name, out);
    if (!structure_reads_previous(structure, index))
        print_inputs(out, structure, layer);
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++) {
        if (!layer_parameter_is_default(layer->kind, layer->parameters, p))
            print_parameter(out, layer, p);
    }
    fprintf(out, "}\n");
}

static void print_word(FILE *out, const char *key, const char *word)
{
    fprintf(out, "%s: ", key);
    text_print(word, out);
    fputc('\n', out);
}

char *document_print(const struct structure *structure)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    print_word(out, "name", structure->name);
    print_word(out, "processing", structure->processing);
    if (structure->network[0])
        print_word(out, "network", structure->network);
    print_signature(out, structure);
    if (structure->base)
        print_word(out, "base", structure->base);
    fprintf(out, "layers:\n");
    for (uint32_t i = 0; i < structure->layer_count; i++)
        print_layer(out, structure, i);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- and back ---- */

struct expected {
    const struct structure *structure;
    unsigned same, seen;
};

/* Of as many tensors, which is in the hash. */
static bool same_names(const struct model_tensor *a, const struct model_tensor *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(a[i].name, b[i].name) != 0)
            return false;
    }
    return true;
}

static int compare(void *argument, const struct structure *read)
{
    struct expected *expected = argument;
    const struct structure *as = expected->structure;
    char before[33], after[33];
    bool same;

    structure_hash(as, before);
    structure_hash(read, after);
    same = !strcmp(before, after) && !strcmp(as->name, read->name) && !strcmp(as->processing, read->processing) &&
           !strcmp(as->network, read->network) && as->layer_count == read->layer_count &&
           same_names(as->signature.inputs, read->signature.inputs, as->signature.input_count) &&
           same_names(as->signature.outputs, read->signature.outputs, as->signature.output_count);
    for (uint32_t i = 0; i < as->layer_count && same; i++)
        same = !strcmp(as->layers[i].name, read->layers[i].name);
    expected->seen++;
    expected->same += same;
    return 0;
}

int document_canonical(const struct structure *structure, char **out, struct reason *why)
{
    struct expected expected = { .structure = structure };
    char *text = document_print(structure);
    int result;

    if (!text)
        return refuse_errno(why, -ENOMEM, "cannot write %s down", structure->name);
    result = document_parse("as it would be stored", text, strlen(text), compare, &expected, NULL, why);
    if (!result && (expected.seen != 1 || !expected.same))
        result = refuse(why, WISP_E_FORMAT, "as it would be stored it would be another structure");
    if (result) {
        free(text);
        return refuse_in(why, result, "%s cannot be stored", structure->name);
    }
    *out = text;
    return 0;
}
