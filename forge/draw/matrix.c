/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of connection matrices: one picture a layer, outputs down, inputs across. How full a cell is, from 0 to 1,
 * makes it dark on one scale for all layers and pages, which the foot shows; where there is room, a cell is one weight.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/draw/caption.h"
#include "forge/draw/draw.h"
#include "forge/draw/layout.h"
#include "sparse/layers/layer.h"

enum {
    CELLS_MAX = 256,
    PANEL_MIN = 150,
    CAPTION_LINES = 4,
    FOOT = 92,
    GAP = 26,
    SCALE_WIDTH = 260,
    SCALE_HEIGHT = 12,
};

#define SHAPE_MAX 3.0 /* a longer matrix is shown compressed */
/* Half of the scale is for less than a fifth: sparse layers are what there is to tell apart. */
#define SCALE_POWER 0.4

struct grid {
    uint32_t across, down;
    double width, height; /* of a panel with its captions */
};

/* The side of a square matrix when as many stand side by side. */
static double panel_side(uint32_t panels, uint32_t across)
{
    uint32_t down = (panels + across - 1) / across;
    double width = fmax(LAYOUT_WIDTH, 2.0 * PAGE_MARGIN + across * (double)PANEL_MIN);

    return fmin((width - 2.0 * PAGE_MARGIN) / across - GAP,
                (width / LAYOUT_RATIO - PAGE_HEAD - FOOT) / down - 15.0 * CAPTION_LINES - GAP) /
           width;
}

/* As large panels as can be on a page that is no wider than it may be; it grows downwards. */
static struct grid choose_grid(uint32_t panels, struct scene *scene)
{
    const uint32_t max = (LAYOUT_WIDTH_MAX - 2 * PAGE_MARGIN) / PANEL_MIN;
    struct grid grid = { .across = 1 };

    for (uint32_t across = 2; across <= MIN(panels, max); across++) {
        if (panel_side(panels, across) > panel_side(panels, grid.across))
            grid.across = across;
    }
    if (panel_side(panels, grid.across) < 0)
        grid.across = max;
    grid.down = (panels + grid.across - 1) / grid.across;
    scene->height = PAGE_HEAD + FOOT + grid.down * (double)PANEL_MIN;
    scene->width = ceil(fmin(LAYOUT_WIDTH_MAX, fmax(LAYOUT_WIDTH, scene->height * LAYOUT_RATIO)));
    scene->height = ceil(fmax(scene->height, scene->width / LAYOUT_RATIO));
    grid.width = (scene->width - 2.0 * PAGE_MARGIN) / grid.across;
    grid.height = (scene->height - PAGE_HEAD - FOOT) / grid.down;
    return grid;
}

/* What a cell could hold: the positions of its rows and columns. */
static double cell_potential(const struct pattern_layer *layer, uint32_t columns, uint32_t rows, uint32_t column,
                             uint32_t row)
{
    uint64_t wide = (uint64_t)layer->inputs * layer->area, high = layer->outputs;
    uint64_t across = wide * (column + 1) / columns - wide * column / columns;
    uint64_t down = high * (row + 1) / rows - high * row / rows;

    return (double)across * (double)down;
}

/* The cell that `at` of `size` lies in. */
static uint32_t cell_of(uint64_t at, uint64_t size, uint32_t cells)
{
    return (uint32_t)(((unsigned __int128)(at + 1) * cells - 1) / size);
}

static void count_cells(const struct csr *matrix, uint32_t columns, uint32_t rows, double *full)
{
    for (uint32_t row = 0; row < matrix->rows; row++) {
        double *line = full + (size_t)cell_of(row, matrix->rows, rows) * columns;

        for (uint64_t at = matrix->starts[row]; at < matrix->starts[row + 1]; at++)
            line[cell_of(csr_column(matrix, at), matrix->columns, columns)]++;
    }
}

/* Too many connections to draw them all: each cell is filled as such a draw fills it, on average and in spread. */
static void fill_alike(const struct pattern_layer *layer, uint32_t columns, uint32_t rows, double *full)
{
    struct rng rng = rng_make(layer->seed, (uint64_t)layer->layer << 32);

    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t column = 0; column < columns; column++) {
            double potential = cell_potential(layer, columns, rows, column, row), p = layer->probability;
            double count = potential * p + sqrt(potential * p * (1 - p)) * (double)rng_normal(&rng);

            full[(size_t)row * columns + column] = fmax(0, fmin(potential, count));
        }
    }
}

static unsigned char darkness(double full)
{
    return (unsigned char)lround(255 * pow(fmin(1, full), SCALE_POWER));
}

static int put_cells(struct scene *scene, const struct pattern_layer *layer, const struct csr *matrix, bool dense,
                     const double box[4], uint32_t columns, uint32_t rows)
{
    double *full = memory_zalloc((size_t)columns * rows, sizeof *full);
    unsigned char *cells =
        scene_cells(scene, dense ? COLOR_DENSE : COLOR_LINE, box[0], box[1], box[2], box[3], columns, rows);

    if (!full || !cells) {
        free(full);
        return -ENOMEM;
    }
    if (matrix)
        count_cells(matrix, columns, rows, full);
    else
        fill_alike(layer, columns, rows, full);
    for (uint32_t i = 0; i < columns * rows; i++)
        cells[i] = darkness(full[i] / cell_potential(layer, columns, rows, i % columns, i / columns));
    free(full);
    return 0;
}

