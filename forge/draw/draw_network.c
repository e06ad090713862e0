/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of a network: cards, connections, ways around them, dots, captions.
 */
#include <math.h>
#include <stdio.h>

#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/draw.h"
#include "forge/draw/layer_caption.h"
#include "forge/draw/layout.h"
#include "forge/draw/legend.h"
#include "sparse/layers/layer.h"

struct page {
    const struct network_view *view;
    const struct graph *graph;
    const struct layout *layout;
    struct scene *scene;
    uint32_t alike; /* layers whose pairs were sampled by themselves */
};

struct pattern_layer view_layer(const struct network_view *view, uint32_t layer)
{
    const struct density_layer *d = &view->layers[layer];
    struct pattern_layer out = { .outputs = (uint32_t)d->outputs,
                                 .inputs = (uint32_t)d->inputs,
                                 .area = (uint32_t)(d->kernel_width * d->kernel_height),
                                 .connections = d->connections,
                                 .probability = (double)d->connections / (double)d->potential,
                                 .seed = view->seed,
                                 .layer = layer };
    uint32_t seen = 0;

    if (view->kernels) {
        out.connections /= out.area;
        out.area = 1;
    }
    for (uint32_t i = 0; view->model && i < view->model->layer_count; i++) {
        if (view->model->layers[i].kind->weighted && seen++ == layer)
            out.matrix = &view->model->layers[i].weight;
    }
    return out;
}

static bool is_dense(const struct page *page, uint32_t group)
{
    return view_is_dense(page->view, group - 1);
}

static const struct layout_node *home_of(const struct page *page, uint32_t group)
{
    return &page->layout->nodes[page->layout->homes[group]];
}

/* A line for each pair that is connected, as dark as its kernel is full. */
static void add_lines(struct page *page, uint32_t feed, const struct pattern *pattern)
{
    const struct layout_node *to = home_of(page, page->graph->feeds[feed].to);
    const struct layout_node *from = &page->layout->nodes[page->layout->sources[feed]];
    enum color color = is_dense(page, to->group) ? COLOR_DENSE : COLOR_LINE;
    size_t pairs = (size_t)pattern->rows * pattern->columns, lines = 0;
    double max;

    for (size_t i = 0; i < pairs; i++)
        lines += pattern->counts[i] > 0;
    /* Few lines may be strong; many must let each other through. */
    max = fmax(0.12, fmin(0.55, 5 / sqrt((double)lines + 1)));
    for (uint32_t column = 0; column < pattern->columns; column++) {
        for (uint32_t row = 0; row < pattern->rows; row++) {
            uint32_t count = pattern->counts[(size_t)row * pattern->columns + column];

            struct point a = layout_dot(from, column), b = layout_dot(to, row);

            if (count)
                scene_line(page->scene, color, a.x, a.y, b.x, b.y, 0.9,
                           max * sqrt(fmin(1, count / pattern->potential)));
        }
    }
}

