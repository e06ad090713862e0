/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/batches_state.h"

/* Each part writes its own. */
struct part_result {
    int result;
    struct reason why; /* says something when there is a result */
};

/* A batch, or all samples, in the making. */
struct filling {
    struct batches *batches;
    struct batch batch;
    float *activation;
};

static int encode_picture(struct batches *b, uint32_t sample, const struct augment *augment, struct rng *rng,
                          float *out, struct reason *why)
{
    struct media_picture made;
    int result;

    if (!augment)
        return media_encode_picture(b->media, &b->data->pictures[sample], out, why);
    result = augment_picture(augment, rng, &b->data->pictures[sample], &made);
    if (result)
        return refuse_errno(why, result, "picture");
    result = media_encode_picture(b->media, &made, out, why);
    free(made.pixels);
    return result;
}

/* One that is slower than it was may be too long by it: then it is cut off. */
static int encode_changed(struct batches *b, uint32_t sample, const struct augment *augment, struct rng *rng,
                          float *out, struct reason *why)
{
    struct media_sound made;
    size_t frames;
    int result = augment_sound(augment, rng, &b->data->sounds[sample], &made, why);

    if (result)
        return result;
    result = media_encode_sound(b->media, &made, out, &frames, why);
    free(made.samples);
    if (result)
        return result;
    b->sounding[sample] = (uint32_t)MIN(frames, b->frames);
    augment_bands(augment, rng, out, b->bands, b->frames, b->sounding[sample]);
    return 0;
}

static int encode_sound(struct batches *b, uint32_t sample, const struct augment *augment, struct rng *rng, float *out,
                        struct reason *why)
{
    size_t frames;
    int result;

    if (augment)
        return encode_changed(b, sample, augment, rng, out, why);
    result = media_encode_sound(b->media, &b->data->sounds[sample], out, &frames, why);
    if (!result)
        result = media_check_frames(b->media, frames, why);
    if (!result)
        b->sounding[sample] = (uint32_t)frames;
    return result;
}

static int encode_text(struct batches *b, uint32_t sample, const struct augment *augment, struct rng *rng, float *out,
                       struct reason *why)
{
    struct augmented_text text = { b->data->texts[sample].bytes, b->data->texts[sample].length, NULL };
    int result = augment ? augment_text(augment, rng, &text) : 0;

    if (result)
        return refuse_errno(why, result, "text");
    result = media_encode_text(b->media, b->data->name, text.bytes, text.length, out, why);
    free(text.own);
    return result;
}

static int encode(struct batches *b, uint32_t sample, const struct augment *augment, struct rng *rng, float *out,
                  struct reason *why)
{
    switch (b->data->kind) {
    case MEDIA_IMAGE:
        return encode_picture(b, sample, augment, rng, out, why);
    case MEDIA_AUDIO:
        return encode_sound(b, sample, augment, rng, out, why);
    case MEDIA_TEXT:
        return encode_text(b, sample, augment, rng, out, why);
    case MEDIA_RAW:
        break;
    }
    return refuse(why, WISP_E_FORMAT, "raw tensors have no reader");
}

enum { RNG_BLOCK = ARRAY_SIZE(((struct rng *)NULL)->block) };

/* What is left weighs for what is dropped; but the number of a word is not an amount. */
static float dropped_scale(const struct batches *b, float rate)
{
    return media_vocabulary(b->media) ? 1 : 1 / (1 - rate);
}

/* Each element has its number, by where it stands. Those of a text are nearly all 0 and stay so, whatever their
 * numbers: where all of a block's are, it is not made. */
static void drop_inputs(const struct batches *b, const struct batch *batch, uint32_t sample, float *values)
{
    static const float zeroes[RNG_BLOCK];
    struct rng rng = rng_make(batch->recipe->seed, recipe_stream(STREAM_DROPOUT, batch->epoch, sample));
    float rate = (float)batch->recipe->input_dropout, scale = dropped_scale(b, rate);

    for (size_t begin = 0; begin < b->elements; begin += RNG_BLOCK) {
        size_t end = MIN(begin + RNG_BLOCK, b->elements);

        if (!memcmp(values + begin, zeroes, (end - begin) * sizeof *values))
            continue;
        rng.position = begin / RNG_BLOCK;
        rng.left = 0;
        for (size_t i = begin; i < end; i++)
            values[i] = rng_float(&rng) < rate ? 0 : values[i] * scale;
    }
}

