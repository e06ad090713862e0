/* SPDX-License-Identifier: Apache-2.0
 *
 * What a transcript is made of, unit by unit: its words, or its characters. White space is between words; of characters
 * a run of it is one, UNITS_SPACE, or none where the model has no such unit. Which of the two a model's labels are is
 * seen by them: words, where one of them has more than one character.
 */
#ifndef FORGE_DATA_UNITS_H
#define FORGE_DATA_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#define UNITS_BLANK "<blank>"      /* the label of what is no unit, the first */
#define UNITS_SPACE "\xe2\x96\x81" /* U+2581, as SentencePiece has it */

struct units {
    const char *at, *end; /* UTF-8 */
    bool words, spaces;
};

void units_begin(struct units *units, const char *text, size_t length);
/* What is left is moved behind the unit. False at the end. */
bool units_next(struct units *units, const char **unit, size_t *length);

/* How a model with these labels, the first of which is none, has its transcripts. */
struct units units_of_labels(char *const *labels, size_t count);

#endif
