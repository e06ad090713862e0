/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/memory.h"
#include "base/size.h"
#include "daemon/models/engine.h"
#include "daemon/models/memory_room.h"
#include "daemon/models/self_test.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/choice_cache.h"

enum { TIMES_ITS_FILE = 4 }; /* a private copy of it, and up to two formats of weights, with activations */

/* One side of the model, as its tensors stand in a request. */
static struct wire_block block_of(const struct model_tensor *tensors, uint32_t count)
{
    struct wire_block block = { .count = count };

    _Static_assert(SIGNATURE_TENSORS_MAX <= WIRE_TENSORS_MAX, "every model's tensors fit a block");
    insist(count > 0 && count <= WIRE_TENSORS_MAX, "%u", count);
    for (uint32_t i = 0; i < count; i++)
        block.bytes[i] = shape_elements(&tensors[i].shape) * dtype_bytes(tensors[i].dtype);
    return block;
}

/* A pointer to each tensor of each of `rows` samples, which stand one after another in `memory`. */
static void point_to(const struct wire_block *block, uint32_t rows, unsigned char *memory, void **pointers)
{
    uint64_t sample = wire_block_next(wire_block_length(block, 1));

    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < block->count; i++)
            pointers[row * block->count + i] = memory + row * sample + wire_block_offset(block, 1, i);
    }
}

/* A step of sequences, in the middle of as many as there may be at once. */
static int warm_decoder(struct engine *engine, struct decoder *decoder, const void *const *inputs)
{
    const uint64_t bytes = decoder_sequence_bytes(decoder);
    const uint32_t rows = engine->batch_max;
    struct decoder_place *places = decoder_places(decoder);
    const uint32_t middle = decoding_positions(engine->model) / 2;
    cleanup_free unsigned char *memory = memory_zalloc(rows, MAX(bytes, 1u));
    cleanup_free unsigned char **list = calloc(rows, sizeof *list);

    if (!memory || !list)
        return -ENOMEM;
    for (uint32_t i = 0; i < rows; i++) {
        list[i] = memory + i * bytes;
        places[i] = (struct decoder_place){ list[i], middle, engine->model->decoding.begin };
    }
    engine->beginning_ns = clock_ns();
    decoder_begin(decoder, inputs, list, rows);
    engine->beginning_ns = clock_ns() - engine->beginning_ns;
    return decoder_time(decoder, rows);
}

static struct apart_key apart_key(const struct engine *engine)
{
    return (struct apart_key){ engine->model->identity, engine->half, engine->batch_max };
}

static bool is_known_apart(const struct engine *engine, struct choice_cache *choices)
{
    const struct apart_key key = apart_key(engine);

    return choices && choice_cache_find_apart(choices, engine->kernels, &key);
}

/* Of a model whose batches go sample by sample, by what was measured twice, that is remembered: its largest batch,
 * which is never run so, is not run at the next start, and has no memory. */
static int warm_forward(struct engine *engine, struct forward *forward, struct choice_cache *choices,
                        const void *const *inputs, void *const *outputs)
{
    const struct apart_key key = apart_key(engine);
    int result = forward_time(forward, inputs, outputs, key.batch);

    if (result || !choices || !forward_is_apart(forward) || is_known_apart(engine, choices))
        return result;
    result = forward_time(forward, inputs, outputs, key.batch);
    if (!result && forward_is_apart(forward))
        choice_cache_add_apart(choices, engine->kernels, &key);
    return result;
}

/* Runs the smallest and the largest batch, on zeros: packs and panels are in memory, the first client pays nothing for
 * it, and what they take is known. */
static int warm(struct engine *engine, struct runner *runner, struct choice_cache *choices)
{
    const struct wire_block *in = &engine->input, *out = &engine->output;
    const uint32_t rows = runner->forward && forward_is_apart(runner->forward) ? 1 : engine->batch_max;
    cleanup_free unsigned char *input = memory_zalloc(wire_block_next(wire_block_length(in, 1)), rows);
    cleanup_free unsigned char *output = memory_zalloc(wire_block_next(wire_block_length(out, 1)), rows);
    cleanup_free void **inputs = calloc((size_t)rows * in->count, sizeof *inputs);
    cleanup_free void **outputs = calloc((size_t)rows * out->count, sizeof *outputs);

    if (!input || !output || !inputs || !outputs)
        return -ENOMEM;
    point_to(in, rows, input, inputs);
    if (runner->decoder)
        return warm_decoder(engine, runner->decoder, (const void *const *)inputs);
    point_to(out, rows, output, outputs);
    return warm_forward(engine, runner->forward, choices, (const void *const *)inputs, outputs);
}

