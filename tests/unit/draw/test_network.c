/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of networks: everything inside, no two texts over each other, as many lines as connections, and the same bits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "forge/draw/draw.h"
#include "forge/draw/layout.h"
#include "forge/draw/paint.h"
#include "sparse/construct/sample.h"
#include "support/test.h"
#include "unit/draw/network.h"

static void draw(struct network *network, struct scene *scene)
{
    struct reason why;

    if (draw_network(&network->view, scene, &why))
        fail_msg("%s", why.text);
}

static void pages_are_in_order(void **state)
{
    static const char *const layers[] = { "784-300-100-10", "784-1000-1000-1000-10", "20-10", "1-1",
                                          "100000-100000-3" };
    static struct network network;
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
        make_mlp(&network, layers[i], i == 3 ? 1 : 0.05);
        draw(&network, &scene);
        check_page(&scene);
        scene_deinit(&scene);
        drop(&network);
    }
    for (unsigned blocks = 1; blocks < 80; blocks += 11) {
        make_branches(&network, blocks, 0.2);
        draw(&network, &scene);
        check_page(&scene);
        scene_deinit(&scene);
        drop(&network);
    }
}

/* Where all neurons are shown, the lines are the connections. */
static void lines_are_the_connections(void **state)
{
    static struct network network;
    struct scene scene;
    uint64_t connections = 0;

    (void)state;
    make_mlp(&network, "40-30-20", 0.25);
    draw(&network, &scene);
    for (unsigned i = 0; i < 2; i++)
        connections += network.layers[i].connections;
    assert_int_equal(count_marks(&scene, MARK_LINE), connections);
    assert_int_equal(count_marks(&scene, MARK_DOT), 40 + 30 + 20);
    assert_true(says(&scene, "450 of 1,800 connections"));
    scene_deinit(&scene);
    drop(&network);
}

/* Each line is a connection that a build with the same seed has, between the neurons that its dots stand for. */
static void lines_are_those_of_the_build(void **state)
{
    static struct network network;
    struct pattern pattern;
    struct pattern_layer layer;
    struct csr real;
    const struct csr *given;
    struct reason why;
    uint64_t found = 0;

    (void)state;
    make_mlp(&network, "500-400", 0.1);
    layer = view_layer(&network.view, 0);
    assert_int_equal(pattern_sample(&layer, &real, &given, &why), 0);
    layer.matrix = given;
    assert_int_equal(pattern_count(&layer, &(struct graph_feed){ .high = 1 }, 0, 500, 30, 20, &pattern, &why), 0);
    for (uint32_t row = 0; row < 30; row++) {
        uint64_t neuron = pattern_neuron(row, 30, 400);

        for (uint32_t column = 0; column < 20; column++) {
            uint32_t input = (uint32_t)pattern_neuron(column, 20, 500), is = 0;

            for (uint64_t at = real.starts[neuron]; at < real.starts[neuron + 1]; at++)
                is += csr_column(&real, at) == input;
            assert_int_equal(pattern.counts[row * 20 + column], is);
            found += is;
        }
    }
    assert_true(found > 20 && found < 120);
    pattern_deinit(&pattern);
    csr_deinit(&real);
    drop(&network);
}

/* Too many connections to sample them all: the shown pairs have the layer's density. */
static void large_layers_keep_their_density(void **state)
{
    static struct network network;
    struct scene scene;
    double pairs = 48.0 * 48, lines;

    (void)state;
    make_mlp(&network, "100000-100000", 0.05);
    draw(&network, &scene);
    lines = (double)count_marks(&scene, MARK_LINE);
    assert_true(fabs(lines - 0.05 * pairs) < 1);
    assert_true(says(&scene, "for the picture alone"));
    assert_true(says(&scene, "100,000 neurons"));
    check_page(&scene);
    scene_deinit(&scene);
    drop(&network);
}

static void one_of_a_thing_is_one(void **state)
{
    static struct network network;
    struct scene scene;

    (void)state;
    make_mlp(&network, "5-1-3", 0.75);
    draw(&network, &scene);
    assert_true(says(&scene, "1 neuron") && !says(&scene, "1 neurons") && says(&scene, "3 neurons"));
    scene_deinit(&scene);
    drop(&network);
    make_mlp(&network, "1-1", 1);
    draw(&network, &scene);
    assert_true(says(&scene, "1 layer with connections") && says(&scene, "1 potential connection"));
    assert_true(says(&scene, "1 input") && !says(&scene, "1 inputs") && !says(&scene, "1 potential connections"));
    scene_deinit(&scene);
    drop(&network);
}

