/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures beside each other on one, with captions: contact_sheet OUT.png <LIST
 *
 * LIST has a line for a heading, "=HEADING TAB SMALL PRINT", and one for each thing that stands below it, "FILE TAB
 * CAPTION": a PNG, or a text, of which the first lines are shown. scripts/demo --all makes such a list. It draws with
 * cairo and knows nothing of wisp.
 */
#include <cairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS = 2,
    CELLS_MAX = 96, /* headings and what stands below them */
    WIDTH = 248,    /* of a thing */
    HEIGHT = 186,
    GAP = 16,
    HEADING = 46,
    CAPTION = 20,
    THINGS = 3, /* below a heading */
    BLOCK_WIDTH = THINGS * (WIDTH + GAP) + GAP,
    BLOCK_HEIGHT = HEADING + HEIGHT + CAPTION + GAP,
    LINES_SHOWN = 6,
    COARSE = 100, /* pictures with fewer pixels a side are enlarged as squares */
};

struct cell {
    char *name, *words; /* a heading's begins with '=' */
};

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "contact_sheet: %s %s\n", what, name);
    exit(1);
}

static size_t read_list(struct cell *cells)
{
    static char line[4096];
    size_t count = 0;

    while (fgets(line, sizeof line, stdin)) {
        char *tab = strchr(line, '\t');

        line[strcspn(line, "\n")] = '\0';
        if (count == CELLS_MAX || (!count && *line != '='))
            fail("the list is too long, or does not begin with a heading:", line);
        if (tab)
            *tab = '\0';
        cells[count].name = strdup(line);
        cells[count].words = strdup(tab ? tab + 1 : "");
        if (!cells[count].name || !cells[count].words)
            fail("out of memory at", line);
        count++;
    }
    return count;
}

static void write_text(cairo_t *canvas, double x, double y, double size, double grey, const char *text)
{
    cairo_set_source_rgb(canvas, grey, grey, grey);
    cairo_set_font_size(canvas, size);
    cairo_move_to(canvas, x, y);
    cairo_show_text(canvas, text);
}

/* As large as there is room for, in the middle. */
static void draw_picture(cairo_t *canvas, double x, double y, const char *file)
{
    cairo_surface_t *picture = cairo_image_surface_create_from_png(file);
    const double width = cairo_image_surface_get_width(picture), height = cairo_image_surface_get_height(picture);
    const double across = WIDTH / width, down = HEIGHT / height, scale = across < down ? across : down;

    if (cairo_surface_status(picture))
        fail("no PNG:", file);
    cairo_save(canvas);
    cairo_translate(canvas, x + (WIDTH - width * scale) / 2, y + (HEIGHT - height * scale) / 2);
    cairo_scale(canvas, scale, scale);
    cairo_set_source_surface(canvas, picture, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(canvas), width < COARSE ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    cairo_rectangle(canvas, 0, 0, width, height);
    cairo_fill(canvas);
    cairo_restore(canvas);
    cairo_surface_destroy(picture);
}

static void draw_lines(cairo_t *canvas, double x, double y, const char *name)
{
    FILE *file = fopen(name, "r");
    char line[256];

    if (!file)
        fail("cannot open", name);
    for (int i = 0; i < LINES_SHOWN && fgets(line, sizeof line, file); i++) {
        line[strcspn(line, "\n")] = '\0';
        write_text(canvas, x, y + 40 + 20 * i, 14, 0.1, line);
    }
    fclose(file);
}

static void draw(cairo_t *canvas, const struct cell *cells, size_t count)
{
    int block = -1, row = 0, thing = 0;

    for (size_t i = 0; i < count; i++) {
        const char *name = cells[i].name, *ending = strrchr(name, '.');
        double x, y;

        if (*name == '=') {
            block++;
            row = block / COLUMNS;
            thing = 0;
        }
        x = GAP + (double)(block % COLUMNS) * BLOCK_WIDTH + (double)thing * (WIDTH + GAP);
        y = GAP + row * BLOCK_HEIGHT;
        if (*name == '=') {
            write_text(canvas, x, y + 16, 17, 0, name + 1);
            write_text(canvas, x, y + 34, 12, 0.4, cells[i].words);
            continue;
        }
        if (ending && !strcmp(ending, ".png"))
            draw_picture(canvas, x, y + HEADING, name);
        else
            draw_lines(canvas, x, y + HEADING, name);
        write_text(canvas, x, y + HEADING + HEIGHT + 14, 11, 0.4, cells[i].words);
        thing++;
    }
}

int main(int argc, char **argv)
{
    static struct cell cells[CELLS_MAX];
    int headings = 0;
    size_t count;
    cairo_surface_t *sheet;
    cairo_t *canvas;

    if (argc != 2)
        fail("usage: contact_sheet OUT.png <LIST,", "not so");
    count = read_list(cells);
    for (size_t i = 0; i < count; i++)
        headings += *cells[i].name == '=';
    sheet = cairo_image_surface_create(CAIRO_FORMAT_RGB24, COLUMNS * BLOCK_WIDTH + GAP,
                                       (headings + COLUMNS - 1) / COLUMNS * BLOCK_HEIGHT + GAP);
    canvas = cairo_create(sheet);
    cairo_set_source_rgb(canvas, 1, 1, 1);
    cairo_paint(canvas);
    cairo_select_font_face(canvas, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    draw(canvas, cells, count);
    cairo_destroy(canvas);
    if (cairo_surface_write_to_png(sheet, argv[1]))
        fail("cannot write", argv[1]);
    cairo_surface_destroy(sheet);
    for (size_t i = 0; i < count; i++) {
        free(cells[i].name);
        free(cells[i].words);
    }
    return 0;
}
