/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "base/suggest.h"
#include "base/yaml/text.h"
#include "forge/catalog/documents/document_tensors.h"

/* ---- reading ---- */

static void read_shape(const struct node *node, struct shape *out, struct findings *findings)
{
    const struct node *item = node->kind == NODE_LIST ? node->first : node;
    struct reason why;

    *out = (struct shape){ 0 };
    for (; item; item = node->kind == NODE_LIST ? item->next : NULL) {
        double value = 0;

        if (!read_real(item, &value) || value < 1 || value > MODEL_ELEMENTS_MAX || value != (uint32_t)value ||
            out->rank == SHAPE_RANK_MAX) {
            findings_add(findings, item->mark,
                         "\"%s\" takes 1 to %d whole numbers from 1 to %u: features, or channels, height, "
                         "width, or tokens",
                         node->key ? node->key : "shape", SHAPE_RANK_MAX, MODEL_ELEMENTS_MAX);
            return;
        }
        out->dimension[out->rank++] = (uint32_t)value;
    }
    if (shape_check(out, &why))
        findings_add(findings, node->mark, "%s", why.text);
}

void read_input(const struct node *node, struct structure *structure, struct findings *findings)
{
    struct shape shape;

    read_shape(node, &shape, findings);
    if (shape.rank) /* what could be read of it: the layers may have errors of their own */
        structure->signature = signature_of(shape);
}

static void read_dtype(const struct node *node, struct model_tensor *out, struct findings *findings)
{
    enum dtype dtype = node->kind == NODE_TEXT ? dtype_find(node->text) : DTYPE_COUNT;

    if (dtype < DTYPE_COUNT)
        out->dtype = dtype;
    else
        findings_add(findings, node->mark, "\"dtype\" is float32, int32 or uint8");
}

static void read_scale(const struct node *node, struct model_tensor *out, struct findings *findings)
{
    double scale;

    if (read_real(node, &scale))
        out->scale = (float)scale;
    else
        findings_add(findings, node->mark, "\"scale\" takes a number");
}

/* A section of one tensor: `own` is "shape" or "from", and stands at *node then; else *node is NULL. */
static void read_section(const struct node *section, const char *own, const struct node **node,
                         struct model_tensor *out, struct findings *findings)
{
    const char *names[] = { own, "dtype", "scale" }, *near;

