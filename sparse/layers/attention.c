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
 * A part owns heads of samples, and takes them one by one: each is brought together from the activations, where
 * samples stand innermost, so what is computed depends on no other sample. Of a head, sixteen queries go at a time
 * against all keys: the scores are a panel of the kernels, keys x 16 floats, and all of tokens x tokens never stand in
 * memory. Going back the panel is made again. Every sum is a chain: scores over ascending features, answers over
 * ascending keys, the gradients of keys and values over ascending queries.
 */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/moving.h"
#include "sparse/layers/step.h"

enum { HEADS, CAUSAL };
enum { QUERIES, KEYS, VALUES, MASK };
enum { LANES = PACK_LANES };

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

/* ---- scratch of a part ---- */

enum area {
    AREA_QUERIES, /* [features][16], times the factor of the scores */
    AREA_ANSWERS, /* [features][16]; going back their gradient */
    AREA_KEYS,    /* [features][room] */
    AREA_VALUES,
    AREA_SCORES, /* [room][16]: then the softmax of them */
    AREA_TOKENS, /* [room]: uint32, which tokens the keys are of */
    AREAS_FORWARD,
    AREA_QUERY_GRADIENTS = AREAS_FORWARD, /* [features][16] */
    AREA_KEY_GRADIENTS,                   /* [features][room] */
    AREA_VALUE_GRADIENTS,
    AREA_SCORE_GRADIENTS, /* [room][16] */
    AREA_TURNED,          /* [16][room]: one or the other of those panels */
    AREAS,
};

/* Floats of each, for heads of `width` features; room: keys, rounded up to whole panels. No overflow: width x keys is
 * within MODEL_ELEMENTS_MAX. */
static void measure_areas(uint64_t width, uint64_t room, uint64_t floats[AREAS])
{
    const uint64_t lanes = width * LANES, tokens = width * room, panel = room * LANES;

    memcpy(floats,
           (const uint64_t[AREAS]){ [AREA_QUERIES] = lanes,
                                    [AREA_ANSWERS] = lanes,
                                    [AREA_KEYS] = tokens,
                                    [AREA_VALUES] = tokens,
                                    [AREA_SCORES] = panel,
                                    [AREA_TOKENS] = room,
                                    [AREA_QUERY_GRADIENTS] = lanes,
                                    [AREA_KEY_GRADIENTS] = tokens,
                                    [AREA_VALUE_GRADIENTS] = tokens,
                                    [AREA_SCORE_GRADIENTS] = panel,
                                    [AREA_TURNED] = panel },
           AREAS * sizeof *floats);
}

static size_t rounded(size_t keys)
{
    return (keys + LANES - 1) / LANES * LANES;
}

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t width = setup->inputs[QUERIES].dimension[0] / (uint64_t)setup->layer->parameters[HEADS];
    uint64_t floats[AREAS];

    (void)why;
    measure_areas(width, rounded(MAX(setup->inputs[KEYS].dimension[1], setup->length)), floats);
    for (unsigned a = 0; a < (setup->mode == LAYER_TRAIN ? AREAS : AREAS_FORWARD); a++)
        needs->scratch_part += floats[a] * sizeof(float);
    return 0;
}

/* ---- a head of a sample ---- */

struct head {
    const struct layer_run *run;
    size_t first, width; /* features */
    size_t sample, batch;
    size_t queries, keys; /* tokens */
    size_t kept, room;    /* keys that the mask leaves; all, rounded up */
    bool causal;
    float factor; /* of the scores */
    float *area[AREAS];
};

/* Sixteen queries, or fewer at the end, and how many of the kept keys any of them may take. */
struct block {
    size_t begin, count, reach;
};

static uint32_t *tokens_of(const struct head *h)
{
    return (uint32_t *)h->area[AREA_TOKENS];
}

/* Where a token's feature of this head stands in an activation of `tokens` tokens. */
static size_t place(const struct head *h, size_t tokens, size_t feature, size_t token)
{
    return ((h->first + feature) * tokens + token) * h->batch + h->sample;
}

static bool is_kept(const struct head *h, size_t token)
{
    const struct layer_run *run = h->run;

    return run->layer->input_count <= MASK || truncf(run->in[MASK]->data[token * h->batch + h->sample]) != 0;
}

static void gather_keys(const struct head *h, const float *from, float *to)
{
    const uint32_t *tokens = tokens_of(h);

    for (size_t f = 0; f < h->width; f++) {
        for (size_t j = 0; j < h->kept; j++)
            to[f * h->room + j] = from[place(h, h->keys, f, tokens[j])];
    }
}

/* Head and sample by a number: samples side by side, so that parts seldom share a line of memory. Its keys are the next
 * thing to find. */
