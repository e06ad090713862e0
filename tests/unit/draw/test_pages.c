/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrices, curves, and the drawing in a terminal.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/draw/charts/curves.h"
#include "forge/draw/charts/runs.h"
#include "support/test.h"
#include "unit/draw/network.h"

static struct network network;
static struct scene scene;
static struct reason why;

static const struct mark *cells_of(unsigned number)
{
    for (size_t i = 0; i < scene.count; i++) {
        if (scene.marks[i].kind == MARK_CELLS && !number--)
            return &scene.marks[i];
    }
    fail_msg("no such panel");
    return NULL;
}

/* A small matrix is shown weight by weight. */
static void small_matrices_are_exact(void **state)
{
    const struct mark *cells;
    size_t dark = 0;

    (void)state;
    make_mlp(&network, "90-50-20", 0.3);
    assert_ok(draw_matrices(&network.view, &scene, &why), why);
    check_page(&scene);
    assert_int_equal(count_marks(&scene, MARK_CELLS), 2 + 1); /* and the scale */
    cells = cells_of(0);
    assert_true(cells->columns == 90 && cells->rows == 50);
    for (size_t i = 0; i < (size_t)90 * 50; i++) {
        unsigned char cell = (unsigned char)scene.bytes[cells->content + i];

        assert_true(cell == 0 || cell == 255);
        dark += cell == 255;
    }
    assert_int_equal(dark, network.layers[0].connections);
    scene_deinit(&scene);
    drop(&network);
}

/* How full a cell is by its darkness, on the one scale of all pages. */
static double fullness(const struct mark *cells, size_t i)
{
    return pow((unsigned char)scene.bytes[cells->content + i] / 255.0, 1 / 0.4);
}

/* A large one keeps its density, be it counted or, beyond all counting, drawn; beside whatever stands on its page. */
static void large_matrices_keep_their_density(void **state)
{
    static const char *const layers[] = { "3000-1500", "200000-100000", "3000-1500-4" };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(layers); k++) {
        const struct mark *cells;
        double sum = 0, p;

        make_mlp(&network, layers[k], 0.02);
        assert_ok(draw_matrices(&network.view, &scene, &why), why);
        check_page(&scene);
        cells = cells_of(0);
        for (size_t i = 0; i < (size_t)cells->columns * cells->rows; i++)
            sum += fullness(cells, i);
        sum /= (double)cells->columns * cells->rows;
        p = (double)network.layers[0].connections / (double)network.layers[0].potential;
        assert_true(fabs(sum - p) < 0.0005);
        scene_deinit(&scene);
        drop(&network);
    }
}

/* Names that begin alike, and names that end alike, stay apart. */
static void long_texts_keep_both_ends(void **state)
{
    const struct type type = { .size = 12, .room = 90 }, small = { .size = 12, .room = 90, .min = 4 };
    const char *name = "block1.a23456789012345678901234567890.mlp2";

    (void)state;
    assert_int_equal(scene_init(&scene), 0);
    scene_text(&scene, &type, 0, 20, "%s", name);
    scene_text(
        &scene, &type, 0, 40, "%s",
        "\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc");
    scene_text(&scene, &small, 0, 60, "%s", "block1.mlp2.12345");
    assert_int_equal(scene.count, 3);
    assert_true(says(&scene, "block") && says(&scene, ".mlp2") && says(&scene, "\u2026") && !says(&scene, name));
    assert_true(says(&scene, "block1.mlp2.12345") && scene.marks[2].size < 12);
    for (size_t i = 0; i < scene.count; i++)
        assert_true(scene.marks[i].x2 - scene.marks[i].x <= 90);
    for (const char *at = scene.bytes + scene.marks[1].content; *at; at += 2 + (*at == '\xe2'))
        assert_true(*at == '\xc3' || *at == '\xe2'); /* whole characters */
    scene_deinit(&scene);
}

static void matrices_of_branches(void **state)
{
    (void)state;
    for (unsigned blocks = 1; blocks < 80; blocks += 26) {
        make_branches(&network, blocks, 0.2);
        assert_ok(draw_matrices(&network.view, &scene, &why), why);
        check_page(&scene);
        assert_int_equal(count_marks(&scene, MARK_CELLS), 2 * blocks + 2 + 1);
        scene_deinit(&scene);
        drop(&network);
    }
}

