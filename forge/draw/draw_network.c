/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of a network: connections under dots under captions.
 */
#include <math.h>
#include <stdio.h>

#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/draw.h"
#include "forge/draw/layout.h"
#include "sparse/layer.h"

struct page {
    const struct portrait *portrait;
    const struct graph *graph;
    const struct layout *layout;
    struct scene *scene;
    uint32_t alike; /* layers whose pairs were sampled by themselves */
};

struct pattern_layer portrait_layer(const struct portrait *portrait, uint32_t layer)
{
    const struct density_layer *d = &portrait->layers[layer];
    struct pattern_layer out = { .outputs = (uint32_t)d->outputs,
                                 .inputs = (uint32_t)d->inputs,
                                 .area = (uint32_t)(d->kernel_width * d->kernel_height),
                                 .connections = d->connections,
                                 .probability = (double)d->connections / (double)d->potential,
                                 .seed = portrait->seed,
                                 .layer = layer };
    uint32_t seen = 0;

    if (portrait->kernels) {
        out.connections /= out.area;
        out.area = 1;
    }
    for (uint32_t i = 0; portrait->model && i < portrait->model->layer_count; i++) {
        if (portrait->model->layers[i].kind->weighted && seen++ == layer)
            out.matrix = &portrait->model->layers[i].weight;
    }
    return out;
}

static bool is_dense(const struct page *page, uint32_t group)
{
    const struct density_layer *d = &page->portrait->layers[group - 1];

    return page->portrait->sparse && d->connections == d->potential;
}

/* A line for each pair that is connected, as dark as its kernel is full. */
static void add_lines(struct page *page, uint32_t feed, const struct pattern *pattern)
{
    const struct layout_node *to = &page->layout->nodes[page->graph->feeds[feed].to];
    const struct layout_node *from = &page->layout->nodes[page->layout->sources[feed]];
    enum ink ink = is_dense(page, to->group) ? INK_DENSE : INK_LINE;
    size_t pairs = (size_t)pattern->rows * pattern->columns, lines = 0;
    double most;

    for (size_t i = 0; i < pairs; i++)
        lines += pattern->counts[i] > 0;
    /* Few lines may be strong; many must let each other through. */
    most = fmax(0.12, fmin(0.55, 5 / sqrt((double)lines + 1)));
    for (uint32_t column = 0; column < pattern->columns; column++) {
        for (uint32_t row = 0; row < pattern->rows; row++) {
            uint32_t count = pattern->counts[(size_t)row * pattern->columns + column];

            if (count)
                scene_line(page->scene, ink, from->x, layout_dot(from, column), to->x, layout_dot(to, row), 0.9,
                           most * sqrt(fmin(1, count / pattern->potential)));
        }
    }
}

static int add_connections(struct page *page, uint32_t group, struct reason *why)
{
    struct pattern_layer layer = portrait_layer(page->portrait, group - 1);
    const struct graph_group *target = &page->graph->groups[group];
    struct csr own;
    int result = pattern_sample(&layer, &own, &layer.matrix, why);

    for (uint32_t i = 0; i < target->feed_count && !result; i++) {
        const struct graph_feed *feed = &page->graph->feeds[target->first_feed + i];
        struct pattern pattern;

        result =
            pattern_count(&layer, feed, i, page->graph->groups[feed->from].neurons, page->layout->nodes[group].dots,
                          page->layout->nodes[page->layout->sources[target->first_feed + i]].dots, &pattern, why);
        if (result)
            break;
        page->alike += !pattern.real && !i;
        add_lines(page, target->first_feed + i, &pattern);
        pattern_deinit(&pattern);
    }
    csr_deinit(&own);
    return result ? refuse_in(why, result, "layer %s", target->name) : 0;
}

/* Arcs within a band: from a residual to where it is added, from a group to its ghost. */
static void add_arc(struct page *page, const struct layout_node *from, const struct layout_node *to)
{
    double reach = fabs(to->x - from->x);

    if (from->band != to->band || from == to)
        return;
    if (reach < 1)
        scene_arc(page->scene, INK_LINK, from->x + 6, (from->top + from->bottom) / 2, to->x + 6,
                  (to->top + to->bottom) / 2, page->layout->cell * 0.6, true);
    else
        scene_arc(page->scene, INK_LINK, from->x, from->top - 5, to->x, to->top - 5, fmin(46, 16 + reach * 0.05), true);
}

static void add_arcs(struct page *page)
{
    for (uint32_t i = 0; i < page->graph->link_count; i++)
        add_arc(page, &page->layout->nodes[page->graph->links[i].from], &page->layout->nodes[page->graph->links[i].to]);
    for (uint32_t i = page->graph->group_count; i < page->layout->node_count; i++)
        add_arc(page, &page->layout->nodes[page->layout->nodes[i].group], &page->layout->nodes[i]);
}

static void add_dots(struct page *page, const struct layout_node *node)
{
    double spacing = node->dots > 1 ? (node->bottom - node->top) / (node->dots - 1) : 17;
    enum ink ink = node->ghost ? INK_GHOST : node->group && is_dense(page, node->group) ? INK_DENSE : INK_DOT;

    for (uint32_t i = 0; i < node->dots; i++)
        scene_dot(page->scene, ink, node->x, layout_dot(node, i), fmin(4, spacing * 0.3));
}

