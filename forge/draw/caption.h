/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as a caption shows them, and the head of a page.
 */
#ifndef FORGE_DRAW_CAPTION_H
#define FORGE_DRAW_CAPTION_H

#include <stddef.h>
#include <stdint.h>

#include "forge/draw/draw.h"

enum { CAPTION_MAX = 64, PAGE_MARGIN = 48, PAGE_HEAD = 112 };

/* "1,000,000"; "1.00 M". */
void caption_whole(uint64_t value, char out[CAPTION_MAX]);
/* "1 neuron", "1,000 neurons". */
void caption_count(uint64_t value, const char *unit, char out[CAPTION_MAX]);
void caption_short(double value, char out[CAPTION_MAX]);
/* "0.0521", "3.2e-06", "1". */
void caption_probability(double value, char out[CAPTION_MAX]);

/* Title and, under it, type, sparsity and connections. */
void caption_head(const struct network_view *view, struct scene *scene);

#endif