static struct head head_with_room(const struct layer_run *run, size_t number, size_t keys)
{
    const size_t batch = run->out->batch, heads = (size_t)run->layer->parameters[HEADS];
    struct head h = { .run = run,
                      .width = tensor_features(run->out) / heads,
                      .sample = number % batch,
                      .batch = batch,
                      .queries = run->in[QUERIES]->shape.dimension[1],
                      .keys = run->in[KEYS]->shape.dimension[1],
                      .room = rounded(keys),
                      .causal = run->layer->parameters[CAUSAL] != 0 };
    float *next = run->scratch_part;
    uint64_t floats[AREAS];

    h.first = number / batch * h.width;
    h.factor = 1 / sqrtf((float)h.width);
    measure_areas(h.width, h.room, floats);
    for (unsigned a = 0; a < (run->mode == LAYER_TRAIN ? AREAS : AREAS_FORWARD); next += floats[a++])
        h.area[a] = next;
    return h;
}

static struct head head_of(const struct layer_run *run, size_t number)
{
    struct head h = head_with_room(run, number, run->in[KEYS]->shape.dimension[1]);

    for (size_t t = 0; t < h.keys; t++) {
        if (is_kept(&h, t))
            tokens_of(&h)[h.kept++] = (uint32_t)t;
    }
    gather_keys(&h, run->in[KEYS]->data, h.area[AREA_KEYS]);
    gather_keys(&h, run->in[VALUES]->data, h.area[AREA_VALUES]);
    return h;
}

static size_t head_count(const struct layer_run *run)
{
    return (size_t)run->layer->parameters[HEADS] * run->out->batch;
}

static struct block block_at(const struct head *h, size_t begin)
{
    struct block block = { begin, MIN((size_t)LANES, h->queries - begin), h->kept };

    while (h->causal && block.reach && tokens_of(h)[block.reach - 1] >= begin + block.count)
        block.reach--;
    return block;
}

/* Lanes without a query are 0. */
static void gather_block(const struct head *h, const struct block *block, const float *from, float factor, float *to)
{
    for (size_t f = 0; f < h->width; f++) {
        for (size_t i = 0; i < LANES; i++)
            to[f * LANES + i] = i < block->count ? from[place(h, h->queries, f, block->begin + i)] * factor : 0;
    }
}

/* ---- products ---- */

/* panel[key][lane] = the sum over features of by_key[feature][key] x[feature][lane]. */
static void along_features(const struct head *h, const struct block *block, const float *by_key, const float *x,
                           float *panel)
{
    const struct panel_product product = { .a = by_key,
                                           .x = x,
                                           .y = panel,
                                           .a_row = 1,
                                           .a_step = h->room,
                                           .x_step = LANES,
                                           .y_row = LANES,
                                           .rows = block->reach,
                                           .steps = h->width };

    h->run->kernels->panel_product(&product);
}

/* y[feature][lane] = the sum over keys of by_key[feature][key] panel[key][lane]. */
static void along_keys(const struct head *h, const struct block *block, const float *by_key, const float *panel,
                       float *y)
{
    const struct panel_product product = { .a = by_key,
                                           .x = panel,
                                           .y = y,
                                           .a_row = h->room,
                                           .a_step = 1,
                                           .x_step = LANES,
                                           .y_row = LANES,
                                           .rows = h->width,
                                           .steps = block->reach };

    h->run->kernels->panel_product(&product);
}

/* sums[feature][key] += the sum over the block's queries of by_query[feature][lane] panel[key][lane]. */
static void along_queries(const struct head *h, const struct block *block, const float *by_query, float *panel,
                          float *sums)
{
    const size_t past = rounded(block->reach);
    float *turned = h->area[AREA_TURNED];
    struct panel_product product = { .a = by_query,
                                     .a_row = LANES,
                                     .a_step = 1,
                                     .x_step = h->room,
                                     .y_row = h->room,
                                     .rows = h->width,
                                     .steps = block->count,
                                     .add = true };

    memset(panel + block->reach * LANES, 0, (past - block->reach) * LANES * sizeof *panel);
    for (size_t key = 0; key < past; key++) {
        for (size_t i = 0; i < LANES; i++)
            turned[i * h->room + key] = panel[key * LANES + i];
    }
    for (size_t key = 0; key < past; key += LANES) {
        product.x = turned + key;
        product.y = sums + key;
        h->run->kernels->panel_product(&product);
    }
}

/* What each query of a block takes of each key. */
static void attend(const struct head *h, const struct block *block)
{
    float *scores = h->area[AREA_SCORES];

    gather_block(h, block, h->run->in[QUERIES]->data, h->factor, h->area[AREA_QUERIES]);
    along_features(h, block, h->area[AREA_KEYS], h->area[AREA_QUERIES], scores);
    for (size_t j = 0; h->causal && j < block->reach; j++) {
        for (size_t i = 0; i < LANES && block->begin + i < tokens_of(h)[j]; i++)
            scores[j * LANES + i] = -INFINITY;
    }
    if (block->reach)
        h->run->kernels->panel_softmax(scores, block->reach);
}

