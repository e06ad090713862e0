/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass reads of a batch, and what it is to come out as.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/batches_state.h"

/* ---- lengths ---- */

/* Of a text as it is kept, up to its last word; of one that is made for each batch nobody knows. */
static size_t text_length(const struct batches *b, uint32_t sample)
{
    const struct sparse_vector text = nonzeros_vector(b->sparse, sample);

    return text.count ? text.elements[text.count - 1].index + 1 : 0;
}

static bool knows_lengths(const struct batches *b, const struct recipe *recipe)
{
    return b->sparse && !(recipe && augment_is_on(&recipe->augment));
}

static size_t longest(const struct batches *b, const struct batch *batch)
{
    size_t length = 1;

    for (size_t i = 0; i < batch->count; i++)
        length = MAX(length, text_length(b, batch->which[i]));
    return length;
}

/* Whether the positions of the pass are those of texts that are kept, as long as they are. */
static bool follows(const struct batches *b, const struct recipe *recipe)
{
    return b->following && !b->noise.drawn && knows_lengths(b, recipe) &&
           (!b->targets || knows_lengths(b->targets, NULL));
}

/* As many positions as the longest text has; of a target one more, where its end is to be given. */
static void set_lengths(const struct batches *b, const struct batch *batch, struct forward *forward, size_t *looked_at)
{
    uint32_t lengths[SIGNATURE_TENSORS_MAX];

    if (!forward_has_lengths(forward) || !follows(b, batch->recipe)) {
        forward_set_lengths(forward, NULL);
        return;
    }
    *looked_at = longest(b, batch);
    lengths[b->words.source] = (uint32_t)*looked_at;
    if (b->targets) {
        *looked_at = MIN(longest(b->targets, batch) + 1, b->targets->elements);
        lengths[b->words.target] = (uint32_t)*looked_at;
    }
    forward_set_lengths(forward, lengths);
}

bool batches_lengths(const struct batches *b, const struct recipe *recipe, uint32_t sample, struct batch_lengths *out)
{
    if (!follows(b, recipe))
        return false;
    *out = (struct batch_lengths){ (uint32_t)text_length(b, sample),
                                   b->targets ? (uint32_t)text_length(b->targets, sample) : 0 };
    return true;
}

/* What is learned word by word: the texts that stand in the pass already, or their targets, which go there. */
static int fill_words(struct batches *b, const struct batch *batch, struct forward *forward, struct reason *why)
{
    const struct batch plain = { .which = batch->which, .count = batch->count };
    int result;

    b->last = (struct sequence){ .words = forward_input(forward, b->words.source),
                                 .positions = b->elements,
                                 .count = batch->count };
    if (b->targets && !b->words.apart) {
        b->last.words = forward_input(forward, b->words.target);
        b->last.positions = b->targets->elements;
    }
    b->last.looked_at = b->last.positions;
    set_lengths(b, batch, forward, &b->last.looked_at);
    if (!b->targets || b->words.apart)
        return 0;
    result = batches_fill(b->targets, &plain, b->last.words, why);
    if (!result)
        sequence_move(&b->last);
    return result;
}

int batches_fill_target(struct batches *batches, const struct batch *batch, float *activation, struct reason *why)
{
    return batches_fill(batches->targets, &(struct batch){ .which = batch->which, .count = batch->count }, activation,
                        why);
}

/* ---- noise ---- */

/* Of samples that are evaluated: an epoch that no run has. */
enum { STILL_EPOCH = 0xffffff };

struct drawing {
    const struct batches *batches;
    const struct batch *batch;
    float *activation;
};

