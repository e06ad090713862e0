/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/attention_head.h"

#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"

/* Samples of a head that are brought apart together, which is a line of memory; fewer where they would be more floats
 * than so many. */
enum { TOGETHER = 16, TOGETHER_FLOATS = 1 << 20 };

/* Queries of a panel: a causal one has the fewest keys too many with few. */
static size_t lanes_of(const struct layer *layer, size_t queries)
{
    return layer->parameters[CAUSAL] != 0 || queries <= LANES ? LANES : PANEL_VECTORS * LANES;
}

/* Floats of each, for heads of `width` features; room: keys, rounded up to whole panels. No overflow: width x keys is
 * within MODEL_ELEMENTS_MAX. */
static void measure_areas(const struct layer *layer, uint64_t width, uint64_t room, uint64_t floats[AREAS])
{
    const uint64_t lanes = width * PANEL_VECTORS * LANES, tokens = width * room, panel = room * PANEL_VECTORS * LANES;
    const uint64_t left = layer->input_count > MASK ? tokens : 0;

    memcpy(floats,
           (const uint64_t[AREAS]){ [AREA_QUERIES] = lanes,
                                    [AREA_ANSWERS] = lanes,
                                    [AREA_KEYS] = left,
                                    [AREA_VALUES] = left,
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

/* Behind the areas: a head's queries, keys and values of a sample, {width, tokens} each; then a line that keeps the
 * same place of all samples from being in one set of a cache. */
static uint64_t sample_floats(uint64_t width, uint64_t queries, uint64_t keys)
{
    return rounded(width * (queries + 2 * keys)) + LANES;
}

/* How many samples are brought apart together. */
static size_t samples_together(const struct head *h)
{
    const uint64_t most = TOGETHER_FLOATS / sample_floats(h->width, h->queries, h->keys);

    return MAX(MIN(MIN((uint64_t)TOGETHER, most), h->batch), (uint64_t)1);
}

/* A run may have fewer samples than were planned, and shorter ones, of which more go together. */
static uint64_t apart_floats(uint64_t one, size_t batch)
{
    return batch == 1 ? 0 : MAX(MIN(one * MIN((size_t)TOGETHER, batch), (uint64_t)TOGETHER_FLOATS), one);
}

int heads_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t width = setup->inputs[QUERIES].dimension[0] / (uint64_t)setup->layer->parameters[HEADS];
    const uint64_t queries = setup->inputs[QUERIES].dimension[1], keys = setup->inputs[KEYS].dimension[1];
    uint64_t floats[AREAS];

    (void)why;
    measure_areas(setup->layer, width, rounded(MAX(keys, setup->length)), floats);
    for (unsigned a = 0; a < (setup->mode == LAYER_TRAIN ? AREAS : AREAS_FORWARD); a++)
        needs->scratch_part += floats[a] * sizeof(float);
    if (!setup->length) /* a step is of one query, which is where it stands */
        needs->scratch_part += apart_floats(sample_floats(width, queries, keys), setup->batch) * sizeof(float);
    return 0;
}

/* ---- a head of a sample ---- */

/* Read once: the mask may be a client's memory. */
static bool is_kept(const struct head *h, size_t token)
{
    const struct layer_run *run = h->run;

    return run->layer->input_count <= MASK ||
           truncf(*(const volatile float *)&run->in[MASK]->data[token * h->batch + h->sample]) != 0;
}

struct head head_begin(const struct layer_run *run, size_t number, size_t keys)
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
    uint64_t floats[AREAS];

    h.first = number / batch * h.width;
    h.factor = 1 / sqrtf((float)h.width);
    h.apart = run->scratch_part;
    measure_areas(run->layer, h.width, h.room, floats);
    for (unsigned a = 0; a < (run->mode == LAYER_TRAIN ? AREAS : AREAS_FORWARD); h.apart += floats[a++])
        h.area[a] = h.apart;
    return h;
}

float *head_first(const struct head *h, const struct tensor *tensor)
{
    return tensor->data + head_place(h, tensor->shape.dimension[1], 0, 0);
}

/* The same of a sample that was brought apart, the number `index`: queries, keys, then values. */
static float *apart_of(const struct head *h, size_t index, int input)
{
    return h->apart + index * sample_floats(h->width, h->queries, h->keys) +
           h->width * (input > QUERIES ? h->queries + (size_t)(input - KEYS) * h->keys : 0);
}

/* Keys that the mask leaves, side by side; those of the beginning stand so. */
static void gather_kept(struct head *h, int input, enum area area)
{
    const uint32_t *tokens = head_tokens(h);
    float *to = h->area[area];

    for (size_t f = 0; f < h->width; f++) {
        for (size_t j = 0; j < h->kept; j++)
            to[f * h->room + j] = h->in[input][f * h->keys + tokens[j]];
    }
    h->in[input] = to;
}

struct head head_of_sample(const struct layer_run *run, size_t number, size_t index)
{
    struct head h = head_begin(run, number, run->in[KEYS]->shape.dimension[1]);

    for (int input = 0; input < MASK; input++)
        h.in[input] = h.batch == 1 ? head_first(&h, run->in[input]) : apart_of(&h, index, input);
    h.step = 1;
    h.out = h.batch == 1 ? head_first(&h, run->out) : apart_of(&h, index, QUERIES);
    h.stride = h.keys;
    for (size_t t = 0; t < h.keys; t++) {
        if (is_kept(&h, t))
            head_tokens(&h)[h.kept++] = (uint32_t)t;
    }
    if (h.kept && head_tokens(&h)[h.kept - 1] >= h.kept) {
        gather_kept(&h, KEYS, AREA_KEYS);
        gather_kept(&h, VALUES, AREA_VALUES);
        h.stride = h.room;
    }
    return h;
}

size_t heads_apart(const struct layer_run *run, size_t number, size_t end)
{
    const struct head h = head_begin(run, number, run->in[KEYS]->shape.dimension[1]);
    const size_t count = MIN(MIN(samples_together(&h), end - number), h.batch - h.sample);

    for (int input = 0; input < MASK && h.batch > 1; input++)
        run->kernels->turn(head_first(&h, run->in[input]), h.batch, apart_of(&h, 0, input),
                           sample_floats(h.width, h.queries, h.keys), h.width * run->in[input]->shape.dimension[1],
                           count);
    return count;
}

void heads_together(const struct layer_run *run, size_t number, size_t count)
{
    const struct head h = head_begin(run, number, run->in[KEYS]->shape.dimension[1]);

    if (h.batch > 1)
        run->kernels->turn(apart_of(&h, 0, QUERIES), sample_floats(h.width, h.queries, h.keys),
                           head_first(&h, run->out), h.batch, count, h.width * h.queries);
}

size_t heads_count(const struct layer_run *run)
{
    return (size_t)run->layer->parameters[HEADS] * run->out->batch;
}

struct block head_block(const struct head *h, size_t begin)
{
    const size_t left = h->queries - begin, lanes = lanes_of(h->run->layer, left);
    struct block block = { begin, MIN(lanes, left), lanes, h->kept };

    while (h->causal && block.reach && head_tokens(h)[block.reach - 1] >= begin + block.count)
        block.reach--;
    return block;
}

void head_gather(const struct head *h, const struct block *block, const float *from, size_t step, float *to)
{
    memset(to, 0, block->count < block->lanes ? h->width * block->lanes * sizeof *to : 0);
    for (size_t f = 0; f < h->width; f++) {
        const float *row = from + (f * h->queries + block->begin) * step;

        if (step == 1)
            memcpy(to + f * block->lanes, row, block->count * sizeof *to);
        for (size_t i = 0; step != 1 && i < block->count; i++)
            to[f * block->lanes + i] = row[i * step];
    }
}

/* ---- products ---- */

void head_along_features(const struct head *h, const struct block *block, const float *by_key, const float *x,
                         float *panel)
{
    const struct panel_product product = { .a = by_key,
                                           .x = x,
                                           .y = panel,
                                           .a_row = 1,
                                           .a_step = h->stride,
                                           .x_step = block->lanes,
                                           .y_row = block->lanes,
                                           .rows = block->reach,
                                           .steps = h->width,
                                           .vectors = block->lanes / LANES };

    h->run->kernels->panel_product(&product);
}

void head_along_keys(const struct head *h, const struct block *block, const float *by_key, const float *panel, float *y,
                     size_t y_row)
{
    const struct panel_product product = { .a = by_key,
                                           .x = panel,
                                           .y = y,
                                           .a_row = h->stride,
                                           .a_step = 1,
                                           .x_step = block->lanes,
                                           .y_row = y_row,
                                           .rows = h->width,
                                           .steps = block->reach,
                                           .vectors = block->lanes / LANES };

    h->run->kernels->panel_product(&product);
}

void head_along_queries(const struct head *h, const struct block *block, const float *by_query, float *panel,
                        float *sums)
{
    const size_t past = rounded(block->reach), lanes = block->lanes;
    float *turned = h->area[AREA_TURNED];
    struct panel_product product = { .a = by_query,
                                     .a_row = lanes,
                                     .a_step = 1,
                                     .x_step = h->room,
                                     .y_row = h->room,
                                     .rows = h->width,
                                     .steps = block->count,
                                     .add = true };

    memset(panel + block->reach * lanes, 0, (past - block->reach) * lanes * sizeof *panel);
    h->run->kernels->turn(panel, lanes, turned, h->room, past, lanes);
    for (size_t key = 0; key < past; key += product.vectors * LANES) {
        product.vectors = MIN((size_t)PANEL_VECTORS, (past - key) / LANES);
        product.x = turned + key;
        product.y = sums + key;
        h->run->kernels->panel_product(&product);
    }
}

void head_attend(const struct head *h, const struct block *block)
{
    const struct kernels *kernels = h->run->kernels;
    float *queries = h->area[AREA_QUERIES], *scores = h->area[AREA_SCORES];

    head_gather(h, block, h->in[QUERIES], h->step, queries);
    /* The product alone: what is subtracted and added changes no bit. */
    kernels->norm_apply(queries, queries, h->width * block->lanes, 0, h->factor, -0.0f);
    head_along_features(h, block, h->in[KEYS], queries, scores);
    for (size_t j = 0; h->causal && j < block->reach; j++) {
        for (size_t i = 0; i < block->lanes && block->begin + i < head_tokens(h)[j]; i++)
            scores[j * block->lanes + i] = -INFINITY;
    }
    if (block->reach)
        kernels->panel_softmax(scores, block->reach, block->lanes / LANES);
}
