/* SPDX-License-Identifier: Apache-2.0
 *
 * attention: queries {D, T}, keys {D, S}, values {D, S}, and perhaps {S} that says of which keys there are any ->
 * {D, T}: softmax(q' k / sqrt(D / heads)) v per head (Vaswani et al. 2017, Attention is all you need). The maps around
 * it (W_q, W_k, W_v, W_o) are projections of their own; here nothing is learned.
 *
 *   causal   query t takes the keys 0 to t alone
 *   mask     the fourth input: a key whose number is 0 but for what follows the point (the word 0 of a text, its
 *            padding) takes no part, whatever it is. A query that is left without keys is answered 0.
 *
 * A part owns heads of samples, and takes them one by one, so what is computed depends on no other sample. Of one
 * sample a head lies side by side in the activations; of several, samples stand innermost, and some of them are brought
 * apart together first. Of a head, 32 queries go at a time against all keys, or 16: the scores are a panel of the
 * kernels, and all of tokens x tokens never stand in memory. Going back the panel is made again. Every sum is a chain:
 * scores over ascending features, answers over ascending keys, the gradients of keys and values over ascending queries.
 */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/attention_head.h"
#include "sparse/layers/moving.h"

static int check_mask(const struct shape *mask, uint32_t keys, struct reason *why)
{
    int result = plan_rank(mask, 1, "tokens: the mask of the keys", why);

    if (!result && mask->dimension[0] != keys)
        return refuse(why, WISP_E_FORMAT, "its mask is of %u tokens, and there are keys of %u", mask->dimension[0],
                      keys);
    return result;
}

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint32_t width = inputs[0].dimension[0];

    for (int i = 0; i < MASK; i++) {
        int result = plan_rank(&inputs[i], 2, "features, tokens", why);

        if (result)
            return result;
    }
    if (inputs[1].dimension[0] != width || inputs[2].dimension[0] != width ||
        inputs[1].dimension[1] != inputs[2].dimension[1])
        return refuse(why, WISP_E_FORMAT,
                      "queries, keys and values must have as many features, keys as many tokens as "
                      "values");
    if (width % (uint32_t)parameters[HEADS])
        return refuse(why, WISP_E_FORMAT, "%u features cannot be split over %.0f heads", width, parameters[HEADS]);
    *out = (struct layer_plan){ .shape = inputs[0],
                                .fixed_cost = 2.0 * width * inputs[0].dimension[1] * inputs[1].dimension[1] };
    return input_count > MASK ? check_mask(&inputs[MASK], inputs[KEYS].dimension[1], why) : 0;
}

/* ---- forward ---- */

static void answer(const struct head *h, const struct block *block)
{
    const bool whole = h->step == 1 && block->count == block->lanes;
    float *answers = whole ? h->out + block->begin : h->area[AREA_ANSWERS];

    head_attend(h, block);
    head_along_keys(h, block, h->in[VALUES], h->area[AREA_SCORES], answers, whole ? h->queries : block->lanes);
    for (size_t f = 0; f < h->width && !whole; f++) {
        for (size_t i = 0; i < block->count; i++)
            h->out[(f * h->queries + block->begin + i) * h->step] = answers[f * block->lanes + i];
    }
}

static void forward(const struct layer_run *run)
{
    unsigned long long begin, end;

    pool_share(heads_count(run), 1, run->part, run->parts, &begin, &end);
    for (size_t number = begin, count; number < end; number += count) {
        count = heads_apart(run, number, end);
        for (size_t i = 0; i < count; i++) {
            const struct head head = head_of_sample(run, number + i, i);

            for (struct block block = head_block(&head, 0); block.count;
                 block = head_block(&head, block.begin + block.count))
                answer(&head, &block);
        }
        heads_together(run, number, count);
    }
}

/* ---- steps ----
 *
 * Of a sequence that attends to itself its keys and values so far are kept, {D, positions} each, and what the mask says
 * of them, a row a head. Those of another stand in its memory whole. Either is what a product takes as it stands,
 * unless a mask leaves some out.
 */

