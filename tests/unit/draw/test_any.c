/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks that nobody would build, drawn: layers that read, add, join and attend to whatever came before, in blocks or
 * not. Whatever they are, no line runs through a caption, and every addition has its arrow.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "forge/draw/layout.h"
#include "support/test.h"
#include "unit/draw/network.h"

enum { NETWORKS = 300, TEXT_MAX = 16384 };

struct text {
    char bytes[TEXT_MAX];
    size_t used;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text->used += (size_t)vsnprintf(text->bytes + text->used, TEXT_MAX - text->used, format, arguments);
    va_end(arguments);
    assert_true(text->used < TEXT_MAX);
}

/* The name of a layer that came before, not always the last. */
static void put_earlier(struct text *text, struct rng *rng, char (*names)[24], unsigned count)
{
    unsigned back = rng_below(rng, 3) ? 1 + rng_below(rng, MIN(count, 3u)) : 1 + rng_below(rng, count);

    put(text, "%s", names[count - back]);
}

/* One layer with the shape of all others; a concatenation is brought back to it. */
static void put_layer(struct text *text, struct rng *rng, char (*names)[24], unsigned count, bool tokens)
{
    const char *weighted = tokens ? "projection: {neurons: 8" : "conv2d: {channels: 8, kernel: 3, padding: 1";
    const char *name = names[count];
    uint32_t kind = rng_below(rng, tokens ? 8 : 6);

    if (kind < 3 || count < 2) {
        put(text, "  - %s, name: %s, from: ", weighted, name);
        put_earlier(text, rng, names, count);
    } else if (kind < 6) {
        const char *join = kind < 5 ? "add" : "concat";

        put(text, "  - %s: {name: %s%s, from: [", join, name, kind < 5 ? "" : ".joined");
        put_earlier(text, rng, names, count);
        put(text, ", %s", names[rng_below(rng, count)]);
        put(text, "]");
        if (kind == 5)
            put(text, "}\n  - %s, name: %s", weighted, name);
    } else if (kind == 6) {
        put(text, "  - self_attention: {name: %s, heads: 2, from: ", name);
        put_earlier(text, rng, names, count);
    } else {
        put(text, "  - cross_attention: {name: %s, heads: 2, from: [", name);
        put_earlier(text, rng, names, count);
        put(text, ", %s]", names[rng_below(rng, count)]);
    }
    put(text, "}\n");
}

static void make_network(struct text *text, struct rng *rng)
{
    static char names[64][24];
    bool tokens = rng_below(rng, 2), blocks = rng_below(rng, 2);
    unsigned layers = 2 + rng_below(rng, rng_below(rng, 2) ? 12 : 60), block = 0;

    text->used = 0;
    put(text, "name: any\nprocessing: raw\nnetwork: any\ninput: [%s]\nlayers:\n", tokens ? "12, 8" : "8, 6, 6");
    for (unsigned i = 0; i < layers; i++) {
        block += !rng_below(rng, 5);
        snprintf(names[i], sizeof names[i], blocks ? "b%2$u.x%1$u" : "x%1$u", i, block);
        if (!i)
            put(text, "  - %s, name: %s}\n",
                tokens ? "projection: {neurons: 8" : "conv2d: {channels: 8, kernel: 3, padding: 1", names[i]);
        else
            put_layer(text, rng, names, i, tokens);
    }
}

static int draw_any(void *argument, const struct structure *structure)
{
    static struct density_layer layers[LAYERS_MAX];
    struct network_view view = {
        .structure = structure, .title = structure->name, .layers = layers, .sparse = true, .seed = 1
    };
    struct terminal terminal = { .width = 80 };
    unsigned *drawn = argument, additions = 0, arrows = 0;
    struct graph graph;
    struct layout layout;
    struct scene scene;
    struct reason why;
    double sigma;
    FILE *null = fopen("/dev/null", "we");

    assert_true(null && structure_weighted(structure) < LAYERS_MAX);
    structure_density_layers(structure, layers);
    assert_ok(density_solve(DENSITY_ER, layers, structure_weighted(structure), 0.5, &sigma, &why), why);
    assert_ok(graph_make(structure, &graph, &why), why);
    assert_ok(layout_make(&graph, &layout, &why), why);
    for (uint32_t i = 0; i < graph.link_count; i++)
        additions += graph.links[i].kind == LINK_ADD;
    for (uint32_t i = 0; i < layout.route_count; i++)
        arrows += layout.routes[i].kind == ROUTE_ADD;
    assert_int_equal(arrows, additions);
    layout_deinit(&layout);
    graph_deinit(&graph);
    assert_ok(draw_network(&view, &scene, &why), why);
    check_page(&scene);
    scene_deinit(&scene);
    assert_ok(draw_terminal(&view, &terminal, null, &why), why);
    fclose(null);
    ++*drawn;
    return 0;
}

static void any_network_is_in_order(void **state)
{
    static struct text text;
    unsigned drawn = 0;

    (void)state;
    for (unsigned i = 0; i < NETWORKS; i++) {
        struct rng rng = rng_make(7, i);
        struct reason why;
        int result;

        make_network(&text, &rng);
        result = document_parse("any", text.bytes, text.used, draw_any, &drawn, stderr, &why);
        if (result)
            fail_msg("network %u: %s\n%s", i, why.text, text.bytes);
    }
    assert_int_equal(drawn, NETWORKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(any_network_is_in_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
