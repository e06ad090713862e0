/* SPDX-License-Identifier: Apache-2.0
 *
 * embedding: {tokens} numbers of words -> {neurons, tokens}. One input neuron per word of the vocabulary; a token uses
 * the connections of its word alone, which the weight's index by columns finds.
 *
 * What follows a number's point does not count. A number that is no word, negative or past the vocabulary, has no
 * connections: all its neurons are 0. A part owns tokens of samples forward, and words backward.
 */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/moving.h"

enum { NEURONS, VOCABULARY };

enum { TOKENS_TOGETHER = 64, NEURONS_TOGETHER = 1024 };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    int result = plan_rank(&inputs[0], 1, "tokens", why);

    (void)input_count;
    if (result)
        return result;
    *out = (struct layer_plan){ .shape = shape_make(2, (uint32_t)parameters[NEURONS], inputs[0].dimension[0], 0),
                                .inputs = (uint64_t)parameters[VOCABULARY],
                                .outputs = (uint64_t)parameters[NEURONS],
                                .kernel_height = 1,
                                .kernel_width = 1,
                                .uses = inputs[0].dimension[0] / parameters[VOCABULARY] };
    return 0;
}

/* Tokens that are looked up apart, and then moved to the output; 0: none. A word's neurons are rows of the output,
 * which stand as far apart as all tokens of all samples: apart they stand close together. */
static size_t together(uint32_t neurons)
{
    return neurons <= NEURONS_TOGETHER ? TOKENS_TOGETHER : 0;
}

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const struct csr *weight = &setup->layer->weight;

    if (weight->count > CSC_CONNECTIONS_MAX)
        return refuse(why, WISP_E_FORMAT, "it has more than %u connections", CSC_CONNECTIONS_MAX);
    needs->scratch_part = together(weight->rows) * weight->rows * sizeof(float);
    return 0;
}

/* False: it is none. Read once: the input may be a client's memory. */
static bool word_of(const struct layer_run *run, size_t token, uint32_t *word)
{
    const float number = truncf(*(const volatile float *)&run->in[0]->data[token]);

    if (!(number >= 0 && number < (float)run->layer->weight.columns))
        return false;
    *word = (uint32_t)number;
    return true;
}

/* Tokens [begin, end), of which a neuron's row has `pitch`, into rows that begin at `to`. */
static void look_up(const struct layer_run *run, size_t begin, size_t end, float *to, size_t pitch)
{
    const struct csr *weight = &run->layer->weight;
    const struct csc *index = weights_columns(run->weights);
    const float *values = weights_column_values(run->weights);
    uint32_t word;

    for (uint32_t r = 0; r < weight->rows; r++)
        memset(to + r * pitch, 0, (end - begin) * sizeof *to);
    for (size_t token = begin; token < end; token++, to++) {
        if (!word_of(run, token, &word))
            continue;
        for (uint64_t k = index->starts[word]; k < index->starts[word + 1]; k++)
            to[index->rows[k] * pitch] = values ? values[k] : weight->values[index->connections[k]];
    }
}

static void look_up_apart(const struct layer_run *run, size_t begin, size_t end, size_t each)
{
    const size_t columns = tensor_columns(run->out);
    float *apart = run->scratch_part;

    for (size_t past; begin < end; begin = past) {
        past = MIN(begin + each, end);
        look_up(run, begin, past, apart, each);
        for (uint32_t r = 0; r < run->layer->weight.rows; r++)
            memcpy(run->out->data + r * columns + begin, apart + r * each, (past - begin) * sizeof *apart);
    }
}

/* Tokens are columns of the output: the same token of all samples side by side. */
static void forward(const struct layer_run *run)
{
    const size_t columns = tensor_columns(run->out), each = together(run->layer->weight.rows);
    unsigned long long begin, end;

    pool_share(columns, 16, run->part, run->parts, &begin, &end);
    if (columns > each && each)
        look_up_apart(run, begin, end, each);
    else if (begin < end)
        look_up(run, begin, end, run->out->data + begin, columns);
}

/* A connection's gradient is the sum over its word's tokens in their order. */
static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct csr *weight = &run->layer->weight;
    const struct csc *index = weights_columns(run->weights);
    const size_t columns = tensor_columns(run->out);
    uint32_t word;

    for (uint32_t w = run->part; w < weight->columns; w += run->parts) {
        for (uint64_t k = index->starts[w]; k < index->starts[w + 1]; k++)
            back->weight_gradient[index->connections[k]] = 0;
    }
    for (size_t token = 0; token < columns; token++) {
        if (!word_of(run, token, &word) || word % run->parts != run->part)
            continue;
        for (uint64_t k = index->starts[word]; k < index->starts[word + 1]; k++)
            back->weight_gradient[index->connections[k]] += back->out_gradient[index->rows[k] * columns + token];
    }
    move_nothing(back, 0);
}

const struct layer_kind layer_embedding = {
    .name = "embedding",
    .inputs_min = 1,
    .inputs_max = 1,
    .indexed = true,
    .weighted = true,
    .flow = FLOW_MIXED, /* a token may be any word */
    .parameters = { [VOCABULARY] = { "vocabulary", 0, 2, 1 << 28, PARAMETER_WHOLE },
                    [NEURONS] = { "neurons", 0, 1, 1 << 20, PARAMETER_WHOLE } },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .step = forward,
    .backward = backward,
};
