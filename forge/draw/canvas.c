/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/canvas.h"

int canvas_init(struct canvas *canvas, unsigned columns, unsigned rows)
{
    *canvas = (struct canvas){ .columns = columns, .rows = rows };
    canvas->cells = memory_zalloc((size_t)columns * rows, sizeof *canvas->cells);
    return canvas->cells ? 0 : -ENOMEM;
}

void canvas_deinit(struct canvas *canvas)
{
    free(canvas->cells);
    *canvas = (struct canvas){ .cells = NULL };
}

static void point(struct canvas *canvas, int x, int y, enum canvas_colour colour)
{
    static const uint8_t bits[CANVAS_DOWN][CANVAS_ACROSS] = {
        { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
    };
    struct canvas_cell *cell;

    if (x < 0 || y < 0 || x >= (int)canvas->columns * CANVAS_ACROSS || y >= (int)canvas->rows * CANVAS_DOWN)
        return;
    cell = &canvas->cells[(size_t)(y / CANVAS_DOWN) * canvas->columns + (size_t)(x / CANVAS_ACROSS)];
    cell->points |= bits[y % CANVAS_DOWN][x % CANVAS_ACROSS];
    cell->colour = (uint8_t)colour;
}

void canvas_line(struct canvas *canvas, int x, int y, int x2, int y2, enum canvas_colour colour)
{
    int steps = MAX(MAX(abs(x2 - x), abs(y2 - y)), 1);

    for (int i = 0; i <= steps; i++)
        point(canvas, x + ((x2 - x) * i * 2 + steps) / (2 * steps),
              y + ((y2 - y) * i * 2 + (y2 < y ? -steps : steps)) / (2 * steps), colour);
}

void canvas_put(struct canvas *canvas, unsigned column, unsigned row, uint32_t character, enum canvas_colour colour)
{
    if (column < canvas->columns && row < canvas->rows)
        canvas->cells[(size_t)row * canvas->columns + column] =
            (struct canvas_cell){ .character = character, .colour = (uint8_t)colour };
}

void canvas_text(struct canvas *canvas, unsigned column, unsigned row, const char *text, enum canvas_colour colour)
{
    unsigned length = (unsigned)strlen(text), first = column > length / 2 ? column - length / 2 : 0;

    if (first + length > canvas->columns)
        first = canvas->columns > length ? canvas->columns - length : 0;
    for (unsigned i = 0; i < length; i++)
        canvas_put(canvas, first + i, row, (unsigned char)text[i], colour);
}

static void print_utf8(uint32_t character, FILE *to)
{
    if (character < 0x80) {
        fputc((int)character, to);
        return;
    }
    fputc((int)(0xe0 | character >> 12), to);
    fputc((int)(0x80 | (character >> 6 & 0x3f)), to);
    fputc((int)(0x80 | (character & 0x3f)), to);
}

/* The nearest in ASCII of what the drawings use. */
static uint32_t plain(uint32_t character)
{
    static const struct {
        uint32_t wide;
        char narrow;
    } table[] = {
        { 0x25cf, 'o' }, { 0x00b7, '.' }, { 0x2591, '-' }, { 0x2592, '=' }, { 0x2593, '+' }, { 0x2588, '#' }
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].wide == character)
            return (uint32_t)table[i].narrow;
    }
    if (character > 0x2580 && character < 0x2588)
        return character < 0x2584 ? '.' : ':';
    return character < 0x80 ? character : '?';
}

static uint32_t shown(const struct canvas_cell *cell, bool unicode)
{
    static const char by_points[] = " ...::::#";

    if (cell->character)
        return unicode ? cell->character : plain(cell->character);
    if (!cell->points)
        return ' ';
    return unicode ? 0x2800u + cell->points : (uint32_t)by_points[__builtin_popcount(cell->points)];
}

void canvas_print(const struct canvas *canvas, bool unicode, bool colour, FILE *to)
{
    static const char *const codes[] = { "\033[0m", "\033[34m", "\033[33m", "\033[2m" };

    for (unsigned row = 0; row < canvas->rows; row++) {
        const struct canvas_cell *cells = &canvas->cells[(size_t)row * canvas->columns];
        unsigned end = canvas->columns, now = CANVAS_PLAIN;

        while (end && shown(&cells[end - 1], unicode) == ' ')
            end--;
        for (unsigned column = 0; column < end; column++) {
            uint32_t character = shown(&cells[column], unicode);

            if (colour && character != ' ' && cells[column].colour != now) {
                fputs(codes[CANVAS_PLAIN], to);
                now = cells[column].colour;
                if (now != CANVAS_PLAIN)
                    fputs(codes[now], to);
            }
            print_utf8(character, to);
        }
        if (now != CANVAS_PLAIN)
            fputs(codes[CANVAS_PLAIN], to);
        fputc('\n', to);
    }
}