/* A picture's bytes in the tensor's size; NULL where it has to be encoded. */
static const uint8_t *picture_bytes(const struct batches *b, uint32_t sample)
{
    if (b->fit)
        return b->data->pictures[sample].pixels;
    return b->fitted ? b->fitted + (size_t)sample * b->elements : NULL;
}

static void spread_sample(const struct batches *b, uint32_t sample, float *out)
{
    memset(out, 0, b->elements * sizeof *out);
    nonzeros_spread(b->sparse, sample, out, 1);
}

enum { EPOCH_OF_NONE = 0xffffff }; /* that no training comes to */

static void take_tile(const struct batches *b, const struct batch *batch, uint32_t sample, float *out)
{
    const struct pairs *pairs = b->data->pairs;
    const uint32_t pair = pairs->tiles[sample].pair;
    const struct crop crop = batches_crop(b, batch, sample);
    struct noise_key key = { .stream = recipe_stream(STREAM_NOISE, EPOCH_OF_NONE, pair) };
    struct media_levels levels = b->levels;

    if (b->scales)
        media_picture_levels(b->media, &b->scales[pair], &levels);
    if (batch->recipe)
        key = (struct noise_key){ batch->recipe->seed, recipe_stream(STREAM_NOISE, batch->epoch, sample) };
    if (pairs->noisy)
        crop_take_noisy(&crop, pairs_input(b->data, pair), &levels, &pairs->noise, &key, out);
    else
        crop_take(&crop, pairs_input(b->data, pair), &levels, out);
}

static int take_block(const struct batches *b, const struct batch *batch, uint32_t sample, float *out,
                      struct reason *why)
{
    cleanup_free struct fourier_number *in = memory_alloc(b->elements, sizeof *in);
    struct rng rng;

    if (!in ||
        recordings_spectra(&(struct recording_sample){ b->data, b->media, sample, batches_place(batch, sample, &rng) },
                           in, NULL))
        return refuse_errno(why, -ENOMEM, "spectra");
    for (size_t done = 0; done < b->elements; done += b->elements / media_recordings(b->media))
        media_spectra_tensor(b->media, in + done, out + done);
    return 0;
}

/* The tensor of a sample: kept, or made in `scratch`. NULL after a failure. */
static const float *tensor(const struct filling *f, uint32_t sample, float *scratch, int *result, struct reason *why)
{
    struct batches *b = f->batches;
    const struct augment *augment =
        f->batch.recipe && augment_is_on(&f->batch.recipe->augment) ? &f->batch.recipe->augment : NULL;
    struct rng rng = { .left = 0 };
    const float *made = scratch;

    if (augment)
        rng = rng_make(f->batch.recipe->seed, recipe_stream(STREAM_AUGMENT, f->batch.epoch, sample));
    if (b->data->pairs)
        take_tile(b, &f->batch, sample, scratch);
    else if (b->data->recordings)
        *result = take_block(b, &f->batch, sample, scratch, why);
    else if (b->kept && !augment)
        made = b->kept + (size_t)sample * b->elements;
    else if (b->sparse && !augment)
        spread_sample(b, sample, scratch);
    else if (!augment && picture_bytes(b, sample))
        media_levels_tensor(&b->levels, picture_bytes(b, sample), b->elements, scratch);
    else
        *result = encode(b, sample, augment, &rng, scratch, why);
    if (*result)
        return NULL;
    if (f->batch.recipe && f->batch.recipe->input_dropout > 0) {
        if (made != scratch)
            memcpy(scratch, made, b->elements * sizeof *scratch);
        drop_inputs(b, &f->batch, sample, scratch);
        made = scratch;
    }
    return made;
}

/* Says whose fault it is. */
static void refuse_sample(const struct batches *b, uint32_t sample, struct part_result *own)
{
    char name[512];

    refuse_in(&own->why, 0, "%s", dataset_sample(b->data, sample, name, sizeof name));
}

static void fill_part(void *argument, unsigned part, unsigned parts)
{
    struct filling *f = argument;
    struct batches *b = f->batches;
    struct part_result *own = &b->results[part];
    float *scratch = b->scratch + part * b->elements;
    unsigned long long begin, end;

    /* Sixteen samples are a cache line of an activation's row. */
    pool_share(f->batch.count, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const float *made = tensor(f, f->batch.which[i], scratch, &own->result, &own->why);

        if (!made) {
            refuse_sample(b, f->batch.which[i], own);
            return;
        }
        for (size_t k = 0; k < b->elements; k++)
            f->activation[k * f->batch.count + i] = made[k];
    }
}