static void curves_show_each_run(void **state)
{
    struct curve_run runs[40];
    struct curves curves = { .title = "runs", .runs = runs, .run_count = ARRAY_SIZE(runs) };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(runs); i++) {
        double density = pow(10, -(double)(i % 20) / 8);

        runs[i] = (struct curve_run){ .trained = i >= 20,
                                      .connections = 1e6 * density,
                                      .density = density,
                                      .bytes = 6e6 * density,
                                      .seconds = i >= 20 ? 3 : 0.01,
                                      .accuracy = i >= 20 ? 0.98 - 0.01 * (i - 20) : -1 };
    }
    assert_ok(draw_curves(&curves, &scene, &why), why);
    check_page(&scene);
    /* In two panels what was built, in all three what was trained; and the legend. */
    assert_int_equal(count_marks(&scene, MARK_RING), 20 + 20 + 1);
    assert_int_equal(count_marks(&scene, MARK_DOT), 20 + 20 + 20 + 1);
    assert_true(says(&scene, "20 built, 20 trained here"));
    scene_deinit(&scene);

    /* One run, one that knows nothing, and one of nonsense. */
    for (unsigned i = 0; i < 3; i++) {
        struct curve_run one = { .accuracy = -1 };

        if (!i)
            one = (struct curve_run){ .connections = 1, .density = 1, .bytes = 1, .seconds = 1, .accuracy = 1 };
        if (i == 2)
            one = (struct curve_run){ .connections = INFINITY, .density = 1e300, .bytes = NAN, .accuracy = 7 };
        curves = (struct curves){ .title = "one", .runs = &one, .run_count = 1 };
        assert_ok(draw_curves(&curves, &scene, &why), why);
        check_page(&scene);
        assert_int_equal(says(&scene, "not measured yet"), i > 0);
        scene_deinit(&scene);
    }
}

static size_t count_paths(bool dashed)
{
    size_t count = 0;

    for (size_t i = 0; i < scene.count; i++)
        count += scene.marks[i].kind == MARK_PATH && scene.marks[i].dashed == dashed;
    return count;
}

/* A line where it is known, a dashed one where it is guessed, nothing where it is unknown. */
static void curves_show_estimates(void **state)
{
    struct curve_run points[21], run = { .trained = true, .connections = 3e4, .density = 0.3, .seconds = 1 };
    struct curve curve = { .points = points, .count = ARRAY_SIZE(points) };
    struct curves curves = { .title = "one", .runs = &run, .run_count = 1, .curves = &curve, .curve_count = 1 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(points); i++) {
        double density = pow(10, -2 + (double)i / 10);

        points[i] = (struct curve_run){ .trained = true,
                                        .connections = 1e5 * density,
                                        .density = density,
                                        .seconds = 1 + density,
                                        .seconds_guessed = i > 14,
                                        .accuracy = i < 10 ? 0.9 - 0.001 * i : -1,
                                        .accuracy_guessed = i < 5 };
    }
    run.accuracy = 0.89;
    assert_ok(draw_curves(&curves, &scene, &why), why);
    check_page(&scene);
    assert_int_equal(count_paths(false), 1 + 1 + 1); /* seconds, accuracy; the legend */
    assert_int_equal(count_paths(true), 1 + 1 + 1);
    /* Round places, close enough to read a value. */
    assert_true(says(&scene, "0.99") && says(&scene, "0.95") && says(&scene, "0.8") && says(&scene, "0.898"));
    scene_deinit(&scene);
}

/* A straight fall of the loss, and a rise of the accuracy, with nothing held back in the second half. */
static struct run make_run(const char *name, size_t epochs)
{
    struct run run = { .epochs = calloc(epochs + 1, sizeof *run.epochs), .count = epochs };

    assert_non_null(run.epochs);
    snprintf(run.name, sizeof run.name, "%s", name);
    for (size_t i = 0; i < epochs; i++)
        run.epochs[i] = (struct run_epoch){ .epoch = i + 1,
                                            .rate = 0.05,
                                            .loss = 2.0 / (double)(i + 1),
                                            .accuracy = 0.5 + 0.4 * (double)i / (double)epochs,
                                            .validation_loss = i < epochs / 2 ? 1 : NAN,
                                            .validation_accuracy = i < epochs / 2 ? 0.6 : NAN };
    return run;
}

static float width_of_path(size_t number)
{
    for (size_t i = 0; i < scene.count; i++) {
        if (scene.marks[i].kind == MARK_PATH && !number--)
            return scene.marks[i].x2 - scene.marks[i].x;
    }
    return 0;
}

static void runs_show_each_epoch(void **state)
{
    struct run runs[RUNS_MAX];
    float whole;

    (void)state;
    for (size_t i = 0; i < RUNS_MAX; i++)
        runs[i] = make_run(
            i ? "another run with a name that is so long that it must be cut to fit its column of the page" : "sparse",
            40);
    assert_ok(draw_runs("trainings", runs, RUNS_MAX, &scene, &why), why);
    check_page(&scene);
    /* Of each run loss and accuracy in training, dashed, and the same on validation, and the rate; and the legend. */
    assert_int_equal(count_paths(true), 2 * RUNS_MAX + 1);
    assert_int_equal(count_paths(false), 3 * RUNS_MAX + RUNS_MAX + 1);
    assert_true(says(&scene, "sparse") && says(&scene, "training") && says(&scene, "40"));
    scene_deinit(&scene);
    for (size_t i = 0; i < RUNS_MAX; i++)
        free(runs[i].epochs);

    /* Of a long one its first epoch and its last are there, and not all between. */
    runs[0] = make_run("long", 12345);
    runs[1] = make_run("short", 2);
    assert_ok(draw_runs("trainings", runs, 2, &scene, &why), why);
    check_page(&scene);
    whole = width_of_path(0);
    scene_deinit(&scene);
    assert_ok(draw_runs("trainings", runs, 1, &scene, &why), why);
    assert_float_equal(width_of_path(0), whole, 0.01);
    for (size_t i = 0; i < scene.count; i++)
        assert_true(scene.marks[i].kind != MARK_PATH || scene.marks[i].columns <= 1001);
    scene_deinit(&scene);
    free(runs[0].epochs);
    free(runs[1].epochs);
}