static void draw_part(void *argument, unsigned part, unsigned parts)
{
    const struct drawing *d = argument;
    const struct batches_noise *noise = &d->batches->noise;
    const struct recipe *recipe = d->batch->recipe;
    const uint64_t seed = recipe ? recipe->seed : 0, epoch = recipe ? d->batch->epoch : STILL_EPOCH;
    unsigned long long begin, end;

    pool_share(d->batch->count, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        struct rng rng = rng_make(seed, recipe_stream(STREAM_LATENT, epoch, d->batch->which[i]));

        for (size_t e = 0; e < noise->elements; e++)
            d->activation[e * d->batch->count + i] = 2 * rng_float(&rng) - 1;
    }
}

void batches_draw(struct batches *batches, const struct batches_noise *noise)
{
    batches->noise = *noise;
}

bool batches_have_input(const struct batches *batches)
{
    return !batches->noise.alone;
}

uint32_t batches_input(const struct batches *batches)
{
    return batches->words.source;
}

/* ---- the pass ---- */

/* All inputs that are no vectors. */
static int fill_inputs(struct batches *b, const struct batch *batch, struct forward *forward, struct reason *why)
{
    int result = 0;

    if (!b->noise.alone)
        result = batches_fill(b, batch, forward_input(forward, b->words.source), why);
    if (!result && b->noise.drawn)
        pool_run(b->pool, draw_part, &(struct drawing){ b, batch, forward_input(forward, b->noise.input) });
    return result ? result : fill_words(b, batch, forward, why);
}

int batches_forward(struct batches *batches, const struct batch *batch, struct forward *forward, enum layer_mode mode,
                    struct reason *why)
{
    const struct sparse_vector *vectors;
    int result;

    if (!batch->count) {
        batches->last = (struct sequence){ .count = 0 };
        forward_run(forward, mode, NULL, 0);
        return 0;
    }
    if (forward_is_sparse(forward)) {
        result = batches_lend(batches, batch, &vectors, why);
        if (!result)
            forward_run_sparse(forward, mode, vectors, batch->count);
        return result;
    }
    result = fill_inputs(batches, batch, forward, why);
    if (!result)
        forward_run(forward, mode, forward_input(forward, 0), batch->count);
    return result;
}

int batches_follow(struct batches *batches, const struct batches_words *words, bool keep, struct reason *why)
{
    batches->words = *words;
    batches->following = !words->apart && batches->data->kind == MEDIA_TEXT;
    if (!words->media)
        return 0;
    batches->target_data = *batches->data;
    batches->target_data.texts = batches->data->targets;
    return batches_new(&batches->target_data, words->media, batches->pool, keep, &batches->targets, why);
}

uint32_t batches_class(const struct batches *batches, uint32_t sample)
{
    return batches->classes ? (uint32_t)batches->classes[sample] : batches->data->classes[sample];
}

void batches_relabel(struct batches *batches, const int32_t *classes)
{
    batches->classes = classes;
}

bool batches_count_labels(const struct batches *batches, const uint32_t *which, size_t count, size_t *labels)
{
    const struct dataset *data = batches->data;

    for (size_t i = 0; data->set_starts && i < count; i++) {
        for (uint64_t k = data->set_starts[which[i]]; k < data->set_starts[which[i] + 1]; k++) {
            if (data->set[k] != DATASET_UNKNOWN)
                labels[data->set[k]]++;
        }
    }
    return data->set_starts != NULL;
}

/* A class a word. */
static void take_tags(const struct dataset *data, const uint32_t *which, size_t count, struct loss_batch *loss)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t begin = data->set_starts[which[i]], words = data->set_starts[which[i] + 1] - begin;

        for (size_t position = 0; position < loss->positions; position++) {
            int32_t *class = &loss->classes[position * count + i];

            *class = LOSS_NONE;
            if (position < words)
                *class = data->set[begin + position] == DATASET_UNKNOWN ? LOSS_UNKNOWN
                                                                        : (int32_t)data->set[begin + position];
        }
    }
}

