/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a daemon gives what the forge gives, to the bit: bench_structures.
 *
 * bench_same_answers MODEL --data PATH --socket PATH [what `wisp eval` is told of the data]      The samples become
 * tensors as `wisp eval` makes them, and go through the pass that it runs; the same tensors go to the daemon, each
 * alone and then all of a batch in one request; of a model that compresses to both of its halves. Of a model that
 * decodes the words are compared. Prints one JSON object; ends with 1 where anything differs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wisp/wisp.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/compressing/compressing.h"
#include "forge/decoding/decode.h"
#include "forge/experiment/experiment.h"
#include "sparse/passes/forward.h"

#define VERB ""

enum { PATIENCE_MS = 120000 };

struct comparison {
    const char *socket;
    struct experiment_options options;
    uint64_t batch, samples; /* together; in all, at most */
    struct experiment experiment;
    struct batches *batches;
    wisp_client *client;
    wisp_model *served, *decoder;          /* the second of what compresses; else NULL */
    uint64_t compared, numbers, different; /* samples; what was given of them; what of that differs */
};

static bool read_options(int argc, char **argv, struct comparison *c, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "MODEL --data PATH --socket PATH [options]",
        .summary = "Compares what a daemon answers to the samples of a data set with what the forge makes of them.",
    };
    struct operands operands = { .min = 1, .max = 1, .what = "the model file" };
    static struct option_table table;

    experiment_option_rows(&table, &c->options);
    option_text(&table, "split", 0, &c->options.split, "NAME", "'train' if absent, or 'test'");
    option_text(&table, "socket", 0, &c->socket, "PATH", "the daemon's socket");
    option_count(&table, "batch", 0, &c->batch, "N", "samples at once; 4 if absent", 1, 1024);
    option_count(&table, "samples", 0, &c->samples, "N", "samples at most; 8 if absent", 1, 1 << 20);
    if (!options_read(&usage, &table, argc, argv, &operands, status))
        return false;
    c->options.model = operands.words[0];
    if (!c->socket)
        *status = fail(VERB, EXIT_USAGE, "--socket is missing");
    return c->socket;
}

/* ---- the daemon ---- */

static int refuse_client(struct reason *why)
{
    return refuse(why, WISP_E_INVALID, "%s", wisp_last_error());
}

/* What is served by that name may be another model: it is asked only if it gives as much. */
static int check_served(const struct comparison *c, struct reason *why)
{
    const struct model *model = c->experiment.model;
    const size_t gives = wisp_model_output_size(c->decoder ? c->decoder : c->served);

    if (model->decoding.length || !model_is_simple(model) || gives == shape_elements(model_output(model)))
        return 0;
    return refuse(why, WISP_E_INVALID, "%s that is served gives %zu numbers, the file's %llu", model->name, gives,
                  (unsigned long long)shape_elements(model_output(model)));
}

static int connect_to(struct comparison *c, struct reason *why)
{
    const struct wisp_options options = {
        .size = sizeof options,
        .socket_path = c->socket,
        .connect_ms = PATIENCE_MS,
        .answer_ms = PATIENCE_MS,
        .input_bytes = 1ull << 28,
        .output_bytes = 1ull << 28,
    };
    char decoder[2 * MODEL_NAME_MAX];

    if (wisp_connect(&c->client, &options) || wisp_find(c->client, c->experiment.model->name, &c->served))
        return refuse_client(why);
    snprintf(decoder, sizeof decoder, "%s.decoder", c->experiment.model->name);
    if (compressing_is(c->experiment.model, c->experiment.media) && wisp_find(c->client, decoder, &c->decoder))
        return refuse_client(why);
    return check_served(c, why);
}

/* Element by element as a client writes it; `column` of an activation of so many samples. */
static void put(const struct model_tensor *tensor, const float *column, size_t stride, void *to)
{
    const size_t elements = shape_elements(&tensor->shape);

    for (size_t e = 0; e < elements; e++) {
        if (tensor->dtype == DTYPE_FLOAT32)
            ((float *)to)[e] = column[e * stride];
        else if (tensor->dtype == DTYPE_INT32)
            ((int32_t *)to)[e] = (int32_t)column[e * stride];
        else
            ((unsigned char *)to)[e] = (unsigned char)column[e * stride];
    }
}