/* One epoch is a dot, and what nobody measured is said so. */
static void runs_of_little(void **state)
{
    struct run_epoch epoch = { 1, NAN, 0.7, NAN, NAN, NAN };
    struct run run = { "one", &epoch, 1 };

    (void)state;
    assert_ok(draw_runs("one", &run, 1, &scene, &why), why);
    check_page(&scene);
    assert_int_equal(count_marks(&scene, MARK_DOT), 1);
    assert_true(says(&scene, "not measured"));
    scene_deinit(&scene);
    epoch = (struct run_epoch){ 1000000, 1000, 1e-30, 1, 1e30, 0 };
    assert_ok(draw_runs("one", &run, 1, &scene, &why), why);
    check_page(&scene);
    scene_deinit(&scene);
}

/* What the drawing prints; freed by the caller. */
static char *drawn(unsigned width, bool unicode, bool colour)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    struct terminal terminal = { .width = width, .unicode = unicode, .colour = colour };

    assert_non_null(to);
    assert_ok(draw_terminal(&network.view, &terminal, to, &why), why);
    assert_int_equal(fclose(to), 0);
    return text;
}

/* The longest line in characters; whether all are ASCII. */
static unsigned longest_line(const char *text, bool *ascii)
{
    unsigned longest = 0, length = 0;

    *ascii = true;
    for (; *text; text++) {
        *ascii &= (unsigned char)*text < 0x80;
        length = *text == '\n' ? 0 : length + ((*text & 0xc0) != 0x80);
        longest = MAX(longest, length);
    }
    return longest;
}

static void drawings_fit_the_terminal(void **state)
{
    static const unsigned widths[] = { 20, 40, 80, 240 };
    bool ascii;

    (void)state;
    for (unsigned blocks = 1; blocks < 80; blocks += 13) {
        make_branches(&network, blocks, 0.2);
        for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
            for (int unicode = 0; unicode < 2; unicode++) {
                char *text = drawn(widths[i], unicode, false);

                assert_true(longest_line(text, &ascii) <= MAX(widths[i], 80));
                assert_int_equal(ascii, !unicode);
                assert_null(strchr(text, '\033'));
                free(text);
            }
        }
        drop(&network);
    }
}

static unsigned count_dots(const char *text)
{
    unsigned dots = 0;

    for (const char *at = text; (at = strstr(at, "\u25cf")); at++)
        dots++;
    return dots;
}

static void drawings_show_neurons_and_density(void **state)
{
    char *text, *coloured;

    (void)state;
    make_mlp(&network, "784-300-100-10", 0.1);
    text = drawn(80, true, false);
    coloured = drawn(80, true, true);
    assert_int_equal(count_dots(text), 9 + 8 + 7 + 4);
    assert_non_null(strstr(text, "784"));
    assert_non_null(strstr(text, "dense"));
    assert_non_null(strstr(coloured, "\033[33m"));
    free(text);
    free(coloured);
    drop(&network);
}

/* Small networks neuron by neuron; of large ones the larger layer has more dots. */
static void drawings_show_sizes(void **state)
{
    static const struct {
        const char *layers;
        unsigned dots;
    } cases[] = { { "9-5-2-1", 9 + 5 + 2 + 1 },
                  { "784-13-100-10", 9 + 4 + 7 + 4 },
                  { "784-1000-1000-10", 9 + 9 + 9 + 4 },
                  { "1-1", 2 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text;

        make_mlp(&network, cases[i].layers, 0.5);
        text = drawn(80, true, false);
        assert_int_equal(count_dots(text), cases[i].dots);
        free(text);
        drop(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_matrices_are_exact),  cmocka_unit_test(large_matrices_keep_their_density),
        cmocka_unit_test(matrices_of_branches),      cmocka_unit_test(long_texts_keep_both_ends),
        cmocka_unit_test(curves_show_each_run),      cmocka_unit_test(curves_show_estimates),
        cmocka_unit_test(runs_show_each_epoch),      cmocka_unit_test(runs_of_little),
        cmocka_unit_test(drawings_fit_the_terminal), cmocka_unit_test(drawings_show_neurons_and_density),
        cmocka_unit_test(drawings_show_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