static void branches_have_repeats_and_arcs(void **state)
{
    static struct network network;
    struct graph graph;
    struct layout layout;
    struct reason why;

    (void)state;
    make_branches(&network, 2, 0.2);
    assert_int_equal(graph_make(&network.structure, &graph, &why), 0);
    assert_int_equal(graph.group_count, 7);
    assert_int_equal(graph.link_count, 2);
    assert_int_equal(graph.links[0].from, 1);
    assert_int_equal(graph.links[0].to, 3);
    assert_int_equal(graph.feed_count, 7); /* one each, two for the last */
    assert_true(graph.feeds[5].high == 0.5 && graph.feeds[6].low == 0.5);
    assert_int_equal(graph.feeds[6].from, 1);
    assert_int_equal(layout_make(&graph, &layout, &why), 0);
    assert_int_equal(layout.node_count, 8);
    assert_true(layout.nodes[7].repeat && layout.nodes[7].group == 1);
    assert_int_equal(layout.sources[6], 7);
    assert_int_equal(layout.route_count, 3); /* two residuals, and to the repeat */
    layout_deinit(&layout);
    graph_deinit(&graph);
    drop(&network);
}

/* Four rows a neuron; and of what it reads, its own neurons come from nowhere. */
static void recurrent_layers_are_fed_in_part(void **state)
{
    struct structure_layer layer = { .kind = layer_kind_find("lstm"), .input_count = 1, .parameters = { 3 } };
    struct structure structure = { .signature = signature_of((struct shape){ 2, { 9, 7 } }),
                                   .layers = &layer,
                                   .layer_count = 1 };
    struct graph graph;
    struct reason why;

    (void)state;
    snprintf(structure.processing, sizeof structure.processing, "raw");
    snprintf(layer.name, sizeof layer.name, "memory");
    assert_ok(structure_plan(&structure, &why), why);
    assert_ok(graph_make(&structure, &graph, &why), why);
    assert_int_equal(graph.groups[0].neurons, 9);
    assert_int_equal(graph.groups[1].neurons, 12);
    assert_string_equal(graph.groups[1].unit, "gate");
    assert_int_equal(graph.feed_count, 1);
    assert_true(graph.feeds[0].low == 0 && graph.feeds[0].high == 0.75);
    graph_deinit(&graph);
}

static void *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    void *data = malloc(1 << 22);

    assert_true(file && data);
    *size = fread(data, 1, 1 << 22, file);
    fclose(file);
    return data;
}

static void files_are_the_same_bits(void **state)
{
    static const char *const begin[] = { "<?xml", "\x89PNG\r\n\x1a\n", "%PDF-" };
    static struct network network;

    (void)state;
    make_branches(&network, 4, 0.3);
    for (int format = 0; format < PICTURE_FORMATS; format++) {
        void *data[2];
        size_t size[2];

        for (int i = 0; i < 2; i++) {
            char path[] = "/tmp/wisp-draw-XXXXXX";
            int fd = mkstemp(path);
            struct scene scene;
            struct reason why;
            int status;
            pid_t child;

            assert_true(fd >= 0);
            close(fd);
            /* A process for each, as with `wisp`: cairo numbers the surfaces of a process. */
            child = fork();
            if (child == 0) {
                draw(&network, &scene);
                _exit(paint_file(&scene, (enum picture_format)format, path, &why) != 0);
            }
            assert_true(waitpid(child, &status, 0) == child && status == 0);
            data[i] = slurp(path, &size[i]);
            unlink(path);
        }
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(data[0], data[1], size[0]);
        assert_memory_equal(data[0], begin[format], strlen(begin[format]));
        free(data[0]);
        free(data[1]);
    }
    drop(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_in_order),           cmocka_unit_test(lines_are_the_connections),
        cmocka_unit_test(lines_are_those_of_the_build), cmocka_unit_test(large_layers_keep_their_density),
        cmocka_unit_test(one_of_a_thing_is_one),        cmocka_unit_test(branches_have_repeats_and_arcs),
        cmocka_unit_test(files_are_the_same_bits),      cmocka_unit_test(recurrent_layers_are_fed_in_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
