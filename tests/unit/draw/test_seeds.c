/* SPDX-License-Identifier: Apache-2.0
 *
 * Every structure that ships, drawn: no line through a caption, and nothing that is added or attended to without the
 * arrow that says so.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "forge/draw/layout.h"
#include "support/test.h"
#include "unit/draw/network.h"

static unsigned drawn;

/* From each source of an addition an arrow to where it is added; to each repetition one from what it repeats. */
static void check_routes(const struct graph *graph, const struct layout *layout)
{
    unsigned routes[ROUTE_KINDS] = { 0 }, additions = 0;

    for (uint32_t i = 0; i < layout->route_count; i++) {
        const struct layout_route *route = &layout->routes[i];

        routes[route->kind]++;
        assert_true(route->count >= 2);
    }
    for (uint32_t i = 0; i < graph->link_count; i++)
        additions += graph->links[i].kind == LINK_ADD;
    assert_int_equal(routes[ROUTE_ADD], additions);
    for (uint32_t i = 0; i < graph->link_count; i++) {
        if (graph->links[i].kind == LINK_ATTENTION)
            assert_true(layout->cards && routes[ROUTE_ATTEND] > 0);
    }
}

static int draw_seed(void *argument, const struct structure *structure)
{
    static struct density_layer layers[LAYERS_MAX];
    struct network_view view = {
        .structure = structure, .title = structure->name, .method = "er", .layers = layers, .sparse = true, .seed = 1
    };
    struct graph graph;
    struct layout layout;
    struct scene scene;
    struct reason why;
    double sigma, density;

    (void)argument;
    assert_true(structure_weighted(structure) < LAYERS_MAX);
    structure_density_layers(structure, layers);
    /* Large ones sparser: what takes time is to sample them. */
    density = fmin(0.1, 1e5 / (double)structure_potential(structure));
    assert_ok(density_solve(DENSITY_ER, layers, structure_weighted(structure), density, &sigma, &why), why);
    assert_ok(graph_make(structure, &graph, &why), why);
    assert_ok(layout_make(&graph, &layout, &why), why);
    check_routes(&graph, &layout);
    layout_deinit(&layout);
    graph_deinit(&graph);
    assert_ok(draw_network(&view, &scene, &why), why);
    check_page(&scene);
    scene_deinit(&scene);
    assert_ok(draw_matrices(&view, &scene, &why), why);
    check_page(&scene);
    scene_deinit(&scene);
    drawn++;
    return 0;
}

static void seeds_are_in_order(void **state)
{
    static const char *const families[] = { "audio", "cnn", "mlp", "picture-to-picture", "resnet", "text", "vit" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        char path[256];
        struct reason why;

        snprintf(path, sizeof path, "%s/%s.yaml", source_path("config/structures"), families[i]);
        assert_ok(document_read(path, draw_seed, NULL, stderr, &why), why);
    }
    assert_true(drawn >= 96);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(seeds_are_in_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