/* ---- forward ---- */

static void answer(const struct head *h, const struct block *block)
{
    float *answers = h->area[AREA_ANSWERS];

    attend(h, block);
    along_keys(h, block, h->area[AREA_VALUES], h->area[AREA_SCORES], answers);
    for (size_t f = 0; f < h->width; f++) {
        for (size_t i = 0; i < block->count; i++)
            h->run->out->data[place(h, h->queries, f, block->begin + i)] = answers[f * LANES + i];
    }
}

static void forward(const struct layer_run *run)
{
    unsigned long long begin, end;

    pool_share(head_count(run), 1, run->part, run->parts, &begin, &end);
    for (size_t number = begin; number < end; number++) {
        const struct head head = head_of(run, number);

        for (size_t at = 0; at < head.queries; at += LANES) {
            const struct block block = block_at(&head, at);

            answer(&head, &block);
        }
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
        keys[f * length + at] = run->in[KEYS]->data[place(h, 1, f, 0)];
        values[f * length + at] = run->in[VALUES]->data[place(h, 1, f, 0)];
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

/* The keys that the mask leaves, side by side. */
static void gather_past(struct head *h, const struct past *past)
{
    for (size_t t = 0; t < past->count; t++) {
        if (truncf(past->mask[t]) == 0)
            continue;
        for (size_t f = 0; f < h->width; f++) {
            h->area[AREA_KEYS][f * h->room + h->kept] = past->keys[f * past->stride + t];
            h->area[AREA_VALUES][f * h->room + h->kept] = past->values[f * past->stride + t];
        }
        h->kept++;
    }
}

static void step(const struct layer_run *run)
{
    unsigned long long begin, end;

    pool_share(head_count(run), 1, run->part, run->parts, &begin, &end);
    for (size_t number = begin; number < end; number++) {
        struct head h = head_with_room(run, number, MAX(run->in[KEYS]->shape.dimension[1], run->step->length));
        const struct past past = run->step->whole[KEYS] ? whole_past(&h) : own_past(&h);

        h.causal = false; /* what is later is not there */
        if (past.mask) {
            gather_past(&h, &past);
        } else {
            h.area[AREA_KEYS] = (float *)(uintptr_t)past.keys;
            h.area[AREA_VALUES] = (float *)(uintptr_t)past.values;
            h.room = past.stride;
            h.kept = past.count;
        }
        answer(&h, &(struct block){ 0, 1, h.kept });
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
            send(&back->in_gradient[QUERIES][place(h, h->queries, f, block->begin + i)],
                 gradients[f * LANES + i] * h->factor, back->accumulate[QUERIES]);
    }
}

/* Of keys or values; those that the mask leaves out get 0. */
static void send_keys(const struct layer_back *back, const struct head *h, int input, const float *gradients)
{
    for (size_t f = 0; f < h->width && back->in_gradient[input]; f++) {
        for (size_t t = 0, j = 0; t < h->keys; t++) {
            const bool kept = j < h->kept && tokens_of(h)[j] == t;

            send(&back->in_gradient[input][place(h, h->keys, f, t)], kept ? gradients[f * h->room + j] : 0,
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

    attend(h, block);
    gather_block(h, block, back->out_gradient, 1, answers);
    along_features(h, block, h->area[AREA_VALUES], answers, sent);
    h->run->kernels->panel_softmax_backward(scores, sent, block->reach);
    along_keys(h, block, h->area[AREA_KEYS], sent, h->area[AREA_QUERY_GRADIENTS]);
    send_queries(back, h, block);
    along_queries(h, block, answers, scores, h->area[AREA_VALUE_GRADIENTS]);
    along_queries(h, block, h->area[AREA_QUERIES], sent, h->area[AREA_KEY_GRADIENTS]);
}

static void back_head(const struct layer_back *back, const struct head *h)
{
    memset(h->area[AREA_KEY_GRADIENTS], 0, h->width * h->room * sizeof(float));
    memset(h->area[AREA_VALUE_GRADIENTS], 0, h->width * h->room * sizeof(float));
    for (size_t at = 0; at < h->queries; at += LANES) {
        const struct block block = block_at(h, at);

        back_block(back, h, &block);
    }
    send_keys(back, h, KEYS, h->area[AREA_KEY_GRADIENTS]);
    send_keys(back, h, VALUES, h->area[AREA_VALUE_GRADIENTS]);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    pool_share(head_count(run), 1, run->part, run->parts, &begin, &end);
    for (size_t number = begin; number < end; number++) {
        const struct head head = head_of(run, number);

        back_head(back, &head);
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
    .prepare = prepare,
    .forward = forward,
    .step = step,
    .step_plan = step_plan,
    .along = along,
    .backward = backward,
};