static void take_labels(const struct batches *b, const uint32_t *which, size_t count, struct loss_batch *loss)
{
    const struct dataset *data = b->data;

    if (loss->loss->targets == TARGETS_CLASS && data->set_starts) {
        take_tags(data, which, count, loss);
        return;
    }
    if (loss->loss->targets == TARGETS_CLASS) {
        for (size_t i = 0; i < count; i++)
            loss->classes[i] = (int32_t)batches_class(b, which[i]);
        return;
    }
    memset(loss->values, 0, loss->features * loss->positions * count * sizeof *loss->values);
    for (size_t i = 0; i < count; i++) {
        size_t sample = which[i];

        for (size_t k = 0; data->numbers && k < data->number_count; k++)
            loss->values[k * count + i] = data->numbers[sample * data->number_count + k];
        if (data->set_starts) {
            for (uint64_t k = data->set_starts[sample]; k < data->set_starts[sample + 1]; k++)
                loss->values[data->set[k] * count + i] = 1;
        } else if (!data->numbers) {
            loss->values[data->classes[sample] * count + i] = 1;
        }
    }
}

/* Transcripts, of the frames that their recordings last. */
static void take_units(const struct batches *b, const struct batch *batch, struct loss_batch *loss)
{
    const struct dataset *data = b->data;

    for (size_t i = 0; i < batch->count; i++) {
        const uint32_t sample = batch->which[i];
        const uint64_t begin = data->set_starts[sample], count = data->set_starts[sample + 1] - begin;

        loss->lengths[i] = (uint32_t)dataset_positions(b->sounding[sample], b->frames, loss->positions);
        for (size_t position = 0; position < loss->positions; position++)
            loss->classes[position * batch->count + i] = position < count ? (int32_t)data->set[begin + position] : -1;
    }
}

/* ---- pairs of pictures ---- */

struct answering {
    const struct batches *batches;
    const struct batch *batch;
    struct loss_batch *loss;
};

static void take_answers(void *argument, unsigned part, unsigned parts)
{
    const struct answering *a = argument;
    const struct batches *b = a->batches;
    const struct pairs *pairs = b->data->pairs;
    const size_t count = a->batch->count, elements = a->loss->features * a->loss->positions;
    float *scratch = b->answers + part * elements;
    unsigned long long begin, end;

    pool_share(count, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const uint32_t sample = a->batch->which[i];
        const struct crop here = batches_crop(b, a->batch, sample), crop = crop_scaled(&here, pairs->scale);

        crop_take(&crop, pairs_target(b->data, pairs->tiles[sample].pair), &b->answer_levels, scratch);
        for (size_t e = 0; e < elements; e++)
            a->loss->values[e * count + i] = scratch[e];
    }
}

/* ---- pairs of recordings ---- */

/* Numbers [frames][bins] into two planes (losses/masked.h), [bins][frames], with their own level as the unit, or that
 * of what they are compared with. */
static void put_spectra(const struct batches *b, const struct fourier_number *in, double level, size_t count,
                        float *planes[2])
{
    const size_t bins = b->bands / media_recordings(b->media), frames = b->frames;
    const double unit = level > 0 ? 1 / level : 0;

    for (size_t k = 0; k < bins; k++) {
        for (size_t f = 0; f < frames; f++) {
            const struct fourier_number *x = &in[f * bins + k];
            const size_t at = (k * frames + f) * count;

            planes[0][at] = (float)(unit * (double)x->re);
            planes[1][at] = (float)(unit * (double)x->im);
        }
    }
}

/* One recording keeps its ratio to what is wanted of it; several go in as loud as each other, and what is wanted, too.
 */