/* A forward pass, or a decoder; over the weights of the first, when there is one. */
static int plan(struct engine *engine, struct runner *runner, struct choice_cache *choices, struct reason *why)
{
    const struct runner *first = runner == engine->runners ? NULL : engine->runners;

    if (engine->model->decoding.length)
        return decoder_new(&(struct decoder_setup){ .model = engine->model,
                                                    .kernels = engine->kernels,
                                                    .batch = engine->batch_max,
                                                    .threads = engine->threads,
                                                    .choices = choices,
                                                    .weights_of = first ? first->decoder : NULL },
                           &runner->decoder, why);
    return forward_new(&(struct forward_setup){ .model = engine->model,
                                                .kernels = engine->kernels,
                                                .batch = engine->batch_max,
                                                .threads = engine->threads,
                                                .choices = choices,
                                                .apart = is_known_apart(engine, choices),
                                                .weights_of = first ? first->forward : NULL },
                       &runner->forward, why);
}

/* Where the kernel would end the daemon, with all that it serves, for one model more. */
static int check_room(const struct engine_setup *setup, uint64_t needs, uint64_t room, struct reason *why)
{
    if (needs <= room)
        return 0;
    return refuse(
        why, WISP_E_CONFIG,
        "%s: loading it beside what is served may take %llu MiB, and the limit of this service's memory leaves "
        "%llu: raise MemoryMax=, or restart",
        setup->path, (unsigned long long)needs >> 20, (unsigned long long)room >> 20);
}

/* Reads the file, and knows what it was when it was read. At a start there is nothing that the kernel would end. */
static int read_file(struct engine *engine, const struct engine_setup *setup, struct reason *why)
{
    const uint64_t room = setup->known_count ? memory_room() : UINT64_MAX;
    struct file_stamp after;
    uint64_t needs;
    int result;

    engine->stamp = file_stamp_take(setup->path);
    needs = (uint64_t)engine->stamp.size * TIMES_ITS_FILE;
    result = check_room(setup, needs, room, why);
    if (result)
        return result;
    result = model_read(setup->path, &engine->model, why);
    after = file_stamp_take(setup->path);
    engine->stamp.settled = file_stamp_proves(&engine->stamp, &after);
    return result ? result : check_room(setup, needs + forward_index_memory(engine->model), room, why);
}

/* What of the model is wanted. */
static int keep_half(struct engine *engine, const struct engine_setup *setup, struct reason *why)
{
    int result;

    if (!engine->has_halves)
        return engine->half == HALF_ENCODER ? 0 : refuse(why, WISP_E_FORMAT, "%s: another file since", setup->path);
    result = model_keep_half(engine->model, engine->half, why);
    if (engine->half == HALF_DECODER) {
        free(engine->model->media); /* it says how files become what the encoder takes */
        engine->model->media = NULL;
    }
    return result ? refuse_in(why, result, "%s", setup->path) : 0;
}

static int strip(struct engine *engine)
{
    const struct runner *first = engine->runners;

    return first->decoder ? decoder_strip(first->decoder, engine->model) : forward_strip(first->forward, engine->model);
}

/* One more. What only the making of weights reads goes with the first. */
static int add_runner(struct engine *engine, struct choice_cache *choices, struct reason *why)
{
    struct runner *runner = &engine->runners[engine->runner_count++];
    int result = plan(engine, runner, choices, why);

    if (result)
        return result;
    insist(engine->runners && !runner->forward == !!runner->decoder);
    if (runner == engine->runners)
        result = strip(engine);
    if (!result)
        result = warm(engine, runner, choices);
    return result ? refuse_errno(why, result, "warming up") : 0;
}

static int prepare(struct engine *engine, const struct engine_setup *setup, struct reason *why)
{
    const struct model *model = engine->model;
    int result = 0;

    engine->runners = memory_zalloc(setup->shards, sizeof *engine->runners);
    if (!engine->runners)
        return refuse_errno(why, -ENOMEM, "%s", setup->path);
    engine->signature = model->decoding.length ? decoding_signature(model) : model->signature;
    engine->input = block_of(engine->signature.inputs, engine->signature.input_count);
    engine->output = block_of(engine->signature.outputs, engine->signature.output_count);
    while (!result && engine->runner_count < setup->shards)
        result = add_runner(engine, setup->choices, why);
    if (result)
        return refuse_in(why, result, "%s", setup->path);
    result = engine_self_test(engine, why);
    if (result < 0)
        return refuse_errno(why, result, "%s: its trial", setup->path);
    return result ? refuse_in(why, result, "%s", setup->path) : 0;
}