/* "1", "3.9", "3,906". */
static void cell_text(double weights, char out[CAPTION_MAX])
{
    if (weights >= 100)
        caption_whole((uint64_t)llround(weights), out);
    else
        snprintf(out, CAPTION_MAX, "%.2g", weights);
}

static void put_captions(struct scene *scene, const struct pattern_layer *layer, const char *name, double x, double y,
                         double room, uint32_t columns, uint32_t rows)
{
    struct type bold = {
        .size = 12, .bold = true, .align = ALIGN_CENTRE, .color = COLOR_TEXT, .room = room, .min = 10
    };
    struct type line = { .size = 10.5, .align = ALIGN_CENTRE, .color = COLOR_SOFT, .room = room, .min = 8 };
    char outputs[CAPTION_MAX], inputs[CAPTION_MAX], p[CAPTION_MAX];
    double wide = (double)layer->inputs * layer->area;

    caption_whole(layer->outputs, outputs);
    caption_whole((uint64_t)layer->inputs * layer->area, inputs);
    caption_probability(layer->probability, p);
    scene_text(scene, &bold, x, y, "%s", name);
    scene_text(scene, &line, x, y + 15, "%s \u00d7 %s", outputs, inputs);
    scene_text(scene, &line, x, y + 29, "p = %s", p);
    if (columns == layer->inputs * layer->area && rows == layer->outputs) {
        scene_text(scene, &line, x, y + 43, "a cell: 1 weight");
    } else {
        cell_text(layer->outputs / (double)rows, outputs);
        cell_text(wide / columns, inputs);
        scene_text(scene, &line, x, y + 43, "a cell: %s \u00d7 %s weights", outputs, inputs);
    }
}

/* The scale, with round numbers where they are on it. */
static void put_scale(struct scene *scene)
{
    static const double ticks[] = { 0, 0.01, 0.05, 0.1, 0.2, 0.5, 1 };
    struct type text = { .size = 12, .color = COLOR_SOFT };
    struct type number = { .size = 10.5, .align = ALIGN_CENTRE, .color = COLOR_SOFT };
    double y = scene->height - 66, x = PAGE_MARGIN + scene_text_width(scene, &text, "A cell's share of connections: ");
    unsigned char *cells = scene_cells(scene, COLOR_LINE, x, y, SCALE_WIDTH, SCALE_HEIGHT, SCALE_WIDTH, 1);

    for (uint32_t i = 0; cells && i < SCALE_WIDTH; i++)
        cells[i] = (unsigned char)lround(255.0 * i / (SCALE_WIDTH - 1));
    for (size_t i = 0; i < ARRAY_SIZE(ticks); i++)
        scene_text(scene, &number, x + SCALE_WIDTH * pow(ticks[i], SCALE_POWER), y + SCALE_HEIGHT + 12, "%g", ticks[i]);
    scene_text(scene, &text, PAGE_MARGIN, y + SCALE_HEIGHT - 1, "A cell's share of connections:");
    scene_text(scene, &text, PAGE_MARGIN, scene->height - 22,
               "Outputs down, inputs across. All matrices are as dark as this scale says; one with all its connections "
               "is orange.");
}

static int put_panel(const struct network_view *view, uint32_t number, const char *name, const struct grid *grid,
                     struct scene *scene, struct reason *why)
{
    struct pattern_layer layer = view_layer(view, number);
    uint32_t wide = layer.inputs * layer.area, line = number / grid->across;
    uint32_t columns = MIN(wide, CELLS_MAX), rows = MIN(layer.outputs, CELLS_MAX);
    double x = PAGE_MARGIN + (number % grid->across + 0.5) * grid->width;
    double y = PAGE_HEAD + line * grid->height;
    double shape = fmax(1 / SHAPE_MAX, fmin(SHAPE_MAX, (double)wide / layer.outputs));
    double room = grid->height - 15.0 * CAPTION_LINES - GAP;
    double width = fmin(grid->width - GAP, room * shape), height = width / shape;
    const struct csr *matrix;
    struct csr own;
    int result = pattern_sample(&layer, &own, &matrix, why);

    if (result)
        return result;
    result = put_cells(scene, &layer, matrix, view->sparse && layer.probability >= 1,
                       (double[4]){ x - width / 2, y + (room - height) / 2, width, height }, columns, rows);
    csr_deinit(&own);
    if (result)
        return refuse_errno(why, result, "picture");
    put_captions(scene, &layer, name, x, y + room + 18, grid->width - 10, columns, rows);
    return 0;
}

int draw_matrices(const struct network_view *view, struct scene *out, struct reason *why)
{
    uint32_t weighted = structure_weighted(view->structure), number = 0;
    struct grid grid;
    int result;

    if (!weighted)
        return refuse(why, WISP_E_INVALID, "no layer has connections; there is nothing to draw");
    result = scene_init(out);
    if (result)
        return refuse_errno(why, result, "picture");
    grid = choose_grid(weighted, out);
    for (uint32_t i = 0; i < view->structure->layer_count && !result; i++) {
        const struct structure_layer *layer = &view->structure->layers[i];

        if (layer->kind->weighted)
            result = put_panel(view, number++, layer->name, &grid, out, why);
    }
    caption_head(view, out);
    put_scale(out);
    if (!result && out->failed)
        result = refuse_errno(why, -ENOMEM, "picture");
    if (result)
        scene_deinit(out);
    return result;
}
