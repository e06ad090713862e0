/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways around the groups of a page. What leads from group to group without connections of its own runs in lanes above
 * (or below) the bands of a page and, from band to band, down its right edge. Captions stand in the bands, so no way
 * crosses one. Lanes below a band count as a band of their own.
 *
 *     up from where it begins, along a lane, down to where it ends; over the edge when that is in another band.
 *
 * Trips of one net share a lane, as a trunk with branches. Trips that overlap otherwise lie in different lanes, short
 * ones below long ones.
 */
#ifndef FORGE_DRAW_LANES_H
#define FORGE_DRAW_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "forge/draw/scene.h"

enum { LANES_MAX = 24, LANE_STEP = 11, LANE_MARGIN = 8, TRIP_POINTS = 6 };

enum trip_kind {
    TRIP_ADD,   /* a residual, to where it is added */
    TRIP_AGAIN, /* a group, to where it is shown again */
    TRIP_NEXT,  /* the last card of a band, to the first of the next: from edge to edge */
};

struct trip {
    enum trip_kind kind;
    uint32_t net;
    uint32_t from, to; /* nodes */
    uint32_t from_band, from_column, to_band, to_column;
    uint32_t from_lane, to_lane, edge; /* found by lanes_assign() */
};

/* The lanes of all trips; depths[band] is how many a band needs, *edges how many the right edge. -ENOMEM. */
int lanes_assign(struct trip *trips, uint32_t count, uint32_t bands, uint32_t *depths, uint32_t *edges);

/* Where lanes are on a page. */
struct lanes_frame {
    const double *nearest; /* y of each band's lane that is nearest to its nodes */
    const bool *below;     /* of each band: lanes are below its nodes, and grow downwards; NULL: none */
    double left, right;    /* edges of the bands */
};

/* The corners of a trip from `from` to `to`; how many. */
uint32_t lanes_path(const struct trip *trip, struct point from, struct point to, const struct lanes_frame *frame,
                    struct point points[TRIP_POINTS]);

#endif