/* ---- what is there already ---- */

static bool is_made_alike(const struct engine *engine, const struct engine_setup *setup)
{
    return engine->half == setup->half && engine->kernels == setup->kernels &&
           engine->batch_asked == setup->batch_max && engine->runner_count == setup->shards &&
           engine->threads == setup->threads;
}

static struct engine *hold(struct engine *engine)
{
    /* Relaxed: whoever lent it goes on holding it meanwhile. */
    const uint32_t before = __atomic_fetch_add(&engine->holders, 1, __ATOMIC_RELAXED);

    insist(before > 0);
    return engine;
}

/* Of a file that has not changed since; NULL: none. */
static struct engine *find_untouched(const struct engine_setup *setup)
{
    const struct file_stamp now = file_stamp_take(setup->path);

    for (uint32_t i = 0; i < setup->known_count; i++) {
        if (is_made_alike(setup->known[i], setup) && file_stamp_proves(&setup->known[i]->stamp, &now))
            return hold(setup->known[i]);
    }
    return NULL;
}

/* Of a file with the same bytes; NULL: none. */
static struct engine *find_identical(const struct engine_setup *setup, const struct model *model)
{
    for (uint32_t i = 0; i < setup->known_count; i++) {
        if (is_made_alike(setup->known[i], setup) && !strcmp(setup->known[i]->model->identity, model->identity))
            return hold(setup->known[i]);
    }
    return NULL;
}

/* ---- from a file to an engine ---- */

static int make(struct engine *engine, const struct engine_setup *setup, struct engine **identical, struct reason *why)
{
    int result = read_file(engine, setup, why);

    if (!result)
        *identical = find_identical(setup, engine->model);
    if (*identical)
        (*identical)->stamp = engine->stamp; /* it may be touched by now, and settled */
    if (result || *identical)
        return result;
    engine->batch_max = MAX(setup->batch_max, engine->model->decoding.beam);
    engine->has_halves = model_has_halves(engine->model);
    result = keep_half(engine, setup, why);
    return result ? result : prepare(engine, setup, why);
}

int engine_get(const struct engine_setup *setup, struct engine **out, bool *shared, struct reason *why)
{
    struct engine *engine = find_untouched(setup), *identical = NULL;
    int result = 0;

    *shared = engine;
    if (engine) {
        *out = engine;
        return 0;
    }
    engine = calloc(1, sizeof *engine);
    if (!engine)
        return refuse_errno(why, -ENOMEM, "%s", setup->path);
    engine->holders = 1;
    engine->half = setup->half;
    engine->kernels = setup->kernels;
    engine->batch_asked = setup->batch_max;
    engine->threads = setup->threads;
    result = make(engine, setup, &identical, why);
    if (result || identical)
        engine_release(engine);
    if (!result)
        *out = identical ? identical : engine;
    *shared = identical;
    return result;
}

void runner_lend(const struct runner *runner, struct pool *pool)
{
    if (runner->decoder)
        decoder_lend(runner->decoder, pool);
    else
        forward_lend(runner->forward, pool);
}

uint64_t engine_memory(const struct engine *engine)
{
    uint64_t bytes = model_memory(engine->model);

    for (uint32_t i = 0; i < engine->runner_count; i++) {
        const struct runner *runner = &engine->runners[i];

        bytes += runner->decoder ? decoder_memory(runner->decoder) : forward_memory(runner->forward);
    }
    return bytes;
}

struct engine *engine_release(struct engine *engine)
{
    uint32_t before;

    if (!engine)
        return NULL;
    /* Release, and acquire by the last: what other holders did with it comes before its end. */
    before = __atomic_fetch_sub(&engine->holders, 1, __ATOMIC_ACQ_REL);
    insist(before > 0);
    if (before > 1)
        return NULL;
    while (engine->runner_count) { /* the first, whose weights the others run on, goes last */
        const struct runner *runner = &engine->runners[--engine->runner_count];

        insist(!runner->running); /* no shard has a pass in it */
        forward_free(runner->forward);
        decoder_free(runner->decoder);
    }
    free(engine->runners);
    model_free(engine->model);
    free(engine);
    return NULL;
}