/* "52,100 of 1,000,000", or shorter where that has no room. */
static void caption_connections(struct page *page, const struct density_layer *layer, const struct type *type,
                                char out[3 * CAPTION_MAX])
{
    char some[CAPTION_MAX], all[CAPTION_MAX];

    caption_whole(layer->connections, some);
    caption_whole(layer->potential, all);
    snprintf(out, 3 * CAPTION_MAX, "%s of %s", some, all);
    if (scene_text_width(page->scene, type, out) <= type->room)
        return;
    caption_short((double)layer->connections, some);
    caption_short((double)layer->potential, all);
    snprintf(out, 3 * CAPTION_MAX, "%s of %s", some, all);
}

static void add_caption(struct page *page, const struct layout_node *node)
{
    const struct graph_group *group = &page->graph->groups[node->group];
    const struct density_layer *layer = node->group ? &page->portrait->layers[node->group - 1] : NULL;
    double size = page->layout->text, y = node->caption, step = size * 1.35;
    struct type name = { .size = size + 1,
                         .bold = !node->ghost,
                         .align = ALIGN_CENTRE,
                         .ink = node->ghost ? INK_SOFT : INK_TEXT,
                         .room = page->layout->cell - 8 };
    struct type line = { .size = size, .align = ALIGN_CENTRE, .ink = INK_SOFT, .room = name.room };
    struct type mark = { .size = size, .bold = true, .align = ALIGN_CENTRE, .ink = INK_DENSE, .room = name.room };
    char text[3 * CAPTION_MAX], number[CAPTION_MAX];

    while (name.size > size * 0.82 && scene_text_width(page->scene, &name, group->name) > name.room)
        name.size -= 0.5;
    scene_text(page->scene, &name, node->x, y, "%s", group->name);
    if (node->ghost)
        return;
    caption_whole(group->neurons, number);
    scene_text(page->scene, &line, node->x, y += step, "%s %s", number, group->unit);
    if (!layer)
        return;
    if (is_dense(page, node->group)) {
        scene_text(page->scene, &mark, node->x, y += step, "dense, p = 1");
    } else if (page->portrait->sparse) {
        caption_probability((double)layer->connections / (double)layer->potential, number);
        scene_text(page->scene, &line, node->x, y += step, "p = %s", number);
    }
    if (page->portrait->sparse) {
        caption_connections(page, layer, &line, text);
        scene_text(page->scene, &line, node->x, y + step, "%s", text);
    } else {
        caption_whole(layer->potential, number);
        scene_text(page->scene, &line, node->x, y + step, "%s potential", number);
    }
}

/* What the marks of this page mean, and only those that it has. */
static void add_foot(struct page *page)
{
    const struct portrait *portrait = page->portrait;
    struct type type = { .size = 12, .ink = INK_SOFT };
    bool sampled = false, kernels = false;
    char text[2 * SCENE_TEXT_MAX], seed[CAPTION_MAX] = "", shown[CAPTION_MAX] = "All connections";
    uint32_t most = 0;

    for (uint32_t i = 0; i < page->graph->group_count; i++) {
        most = MAX(most, page->layout->nodes[i].dots);
        sampled |= page->layout->nodes[i].dots < page->graph->groups[i].neurons;
        kernels |= i && portrait->layers[i - 1].kernel_width * portrait->layers[i - 1].kernel_height > 1;
    }
    if (sampled)
        snprintf(shown, sizeof shown, "Up to %u neurons a layer, and all connections among them", most);
    if (portrait->sparse && !portrait->model)
        snprintf(seed, sizeof seed, " (seed %llu)", (unsigned long long)portrait->seed);
    snprintf(text, sizeof text, "%s%s%s%s.%s%s", shown, seed,
             kernels ? "; the fuller a kernel, the darker its line" : "",
             page->alike == 0                              ? ""
             : page->alike + 1 == page->graph->group_count ? "; drawn for the picture alone, with each layer's p"
                                                           : "; the largest layers' drawn for the picture alone",
             page->layout->node_count > page->graph->group_count ? " Grey: a layer again." : "",
             page->graph->link_count ? " Dashed: added or attended to, without connections." : "");
    while (type.size > 9 && scene_text_width(page->scene, &type, text) > page->layout->width - 2.0 * PAGE_MARGIN)
        type.size -= 0.5;
    scene_text(page->scene, &type, PAGE_MARGIN, page->layout->height - 26, "%s", text);
}

static int fill(struct page *page, struct reason *why)
{
    const struct layout *layout = page->layout;

    page->scene->width = layout->width;
    page->scene->height = layout->height;
    for (uint32_t i = 1; i < page->graph->group_count; i++) {
        int result = add_connections(page, i, why);

        if (result)
            return result;
    }
    add_arcs(page);
    for (uint32_t i = 0; i < layout->node_count; i++)
        add_dots(page, &layout->nodes[i]);
    for (uint32_t i = 0; i < layout->node_count; i++)
        add_caption(page, &layout->nodes[i]);
    caption_head(page->portrait, page->scene);
    add_foot(page);
    return page->scene->failed ? refuse_errno(why, -ENOMEM, "picture") : 0;
}

int draw_network(const struct portrait *portrait, struct scene *out, struct reason *why)
{
    struct graph graph = GRAPH_NULL;
    struct layout layout = LAYOUT_NULL;
    struct page page = { .portrait = portrait, .graph = &graph, .layout = &layout, .scene = out };
    int result = scene_init(out);

    if (result)
        return refuse_errno(why, result, "picture");
    result = graph_make(portrait->structure, &graph, why);
    if (!result)
        result = layout_make(&graph, &layout, why);
    if (!result)
        result = fill(&page, why);
    graph_deinit(&graph);
    layout_deinit(&layout);
    if (result)
        scene_deinit(out);
    return result;
}