    *node = node_child(section, own);
    check_keys(section, findings);
    for (const struct node *child = section->first; child; child = child->next) {
        if (!child->key || child == *node)
            continue;
        if (!strcmp(child->key, "dtype")) {
            read_dtype(child, out, findings);
        } else if (!strcmp(child->key, "scale")) {
            read_scale(child, out, findings);
        } else {
            near = suggest(child->key, names, ARRAY_SIZE(names));
            findings_add(findings, child->key_mark, "a tensor has no \"%s\"%s%s%s", child->key,
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
    }
    if (!*node)
        findings_add(findings, section->mark, "\"%s\" is missing", own);
}

static void read_input_of(const struct node *node, struct structure *structure, struct model_tensor *out,
                          struct findings *findings)
{
    const struct node *shape = node;

    (void)structure;
    if (node->kind == NODE_SECTION)
        read_section(node, "shape", &shape, out, findings);
    if (shape)
        read_shape(shape, &out->shape, findings);
}

static void read_output_of(const struct node *node, struct structure *structure, struct model_tensor *out,
                           struct findings *findings)
{
    const struct node *from = node;

    if (node->kind == NODE_SECTION)
        read_section(node, "from", &from, out, findings);
    if (!from)
        return;
    for (uint32_t i = 0; from->kind == NODE_TEXT && i < structure->layer_count; i++) {
        if (!strcmp(structure->layers[i].name, from->text)) {
            out->value = structure_value(structure, i);
            return;
        }
    }
    findings_add(findings, from->mark, "no layer is called \"%s\"", from->kind == NODE_TEXT ? from->text : "");
}

/* One list or the other; how many there are. */
static uint32_t read_tensors(const struct node *section, struct structure *structure, struct model_tensor *out,
                             void (*read)(const struct node *, struct structure *, struct model_tensor *,
                                          struct findings *),
                             struct findings *findings)
{
    uint32_t count = 0;

    if (section->kind != NODE_SECTION) {
        findings_add(findings, section->mark, "\"%s\" is a section: a name, and what it is", section->key);
        return 0;
    }
    check_keys(section, findings);
    for (const struct node *child = section->first; child; child = child->next) {
        struct reason why;

        if (!child->key)
            continue;
        if (count == SIGNATURE_TENSORS_MAX) {
            findings_add(findings, child->key_mark, "at most %d %s", SIGNATURE_TENSORS_MAX, section->key);
            return count;
        }
        out[count] = (struct model_tensor){ .scale = 1 };
        if (name_check("its name", child->key, TENSOR_NAME_MAX, &why))
            findings_add(findings, child->key_mark, "%s", why.text);
        else
            memcpy(out[count].name, child->key, strlen(child->key) + 1);
        read(child, structure, &out[count++], findings);
    }
    if (!count)
        findings_add(findings, section->mark, "\"%s\" is empty", section->key);
    return count;
}

void read_inputs(const struct node *node, struct structure *structure, struct findings *findings)
{
    struct signature *signature = &structure->signature;

    if (signature->input_count)
        findings_add(findings, node->key_mark, "\"input\" and \"inputs\" say the same: leave one out");
    signature->input_count = read_tensors(node, structure, signature->inputs, read_input_of, findings);
}

void read_outputs(const struct node *node, struct structure *structure, struct findings *findings)
{
    struct signature *signature = &structure->signature;

    signature->output_count = read_tensors(node, structure, signature->outputs, read_output_of, findings);
}

/* ---- writing ---- */

static void print_shape(FILE *out, const struct shape *shape)
{
    for (uint32_t i = 0; i < shape->rank; i++)
        fprintf(out, "%s%u", i ? ", " : "[", shape->dimension[i]);
    fputc(']', out);
}

static void print_type(FILE *out, const struct model_tensor *tensor)
{
    if (tensor->dtype != DTYPE_FLOAT32)
        fprintf(out, ", dtype: %s", dtype_name(tensor->dtype));
    if (tensor->scale != 1)
        fprintf(out, ", scale: %.9g", (double)tensor->scale);
    fprintf(out, "}\n");
}

static void print_name(FILE *out, const struct model_tensor *tensor)
{
    fprintf(out, "  ");
    text_print(tensor->name, out);
    fprintf(out, ": ");
}

static void print_inputs(FILE *out, const struct signature *signature)
{
    if (signature_has_plain_input(signature)) {
        fprintf(out, "input: ");
        print_shape(out, &signature->inputs[0].shape);
        fputc('\n', out);
        return;
    }
    fprintf(out, "inputs:\n");
    for (uint32_t i = 0; i < signature->input_count; i++) {
        print_name(out, &signature->inputs[i]);
        fprintf(out, "{shape: ");
        print_shape(out, &signature->inputs[i].shape);
        print_type(out, &signature->inputs[i]);
    }
}

static void print_outputs(FILE *out, const struct structure *structure)
{
    const struct signature *signature = &structure->signature;

    if (signature_has_plain_output(signature, structure_value_count(structure)))
        return;
    fprintf(out, "outputs:\n");
    for (uint32_t i = 0; i < signature->output_count; i++) {
        print_name(out, &signature->outputs[i]);
        fprintf(out, "{from: ");
        text_print(structure_value_name(structure, signature->outputs[i].value), out);
        print_type(out, &signature->outputs[i]);
    }
}

void print_signature(FILE *out, const struct structure *structure)
{
    print_inputs(out, &structure->signature);
    print_outputs(out, structure);
}