static int step_plan(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why)
{
    const bool *whole = setup->whole, masked = setup->layer->input_count > MASK;
    const uint64_t width = setup->inputs[QUERIES].dimension[0], length = setup->inputs[QUERIES].dimension[1];
    const uint64_t heads = (uint64_t)setup->layer->parameters[HEADS];

    *kept = 0;
    if (whole[QUERIES] || whole[KEYS] != whole[VALUES] || (masked && whole[MASK] != whole[KEYS]))
        return refuse(why, WISP_E_FORMAT, "some of its inputs go along the sequence, and some do not");
    if (whole[KEYS])
        return 0;
    if (setup->layer->parameters[CAUSAL] == 0)
        return refuse(why, WISP_E_FORMAT, "it attends to what comes later: it is not causal");
    if (setup->inputs[KEYS].dimension[1] != length)
        return refuse(why, WISP_E_FORMAT, "its keys are not as many as its queries");
    *kept = (2 * width + (masked ? heads : 0)) * length * sizeof(float);
    return 0;
}

/* Of keys behind the last word it takes none: a text's own numbers are the mask, or they come later. */
static uint32_t along(const struct layer *layer, const uint32_t *inputs)
{
    const uint32_t keys = inputs[KEYS];
    const bool masked = layer->input_count > MASK && layer->inputs[MASK] == keys;
    const bool causal = layer->parameters[CAUSAL] != 0 && inputs[QUERIES] == keys;

    return inputs[VALUES] == keys && (masked || causal) ? inputs[QUERIES] : LAYER_ALONG_NONE;
}

/* What a query may take: keys and values by feature, `stride` apart, and the mask. */
struct past {
    const float *keys, *values, *mask; /* NULL: no mask */
    size_t stride, count;
};

/* Keeps the head's key and value of this position. */
static struct past own_past(const struct head *h)
{
    const struct layer_run *run = h->run;
    const size_t length = run->step->length, width = tensor_features(run->out), at = run->step->positions[h->sample];
    float *keys = step_kept(run, h->sample) + h->first * length, *values = keys + width * length;
    float *mask = step_kept(run, h->sample) + (2 * width + h->first / h->width) * length;

    for (size_t f = 0; f < h->width; f++) {
        keys[f * length + at] = run->in[KEYS]->data[head_place(h, 1, f, 0)];
        values[f * length + at] = run->in[VALUES]->data[head_place(h, 1, f, 0)];
    }
    if (run->layer->input_count > MASK)
        mask[at] = run->in[MASK]->data[h->sample];
    return (struct past){ keys, values, run->layer->input_count > MASK ? mask : NULL, length, at + 1 };
}

static struct past whole_past(const struct head *h)
{
    const struct layer_run *run = h->run;

    return (struct past){ .keys = step_whole(run, KEYS, h->sample) + h->first * h->keys,
                          .values = step_whole(run, VALUES, h->sample) + h->first * h->keys,
                          .mask = run->layer->input_count > MASK ? step_whole(run, MASK, h->sample) : NULL,
                          .stride = h->keys,
                          .count = h->causal ? MIN(h->keys, run->step->positions[h->sample] + (size_t)1) : h->keys };
}

static bool leaves(const struct past *past, size_t t)
{
    return !past->mask || truncf(past->mask[t]) != 0;
}

/* How many of the first keys it takes, where it takes none behind them; else `count` and more. */
static size_t first_keys(const struct past *past)
{
    size_t kept = 0;

    while (kept < past->count && leaves(past, kept))
        kept++;
    for (size_t t = kept; t < past->count; t++) {
        if (leaves(past, t))
            return past->count + 1;
    }
    return kept;
}

/* The keys that the mask leaves, side by side: a feature at a time, for lines of several that are evenly apart would
 * take each other's places in the cache. */
static void gather_past(struct head *h, const struct past *past)
{
    h->in[KEYS] = h->area[AREA_KEYS];
    h->in[VALUES] = h->area[AREA_VALUES];
    h->stride = h->room;
    for (size_t f = 0; f < h->width; f++) {
        h->kept = 0;
        for (size_t t = 0; t < past->count; t++) {
            if (!leaves(past, t))
                continue;
            h->area[AREA_KEYS][f * h->room + h->kept] = past->keys[f * past->stride + t];
            h->area[AREA_VALUES][f * h->room + h->kept] = past->values[f * past->stride + t];
            h->kept++;
        }
    }
}

/* A text's words come before what is none of it, so that mostly nothing is to be brought together. */
static void take_past(struct head *h, const struct past *past)
{
    const size_t kept = first_keys(past);

    if (kept > past->count) {
        gather_past(h, past);
        return;
    }
    h->in[KEYS] = past->keys;
    h->in[VALUES] = past->values;
    h->stride = past->stride;
    h->kept = kept;
}

