/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of both forms share: lines, fields, numbers, and the connections that were found. Every refusal
 * names the file and the line.
 */
#ifndef SPARSE_CONSTRUCT_EXCHANGE_READER_H
#define SPARSE_CONSTRUCT_EXCHANGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/construct/exchange.h"

enum { SPAN_SHOWN = 24 };

/* A piece of the text: a line, or what is left of it, or a field. */
struct span {
    const char *at, *end;
};

struct triplet {
    uint32_t row, column;
    float value;
    uint32_t line;
};

struct exchange_reader {
    const char *name;
    struct span rest; /* of the text */
    uint32_t line;    /* number of the one that was read last; from 1 */
    uint32_t rows, columns;
    uint32_t base; /* what the first row and column are called */
    struct exchange_info info;
    struct triplet *list;
    uint64_t count, capacity;
};

/* The next line, without its end and the blanks around it; false at the end of the text. */
bool reader_line(struct exchange_reader *reader, struct span *line);

/* Without the blanks around it. */
struct span span_trim(struct span span);
bool span_is(struct span span, const char *word); /* whatever the case of its letters */
/* Its beginning as a message and a terminal can show it; returns `out`. */
const char *span_shown(struct span span, char out[static SPAN_SHOWN]);

/* A whole number below 10^18, and nothing else; false for anything else. */
bool span_whole(struct span span, uint64_t *out);
/* A weight: a finite decimal number. A number that is not 0 and too small for a float is read as 0, and counted.
 * WISP_E_FORMAT; -ENOMEM. */
int reader_weight(struct exchange_reader *reader, struct span field, float *out, struct reason *why);

/* Adds a connection, as the file numbers it. WISP_E_FORMAT when it is outside the layer; -ENOMEM. */
int reader_add(struct exchange_reader *reader, uint64_t row, uint64_t column, float value, struct reason *why);

/* The two forms: all of the text becomes the list. */
int exchange_read_edges(struct exchange_reader *reader, struct reason *why);
int exchange_read_market(struct exchange_reader *reader, struct reason *why);

#endif
