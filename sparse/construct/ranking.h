/* SPDX-License-Identifier: Apache-2.0
 *
 * The best of a stream: of all places that are offered, one after the other, the so many with the highest scores; of
 * equal scores, the lower places. It remembers as many as it keeps, however many come. One thread; the result depends
 * on what is offered, not on the order.
 */
#ifndef SPARSE_CONSTRUCT_RANKING_H
#define SPARSE_CONSTRUCT_RANKING_H

#include <stdint.h>

struct ranking {
    float *scores; /* a heap: the worst of them first */
    uint64_t *places;
    uint64_t count, capacity;
};

#define RANKING_NULL ((struct ranking){ .scores = NULL })

int ranking_init(struct ranking *out, uint64_t capacity); /* -ENOMEM */
void ranking_deinit(struct ranking *ranking);             /* idempotent */

/* A place is offered once. */
void ranking_offer(struct ranking *ranking, float score, uint64_t place);

/* At the end: ranking->places[0 .. count) ascend; the scores are gone, and nothing more is offered. */
void ranking_finish(struct ranking *ranking);

void places_sort(uint64_t *places, uint64_t count); /* ascending */

#endif
