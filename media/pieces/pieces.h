/* SPDX-License-Identifier: Apache-2.0
 *
 * How pieces of the one size that a network takes cover something longer: a recording, or either side of a picture.
 *
 * There are as few pieces as overlap by `overlap` or more, evenly spread, the first at the beginning and the last at
 * the end. Where two overlap, the middle goes over from the one to the other: along a ramp of half of `overlap`. What
 * is nearer to a piece's ends than the ramps counts nothing, for there a network sees only what lies on one side. So at
 * every position at most two pieces count, and their weights, multiples of 2^-16, add up to 1 without rounding.
 *
 * Something shorter than a piece is one piece, which goes on behind the end as in a mirror.
 *
 * Positions that come out are `scale` for each that goes in. Immutable; nothing is allocated.
 */
#ifndef MEDIA_PIECES_PIECES_H
#define MEDIA_PIECES_PIECES_H

#include <stdint.h>

struct pieces {
    uint64_t length, count;
    uint32_t size, overlap, scale;
};

/* `length`, `size` and `scale` are 1 or more, and `overlap` at most half of `size`. */
struct pieces pieces_plan(uint64_t length, uint32_t size, uint32_t overlap, uint32_t scale);

/* Where the piece begins, in positions that go in. */
uint64_t pieces_begin(const struct pieces *pieces, uint64_t number);

/* Which position of the whole goes in where a piece asks for `position`, which may lie behind the end. */
uint64_t pieces_mirror(const struct pieces *pieces, uint64_t position);

/* The positions that come out, of the whole, for which the piece counts: begin to end, without the end. What lies
 * before the beginning of the next piece's is finished once this piece is there. */
struct pieces_stretch {
    uint64_t begin, end;
};
struct pieces_stretch pieces_stretch(const struct pieces *pieces, uint64_t number);

/* Those for which it counts more than any other: each position is in the core of one piece. */
struct pieces_stretch pieces_core(const struct pieces *pieces, uint64_t number);

/* How much the piece counts at a position that comes out, of the whole: 0 to 1. */
float pieces_weight(const struct pieces *pieces, uint64_t number, uint64_t position);

#endif
