/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "forge/experiment/split.h"
#include "forge/plan/assemble.h"
#include "support/test.h"
#include "trainer_fixture.h"

void make_model(struct fixture *f, const char *layers, double density, uint64_t seed)
{
    struct structure structure;
    struct plan plan;
    struct reason why;

    assert_ok(structure_parse_layers(layers, &structure, &why), why);
    strcpy(structure.processing, "image.classification");
    assert_ok(plan_solve(&structure, DENSITY_ER, density, &plan, &why), why);
    assert_ok(assemble_model(&plan, &(struct assembly){ .name = "t", .seed = seed }, &f->model, NULL, &why), why);
    plan_deinit(&plan);
}

static void make_data(struct fixture *f, size_t count, uint32_t width, uint32_t height)
{
    char json[96];
    struct reason why;

    memset(f, 0, sizeof *f);
    f->pixels = calloc(count, width * height);
    f->data = (struct dataset){ .name = "made", .hash = "-", .kind = MEDIA_IMAGE, .count = count };
    f->data.classes = calloc(count, sizeof *f->data.classes);
    f->data.pictures = calloc(count, sizeof *f->data.pictures);
    for (size_t i = 0; i < count; i++)
        f->data.pictures[i] = (struct media_picture){ width, height, 1, f->pixels + i * width * height };
    snprintf(json, sizeof json, "{\"kind\":\"image\",\"width\":%u,\"height\":%u,\"channels\":1}", width, height);
    assert_ok(media_parse(json, &f->media, &why), why);
}

void drop(struct fixture *f)
{
    model_free(f->model);
    media_free(f->media);
    free(f->data.classes);
    free(f->data.pictures);
    free(f->pixels);
}

void make_xor(struct fixture *f)
{
    make_data(f, 64, 2, 1);
    for (size_t i = 0; i < 64; i++) {
        f->pixels[2 * i] = i & 1 ? 255 : 0;
        f->pixels[2 * i + 1] = i & 2 ? 255 : 0;
        f->data.classes[i] = (i & 1) ^ (i >> 1 & 1);
    }
}

void make_quadrants(struct fixture *f, size_t count)
{
    struct rng rng = rng_make(4, 4);

    make_data(f, count, 8, 8);
    for (size_t i = 0; i < count; i++) {
        f->data.classes[i] = (uint32_t)rng_below(&rng, 4);
        for (unsigned p = 0; p < 64; p++)
            f->pixels[i * 64 + p] =
                (uint8_t)(rng_below(&rng, 160) + (p / 32 * 2 + p % 8 / 4 == f->data.classes[i] ? 50 : 0));
    }
}

void train(struct fixture *f, const struct recipe *recipe, const struct kernels *kernels, unsigned threads,
           struct trainer_result *result)
{
    struct progress progress = { .quiet = true };
    struct batches *batches;
    struct trainer *trainer;
    struct pool *pool;
    struct split split;
    struct reason why;
    struct trainer_setup setup;

    assert_int_equal(pool_new(threads, &pool), 0);
    assert_int_equal(split_make(f->data.count, recipe->validation, recipe->seed, &split), 0);
    assert_ok(batches_new(&f->data, f->media, pool, !augment_is_on(&recipe->augment), &batches, &why), why);
    setup = (struct trainer_setup){ .model = f->model,
                                    .kernels = kernels,
                                    .pool = pool,
                                    .ranks = f->ranks,
                                    .recipe = recipe,
                                    .batches = batches,
                                    .train = split.samples,
                                    .train_count = split.train_count,
                                    .validation = split.samples + split.train_count,
                                    .validation_count = split.validation_count,
                                    .progress = &progress,
                                    .minutes = recipe->minutes };
    assert_ok(trainer_new(&setup, &trainer, &why), why);
    assert_ok(trainer_run(trainer, result, &why), why);
    trainer_free(trainer);
    batches_free(batches);
    split_deinit(&split);
    pool_free(pool);
}

uint64_t hash_weights(const struct model *model)
{
    uint64_t hash = 1469598103934665603u;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        const unsigned char *bytes = (const unsigned char *)model->layers[i].weight.values;
        const unsigned char *bias = (const unsigned char *)model->layers[i].vectors[0].data;

        for (uint64_t k = 0; k < model->layers[i].weight.count * sizeof(float); k++)
            hash = (hash ^ bytes[k]) * 1099511628211u;
        for (uint64_t k = 0; k < model->layers[i].vectors[0].count * sizeof(float); k++)
            hash = (hash ^ bias[k]) * 1099511628211u;
    }
    return hash;
}
