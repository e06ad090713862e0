/* SPDX-License-Identifier: Apache-2.0
 *
 * A prefix is a node of a tree, so that one which is found again, by another way or after it had been left out, is
 * the same. Of each two probabilities are kept, of the ways that end in a 0 and of those that end in its last label:
 * only behind a 0 the same label is said again. All are scaled by one power of two, which loses nothing.
 *
 * A prefix that is new comes from one that goes on, and a more probable label makes a more probable one, but for
 * the label that it ends in. So of all labels the 2 width + 1 most probable are enough.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/transcript/exponential.h"
#include "media/transcript/search.h"

enum { LABELS_MAX = 2 * TRANSCRIPT_BEAM_MAX + 1, NOWHERE = -1 };

#define PROBABILITY_MIN 1e-30 /* improbable, not impossible */

struct node {
    uint32_t parent, label; /* of the root 0, which nothing ends in */
    uint32_t child, next;   /* the first of its children, and of its parent's the next; 0: none */
    int32_t place;          /* in the beam */
};

struct prefix {
    double blank, label; /* the probabilities */
    uint32_t node;
    uint32_t added; /* of one that is new: the label behind the node; else 0 */
};

struct search {
    const struct transcript_scores *scores;
    uint32_t width, count;
    struct prefix beam[TRANSCRIPT_BEAM_MAX];
    struct node *nodes;
    uint32_t node_count;
    double *p; /* of each label, at the position at hand */
    uint32_t best[LABELS_MAX], best_count;
    int64_t exponent; /* of 2, by which all are to be multiplied */
};

static double score_at(const struct transcript_scores *scores, size_t label, size_t position)
{
    const float score = scores->values[label * scores->label_step + position * scores->position_step];

    if (isinf(score))
        return score > 0 ? (double)__FLT_MAX__ : -INFINITY;
    return isnan(score) ? -INFINITY : (double)score;
}

/* ---- a position ---- */

static void offer_label(struct search *search, uint32_t label)
{
    const uint32_t room = 2 * search->width + 1;
    uint32_t at = search->best_count;

    if (at == room && !(search->p[label] > search->p[search->best[at - 1]]))
        return;
    if (at < room)
        search->best_count++;
    else
        at--;
    for (; at > 0 && search->p[label] > search->p[search->best[at - 1]]; at--)
        search->best[at] = search->best[at - 1];
    search->best[at] = label;
}

/* The softmax at a position, and its best labels but 0. */
static void read_position(struct search *search, size_t position)
{
    const struct transcript_scores *scores = search->scores;
    double largest = -INFINITY, sum = 0;

    for (size_t l = 0; l < scores->labels; l++)
        largest = fmax(largest, score_at(scores, l, position));
    for (size_t l = 0; l < scores->labels; l++) {
        const double below = largest == -INFINITY ? 0 : score_at(scores, l, position) - largest;

        search->p[l] = below < -700 ? 0 : portable_exp(below);
        sum += search->p[l];
    }
    search->best_count = 0;
    for (size_t l = 0; l < scores->labels; l++) {
        search->p[l] = fmax(search->p[l] / sum, PROBABILITY_MIN);
        if (l)
            offer_label(search, (uint32_t)l);
    }
}

/* ---- prefixes ---- */

static uint32_t find_child(const struct search *search, uint32_t node, uint32_t label)
{
    uint32_t child = search->nodes[node].child;

    while (child && search->nodes[child].label != label)
        child = search->nodes[child].next;
    return child;
}

static uint32_t make_child(struct search *search, uint32_t node, uint32_t label)
{
    const uint32_t made = search->node_count++;

    search->nodes[made] =
        (struct node){ .parent = node, .label = label, .next = search->nodes[node].child, .place = NOWHERE };
    search->nodes[node].child = made;
    return made;
}

/* How probable it is that a prefix goes on with a label. */
static double go_on(const struct search *search, const struct prefix *prefix, uint32_t label)
{
    const bool again = search->nodes[prefix->node].label == label;

    return search->p[label] * (again ? prefix->blank : prefix->blank + prefix->label);
}

static void offer(struct search *search, struct prefix *next, uint32_t *count, struct prefix prefix)
{
    const double total = prefix.blank + prefix.label;
    uint32_t at = *count;

    if (at == search->width && !(total > next[at - 1].blank + next[at - 1].label))
        return;
    if (at < search->width)
        ++*count;
    else
        at--;
    for (; at > 0 && total > next[at - 1].blank + next[at - 1].label; at--)
        next[at] = next[at - 1];
    next[at] = prefix;
}

