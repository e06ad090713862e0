/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of a mask: pixels that are set and touch, by a side or a corner. Row by row, in runs of set pixels: a run
 * belongs to the objects of the runs above that it touches, or is a new one. Which objects are one is kept as a forest,
 * whose roots are the earliest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "media/spec/media.h"

/* While it grows: sums in place of means, and ends in place of sizes. */
struct grown {
    uint64_t area, sum_x, sum_y;
    uint32_t left, top, right, bottom; /* the last ones, included */
    size_t parent;                     /* itself: a root */
};

struct run {
    uint32_t begin, end; /* columns, without the end */
    size_t object;
};

struct search {
    struct grown *objects;
    size_t count, capacity;
    struct run *above, *here;
    size_t above_count, here_count;
};

static size_t find_root(struct search *s, size_t object)
{
    while (s->objects[object].parent != object) {
        s->objects[object].parent = s->objects[s->objects[object].parent].parent;
        object = s->objects[object].parent;
    }
    return object;
}

static void join(struct grown *to, const struct grown *from)
{
    to->area += from->area;
    to->sum_x += from->sum_x;
    to->sum_y += from->sum_y;
    to->left = MIN(to->left, from->left);
    to->top = MIN(to->top, from->top);
    to->right = MAX(to->right, from->right);
    to->bottom = MAX(to->bottom, from->bottom);
}

/* The earlier of both roots stays. */
static size_t unite(struct search *s, size_t a, size_t b)
{
    const size_t first = MIN(find_root(s, a), find_root(s, b)), second = MAX(find_root(s, a), find_root(s, b));

    if (first == second)
        return first;
    join(&s->objects[first], &s->objects[second]);
    s->objects[second].parent = first;
    return first;
}

static struct grown grown_of(const struct run *run, uint32_t y)
{
    const uint64_t area = run->end - run->begin;

    return (struct grown){ .area = area,
                           .sum_x = area * (run->begin + run->end - UINT64_C(1)) / 2,
                           .sum_y = area * y,
                           .left = run->begin,
                           .top = y,
                           .right = run->end - 1,
                           .bottom = y };
}

static int add_object(struct search *s, const struct grown *object)
{
    if (s->count == s->capacity) {
        const size_t capacity = MAX(2 * s->capacity, (size_t)256);
        struct grown *larger = reallocarray(s->objects, capacity, sizeof *larger);

        if (!larger)
            return -ENOMEM;
        s->objects = larger;
        s->capacity = capacity;
    }
    s->objects[s->count] = *object;
    s->objects[s->count].parent = s->count;
    s->count++;
    return 0;
}

/* A run belongs to the objects above that it touches, which are one from now on, or is a new one. `above` is the first
 * run that this or a later one can touch. */
static int take_run(struct search *s, struct run run, uint32_t y, size_t *above)
{
    const struct grown grown = grown_of(&run, y);
    int result = 0;

    while (*above < s->above_count && s->above[*above].end < run.begin)
        ++*above;
    if (*above < s->above_count && s->above[*above].begin <= run.end) {
        run.object = find_root(s, s->above[*above].object);
        join(&s->objects[run.object], &grown);
        for (size_t i = *above + 1; i < s->above_count && s->above[i].begin <= run.end; i++)
            run.object = unite(s, run.object, s->above[i].object);
    } else {
        run.object = s->count;
        result = add_object(s, &grown);
    }
    s->here[s->here_count++] = run;
    return result;
}

static int take_row(struct search *s, const struct media_picture *mask, uint32_t y)
{
    const uint8_t *row = mask->pixels + (size_t)y * mask->width * mask->channels;
    struct run *spare = s->above;
    size_t above = 0;
    int result = 0;

    s->above = s->here;
    s->above_count = s->here_count;
    s->here = spare;
    s->here_count = 0;
    for (uint32_t x = 0; x < mask->width && !result;) {
        struct run run = { .begin = x };

        while (x < mask->width && row[(size_t)x * mask->channels])
            x++;
        run.end = x;
        if (run.end > run.begin)
            result = take_run(s, run, y, &above);
        else
            x++;
    }
    return result;
}

/* Roots that are large enough, in their order, in place. */
static void collect(struct search *s, uint64_t min_area, struct media_object *out, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct grown *o = &s->objects[i];

        if (o->parent == i && o->area >= min_area)
            out[(*count)++] = (struct media_object){ .area = o->area,
                                                     .left = o->left,
                                                     .top = o->top,
                                                     .width = o->right - o->left + 1,
                                                     .height = o->bottom - o->top + 1,
                                                     .x = (double)o->sum_x / (double)o->area,
                                                     .y = (double)o->sum_y / (double)o->area };
    }
}

int media_find_objects(const struct media_picture *mask, uint64_t min_area, struct media_object **out, size_t *count)
{
    const size_t runs = (size_t)mask->width / 2 + 1;
    struct search s = { .above = calloc(runs, sizeof *s.above), .here = calloc(runs, sizeof *s.here) };
    int result = s.above && s.here ? 0 : -ENOMEM;

    for (uint32_t y = 0; y < mask->height && !result; y++)
        result = take_row(&s, mask, y);
    *out = result ? NULL : calloc(MAX(s.count, (size_t)1), sizeof **out);
    if (*out)
        collect(&s, min_area, *out, count);
    free(s.objects);
    free(s.above);
    free(s.here);
    return *out ? 0 : -ENOMEM;
}
