/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sparse/construct/ranking.h"

int ranking_init(struct ranking *out, uint64_t capacity)
{
    *out = (struct ranking){ .scores = memory_alloc(capacity, sizeof *out->scores),
                             .places = memory_alloc(capacity, sizeof *out->places),
                             .capacity = capacity };
    if (out->scores && out->places)
        return 0;
    ranking_deinit(out);
    return -ENOMEM;
}

void ranking_deinit(struct ranking *ranking)
{
    free(ranking->scores);
    free(ranking->places);
    *ranking = RANKING_NULL;
}

struct entry {
    float score;
    uint64_t place;
};

static struct entry entry_at(const struct ranking *ranking, uint64_t i)
{
    return (struct entry){ ranking->scores[i], ranking->places[i] };
}

static void put(struct ranking *ranking, uint64_t i, struct entry entry)
{
    ranking->scores[i] = entry.score;
    ranking->places[i] = entry.place;
}

static bool is_worse(struct entry a, struct entry b)
{
    return a.score < b.score || (a.score == b.score && a.place > b.place);
}

static void sift_up(struct ranking *ranking, uint64_t i, struct entry entry)
{
    while (i && is_worse(entry, entry_at(ranking, (i - 1) / 2))) {
        put(ranking, i, entry_at(ranking, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    put(ranking, i, entry);
}

/* From the root, whose entry is gone. */
static void sift_down(struct ranking *ranking, struct entry entry)
{
    uint64_t i = 0, child;

    while ((child = 2 * i + 1) < ranking->count) {
        if (child + 1 < ranking->count && is_worse(entry_at(ranking, child + 1), entry_at(ranking, child)))
            child++;
        if (!is_worse(entry_at(ranking, child), entry))
            break;
        put(ranking, i, entry_at(ranking, child));
        i = child;
    }
    put(ranking, i, entry);
}

void ranking_offer(struct ranking *ranking, float score, uint64_t place)
{
    const struct entry entry = { score, place };

    if (ranking->count < ranking->capacity)
        sift_up(ranking, ranking->count++, entry);
    else if (ranking->count && is_worse(entry_at(ranking, 0), entry))
        sift_down(ranking, entry);
}

static int compare(const void *a, const void *b)
{
    const uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;

    return (one > two) - (one < two);
}

void places_sort(uint64_t *places, uint64_t count)
{
    if (count)
        qsort(places, count, sizeof *places, compare);
}

void ranking_finish(struct ranking *ranking)
{
    places_sort(ranking->places, ranking->count);
}