/* Those that stay what they are, which they do by a 0 or the last label once more, or become it from one shorter. */
static struct prefix stay(const struct search *search, const struct prefix *prefix)
{
    const struct node *node = &search->nodes[prefix->node];
    const double *p = search->p;
    struct prefix next = { .node = prefix->node, .blank = p[0] * (prefix->blank + prefix->label) };

    if (!prefix->node)
        return next;
    next.label = p[node->label] * prefix->label;
    if (search->nodes[node->parent].place != NOWHERE)
        next.label += go_on(search, &search->beam[search->nodes[node->parent].place], node->label);
    return next;
}

/* Best first, with the nodes of what is new; the largest is brought near 1. */
static void take(struct search *search, const struct prefix *next, uint32_t count)
{
    int exponent;

    (void)frexp(next[0].blank + next[0].label, &exponent);
    for (uint32_t i = 0; i < search->count; i++)
        search->nodes[search->beam[i].node].place = NOWHERE;
    for (uint32_t i = 0; i < count; i++) {
        struct prefix *prefix = &search->beam[i];
        uint32_t child;

        *prefix = next[i];
        child = prefix->added ? find_child(search, prefix->node, prefix->added) : prefix->node;
        prefix->node = prefix->added && !child ? make_child(search, prefix->node, prefix->added) : child;
        prefix->added = 0;
        prefix->blank = ldexp(prefix->blank, -exponent);
        prefix->label = ldexp(prefix->label, -exponent);
        search->nodes[prefix->node].place = (int32_t)i;
    }
    search->count = count;
    search->exponent += exponent;
}

static void advance(struct search *search)
{
    struct prefix next[TRANSCRIPT_BEAM_MAX] = { { .blank = 0 } };
    uint32_t count = 0;

    for (uint32_t i = 0; i < search->count; i++)
        offer(search, next, &count, stay(search, &search->beam[i]));
    for (uint32_t i = 0; i < search->count; i++) {
        const struct prefix *prefix = &search->beam[i];

        for (uint32_t b = 0; b < search->best_count; b++) {
            const uint32_t label = search->best[b], child = find_child(search, prefix->node, label);

            if (child && search->nodes[child].place != NOWHERE)
                continue; /* stay() has it */
            offer(search, next, &count,
                  (struct prefix){ .label = go_on(search, prefix, label), .node = prefix->node, .added = label });
        }
    }
    take(search, next, count);
}

/* ---- all of them ---- */

static void write_labels(const struct search *search, struct transcript *out)
{
    const struct prefix *best = &search->beam[0];
    const double total = best->blank + best->label;

    out->count = 0;
    for (uint32_t node = best->node; node; node = search->nodes[node].parent)
        out->count++;
    for (uint32_t node = best->node, at = (uint32_t)out->count; node; node = search->nodes[node].parent)
        out->labels[--at] = search->nodes[node].label;
    out->probability = search->exponent < -2000 ? 0 : ldexp(total, (int)search->exponent);
}

static int search_prefixes(struct search *search, struct transcript *out)
{
    uint64_t nodes;

    if (!size_multiply(search->scores->positions, search->width, &nodes) || nodes >= UINT32_MAX)
        return -ENOMEM;
    search->nodes = memory_alloc(nodes + 1, sizeof *search->nodes);
    search->p = memory_alloc(search->scores->labels, sizeof *search->p);
    if (!search->nodes || !search->p)
        return -ENOMEM;
    search->nodes[search->node_count++] = (struct node){ .place = 0 };
    search->beam[search->count++] = (struct prefix){ .blank = 1 };
    for (size_t position = 0; position < search->scores->positions; position++) {
        read_position(search, position);
        advance(search);
    }
    write_labels(search, out);
    return 0;
}

static void take_best(const struct transcript_scores *scores, struct transcript *out)
{
    uint32_t said = 0;

    *out = (struct transcript){ .labels = out->labels };
    for (size_t position = 0; position < scores->positions; position++) {
        const uint32_t before = said;

        said = 0;
        for (uint32_t l = 1; l < scores->labels; l++) {
            if (score_at(scores, l, position) > score_at(scores, said, position))
                said = l;
        }
        if (said && said != before)
            out->labels[out->count++] = said;
    }
}

int transcript_search(const struct transcript_scores *scores, uint32_t width, struct transcript *out)
{
    struct search search = { .scores = scores, .width = width };
    int result = 0;

    if (width == 1 || !scores->labels)
        take_best(scores, out);
    else
        result = search_prefixes(&search, out);
    free(search.nodes);
    free(search.p);
    return result;
}
