/* SPDX-License-Identifier: Apache-2.0
 *
 * The drawing in a terminal. A network of few ranks is drawn as on a page: neurons as dots, connections as lines; a
 * column is as high as the logarithm of its neurons. Of a deeper one only the outline is: each rank's neurons as the
 * height of a bar, its density as a shade below.
 */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/canvas.h"
#include "forge/draw/caption.h"
#include "forge/draw/draw.h"

enum {
    WIDTH_USUAL = 80,
    WIDTH_MIN = 20,
    WIDTH_MAX = 240,
    SLOTS_MAX = 3,
    COLUMN_MIN = 9, /* characters, for a rank drawn with its lines */
    ROWS = 9,       /* of neurons */
    BAR_ROWS = 3,
    EIGHTHS = 8,
};

struct terminal terminal_of(FILE *to)
{
    struct terminal terminal = { .width = WIDTH_USUAL };
    const char *plain = getenv("NO_COLOR"), *kind = getenv("TERM");
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    struct winsize size;
    bool person = isatty(fileno(to));

    if (locale) {
        terminal.unicode = !strcasecmp(nl_langinfo_l(CODESET, locale), "UTF-8");
        freelocale(locale);
    }
    if (person && ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col)
        terminal.width = MIN(MAX(size.ws_col, WIDTH_MIN), WIDTH_MAX);
    terminal.colour = person && !(plain && *plain) && !(kind && !strcmp(kind, "dumb"));
    return terminal;
}

/* What a rank has in all. */
struct rank {
    uint64_t neurons;
    double connections, potential;
    uint32_t groups;
};

static struct rank *add_up(const struct network_view *view, const struct graph *graph)
{
    struct rank *ranks = memory_zalloc(graph->rank_count, sizeof *ranks);

    for (uint32_t i = 0; ranks && i < graph->group_count; i++) {
        struct rank *rank = &ranks[graph->groups[i].rank];

        rank->neurons = MAX(rank->neurons, graph->groups[i].neurons);
        rank->groups++;
        if (i) {
            rank->connections += (double)view->layers[i - 1].connections;
            rank->potential += (double)view->layers[i - 1].potential;
        }
    }
    return ranks;
}

static bool is_dense(const struct network_view *view, const struct rank *rank)
{
    return view->sparse && rank->potential > 0 && rank->connections >= rank->potential;
}

/* ---- with lines ---- */

struct sketch {
    const struct network_view *view;
    const struct graph *graph;
    const struct rank *ranks;
    struct canvas canvas;
    unsigned rows;    /* of neurons */
    uint64_t largest; /* neurons of a group */
    uint32_t *slots;
};

static unsigned column_of(const struct sketch *sketch, uint32_t group)
{
    unsigned cell = sketch->canvas.columns / sketch->graph->rank_count;

    return cell / 2 + sketch->graph->groups[group].rank * cell;
}

/* All neurons where all groups have room for them; else by their logarithm, so that larger groups look larger. */
static unsigned dots_of(const struct sketch *sketch, uint32_t group)
{
    const struct graph_group *g = &sketch->graph->groups[group];
    unsigned groups = sketch->ranks[g->rank].groups, room = MAX(sketch->rows / groups - (groups > 1), 1);
    double part = sketch->largest > 1 ? log((double)g->neurons) / log((double)sketch->largest) : 1;

    if (sketch->largest > room)
        room = 1 + (unsigned)lround((room - 1) * part);
    return (unsigned)MIN(g->neurons, room);
}

static unsigned row_of(const struct sketch *sketch, uint32_t group, unsigned dot)
{
    unsigned groups = sketch->ranks[sketch->graph->groups[group].rank].groups, room = sketch->rows / groups;

    return sketch->slots[group] * room + (room - dots_of(sketch, group)) / 2 + dot;
}

static int sketch_feed(struct sketch *sketch, const struct pattern_layer *layer, uint32_t at, uint32_t number,
                       struct reason *why)
{
    const struct graph_feed *feed = &sketch->graph->feeds[at];
    enum canvas_colour colour =
        is_dense(sketch->view, &sketch->ranks[sketch->graph->groups[feed->to].rank]) ? CANVAS_ORANGE : CANVAS_BLUE;
    struct pattern pattern;
    int result = pattern_count(layer, feed, number, sketch->graph->groups[feed->from].neurons,
                               dots_of(sketch, feed->to), dots_of(sketch, feed->from), &pattern, why);