static void step(const struct layer_run *run)
{
    unsigned long long begin, end;

    pool_share(heads_count(run), 1, run->part, run->parts, &begin, &end);
    for (size_t number = begin; number < end; number++) {
        struct head h = head_begin(run, number, MAX(run->in[KEYS]->shape.dimension[1], run->step->length));
        const struct past past = run->step->whole[KEYS] ? whole_past(&h) : own_past(&h);

        h.causal = false; /* what is later is not there */
        h.in[QUERIES] = head_first(&h, run->in[QUERIES]);
        h.out = head_first(&h, run->out);
        h.step = h.batch;
        take_past(&h, &past);
        answer(&h, &(struct block){ 0, 1, LANES, h.kept });
    }
}

/* ---- backward ---- */

static void send(float *to, float value, bool add)
{
    *to = add ? *to + value : value;
}

static void send_queries(const struct layer_back *back, const struct head *h, const struct block *block)
{
    const float *gradients = h->area[AREA_QUERY_GRADIENTS];

    for (size_t f = 0; f < h->width && back->in_gradient[QUERIES]; f++) {
        for (size_t i = 0; i < block->count; i++)
            send(&back->in_gradient[QUERIES][head_place(h, h->queries, f, block->begin + i)],
                 gradients[f * block->lanes + i] * h->factor, back->accumulate[QUERIES]);
    }
}

/* Of keys or values; those that the mask leaves out get 0. */
static void send_keys(const struct layer_back *back, const struct head *h, int input, const float *gradients)
{
    for (size_t f = 0; f < h->width && back->in_gradient[input]; f++) {
        for (size_t t = 0, j = 0; t < h->keys; t++) {
            const bool kept = j < h->kept && head_tokens(h)[j] == t;

            send(&back->in_gradient[input][head_place(h, h->keys, f, t)], kept ? gradients[f * h->room + j] : 0,
                 back->accumulate[input]);
            j += kept;
        }
    }
}

/* With p the softmax of the scores and g the gradient of the answers: values get p g, p gets v g, and queries and keys
 * what the softmax makes of that. */
static void back_block(const struct layer_back *back, const struct head *h, const struct block *block)
{
    float *answers = h->area[AREA_ANSWERS], *scores = h->area[AREA_SCORES], *sent = h->area[AREA_SCORE_GRADIENTS];

    head_attend(h, block);
    head_gather(h, block, back->out_gradient + head_place(h, h->queries, 0, 0), h->batch, answers);
    head_along_features(h, block, h->in[VALUES], answers, sent);
    h->run->kernels->panel_softmax_backward(scores, sent, block->reach, block->lanes / LANES);
    head_along_keys(h, block, h->in[KEYS], sent, h->area[AREA_QUERY_GRADIENTS], block->lanes);
    send_queries(back, h, block);
    head_along_queries(h, block, answers, scores, h->area[AREA_VALUE_GRADIENTS]);
    head_along_queries(h, block, h->area[AREA_QUERIES], sent, h->area[AREA_KEY_GRADIENTS]);
}

static void back_head(const struct layer_back *back, const struct head *h)
{
    memset(h->area[AREA_KEY_GRADIENTS], 0, h->width * h->room * sizeof(float));
    memset(h->area[AREA_VALUE_GRADIENTS], 0, h->width * h->room * sizeof(float));
    for (struct block block = head_block(h, 0); block.count; block = head_block(h, block.begin + block.count))
        back_block(back, h, &block);
    send_keys(back, h, KEYS, h->area[AREA_KEY_GRADIENTS]);
    send_keys(back, h, VALUES, h->area[AREA_VALUE_GRADIENTS]);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    pool_share(heads_count(run), 1, run->part, run->parts, &begin, &end);
    for (size_t number = begin, count; number < end; number += count) {
        count = heads_apart(run, number, end);
        for (size_t i = 0; i < count; i++) {
            const struct head head = head_of_sample(run, number + i, i);

            back_head(back, &head);
        }
    }
    if (run->layer->input_count > MASK)
        move_nothing(back, MASK);
}

const struct layer_kind layer_attention = {
    .name = "attention",
    .inputs_min = 3,
    .inputs_max = 4,
    .role = ROLE_ATTENTION,
    .merge = MERGE_ATTEND,
    .flow = FLOW_MIXED,
    .parameters = { [HEADS] = { "heads", 1, 1, 1024, PARAMETER_WHOLE },
                    [CAUSAL] = { "causal", 0, 0, 1, PARAMETER_WHOLE } },
    .plan = plan,
    .prepare = heads_prepare,
    .forward = forward,
    .step = step,
    .step_plan = step_plan,
    .along = along,
    .backward = backward,
};
