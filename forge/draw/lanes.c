/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/draw/lanes.h"

/* What a net takes of a band's lanes: columns, counted from 1; 0 and EDGE are the edges. */
struct span {
    uint32_t band, net, low, high, lane;
    enum trip_kind kind;
};

enum { EDGE = INT32_MAX };

struct spans {
    struct span *list;
    uint32_t count;
};

static struct span *find_span(const struct spans *spans, const struct trip *trip, uint32_t band)
{
    for (uint32_t i = spans->count; i--;) {
        struct span *span = &spans->list[i];

        if (span->band == band && span->net == trip->net && span->kind == trip->kind)
            return span;
    }
    return NULL;
}

static void widen(struct spans *spans, const struct trip *trip, uint32_t band, uint32_t a, uint32_t b)
{
    struct span *span = find_span(spans, trip, band);

    if (!span) {
        span = &spans->list[spans->count++];
        *span =
            (struct span){ .band = band, .net = trip->net, .kind = trip->kind, .low = MIN(a, b), .high = MAX(a, b) };
    }
    span->low = MIN(span->low, MIN(a, b));
    span->high = MAX(span->high, MAX(a, b));
}

static int by_length(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    uint32_t lx = x->high - x->low, ly = y->high - y->low;

    if (lx != ly)
        return lx < ly ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

/* The lowest lane that no span placed before takes where this one is. */
static void place_span(const struct spans *spans, uint32_t at)
{
    struct span *span = &spans->list[at];
    bool taken[LANES_MAX] = { false };

    for (uint32_t i = 0; i < at; i++) {
        const struct span *other = &spans->list[i];

        if (other->band == span->band && other->low < span->high && span->low < other->high)
            taken[other->lane] = true;
    }
    while (span->lane + 1 < LANES_MAX && taken[span->lane])
        span->lane++;
}

/* The same at the right edge: bands are its columns. */
static void assign_edges(struct trip *trips, uint32_t count, uint32_t *edges)
{
    for (uint32_t i = 0; i < count; i++) {
        bool taken[LANES_MAX] = { false };

        trips[i].edge = 0;
        if (trips[i].from_band == trips[i].to_band)
            continue;
        for (uint32_t k = 0; k < i; k++) {
            if (trips[k].from_band != trips[k].to_band && trips[k].from_band <= trips[i].to_band &&
                trips[i].from_band <= trips[k].to_band &&
                (trips[k].net != trips[i].net || trips[k].kind != trips[i].kind))
                taken[trips[k].edge] = true;
        }
        while (trips[i].edge + 1 < LANES_MAX && taken[trips[i].edge])
            trips[i].edge++;
        *edges = MAX(*edges, trips[i].edge + 1);
    }
}

int lanes_assign(struct trip *trips, uint32_t count, uint32_t bands, uint32_t *depths, uint32_t *edges)
{
    cleanup_free struct span *list = memory_zalloc(2 * (size_t)count + 1, sizeof *list);
    struct spans spans = { .list = list };

    if (!list)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const struct trip *trip = &trips[i];

        if (trip->from_band == trip->to_band) {
            widen(&spans, trip, trip->from_band, trip->from_column + 1, trip->to_column + 1);
            continue;
        }
        if (trip->kind != TRIP_NEXT)
            widen(&spans, trip, trip->from_band, trip->from_column + 1, EDGE);
        widen(&spans, trip, trip->to_band, trip->kind == TRIP_NEXT ? 0 : trip->to_column + 1, EDGE);
    }
    qsort(list, spans.count, sizeof *list, by_length);
    for (uint32_t i = 0; i < bands; i++)
        depths[i] = 0;
    for (uint32_t i = 0; i < spans.count; i++) {
        place_span(&spans, i);
        depths[list[i].band] = MAX(depths[list[i].band], list[i].lane + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct span *from = find_span(&spans, &trips[i], trips[i].from_band);

        trips[i].from_lane = from ? from->lane : 0;
        trips[i].to_lane = find_span(&spans, &trips[i], trips[i].to_band)->lane;
    }
    *edges = 0;
    assign_edges(trips, count, edges);
    return 0;
}

static double lane_height(const struct lanes_frame *frame, uint32_t band, uint32_t lane)
{
    double away = lane * (double)LANE_STEP;

    return frame->nearest[band] + (frame->below && frame->below[band] ? away : -away);
}

uint32_t lanes_path(const struct trip *trip, struct point from, struct point to, const struct lanes_frame *frame,
                    struct point points[TRIP_POINTS])
{
    double edge = frame->right + LANE_MARGIN + trip->edge * (double)LANE_STEP;
    double first = lane_height(frame, trip->from_band, trip->from_lane);
    double last = lane_height(frame, trip->to_band, trip->to_lane);
    uint32_t count = 0;

    points[count++] = from;
    if (trip->kind == TRIP_NEXT) {
        points[count++] = (struct point){ edge, from.y };
        points[count++] = (struct point){ edge, last };
        points[count++] = (struct point){ frame->left - LANE_MARGIN, last };
        points[count++] = (struct point){ frame->left - LANE_MARGIN, to.y };
    } else {
        points[count++] = (struct point){ from.x, first };
        if (trip->from_band != trip->to_band) {
            points[count++] = (struct point){ edge, first };
            points[count++] = (struct point){ edge, last };
        }
        points[count++] = (struct point){ to.x, last };
    }
    points[count++] = to;
    return count;
}