    if (result)
        return result;
    for (uint32_t row = 0; row < pattern.rows; row++) {
        for (uint32_t column = 0; column < pattern.columns; column++) {
            if (!pattern.counts[(size_t)row * pattern.columns + column])
                continue;
            canvas_line(&sketch->canvas, (int)column_of(sketch, feed->from) * CANVAS_ACROSS + CANVAS_ACROSS,
                        (int)row_of(sketch, feed->from, column) * CANVAS_DOWN + 1,
                        (int)column_of(sketch, feed->to) * CANVAS_ACROSS - 1,
                        (int)row_of(sketch, feed->to, row) * CANVAS_DOWN + 1, colour);
        }
    }
    pattern_deinit(&pattern);
    return 0;
}

static int sketch_lines(struct sketch *sketch, uint32_t group, struct reason *why)
{
    struct pattern_layer layer = view_layer(sketch->view, group - 1);
    const struct graph_group *target = &sketch->graph->groups[group];
    struct csr own;
    int result = pattern_sample(&layer, &own, &layer.matrix, why);

    for (uint32_t i = 0; i < target->feed_count && !result; i++)
        result = sketch_feed(sketch, &layer, target->first_feed + i, i, why);
    csr_deinit(&own);
    return result;
}

static void sketch_captions(struct sketch *sketch)
{
    for (uint32_t i = 0; i < sketch->graph->group_count; i++) {
        const struct graph_group *group = &sketch->graph->groups[i];
        const struct rank *rank = &sketch->ranks[group->rank];
        char text[CAPTION_MAX + 8], number[CAPTION_MAX];
        bool dense = is_dense(sketch->view, rank);

        for (unsigned k = 0; k < dots_of(sketch, i); k++)
            canvas_put(&sketch->canvas, column_of(sketch, i), row_of(sketch, i, k), 0x25cf,
                       i && dense ? CANVAS_ORANGE : CANVAS_PLAIN);
        if (sketch->slots[i])
            continue;
        caption_short((double)group->neurons, number);
        snprintf(text, sizeof text, rank->groups > 1 ? "%u x %s" : "%.0u%s", rank->groups > 1 ? rank->groups : 0,
                 number);
        canvas_text(&sketch->canvas, column_of(sketch, i), sketch->rows, text, CANVAS_PLAIN);
        if (!i || !sketch->view->sparse)
            continue;
        caption_probability(rank->connections / rank->potential, number);
        snprintf(text, sizeof text, "p %s", number);
        canvas_text(&sketch->canvas, column_of(sketch, i), sketch->rows + 1, dense ? "dense" : text,
                    dense ? CANVAS_ORANGE : CANVAS_GREY);
    }
}

static int draw_sketch(struct sketch *sketch, const struct terminal *terminal, FILE *to, struct reason *why)
{
    uint32_t max = 1;
    int result;

    for (uint32_t i = 0; i < sketch->graph->rank_count; i++) {
        max = MAX(max, sketch->ranks[i].groups);
        sketch->largest = MAX(sketch->largest, sketch->ranks[i].neurons);
    }
    sketch->rows = max > 1 ? max * (ROWS / 2 + 1) : ROWS;
    sketch->slots = memory_zalloc(sketch->graph->group_count, sizeof *sketch->slots);
    if (!sketch->slots || canvas_init(&sketch->canvas, terminal->width, sketch->rows + 1 + sketch->view->sparse))
        return refuse_errno(why, -ENOMEM, "drawing");
    for (uint32_t i = 0; i < sketch->graph->group_count; i++) {
        for (uint32_t k = 0; k < i; k++)
            sketch->slots[i] += sketch->graph->groups[k].rank == sketch->graph->groups[i].rank;
    }
    for (uint32_t i = 1; i < sketch->graph->group_count; i++) {
        if ((result = sketch_lines(sketch, i, why)))
            return result;
    }
    sketch_captions(sketch);
    canvas_print(&sketch->canvas, terminal->unicode, terminal->colour, to);
    return 0;
}

/* ---- the outline ---- */

static const struct shade {
    double min;
    uint32_t character;
} shades[] = { { 0, 0x00b7 }, { 0.01, 0x2591 }, { 0.1, 0x2592 }, { 0.4, 0x2593 }, { 1, 0x2588 } };

static uint32_t shade_of(double p)
{
    uint32_t character = shades[0].character;

    for (size_t i = 0; i < ARRAY_SIZE(shades); i++)
        character = p >= shades[i].min ? shades[i].character : character;
    return character;
}

