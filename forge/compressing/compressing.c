/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/compressing/compressing.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/interrupt.h"
#include "media/latents/coded.h"
#include "media/tiles/latent_tiles.h"
#include "sparse/file/model_file.h"
#include "sparse/graph/halves.h"
#include "sparse/passes/forward.h"

/* One half, and samples for it. */
struct side {
    struct model *model;
    struct forward *forward;
    float *in, *out; /* of a batch */
    const void **inputs;
    void **outputs;
    size_t in_elements, out_elements;
};

struct measuring {
    const struct compressing *c;
    struct side sides[2]; /* by enum half */
    struct latent_form form;
};

static void side_close(struct side *side)
{
    side->forward = forward_free(side->forward);
    side->model = model_free(side->model);
    free(side->in);
    free(side->out);
    free(side->inputs);
    free(side->outputs);
}

static int side_room(struct side *side, size_t batch)
{
    side->in_elements = shape_elements(&side->model->signature.inputs[0].shape);
    side->out_elements = shape_elements(&side->model->signature.outputs[0].shape);
    side->in = memory_alloc(batch * side->in_elements, sizeof *side->in);
    side->out = memory_alloc(batch * side->out_elements, sizeof *side->out);
    side->inputs = calloc(batch, sizeof *side->inputs);
    side->outputs = calloc(batch, sizeof *side->outputs);
    if (!side->in || !side->out || !side->inputs || !side->outputs)
        return -ENOMEM;
    for (size_t i = 0; i < batch; i++) {
        side->inputs[i] = side->in + i * side->in_elements;
        side->outputs[i] = side->out + i * side->out_elements;
    }
    return 0;
}

static int side_open(struct measuring *m, enum half half, struct reason *why)
{
    const struct compressing *c = m->c;
    struct side *side = &m->sides[half];
    int result = model_read(c->path, &side->model, why);

    if (!result && c->values != VALUE_FLOAT32 && model_round(side->model, c->values))
        result = refuse_errno(why, -ENOMEM, "%s", c->path);
    if (!result)
        result = model_keep_half(side->model, half, why);
    if (!result)
        result = forward_new(&(struct forward_setup){ .model = side->model, .kernels = c->kernels, .batch = c->batch },
                             &side->forward, why);
    if (!result && side_room(side, c->batch))
        result = refuse_errno(why, -ENOMEM, "%zu tiles", c->batch);
    return result;
}

/* ---- tiles through a half ---- */

struct way {
    uint64_t count;
    void (*fill)(void *user, uint64_t number, float *input);
    int (*take)(void *user, uint64_t number, const float *output, struct reason *why);
    void *user;
};

static int run_way(const struct measuring *m, enum half half, const struct way *way, struct reason *why)
{
    const struct side *side = &m->sides[half];
    int result = 0;

    for (uint64_t done = 0; !result && done < way->count; done += m->c->batch) {
        const size_t now = (size_t)MIN((uint64_t)m->c->batch, way->count - done);

        if (interrupt_wanted())
            return refuse(why, WISP_E_INTERRUPTED, "interrupted");
        for (size_t i = 0; i < now; i++)
            way->fill(way->user, done + i, side->in + i * side->in_elements);
        forward_serve(side->forward, side->inputs, side->outputs, now);
        for (size_t i = 0; !result && i < now; i++)
            result = way->take(way->user, done + i, side->out + i * side->out_elements, why);
    }
    return result;
}

static void fill_pixels(void *user, uint64_t number, float *input)
{
    latent_tiles_take(user, number, input);
}

static int take_latents(void *user, uint64_t number, const float *output, struct reason *why)
{
    return latent_tiles_give(user, number, output, why);
}

/* The file that `wisp run` writes. */
static int compress(const struct measuring *m, const struct media_picture *picture, void **bytes, size_t *length,
                    struct reason *why)
{
    const struct model *model = m->sides[HALF_ENCODER].model;
    struct coded head;
    struct latent_tiles tiles;
    struct way way = { .fill = fill_pixels, .take = take_latents, .user = &tiles };
    int result = latent_tiles_init(&tiles, m->c->media, &m->form, picture, why);

