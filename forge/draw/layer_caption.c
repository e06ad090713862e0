/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/layer_caption.h"

/* A caption that is being written, line under line. */
struct column {
    const struct network_view *view;
    const struct graph *graph;
    const struct layout *layout;
    const struct layout_caption *caption;
    struct scene *scene;
    struct type type; /* of plain lines */
    uint32_t lines;   /* written */
    uint32_t kept;    /* for what follows */
};

static void put(struct column *c, const struct type *type, const char *text)
{
    if (c->lines + c->kept < c->caption->lines)
        scene_text(c->scene, type, c->caption->x, c->caption->y + c->lines++ * c->type.size * LAYOUT_LINE, "%s", text);
}

/* In a card, its last part alone before its middle goes. */
static void put_name(struct column *c, const char *name, bool repeat)
{
    struct type type = c->type;
    const char *last = strrchr(name, '.');

    type.size = c->layout->cards ? type.size : type.size + 1;
    type.min = c->type.size * (c->layout->cards ? 0.75 : 0.82);
    type.bold = !repeat;
    type.color = repeat ? COLOR_SOFT : COLOR_TEXT;
    if (c->layout->cards && last && last[1]) {
        struct type min = type;

        min.size = type.min;
        if (scene_text_width(c->scene, &min, name) > type.room)
            name = last + 1;
    }
    put(c, &type, name);
}

static void put_plain(struct column *c, const char *text)
{
    put(c, &c->type, text);
}

/* A number without room for all its digits is rounded, then written smaller: it never loses its middle, as a name does.
 */
static void put_number(struct column *c, const char *text)
{
    struct type type = c->type;

    type.min = 0.7 * type.size;
    put(c, &type, text);
}

static bool fits(struct column *c, const char *text)
{
    return !(c->type.room > 0) || scene_text_width(c->scene, &c->type, text) <= c->type.room;
}

static void put_whole(struct column *c, const char *before, uint64_t value)
{
    char text[2 * CAPTION_MAX], number[CAPTION_MAX];

    caption_whole(value, number);
    snprintf(text, sizeof text, "%s%s", before, number);
    if (!fits(c, text)) {
        caption_short((double)value, number);
        snprintf(text, sizeof text, "%s%s", before, number);
    }
    put_number(c, text);
}

static void put_probability(struct column *c, const char *before, double value)
{
    char text[2 * CAPTION_MAX];

    for (int digits = 3; digits; digits--) {
        snprintf(text, sizeof text, "%s%.*g", before, digits, value);
        if (fits(c, text))
            break;
    }
    put_number(c, text);
}

/* ---- of one group, in columns ---- */

/* "52,100 of 1,000,000", or shorter where that has no room. */
static void put_connections(struct column *c, const struct density_layer *layer)
{
    char some[CAPTION_MAX], all[CAPTION_MAX], text[3 * CAPTION_MAX];

    caption_whole(layer->connections, some);
    caption_whole(layer->potential, all);
    snprintf(text, sizeof text, "%s of %s", some, all);
    if (!fits(c, text)) {
        caption_short((double)layer->connections, some);
        caption_short((double)layer->potential, all);
        snprintf(text, sizeof text, "%s of %s", some, all);
    }
    put_plain(c, text);
}

static void caption_group(struct column *c)
{
    const struct layout_node *node = &c->layout->nodes[c->caption->node];
    const struct graph_group *group = &c->graph->groups[node->group];
    const struct density_layer *layer = node->group ? &c->view->layers[node->group - 1] : NULL;
    char text[2 * CAPTION_MAX], number[CAPTION_MAX];

    put_name(c, group->name, node->repeat);
    if (node->repeat)
        return;
    caption_count(group->neurons, group->unit, text);
    put_plain(c, text);
    if (!layer)
        return;
    if (!c->view->sparse) {
        caption_whole(layer->potential, number);
        snprintf(text, sizeof text, "%s potential", number);
        put_plain(c, text);
        return;
    }
    if (view_is_dense(c->view, node->group - 1)) {
        struct type dense = c->type;

        dense.bold = true;
        dense.color = COLOR_DENSE;
        put(c, &dense, "dense, p = 1");
    } else {
        put_probability(c, "p = ", (double)layer->connections / (double)layer->potential);
    }
    put_connections(c, layer);
}