/* As high as the logarithm of its neurons. */
static void draw_bar(struct canvas *canvas, unsigned column, unsigned wide, const struct network_view *view,
                     const struct rank *rank, double highest)
{
    enum canvas_colour colour = is_dense(view, rank) ? CANVAS_ORANGE : CANVAS_BLUE;
    int eighths = MAX(1, (int)lround(log((double)rank->neurons + 1) / highest * BAR_ROWS * EIGHTHS));

    for (unsigned x = column; x < column + wide; x++) {
        for (int row = 0; row < BAR_ROWS; row++) {
            int part = MIN(eighths - (BAR_ROWS - 1 - row) * EIGHTHS, EIGHTHS);

            if (part > 0)
                canvas_put(canvas, x, (unsigned)row, 0x2580u + (uint32_t)part, colour);
        }
        if (rank->potential > 0 && view->sparse)
            canvas_put(canvas, x, BAR_ROWS, shade_of(rank->connections / rank->potential), colour);
    }
}

static void print_legend(const struct network_view *view, const struct graph *graph, const struct rank *ranks,
                         const struct terminal *terminal, FILE *to)
{
    uint64_t min = UINT64_MAX, max = 0;
    char a[CAPTION_MAX], b[CAPTION_MAX];

    for (uint32_t i = 0; i < graph->rank_count; i++) {
        min = MIN(min, ranks[i].neurons);
        max = MAX(max, ranks[i].neurons);
    }
    caption_short((double)min, a);
    caption_short((double)max, b);
    fprintf(to, "height: %s to %s neuron%s", a, b, max == 1 ? "" : "s");
    if (view->sparse)
        fputs(terminal->unicode ? "; p: \u00b7 < 0.01 \u2591 < 0.1 \u2592 < 0.4 \u2593 < 1 \u2588 dense"
                                : "; p: . < 0.01 - < 0.1 = < 0.4 + < 1 # dense",
              to);
    fputc('\n', to);
}

static int draw_outline(const struct network_view *view, const struct graph *graph, const struct rank *ranks,
                        const struct terminal *terminal, FILE *to, struct reason *why)
{
    unsigned step = MIN(4, MAX(1, terminal->width / MAX(graph->rank_count, 1))), wide = MAX(1, step - 1);
    uint32_t lines = (graph->rank_count + terminal->width / step - 1) / (terminal->width / step);
    uint32_t line = (graph->rank_count + lines - 1) / lines;
    double highest = 1;

    for (uint32_t i = 0; i < graph->rank_count; i++)
        highest = fmax(highest, log((double)ranks[i].neurons + 1));
    for (uint32_t first = 0; first < graph->rank_count; first += line) {
        struct canvas canvas;

        if (canvas_init(&canvas, terminal->width, BAR_ROWS + view->sparse))
            return refuse_errno(why, -ENOMEM, "drawing");
        for (uint32_t i = first; i < graph->rank_count && i < first + line; i++)
            draw_bar(&canvas, (i - first) * step, wide, view, &ranks[i], highest);
        canvas_print(&canvas, terminal->unicode, terminal->colour, to);
        canvas_deinit(&canvas);
    }
    print_legend(view, graph, ranks, terminal, to);
    return 0;
}

static bool has_room(const struct graph *graph, const struct rank *ranks, unsigned width)
{
    for (uint32_t i = 0; i < graph->rank_count; i++) {
        if (ranks[i].groups > SLOTS_MAX)
            return false;
    }
    return width >= (uint64_t)COLUMN_MIN * graph->rank_count;
}

int draw_terminal(const struct network_view *view, const struct terminal *terminal, FILE *to, struct reason *why)
{
    struct graph graph = GRAPH_NULL;
    struct rank *ranks = NULL;
    int result = graph_make(view->structure, &graph, why);

    if (!result) {
        ranks = add_up(view, &graph);
        result = ranks ? 0 : refuse_errno(why, -ENOMEM, "drawing");
    }
    if (!result && has_room(&graph, ranks, terminal->width)) {
        struct sketch sketch = { .view = view, .graph = &graph, .ranks = ranks };

        result = draw_sketch(&sketch, terminal, to, why);
        canvas_deinit(&sketch.canvas);
        free(sketch.slots);
    } else if (!result) {
        result = draw_outline(view, &graph, ranks, terminal, to, why);
    }
    free(ranks);
    graph_deinit(&graph);
    return result;
}