    if (result)
        return result;
    way.count = latent_tiles_count(&tiles);
    head = latent_tiles_head(&tiles, picture, model->name, model->identity);
    result = run_way(m, HALF_ENCODER, &way, why);
    if (!result)
        result = coded_write(&head, &tiles.out, bytes, length, why);
    latent_tiles_deinit(&tiles);
    return result;
}

struct back {
    struct tiles tiles;
    struct latents latents;
};

static void fill_latents(void *user, uint64_t number, float *input)
{
    const struct back *back = user;

    latent_tiles_fill(&back->tiles, &back->latents, number, input);
}

static int take_pixels(void *user, uint64_t number, const float *output, struct reason *why)
{
    struct back *back = user;

    (void)number; /* they come in their order */
    return tiles_give(&back->tiles, output, why);
}

static int run_back(const struct measuring *m, struct back *back, struct media_picture *out, struct reason *why)
{
    struct way way = { .fill = fill_latents, .take = take_pixels, .user = back };
    int result = latent_tiles_back(&back->tiles, m->c->media, &m->form, &back->latents, why);

    if (result)
        return result;
    way.count = tiles_count(&back->tiles);
    result = run_way(m, HALF_DECODER, &way, why);
    if (!result)
        *out = tiles_result(&back->tiles);
    tiles_deinit(&back->tiles);
    return result;
}

/* What `wisp run` makes of that file. */
static int restore(const struct measuring *m, const void *bytes, size_t length, struct media_picture *out,
                   struct reason *why)
{
    struct back back = { .latents = { .values = NULL } };
    struct coded_body body;
    struct coded coded;
    int result = coded_open(bytes, length, &coded, &body, why);

    if (!result)
        result = coded_latents(&coded, &body, &back.latents, why);
    if (!result)
        result = run_back(m, &back, out, why);
    latents_deinit(&back.latents);
    if (!result)
        latent_tiles_crop(out, coded.width, coded.height);
    return result;
}

/* ---- figures ---- */

static void add(struct likeness_of_pictures *sum, const struct likeness_of_pictures *one, double count)
{
    sum->psnr += one->psnr / count;
    sum->ssim += one->ssim / count;
}

static int measure_picture(const struct measuring *m, uint32_t pair, struct compression_figures *out,
                           struct reason *why)
{
    const struct media_picture *picture = pairs_target(m->c->set, pair);
    const double count = (double)m->c->set->pairs->count;
    struct likeness_of_pictures wisp, jpeg;
    struct media_picture read = { .pixels = NULL };
    cleanup_free void *bytes = NULL;
    size_t length = 0, jpeg_length;
    int result = compress(m, picture, &bytes, &length, why);

    if (!result)
        result = restore(m, bytes, length, &read, why);
    if (!result && compressing_compare(picture, &read, &wisp))
        result = refuse_errno(why, -ENOMEM, "a comparison");
    free(read.pixels);
    jpeg_length = length;
    if (!result)
        result = compressing_jpeg(picture, &jpeg_length, &jpeg, why);
    if (result)
        return result;
    out->pictures++;
    out->pixels += (uint64_t)picture->width * picture->height;
    out->bytes += length;
    out->jpeg_bytes += jpeg_length;
    add(&out->wisp, &wisp, count);
    add(&out->jpeg, &jpeg, count);
    return 0;
}

static int read_form(struct measuring *m, struct reason *why)
{
    return latent_form_of(m->c->media, m->sides[HALF_ENCODER].model->signature.outputs[0].shape.dimension, &m->form,
                          why);
}

bool compressing_is(const struct model *model, const struct media *media)
{
    return model_has_halves(model) && media_answer(media) == MEDIA_ANSWER_PICTURE && media_goes_in_tiles(media);
}

int compressing_measure(const struct compressing *compressing, struct compression_figures *out, struct reason *why)
{
    struct measuring m = { .c = compressing };
    int result = side_open(&m, HALF_ENCODER, why);

    *out = (struct compression_figures){ .pictures = 0 };
    if (!result)
        result = side_open(&m, HALF_DECODER, why);
    if (!result)
        result = read_form(&m, why);
    for (uint32_t pair = 0; !result && pair < compressing->set->pairs->count; pair++)
        result = measure_picture(&m, pair, out, why);
    side_close(&m.sides[HALF_ENCODER]);
    side_close(&m.sides[HALF_DECODER]);
    return result;
}