static void put_sample(const struct answering *a, size_t i, const struct fourier_number *spectra)
{
    const struct batches *b = a->batches;
    const size_t sounds = media_recordings(b->media), each = b->elements / sounds, count = a->batch->count;
    const struct fourier_number *wanted = spectra + b->elements;
    const size_t plane = b->elements * count;
    float *values = a->loss->values + i;

    for (size_t r = 0; r < sounds; r++) {
        const struct fourier_number *in = spectra + r * each;
        float *to = values + r * each * count;

        put_spectra(b, in, media_spectra_level(b->media, in), count, (float *[2]){ to, to + plane });
    }
    put_spectra(b, wanted, media_spectra_level(b->media, sounds > 1 ? wanted : spectra), count,
                (float *[2]){ values + 2 * plane, values + 3 * plane });
}

static int take_spectra(const struct answering *a, size_t i)
{
    const struct batches *b = a->batches;
    cleanup_free struct fourier_number *spectra = memory_alloc(b->elements, 2 * sizeof *spectra);
    const uint32_t sample = a->batch->which[i];
    struct rng rng;
    int result;

    if (!spectra)
        return -ENOMEM;
    result = recordings_spectra(
        &(struct recording_sample){ b->data, b->media, sample, batches_place(a->batch, sample, &rng) }, spectra,
        spectra + b->elements);
    if (!result)
        put_sample(a, i, spectra);
    return result;
}

static void take_all_spectra(void *argument, unsigned part, unsigned parts)
{
    const struct answering *a = argument;
    unsigned long long begin, end;

    pool_share(a->batch->count, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        if (take_spectra(a, i))
            a->batches->answered[part] = -ENOMEM;
    }
}

static int take_recordings(struct batches *b, const struct batch *batch, struct loss_batch *loss, struct reason *why)
{
    int result = 0;

    loss->sounds = media_recordings(b->media);
    memset(b->answered, 0, pool_parts(b->pool) * sizeof *b->answered);
    pool_run(b->pool, take_all_spectra, &(struct answering){ b, batch, loss });
    for (unsigned part = 0; part < pool_parts(b->pool); part++)
        result = result ? result : b->answered[part];
    return result ? refuse_errno(why, result, "spectra") : 0;
}

/* ---- targets ---- */

/* At the positions that the pass has. */
static void take_words(const struct batches *b, struct loss_batch *loss)
{
    loss->positions = b->last.looked_at;
    sequence_targets(&b->last, loss->classes);
}

int batches_targets(struct batches *batches, const struct batch *batch, const struct answers *answers,
                    struct loss_batch *loss, struct reason *why)
{
    if (answers)
        return answers->give(answers->giver, batch, loss->values, why);
    if (batches->words.apart && !batches->targets) {
        take_units(batches, batch, loss);
        return 0;
    }
    if (batches->noise.alone)
        return batches_fill(batches, batch, loss->values, why);
    if (batches->words.apart) {
        const struct batch plain = { .which = batch->which, .count = batch->count };
        int result = batches_fill(batches->targets, &plain, (float *)loss->classes, why);

        sequence_labels(loss->classes, batches->targets->elements * batch->count);
        return result;
    }
    if (batches->data->recordings)
        return take_recordings(batches, batch, loss, why);
    if (batches->data->pairs)
        pool_run(batches->pool, take_answers, &(struct answering){ batches, batch, loss });
    else if (loss->loss->targets == TARGETS_WORDS)
        take_words(batches, loss);
    else
        take_labels(batches, batch->which, batch->count, loss);
    return 0;
}

/* ---- what they are ---- */

bool batches_are_sparse(const struct batches *batches)
{
    return batches->data->kind == MEDIA_TEXT && !batches->noise.alone;
}

size_t batches_elements(const struct batches *batches)
{
    return batches->elements;
}

size_t batches_memory(const struct batches *batches)
{
    size_t size = batches->kept ? sizeof *batches->kept : batches->fitted ? sizeof *batches->fitted : 0;
    size_t lent = batches->lent ? nonzeros_memory(batches->lent) : 0;

    return (batches->sparse ? nonzeros_memory(batches->sparse) : batches->data->count * batches->elements * size) +
           lent + (batches->targets ? batches_memory(batches->targets) : 0);
}
