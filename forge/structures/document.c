/* SPDX-License-Identifier: Apache-2.0
 *
 * The document: from YAML to judged structures, and back to canonical text.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "base/suggest.h"
#include "config/tree.h"
#include "forge/structures/document.h"
#include "forge/structures/document_layers.h"

/* ---- reading ---- */

static void read_text(const struct node *node, char *out, size_t size, struct findings *findings)
{
    if (node->kind != NODE_TEXT || !*node->text)
        findings_add(findings, node->mark, "\"%s\" takes a word", node->key);
    else if (strlen(node->text) >= size)
        findings_add(findings, node->mark, "\"%s\" has at most %zu characters", node->key, size - 1);
    else
        snprintf(out, size, "%s", node->text);
}

static void read_name(const struct node *node, struct structure *structure, struct findings *findings)
{
    read_text(node, structure->name, sizeof structure->name, findings);
    if (structure->name[strspn(structure->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
        findings_add(findings, node->mark, "a name has letters, digits, \".\", \"_\" and \"-\"");
}

static void read_processing(const struct node *node, struct structure *structure, struct findings *findings)
{
    struct reason why;

    read_text(node, structure->processing, sizeof structure->processing, findings);
    if (structure->processing[0] && processing_check(structure->processing, &why))
        findings_add(findings, node->mark, "%s", why.text);
}

static void read_network(const struct node *node, struct structure *structure, struct findings *findings)
{
    read_text(node, structure->network, sizeof structure->network, findings);
}

static void read_input(const struct node *node, struct structure *structure, struct findings *findings)
{
    const struct node *item = node->kind == NODE_LIST ? node->first : node;
    struct reason why;

    structure->input = (struct shape){ 0 };
    for (; item; item = node->kind == NODE_LIST ? item->next : NULL) {
        char *end = NULL;
        unsigned long value = item->kind == NODE_TEXT ? strtoul(item->text, &end, 10) : 0;

        if (!end || *end || !value || value > MODEL_ELEMENTS_MAX || structure->input.rank == SHAPE_RANK_MAX) {
            findings_add(findings, item->mark,
                         "\"input\" takes 1 to %d whole numbers: features, or channels, height, "
                         "width, or tokens",
                         SHAPE_RANK_MAX);
            return;
        }
        structure->input.dimension[structure->input.rank++] = (uint32_t)value;
    }
    if (shape_check(&structure->input, &why))
        findings_add(findings, node->mark, "%s", why.text);
}

static void read_base(const struct node *node, struct structure *structure, struct findings *findings)
{
    free(structure->base); /* a key that stands twice is an error, but no leak */
    structure->base = NULL;
    if (node->kind != NODE_TEXT || !*node->text)
        findings_add(findings, node->mark, "\"base\" takes the path of a safetensors file");
    else
        structure->base = strdup(node->text);
}

static const struct {
    const char *key;
    void (*read)(const struct node *, struct structure *, struct findings *);
    bool needed;
} keys[] = {
    { "name", read_name, true },        { "processing", read_processing, true },
    { "network", read_network, false }, { "input", read_input, true },
    { "base", read_base, false },       { "layers", NULL, true },
};

static void read_keys(const struct node *section, struct structure *structure, const struct node **layers,
                      struct findings *findings)
{
    const char *names[ARRAY_SIZE(keys)], *near;
    bool seen[ARRAY_SIZE(keys)] = { false };

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
        else
            *layers = child;
    }
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        if (keys[k].needed && !seen[k])
            findings_add(findings, section->mark, "\"%s\" is missing", keys[k].key);
    }
}

static int read_structure(const struct node *section, struct structure *out, struct findings *findings)
{
    const struct node *layers = NULL;
    size_t before = findings->count;
    struct reason why;
    int result;

    *out = STRUCTURE_NULL;
    if (section->kind != NODE_SECTION) {
        findings_add(findings, section->mark, "a structure is a section: name, processing, input, layers");
        return 0;
    }
    read_keys(section, out, &layers, findings);
    if (layers && layers->kind != NODE_LIST)
        findings_add(findings, layers->mark, "\"layers\" takes a list");
    else if (layers && out->input.rank && (result = document_layers(layers, out, findings)))
        return result;
    if (findings->count > before)
        return 0;
    result = structure_plan(out, &why);
    if (result == WISP_E_FORMAT) {
        struct mark mark = section->mark;

        /* The plan stops at the first layer that does not fit; the reason names it. */
        for (uint32_t i = 0; i < out->layer_count; i++) {
            char prefix[LAYER_NAME_MAX + 16];

            snprintf(prefix, sizeof prefix, "layer %s (", out->layers[i].name);
            if (!strncmp(why.text, prefix, strlen(prefix)))
                mark = (struct mark){ out->layers[i].line, 1 };
        }
        findings_add(findings, mark, "%.200s", why.text);
        return 0;
    }
    return result;
}

struct parsed {
    struct structure *list;
    size_t count;
};

static int read_root(const struct node *root, struct parsed *parsed, struct findings *findings)
{
    const struct node *first = root->kind == NODE_SECTION ? root->first : NULL;
    bool several = first && first->key && !strcmp(first->key, "structures") && !first->next;
    size_t capacity = 0;

    if (several && first->kind != NODE_LIST) {
        findings_add(findings, first->mark, "\"structures\" takes a list");
        return 0;
    }
    for (const struct node *item = several ? first->first : root; item; item = several ? item->next : NULL)
        capacity++;
    parsed->list = calloc(capacity + 1, sizeof *parsed->list);
    if (!parsed->list)
        return -ENOMEM;
    for (const struct node *item = several ? first->first : root; item; item = several ? item->next : NULL) {
        int result = read_structure(item, &parsed->list[parsed->count++], findings);

        if (result)
            return result;
    }
    return 0;
}

int document_parse(const char *name, const char *text, size_t length, document_visit *visit, void *argument,
                   FILE *errors, struct reason *why)
{
    struct parsed parsed = { 0 };
    struct findings findings;
    struct node *root = NULL;
    int result = findings_init(&findings);

    if (result)
        return refuse_errno(why, result, "%s", name);
    result = tree_parse(text, length, &root, &findings);
    if (!result && !root && !findings.count)
        findings_add(&findings, (struct mark){ 0 }, "it is empty: a structure has name, processing, input and layers");
    if (!result && root)
        result = read_root(root, &parsed, &findings);
    if (result)
        result = refuse_errno(why, result, "%s", name);
    else if (findings_report(&findings, name, errors, why))
        result = WISP_E_FORMAT;
    for (size_t i = 0; i < parsed.count; i++) {
        if (!result)
            result = visit(argument, &parsed.list[i]);
        structure_deinit(&parsed.list[i]);
    }
    free(parsed.list);
    tree_free(root);
    findings_deinit(&findings);
    return result;
}

int document_read(const char *path, document_visit *visit, void *argument, FILE *errors, struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size;
    int result = file_read(path, DOCUMENT_BYTES_MAX, &data, &size, why);

    if (result)
        return result;
    return document_parse(strcmp(path, "-") ? path : "standard input", data, size, visit, argument, errors, why);
}

/* ---- writing ---- */

static void print_inputs(FILE *out, const struct structure *structure, const struct structure_layer *layer)
{
    fprintf(out, ", from: [");
    for (uint32_t i = 0; i < layer->input_count; i++)
        fprintf(out, "%s%s", i ? ", " : "", layer->inputs[i] ? structure->layers[layer->inputs[i] - 1].name : "input");
    fprintf(out, "]");
}

static void print_layer(FILE *out, const struct structure *structure, uint32_t index)
{
    const struct structure_layer *layer = &structure->layers[index];

    fprintf(out, "  - %s: {name: %s", layer->kind->name, layer->name);
    if (layer->input_count != 1 || layer->inputs[0] != index)
        print_inputs(out, structure, layer);
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++) {
        if (layer->parameters[p] != layer->kind->parameters[p].preset)
            fprintf(out, ", %s: %.17g", layer->kind->parameters[p].name, layer->parameters[p]);
    }
    fprintf(out, "}\n");
}

char *document_print(const struct structure *structure)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fprintf(out, "name: %s\nprocessing: %s\n", structure->name, structure->processing);
    if (structure->network[0])
        fprintf(out, "network: %s\n", structure->network);
    fprintf(out, "input: [");
    for (uint32_t i = 0; i < structure->input.rank; i++)
        fprintf(out, "%s%u", i ? ", " : "", structure->input.dimension[i]);
    fprintf(out, "]\n");
    if (structure->base)
        fprintf(out, "base: \"%s\"\n", structure->base);
    fprintf(out, "layers:\n");
    for (uint32_t i = 0; i < structure->layer_count; i++)
        print_layer(out, structure, i);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