/* One channel of `samples` pictures, into rows of `count` samples: a line of each row is written whole. */
static void fill_channel(const struct media_levels *levels, uint32_t channel, const uint8_t *const *bytes,
                         size_t samples, size_t plane, float *rows, size_t count)
{
    const float *values = levels->values[channel];

    for (size_t i = 0; i < plane; i++) {
        size_t at = i * levels->channels + channel;

        for (size_t k = 0; k < samples; k++)
            rows[i * count + k] = values[bytes[k][at]];
    }
}

/* Pictures as they are, as many at a time as a cache line has floats. */
static void fill_bytes(void *argument, unsigned part, unsigned parts)
{
    enum { LINE = CACHE_LINE / sizeof(float) };
    const struct filling *f = argument;
    const struct batches *b = f->batches;
    size_t plane = b->elements / b->levels.channels;
    unsigned long long begin, end;

    pool_share(f->batch.count, LINE, part, parts, &begin, &end);
    for (size_t i = begin; i < end; i += LINE) {
        const uint8_t *bytes[LINE];
        size_t samples = MIN((size_t)LINE, end - i);

        for (size_t k = 0; k < samples; k++)
            bytes[k] = picture_bytes(b, f->batch.which[i + k]);
        for (uint32_t c = 0; c < b->levels.channels; c++)
            fill_channel(&b->levels, c, bytes, samples, plane, f->activation + c * plane * f->batch.count + i,
                         f->batch.count);
    }
}

