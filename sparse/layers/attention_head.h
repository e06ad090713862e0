/* SPDX-License-Identifier: Apache-2.0
 *
 * A head of a sample, of which attention is made: where its queries, keys and values stand, and the products over them.
 */
#ifndef SPARSE_LAYERS_ATTENTION_HEAD_H
#define SPARSE_LAYERS_ATTENTION_HEAD_H

#include "sparse/layers/step.h"

enum { HEADS, CAUSAL };
enum { QUERIES, KEYS, VALUES, MASK };
enum { LANES = PACK_LANES };

enum area {
    AREA_QUERIES, /* [features][lanes], times the factor of the scores */
    AREA_ANSWERS, /* [features][lanes]; going back their gradient */
    AREA_KEYS,    /* [features][room]: those that a mask leaves */
    AREA_VALUES,
    AREA_SCORES, /* [room][lanes]: then the softmax of them */
    AREA_TOKENS, /* [room]: uint32, which tokens the keys are of */
    AREAS_FORWARD,
    AREA_QUERY_GRADIENTS = AREAS_FORWARD, /* [features][lanes] */
    AREA_KEY_GRADIENTS,                   /* [features][room] */
    AREA_VALUE_GRADIENTS,
    AREA_SCORE_GRADIENTS, /* [room][lanes] */
    AREA_TURNED,          /* [lanes][room]: one or the other of those panels */
    AREAS,
};

struct head {
    const struct layer_run *run;
    size_t first, width; /* features */
    size_t sample, batch;
    size_t queries, keys; /* tokens */
    size_t kept, room;    /* keys that the mask leaves; all, rounded up */
    bool causal;
    float factor;          /* of the scores */
    const float *in[MASK]; /* its queries, keys and values: features of tokens; */
    float *out;            /* as its queries, */
    size_t step;           /* whose tokens are so far apart; */
    size_t stride;         /* and from a feature of keys or values to the next */
    float *area[AREAS];
    float *apart; /* behind the areas */
};

/* As many queries as a panel has lanes, or fewer at the end, and how many of the kept keys any of them may take. */
struct block {
    size_t begin, count, lanes, reach;
};

static inline uint32_t *head_tokens(const struct head *h)
{
    return (uint32_t *)h->area[AREA_TOKENS];
}

/* Where a token's feature of this head stands in an activation of `tokens` tokens. */
static inline size_t head_place(const struct head *h, size_t tokens, size_t feature, size_t token)
{
    return ((h->first + feature) * tokens + token) * h->batch + h->sample;
}

/* The kind's prepare(). */
int heads_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why);

/* Head and sample by a number: samples side by side, so that parts seldom share a line of memory. Its operands are the
 * next thing to find. */
struct head head_begin(const struct layer_run *run, size_t number, size_t keys);

/* Of the sample that was brought apart as number `index`. */
struct head head_of_sample(const struct layer_run *run, size_t number, size_t index);

/* Where the head's part of an activation begins, for the first sample that it is of. */
float *head_first(const struct head *h, const struct tensor *tensor);

/* Heads from a number on, of one head of several samples, are brought apart together: how many. And their answers back
 * into the activation. With one sample all stands where it is. */
size_t heads_apart(const struct layer_run *run, size_t number, size_t end);
void heads_together(const struct layer_run *run, size_t number, size_t count);

/* Heads times samples. */
size_t heads_count(const struct layer_run *run);

/* The queries from `begin` on; none behind the last. */
struct block head_block(const struct head *h, size_t begin);

/* to[feature][lane], from a head's first number on, tokens `step` floats apart. Lanes without a query are 0. */
void head_gather(const struct head *h, const struct block *block, const float *from, size_t step, float *to);

/* panel[key][lane] = the sum over features of by_key[feature][key] x[feature][lane]. */
void head_along_features(const struct head *h, const struct block *block, const float *by_key, const float *x,
                         float *panel);

/* y[feature][lane] = the sum over keys of by_key[feature][key] panel[key][lane]; rows of y are y_row floats apart. */
void head_along_keys(const struct head *h, const struct block *block, const float *by_key, const float *panel, float *y,
                     size_t y_row);

/* sums[feature][key] += the sum over the block's queries of by_query[feature][lane] panel[key][lane]. */
void head_along_queries(const struct head *h, const struct block *block, const float *by_query, float *panel,
                        float *sums);

/* What each query of a block takes of each key: into AREA_SCORES. */
void head_attend(const struct head *h, const struct block *block);

#endif
