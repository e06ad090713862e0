/* SPDX-License-Identifier: Apache-2.0
 *
 * A drawing in characters: cells of a terminal, each 2 x 4 points of braille, or a character of its own. Without
 * Unicode a cell's points become one of four characters by their number.
 */
#ifndef FORGE_DRAW_CANVAS_H
#define FORGE_DRAW_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CANVAS_ACROSS = 2, CANVAS_DOWN = 4 };

enum canvas_colour { CANVAS_PLAIN, CANVAS_BLUE, CANVAS_ORANGE, CANVAS_GREY };

struct canvas {
    unsigned columns, rows;
    struct canvas_cell {
        uint32_t character; /* 0: points */
        uint8_t points;
        uint8_t colour;
    } * cells;
};

/* -ENOMEM. */
int canvas_init(struct canvas *canvas, unsigned columns, unsigned rows);
void canvas_deinit(struct canvas *canvas);

/* In points. What is outside stays out. */
void canvas_line(struct canvas *canvas, int x, int y, int x2, int y2, enum canvas_colour colour);
/* In cells. */
void canvas_put(struct canvas *canvas, unsigned column, unsigned row, uint32_t character, enum canvas_colour colour);
/* ASCII text around the cell `column`, moved to stay inside. */
void canvas_text(struct canvas *canvas, unsigned column, unsigned row, const char *text, enum canvas_colour colour);

void canvas_print(const struct canvas *canvas, bool unicode, bool colour, FILE *to);

#endif