/* Texts as they are: the rows of a part's samples are cleared, then what is not 0 is put in. */
static void fill_sparse(void *argument, unsigned part, unsigned parts)
{
    const struct filling *f = argument;
    const struct batches *b = f->batches;
    unsigned long long begin, end;

    pool_share(f->batch.count, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (size_t e = 0; end > begin && e < b->elements; e++)
        memset(f->activation + e * f->batch.count + begin, 0, (end - begin) * sizeof(float));
    for (size_t i = begin; i < end; i++)
        nonzeros_spread(b->sparse, f->batch.which[i], f->activation + i, f->batch.count);
}

static int keep_sample(struct batches *b, unsigned part, uint32_t sample, struct reason *why)
{
    float *scratch = b->scratch + part * b->elements;
    int result;

    if (b->fitted)
        return media_fit_picture(b->media, &b->data->pictures[sample], b->fitted + sample * b->elements, why);
    if (!b->sparse)
        return encode(b, sample, NULL, NULL, b->kept + sample * b->elements, why);
    result = encode(b, sample, NULL, NULL, scratch, why);
    if (result)
        return result;
    result = nonzeros_add(b->sparse, part, sample, scratch, b->elements);
    return result ? refuse_errno(why, result, "tensors of %zu samples", b->data->count) : 0;
}

static void keep_part(void *argument, unsigned part, unsigned parts)
{
    struct filling *f = argument;
    struct batches *b = f->batches;
    struct part_result *own = &b->results[part];
    unsigned long long begin, end;

    pool_share(f->batch.count, 1, part, parts, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        own->result = keep_sample(b, part, (uint32_t)i, &own->why);
        if (own->result) {
            refuse_sample(b, (uint32_t)i, own);
            return;
        }
    }
}

static int run(struct filling *f, pool_function *function, struct reason *why)
{
    struct batches *b = f->batches;

    for (unsigned part = 0; part < pool_parts(b->pool); part++)
        b->results[part].result = 0;
    pool_run(b->pool, function, f);
    for (unsigned part = 0; part < pool_parts(b->pool); part++) {
        if (b->results[part].result)
            return refuse(why, b->results[part].result, "%s", b->results[part].why.text);
    }
    return 0;
}

static bool as_they_are(const struct recipe *recipe)
{
    return !recipe || !(augment_is_on(&recipe->augment) || recipe->input_dropout > 0);
}

int batches_fill(struct batches *batches, const struct batch *batch, float *activation, struct reason *why)
{
    struct filling f = { .batches = batches, .batch = *batch, .activation = activation };
    pool_function *fill = fill_part;

    if (as_they_are(batch->recipe) && (batches->fit || batches->fitted))
        fill = fill_bytes;
    else if (as_they_are(batch->recipe) && batches->sparse)
        fill = fill_sparse;
    return run(&f, fill, why);
}

/* ---- samples that are lent ---- */

/* drop_inputs() of a text that is kept: only of its own elements the numbers are drawn, which are the same. */
static int lend_dropped(struct filling *f, unsigned part, size_t i)
{
    const struct recipe *recipe = f->batch.recipe;
    const struct sparse_vector text = nonzeros_vector(f->batches->sparse, f->batch.which[i]);
    const float rate = (float)recipe->input_dropout, scale = dropped_scale(f->batches, rate);
    struct rng rng = rng_make(recipe->seed, recipe_stream(STREAM_DROPOUT, f->batch.epoch, f->batch.which[i]));
    struct sparse_element *out;
    size_t kept = 0;
    int result = nonzeros_open(f->batches->lent, part, i, text.count, &out);

    for (uint32_t k = 0; !result && k < text.count; k++) {
        const struct sparse_element *e = &text.elements[k];
        float number = 0;

        rng.position = e->index / RNG_BLOCK;
        rng.left = 0;
        for (uint32_t word = 0; word <= e->index % RNG_BLOCK; word++)
            number = rng_float(&rng);
        if (number >= rate)
            out[kept++] = (struct sparse_element){ e->index, e->value * scale };
    }
    if (!result)
        nonzeros_close(f->batches->lent, i, kept);
    return result;
}

static int lend_sample(struct filling *f, unsigned part, size_t i, struct part_result *own)
{
    struct batches *b = f->batches;
    const float *made;
    int result;

    if (b->sparse && !augment_is_on(&f->batch.recipe->augment)) {
        result = lend_dropped(f, part, i);
    } else {
        made = tensor(f, f->batch.which[i], b->scratch + part * b->elements, &own->result, &own->why);
        if (!made)
            return own->result;
        result = nonzeros_add(b->lent, part, i, made, b->elements);
    }
    return result ? refuse_errno(&own->why, result, "tensors of %zu samples", f->batch.count) : 0;
}

static void lend_part(void *argument, unsigned part, unsigned parts)
{
    struct filling *f = argument;
    struct part_result *own = &f->batches->results[part];
    unsigned long long begin, end;

    pool_share(f->batch.count, 1, part, parts, &begin, &end);
    for (size_t i = begin; i < end && !own->result; i++) {
        own->result = lend_sample(f, part, i, own);
        if (own->result)
            refuse_sample(f->batches, f->batch.which[i], own);
    }
}

/* Room for a batch of so many. */
static int reserve_lent(struct batches *b, size_t count)
{
    if (count <= b->lent_max)
        return 0;
    b->lent = nonzeros_free(b->lent);
    free(b->vectors);
    b->lent_max = 0;
    b->vectors = memory_alloc(count, sizeof *b->vectors);
    if (!b->vectors)
        return -ENOMEM;
    b->lent_max = count;
    return 0;
}

int batches_lend(struct batches *batches, const struct batch *batch, const struct sparse_vector **out,
                 struct reason *why)
{
    struct filling f = { .batches = batches, .batch = *batch };
    const bool kept = as_they_are(batch->recipe) && batches->sparse;
    int result = reserve_lent(batches, batch->count);

    if (!result && !kept && !batches->lent)
        result = nonzeros_new(batches->lent_max, pool_parts(batches->pool), SIZE_MAX, &batches->lent);
    if (result)
        return refuse_errno(why, result, "batches");
    if (!kept) {
        nonzeros_clear(batches->lent);
        result = run(&f, lend_part, why);
    }
    for (size_t i = 0; !result && i < batch->count; i++)
        batches->vectors[i] =
            kept ? nonzeros_vector(batches->sparse, batch->which[i]) : nonzeros_vector(batches->lent, i);
    *out = batches->vectors;
    return result;
}

/* Whether their bytes are as good as their numbers; not where a picture's numbers are its own. */
static bool all_fit(const struct batches *b)
{
    if (b->data->pairs || media_normalises_pictures(b->media))
        return false;
    for (size_t i = 0; i < b->data->count; i++) {
        if (!media_picture_fits(b->media, &b->data->pictures[i]))
            return false;
    }
    return true;
}

static int keep_texts(struct batches *b, struct reason *why)
{
    struct filling f = { .batches = b, .batch = { .count = b->data->count } };
    int result = nonzeros_new(b->data->count, pool_parts(b->pool), BATCHES_KEEP_MAX, &b->sparse);

    if (result)
        return refuse_errno(why, result, "tensors of %zu samples", b->data->count);
    result = run(&f, keep_part, why);
    if (result != -EFBIG)
        return result;
    b->sparse = nonzeros_free(b->sparse); /* too many: each is made when it is wanted */
    return 0;
}

static int keep_all(struct batches *b, struct reason *why)
{
    struct filling f = { .batches = b, .batch = { .count = b->data->count } };
    bool pictures = b->data->kind == MEDIA_IMAGE && !media_normalises_pictures(b->media);
    size_t size = b->elements * (pictures ? 1 : sizeof(float));
    uint64_t bytes;

    if (b->data->kind == MEDIA_TEXT)
        return keep_texts(b, why);
    if (b->fit || b->data->pairs || b->data->recordings || !size_multiply(b->data->count, size, &bytes) ||
        bytes > BATCHES_KEEP_MAX)
        return 0;
    if (pictures)
        b->fitted = memory_alloc(b->data->count, size);
    else
        b->kept = memory_alloc(b->data->count, size);
    if (!b->fitted && !b->kept)
        return refuse_errno(why, -ENOMEM, "tensors of %zu samples", b->data->count);
    return run(&f, keep_part, why);
}

/* What each part of the pool works in. */
static int make_room(struct batches *b)
{
    const struct pairs *pairs = b->data->pairs;
    const unsigned parts = pool_parts(b->pool);

    b->scratch = memory_alloc(parts, b->elements * sizeof *b->scratch);
    b->results = calloc(parts, sizeof *b->results);
    b->answered = calloc(parts, sizeof *b->answered);
    if (pairs)
        b->answers = memory_alloc(parts, pairs_answer_elements(pairs) * sizeof *b->answers);
    return b->scratch && b->results && b->answered && (!pairs || b->answers) ? 0 : -ENOMEM;
}

int batches_new(const struct dataset *data, const struct media *media, struct pool *pool, bool keep,
                struct batches **out, struct reason *why)
{
    struct batches *b = calloc(1, sizeof *b);
    uint32_t dimensions[4] = { 0 };
    int result = 0;

    if (!b)
        return refuse_errno(why, -ENOMEM, "batches");
    *b = (struct batches){ .data = data, .media = media, .pool = pool, .elements = media_elements(media) };
    if (data->kind == MEDIA_AUDIO && media_shape(media, dimensions) == 2) {
        b->bands = dimensions[0];
        b->frames = dimensions[1];
        b->sounding = memory_zalloc(data->count, sizeof *b->sounding);
    }
    if (make_room(b) || (b->frames && !b->sounding))
        result = refuse_errno(why, -ENOMEM, "batches");
    if (data->kind == MEDIA_IMAGE) {
        media_picture_levels(media, NULL, &b->levels);
        if (data->pairs && pairs_scales(data, media, &b->scales))
            result = refuse_errno(why, -ENOMEM, "batches");
        if (data->pairs)
            media_answer_levels(media, data->pairs->channels, &b->answer_levels);
        b->fit = all_fit(b);
    }
    if (!result && keep)
        result = keep_all(b, why);
    if (result)
        batches_free(b);
    else
        *out = b;
    return result;
}

int batches_alone(const struct batches *of, struct batches **out)
{
    struct batches *b = calloc(1, sizeof *b);

    if (!b)
        return -ENOMEM;
    *b = *of;
    b->borrowed = true;
    b->pool = NULL;
    b->lent = NULL;
    b->vectors = NULL;
    b->lent_max = 0;
    b->targets = NULL;
    b->answers = NULL;
    if (make_room(b) || (of->targets && batches_alone(of->targets, &b->targets))) {
        batches_free(b);
        return -ENOMEM;
    }
    *out = b;
    return 0;
}

static void free_tensors(struct batches *batches)
{
    free(batches->kept);
    free(batches->fitted);
    free(batches->sounding);
    free(batches->scales);
    nonzeros_free(batches->sparse);
}

struct batches *batches_free(struct batches *batches)
{
    if (batches) {
        if (!batches->borrowed)
            free_tensors(batches);
        nonzeros_free(batches->lent);
        batches_free(batches->targets);
        free(batches->vectors);
        free(batches->scratch);
        free(batches->answers);
        free(batches->answered);
        free(batches->results);
        free(batches);
    }
    return NULL;
}