static int add_connections(struct page *page, uint32_t group, struct reason *why)
{
    struct pattern_layer layer = view_layer(page->view, group - 1);
    const struct graph_group *target = &page->graph->groups[group];
    struct csr own;
    int result = pattern_sample(&layer, &own, &layer.matrix, why);

    for (uint32_t i = 0; i < target->feed_count && !result; i++) {
        const struct graph_feed *feed = &page->graph->feeds[target->first_feed + i];
        struct pattern pattern;

        result = pattern_count(&layer, feed, i, page->graph->groups[feed->from].neurons, home_of(page, group)->dots,
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

static void add_boxes(struct page *page)
{
    struct type title = { .size = 12.5, .bold = true, .color = COLOR_TEXT, .min = 9.5 };
    struct type bar = { .size = 9, .align = ALIGN_CENTRE, .color = COLOR_SOFT, .min = 7 };

    for (uint32_t i = 0; i < page->layout->box_count; i++) {
        const struct layout_box *box = &page->layout->boxes[i];

        scene_box(page->scene, box->bar ? COLOR_FAINT : COLOR_CARD, box->x, box->y, box->x2, box->y2);
        title.room = box->x2 - box->x - 16;
        bar.room = box->x2 - box->x - 4;
        if (box->bar && box->length)
            scene_text(page->scene, &bar, (box->x + box->x2) / 2, box->y2 - 4, "%.*s", (int)box->length, box->name);
        if (!box->bar)
            scene_text(page->scene, &title, box->x + 8, box->y + 18, "%.*s", (int)box->length, box->name);
    }
}

static const struct stroke strokes[ROUTE_KINDS] = {
    [ROUTE_ADD] = { COLOR_LINK, 1.4, 6, false, true },
    [ROUTE_AGAIN] = { COLOR_LINK, 1.2, 6, true, true },
    [ROUTE_NEXT] = { COLOR_FLOW, 1.8, 6, false, true },
    [ROUTE_ATTEND] = { COLOR_LINK, 1.2, 0, false, true },
};

static void add_routes(struct page *page)
{
    for (uint32_t i = 0; i < page->layout->route_count; i++) {
        const struct layout_route *route = &page->layout->routes[i];

        scene_path(page->scene, &strokes[route->kind], route->points, route->count);
    }
}

static void add_dots(struct page *page, const struct layout_node *node)
{
    double extent = hypot(node->last.x - node->first.x, node->last.y - node->first.y);
    double spacing = node->dots > 1 ? extent / (node->dots - 1) : 17;
    enum color color = node->repeat                                 ? COLOR_REPEAT
                       : node->group && is_dense(page, node->group) ? COLOR_DENSE
                                                                    : COLOR_DOT;

    for (uint32_t i = 0; i < node->dots; i++) {
        struct point dot = layout_dot(node, i);

        scene_dot(page->scene, color, dot.x, dot.y, fmin(page->layout->cards ? 3 : 4, spacing * 0.3));
    }
}

/* What the marks of this page mean, and only those that it has. */
static void add_legend(struct page *page)
{
    static const char *const routes[ROUTE_KINDS] = { [ROUTE_ADD] = "added, without connections",
                                                     [ROUTE_AGAIN] = "the same values again",
                                                     [ROUTE_NEXT] = "passed on",
                                                     [ROUTE_ATTEND] = "attended to, without connections" };
    struct legend legend = legend_at(page->scene, page->layout->height - 46);
    bool seen[ROUTE_KINDS] = { false }, dense = false, sparse = false, repeats = false;

    for (uint32_t i = 0; i < page->layout->route_count; i++)
        seen[page->layout->routes[i].kind] = true;
    for (uint32_t i = 1; i < page->graph->group_count; i++) {
        dense |= is_dense(page, i);
        sparse |= !is_dense(page, i);
    }
    for (uint32_t i = 0; i < page->layout->node_count; i++)
        repeats |= page->layout->nodes[i].repeat;
    if (sparse)
        legend_line(&legend, COLOR_LINE, page->view->sparse ? "connection" : "potential connection");
    if (dense)
        legend_line(&legend, COLOR_DENSE, "layer with all its connections");
    for (int i = 0; i < ROUTE_KINDS; i++) {
        if (seen[i])
            legend_path(&legend, &strokes[i], routes[i]);
    }
    if (repeats)
        legend_dot(&legend, COLOR_REPEAT, "a layer again");
}

static void add_foot(struct page *page)
{
    const struct network_view *view = page->view;
    struct type type = { .size = 12, .color = COLOR_SOFT, .min = 9, .room = page->layout->width - 2.0 * PAGE_MARGIN };
    bool sampled = false, kernels = false;
    char text[2 * SCENE_TEXT_MAX], seed[CAPTION_MAX] = "", shown[2 * CAPTION_MAX] = "All connections",
                                   neurons[CAPTION_MAX];
    uint32_t max = 0;

    for (uint32_t i = 0; i < page->graph->group_count; i++) {
        max = MAX(max, home_of(page, i)->dots);
        sampled |= home_of(page, i)->dots < page->graph->groups[i].neurons;
        kernels |= i && view->layers[i - 1].kernel_width * view->layers[i - 1].kernel_height > 1;
    }
    caption_count(max, "neuron", neurons);
    if (sampled)
        snprintf(shown, sizeof shown, "Up to %s a layer, and all connections among them", neurons);
    if (view->sparse && !view->model)
        snprintf(seed, sizeof seed, " (seed %llu)", (unsigned long long)view->seed);
    snprintf(text, sizeof text, "%s%s%s%s.", shown, seed, kernels ? "; the fuller a kernel, the darker its line" : "",
             page->alike == 0                              ? ""
             : page->alike + 1 == page->graph->group_count ? "; drawn for the picture alone, with each layer's p"
                                                           : "; the largest layers' drawn for the picture alone");
    scene_text(page->scene, &type, PAGE_MARGIN, page->layout->height - 22, "%s", text);
}

static int fill(struct page *page, struct reason *why)
{
    const struct layout *layout = page->layout;

    page->scene->width = layout->width;
    page->scene->height = layout->height;
    add_boxes(page);
    for (uint32_t i = 1; i < page->graph->group_count; i++) {
        int result = add_connections(page, i, why);

        if (result)
            return result;
    }
    add_routes(page);
    for (uint32_t i = 0; i < layout->node_count; i++)
        add_dots(page, &layout->nodes[i]);
    for (uint32_t i = 0; i < layout->caption_count; i++)
        caption_layer(page->view, page->graph, layout, &layout->captions[i], page->scene);
    caption_head(page->view, page->scene);
    add_legend(page);
    add_foot(page);
    return page->scene->failed ? refuse_errno(why, -ENOMEM, "picture") : 0;
}

int draw_network(const struct network_view *view, struct scene *out, struct reason *why)
{
    struct graph graph = GRAPH_NULL;
    struct layout layout = LAYOUT_NULL;
    struct page page = { .view = view, .graph = &graph, .layout = &layout, .scene = out };
    int result = scene_init(out);

    if (result)
        return refuse_errno(why, result, "picture");
    result = graph_make(view->structure, &graph, why);
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
