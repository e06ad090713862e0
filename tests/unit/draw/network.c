/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sparse/layer.h"
#include "support/test.h"
#include "unit/draw/network.h"

static void solve(struct network *network, double density)
{
    struct reason why;
    double sigma;

    if (structure_plan(&network->structure, &why))
        fail_msg("%s", why.text);
    structure_density_layers(&network->structure, network->layers);
    if (density_solve(DENSITY_ER, network->layers, structure_weighted(&network->structure), density, &sigma, &why))
        fail_msg("%s", why.text);
    network->portrait = (struct portrait){ .structure = &network->structure,
                                           .title = "a network",
                                           .method = "er",
                                           .layers = network->layers,
                                           .sparse = density < 1,
                                           .seed = 1 };
}

void make_mlp(struct network *network, const char *layers, double density)
{
    struct reason why;

    memset(network, 0, sizeof *network);
    if (structure_parse_layers(layers, &network->structure, &why))
        fail_msg("%s", why.text);
    snprintf(network->structure.processing, sizeof network->structure.processing, "raw");
    solve(network, density);
}

static uint32_t add_layer(struct structure *s, const char *kind, double first, double kernel, uint32_t a, uint32_t b)
{
    struct structure_layer *layer = &s->layers[s->layer_count];

    layer->kind = layer_kind_find(kind);
    assert_non_null(layer->kind);
    snprintf(layer->name, sizeof layer->name, "%s%u", kind, s->layer_count);
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++) {
        layer->parameters[p] = layer->kind->parameters[p].preset;
        if (!strncmp(layer->kind->parameters[p].name, "kernel", 6))
            layer->parameters[p] = kernel;
        if (!strncmp(layer->kind->parameters[p].name, "padding", 7))
            layer->parameters[p] = (kernel - 1) / 2;
    }
    if (layer->kind->weighted)
        layer->parameters[0] = first;
    layer->inputs[0] = a;
    layer->inputs[1] = b;
    layer->input_count = layer->kind->inputs_least > 1 ? 2 : 1;
    return ++s->layer_count;
}

/* Blocks with residuals, then a concatenation with the first of them. */
void make_branches(struct network *network, unsigned blocks, double density)
{
    struct structure *s = &network->structure;
    uint32_t first, value;

    memset(network, 0, sizeof *network);
    s->layers = calloc(LAYERS_MAX, sizeof *s->layers);
    assert_non_null(s->layers);
    snprintf(s->processing, sizeof s->processing, "image.denoising");
    s->input = (struct shape){ 3, { 3, 16, 16 } };
    value = first = add_layer(s, "conv2d", 16, 3, 0, 0);
    for (unsigned i = 0; i < blocks; i++) {
        uint32_t before = value;

        value = add_layer(s, "relu", 0, 0, add_layer(s, "conv2d", 16, 3, value, 0), 0);
        value = add_layer(s, "add", 0, 0, add_layer(s, "conv2d", 16, 3, value, 0), before);
    }
    value = add_layer(s, "concat", 0, 0, value, first);
    add_layer(s, "conv2d", 3, 1, value, 0);
    solve(network, density);
}

void drop(struct network *network)
{
    structure_deinit(&network->structure);
}

void check_page(const struct scene *scene)
{
    assert_false(scene->failed);
    for (size_t i = 0; i < scene->count; i++) {
        const struct mark *m = &scene->marks[i];

        assert_true(m->x >= 0 && m->y >= 0 && m->x <= scene->width && m->y <= scene->height);
        if (m->kind == MARK_DOT)
            continue;
        assert_true(m->x2 >= 0 && m->y2 >= 0 && m->x2 <= scene->width && m->y2 <= scene->height);
        for (size_t k = i + 1; m->kind == MARK_TEXT && k < scene->count; k++) {
            const struct mark *n = &scene->marks[k];

            if (n->kind == MARK_TEXT && m->x < n->x2 && n->x < m->x2 && m->y < n->y2 && n->y < m->y2)
                fail_msg("\"%s\" lies over \"%s\"", scene->bytes + m->content, scene->bytes + n->content);
        }
    }
}

size_t count_marks(const struct scene *scene, enum mark_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < scene->count; i++)
        count += scene->marks[i].kind == kind;
    return count;
}

bool says(const struct scene *scene, const char *text)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->marks[i].kind == MARK_TEXT && strstr(scene->bytes + scene->marks[i].content, text))
            return true;
    }
    return false;
}