/* ---- of a row of a card ---- */

/* Whether all groups of the row that are no repeats have as many neurons. */
static bool alike(const struct column *c, uint32_t count)
{
    const struct layout_node *nodes = &c->layout->nodes[c->caption->node];

    for (uint32_t i = 1; i < count; i++) {
        if (c->graph->groups[nodes[i].group].neurons != c->graph->groups[nodes[0].group].neurons)
            return false;
    }
    return true;
}

/* "768", or with more than one: "3 × 768", "192, 768". */
static void put_neurons(struct column *c, uint32_t count)
{
    const struct layout_node *nodes = &c->layout->nodes[c->caption->node];
    char text[SCENE_TEXT_MAX], number[CAPTION_MAX];
    size_t used = 0;

    if (alike(c, count)) {
        snprintf(number, sizeof number, "%u \u00d7 ", count);
        put_whole(c, count > 1 ? number : "", c->graph->groups[nodes[0].group].neurons);
        return;
    }
    for (uint32_t i = 0; i < count && used < sizeof text; i++) {
        caption_whole(c->graph->groups[nodes[i].group].neurons, number);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", number);
    }
    put_plain(c, text);
}

/* Connections of the whole row, on two lines. */
static void put_sums(struct column *c, uint32_t count)
{
    const struct layout_node *nodes = &c->layout->nodes[c->caption->node];
    uint64_t connections = 0, potential = 0;
    struct type dense = c->type;

    for (uint32_t i = 0; i < count; i++) {
        connections += c->view->layers[nodes[i].group - 1].connections;
        potential += c->view->layers[nodes[i].group - 1].potential;
    }
    if (!c->view->sparse) {
        put_whole(c, "", potential);
        put_plain(c, "potential");
        return;
    }
    dense.bold = true;
    dense.color = COLOR_DENSE;
    if (connections == potential)
        put(c, &dense, "dense");
    else
        put_probability(c, "p ", (double)connections / (double)potential);
    put_whole(c, "", connections);
    put_whole(c, "of ", potential);
}

static void caption_row(struct column *c)
{
    const struct layout_node *nodes = &c->layout->nodes[c->caption->node];
    uint32_t own = 0;
    char text[SCENE_TEXT_MAX] = "";
    size_t used = 0;

    while (own < c->caption->count && !nodes[own].repeat)
        own++;
    for (uint32_t i = 0; i < own && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? ", " : "", (int)nodes[i].length,
                                 nodes[i].name);
    c->kept = c->caption->count - own;
    if (own) {
        put_name(c, text, false);
        put_neurons(c, own);
        if (nodes[0].group)
            put_sums(c, own);
    }
    c->kept = 0;
    for (uint32_t i = own; i < c->caption->count; i++) {
        snprintf(text, sizeof text, "%.*s", (int)nodes[i].length, nodes[i].name);
        put_name(c, text, true);
        if (!own)
            put_neurons(c, c->caption->count);
    }
}

void caption_layer(const struct network_view *view, const struct graph *graph, const struct layout *layout,
                   const struct layout_caption *caption, struct scene *scene)
{
    struct column column = { .view = view, .graph = graph, .layout = layout, .caption = caption, .scene = scene };

    column.type = (struct type){ .size = layout->text,
                                 .align = layout->cards ? ALIGN_LEFT : ALIGN_CENTRE,
                                 .color = COLOR_SOFT,
                                 .room = caption->room };
    (layout->cards ? caption_row : caption_group)(&column);
}