static size_t bytes_of(const struct model_tensor *tensor)
{
    return shape_elements(&tensor->shape) * dtype_bytes(tensor->dtype);
}

static int ask(wisp_request *request, struct reason *why)
{
    return wisp_submit(request) || wisp_wait(request, PATIENCE_MS) ? refuse_client(why) : 0;
}

/* ---- tensors ---- */

/* What the daemon said of `rows` samples from `first` on, against the same columns of the forge's pass. */
static void compare_outputs(struct comparison *c, struct forward *forward, wisp_request *request, size_t first,
                            size_t rows, size_t stride)
{
    const struct signature *s = &c->experiment.model->signature;

    for (uint32_t o = 0; o < s->output_count; o++) {
        const float *value = forward_value(forward, s->outputs[o].value);
        const float *said = wisp_request_output_tensor(request, o);
        const size_t elements = shape_elements(&s->outputs[o].shape);

        for (size_t i = 0; i < rows * elements; i++)
            c->different += memcmp(&said[i], &value[i % elements * stride + first + i / elements], sizeof *said) != 0;
        c->numbers += rows * elements;
    }
}

/* What the first half of a model that compresses gave, rounded, through the second: *request becomes that. */
static int ask_decoder(struct comparison *c, size_t rows, wisp_request **request, struct reason *why)
{
    const size_t count = rows * wisp_model_output_size(c->served);
    const float *latents = wisp_request_output(*request);
    wisp_request *second = NULL;
    int result = 0;

    if (wisp_model_input_size(c->decoder) * rows != count ||
        wisp_request_new(c->client, c->decoder, (uint32_t)rows, &second))
        return refuse_client(why);
    for (size_t i = 0; i < count; i++)
        wisp_request_input(second)[i] = rintf(latents[i]);
    result = ask(second, why);
    wisp_request_free(*request);
    *request = second;
    return result;
}

static int ask_rows(struct comparison *c, struct forward *forward, size_t first, size_t rows, size_t stride,
                    struct reason *why)
{
    const struct signature *s = &c->experiment.model->signature;
    wisp_request *request = NULL;
    int result = wisp_request_new(c->client, c->served, (uint32_t)rows, &request) ? refuse_client(why) : 0;

    for (uint32_t i = 0; !result && i < s->input_count; i++) {
        char *to = wisp_request_input_tensor(request, i);

        for (size_t row = 0; row < rows; row++)
            put(&s->inputs[i], forward_input(forward, i) + first + row, stride, to + row * bytes_of(&s->inputs[i]));
    }
    result = result ? result : ask(request, why);
    if (!result && c->decoder)
        result = ask_decoder(c, rows, &request, why);
    if (!result)
        compare_outputs(c, forward, request, first, rows, stride);
    wisp_request_free(request);
    return result;
}

/* The pass of all positions: a client's tensors have them all. */
static int compare_batch(struct comparison *c, struct forward *forward, const struct batch *batch, struct reason *why)
{
    int result = batches_forward(c->batches, batch, forward, LAYER_EVALUATE, why);

    if (!result && forward_has_lengths(forward)) {
        forward_set_lengths(forward, NULL);
        forward_run(forward, LAYER_EVALUATE, forward_input(forward, 0), batch->count);
    }
    for (size_t row = 0; !result && row < batch->count; row++)
        result = ask_rows(c, forward, row, 1, batch->count, why);
    return result ? result : ask_rows(c, forward, 0, batch->count, batch->count, why);
}

static int compare_tensors(struct comparison *c, const uint32_t *which, struct reason *why)
{
    const struct forward_setup setup = {
        .model = c->experiment.model, .kernels = c->experiment.kernels, .batch = c->batch, .pool = c->experiment.pool
    };
    struct forward *forward = NULL;
    int result = forward_new(&setup, &forward, why);

    for (size_t done = 0; !result && done < c->samples; done += c->batch) {
        const struct batch batch = { .which = which + done, .count = MIN(c->batch, c->samples - done) };

        result = compare_batch(c, forward, &batch, why);
        c->compared += batch.count;
    }
    forward_free(forward);
    return result;
}

