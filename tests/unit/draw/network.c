/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sparse/layers/layer.h"
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
    network->view = (struct network_view){ .structure = &network->structure,
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
        layer->parameters[p] = layer->kind->parameters[p].default_value;
        if (!strncmp(layer->kind->parameters[p].name, "kernel", 6))
            layer->parameters[p] = kernel;
        if (!strncmp(layer->kind->parameters[p].name, "padding", 7))
            layer->parameters[p] = (kernel - 1) / 2;
    }
    if (layer->kind->weighted)
        layer->parameters[0] = first;
    layer->inputs[0] = a;
    layer->inputs[1] = b;
    layer->input_count = layer->kind->inputs_min > 1 ? 2 : 1;
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
    s->signature = signature_of((struct shape){ 3, { 3, 16, 16 } });
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

static const char *text_of(const struct scene *scene, const struct mark *mark)
{
    return scene->bytes + mark->content;
}

/* Whether the way from a to b enters the box of a text, of which a hair's breadth may be touched. */
static bool crosses(const struct mark *box, struct point a, struct point b)
{
    const double hair = 0.25, from[2] = { a.x, a.y }, way[2] = { b.x - a.x, b.y - a.y };
    const double low[2] = { box->x + hair, box->y + hair }, high[2] = { box->x2 - hair, box->y2 - hair };
    double enter = 0, leave = 1;

    if (fmax(a.x, b.x) < box->x || fmin(a.x, b.x) > box->x2 || fmax(a.y, b.y) < box->y || fmin(a.y, b.y) > box->y2)
        return false;
    for (int i = 0; i < 2; i++) {
        double first, second;

        if (fabs(way[i]) < 1e-9) {
            if (from[i] <= low[i] || from[i] >= high[i])
                return false;
            continue;
        }
        first = (low[i] - from[i]) / way[i];
        second = (high[i] - from[i]) / way[i];
        enter = fmax(enter, fmin(first, second));
        leave = fmin(leave, fmax(first, second));
    }
    return enter < leave;
}

static void check_text(const struct scene *scene, const struct mark *text)
{
    for (size_t i = 0; i < scene->count; i++) {
        const struct mark *m = &scene->marks[i];
        bool over = false;

        if (m == text)
            continue;
        if (m->kind == MARK_TEXT || m->kind == MARK_CELLS)
            over = text->x < m->x2 && m->x < text->x2 && text->y < m->y2 && m->y < text->y2;
        else if (m->kind == MARK_LINE)
            over = crosses(text, (struct point){ m->x, m->y }, (struct point){ m->x2, m->y2 });
        else if (m->kind == MARK_DOT || m->kind == MARK_RING)
            over = m->x + m->size > text->x && m->x - m->size < text->x2 && m->y + m->size > text->y &&
                   m->y - m->size < text->y2;
        else if (m->kind == MARK_PATH)
            for (uint32_t k = 1; k < m->columns && !over; k++)
                over = crosses(text, scene_path_point(scene, m, k - 1), scene_path_point(scene, m, k));
        else if (m->kind == MARK_BOX)
            over = text->x < m->x2 && m->x < text->x2 && text->y < m->y2 && m->y < text->y2 &&
                   !(text->x >= m->x && text->x2 <= m->x2 && text->y >= m->y && text->y2 <= m->y2);
        if (over)
            fail_msg("\"%s\" and the mark %zu of kind %d (\"%s\") lie over each other", text_of(scene, text), i,
                     m->kind, m->kind == MARK_TEXT ? text_of(scene, m) : "");
    }
}

/* A name may lose its middle; a number that did would be another one. */
static void check_number(const char *text)
{
    if (!strncmp(text, "p ", 2) || !strncmp(text, "of ", 3) || (*text >= '0' && *text <= '9'))
        assert_null(strstr(text, "\u2026"));
}

void check_page(const struct scene *scene)
{
    assert_false(scene->failed);
    assert_true(scene->width <= 2000);
    for (size_t i = 0; i < scene->count; i++) {
        const struct mark *m = &scene->marks[i];

        assert_true(m->x >= 0 && m->y >= 0 && m->x <= scene->width && m->y <= scene->height);
        if (m->kind != MARK_DOT && m->kind != MARK_RING)
            assert_true(m->x2 >= 0 && m->y2 >= 0 && m->x2 <= scene->width && m->y2 <= scene->height);
        if (m->kind == MARK_TEXT) {
            check_text(scene, m);
            check_number(scene->bytes + m->content);
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