/* ---- words ---- */

/* A sample's words as the forge decodes it, and then as the daemon does. */
struct words {
    struct comparison *of;
    float *activation;
    int32_t *said;
    struct reason *why;
    int result;
};

static int say(struct words *w, wisp_request *request, uint32_t sample)
{
    struct comparison *c = w->of;
    const struct model *model = c->experiment.model;
    const struct model_tensor *source = &model->signature.inputs[!model->decoding.input];
    const struct batch batch = { .which = &sample, .count = 1 };
    int result = batches_fill(c->batches, &batch, w->activation, w->why);

    if (result)
        return result;
    put(source, w->activation, 1, wisp_request_input_tensor(request, 0));
    return ask(request, w->why);
}

static void compare_words(void *argument, const struct decoded *decoded)
{
    struct words *w = argument;
    struct comparison *c = w->of;
    wisp_request *request = NULL;
    size_t count = wisp_model_words(c->served);

    if (w->result)
        return;
    w->result = wisp_request_new(c->client, c->served, 1, &request) ? refuse_client(w->why) : 0;
    w->result = w->result ? w->result : say(w, request, decoded->sample);
    if (!w->result && wisp_request_words(request, 0, w->said, &count))
        w->result = refuse_client(w->why);
    if (!w->result) {
        c->different += count != decoded->count || memcmp(w->said, decoded->words, count * sizeof *w->said) != 0;
        c->numbers += count;
        c->compared++;
    }
    wisp_request_free(request);
}

static int compare_decoded(struct comparison *c, const uint32_t *which, struct reason *why)
{
    const struct model *model = c->experiment.model;
    const struct decode decode = { .model = model,
                                   .kernels = c->experiment.kernels,
                                   .pool = c->experiment.pool,
                                   .batches = c->batches,
                                   .batch = c->batch };
    struct words w = { .of = c, .why = why };
    int result;

    w.activation = memory_alloc(batches_elements(c->batches), sizeof *w.activation);
    w.said = memory_alloc(MAX(wisp_model_words(c->served), (size_t)1), sizeof *w.said);
    result = w.activation && w.said ? decode_samples(&decode, which, c->samples, compare_words, &w, why)
                                    : refuse_errno(why, -ENOMEM, "decoding");
    free(w.activation);
    free(w.said);
    return result ? result : w.result;
}

/* ---- all of it ---- */

static int compare(struct comparison *c, struct reason *why)
{
    cleanup_free uint32_t *which = memory_alloc(c->experiment.data->count, sizeof *which);
    int result = connect_to(c, why);

    if (!which)
        return refuse_errno(why, -ENOMEM, "the samples");
    for (size_t i = 0; i < c->experiment.data->count; i++)
        which[i] = (uint32_t)i;
    c->samples = MIN(c->samples, (uint64_t)c->experiment.data->count);
    result = result ? result : experiment_batches(&c->experiment, false, &c->batches, why);
    if (!result)
        result = c->experiment.model->decoding.length ? compare_decoded(c, which, why) : compare_tensors(c, which, why);
    batches_free(c->batches);
    wisp_model_free(c->served);
    wisp_model_free(c->decoder);
    wisp_close(c->client);
    return result;
}

int main(int argc, char **argv)
{
    struct comparison c = { .options = { .split = "train" }, .batch = 4, .samples = 8 };
    struct reason why;
    int status, result;

    outcome_of("bench_same_answers");
    if (!read_options(argc, argv, &c, &status))
        return status;
    result = experiment_open(&c.experiment, VERB, &c.options, &why);
    result = result ? result : compare(&c, &why);
    experiment_close(&c.experiment);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    printf("{\"samples\": %llu, \"numbers\": %llu, \"different\": %llu}\n", (unsigned long long)c.compared,
           (unsigned long long)c.numbers, (unsigned long long)c.different);
    return c.different ? EXIT_FAILED : EXIT_DONE;
}
