/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering and scattering against one element at a time, for every dtype, table of kernels and sizes on both sides of
 * every block.
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/passes/samples.h"
#include "support/test.h"

enum { COUNT_MAX = 40, ELEMENTS_MAX = 200, STRIDE = 3 };

static const uint32_t sizes[] = { 1, 2, 15, 16, 17, 63, 64, 65, 128, 200 };
static const size_t counts[] = { 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40 };

struct world {
    unsigned char bytes[COUNT_MAX][ELEMENTS_MAX * sizeof(float)];
    void *samples[COUNT_MAX * STRIDE];
    float values[COUNT_MAX * ELEMENTS_MAX];
};

/* Any bytes are whole numbers; floats are made. */
static void world_make(struct world *world, enum dtype dtype, struct rng *rng)
{
    for (size_t b = 0; b < COUNT_MAX; b++) {
        world->samples[b * STRIDE] = world->bytes[b];
        for (size_t i = 0; i < sizeof world->bytes[b]; i++)
            world->bytes[b][i] = (unsigned char)rng_u32(rng);
        for (size_t i = 0; dtype == DTYPE_FLOAT32 && i < ELEMENTS_MAX; i++) {
            float value = rng_float(rng);

            memcpy(world->bytes[b] + i * sizeof value, &value, sizeof value);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(world->values); i++)
        world->values[i] = rng_float(rng) * 300;
}

static void check_gather(const struct kernels *kernels, struct world *world, const struct model_tensor *tensor,
                         size_t count)
{
    const uint32_t elements = tensor->shape.dimension[0];

    for (unsigned half = 0; half < 2; half++)
        samples_gather(kernels, tensor,
                       &(struct samples_in){ (const void *const *)world->samples, STRIDE, count,
                                             half ? elements / 3 : 0, half ? elements : elements / 3 },
                       world->values);
    for (size_t b = 0; b < count; b++) {
        for (uint32_t f = 0; f < elements; f++) {
            float want;

            dtype_to_float(tensor->dtype, tensor->scale, world->bytes[b] + f * dtype_bytes(tensor->dtype), &want, 1);
            assert_memory_equal(&world->values[f * count + b], &want, sizeof want);
        }
    }
}

/* Also that nothing behind the tensor is written, and nothing of a sample that nobody wants. */
static void check_scatter(const struct kernels *kernels, struct world *world, const struct model_tensor *tensor,
                          size_t count)
{
    const size_t elements = tensor->shape.dimension[0], bytes = dtype_bytes(tensor->dtype);

    void *const unwanted = world->samples[STRIDE];

    memset(world->bytes, 0xa5, sizeof world->bytes);
    world->samples[STRIDE] = NULL;
    for (unsigned half = 0; half < 2; half++)
        samples_scatter(kernels, tensor, world->values,
                        &(struct samples_out){ world->samples, STRIDE, count, half ? elements / 3 : 0,
                                               half ? elements : elements / 3 });
    world->samples[STRIDE] = unwanted;
    for (size_t b = 0; b < COUNT_MAX; b++) {
        size_t written = b < count && b != 1 ? elements * bytes : 0;

        for (size_t f = 0; f < written / bytes; f++) {
            unsigned char want[sizeof(float)];

            dtype_from_float(tensor->dtype, tensor->scale, &world->values[f * count + b], want, 1);
            assert_memory_equal(world->bytes[b] + f * bytes, want, bytes);
        }
        for (size_t i = written; i < sizeof world->bytes[b]; i++)
            assert_int_equal(world->bytes[b][i], 0xa5);
    }
}

static void for_all(void (*check)(const struct kernels *, struct world *, const struct model_tensor *, size_t))
{
    const struct kernels *kernels;
    struct world *world = calloc(1, sizeof *world);
    struct rng rng = rng_make(1, 2);

    assert_non_null(world);
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(counts); i++) {
            const struct model_tensor tensor = { .dtype = dtype,
                                                 .scale = dtype == DTYPE_FLOAT32 ? 1 : 0.37F,
                                                 .shape = { 1, { sizes[i % ARRAY_SIZE(sizes)] } } };

            for (size_t k = 0; (kernels = kernels_at(k)); k++) {
                world_make(world, dtype, &rng);
                check(kernels, world, &tensor, counts[i / ARRAY_SIZE(sizes)]);
            }
        }
    }
    free(world);
}

static void test_gather(void **state)
{
    (void)state;
    for_all(check_gather);
}

static void test_scatter(void **state)
{
    (void)state;
    for_all(check_scatter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_scatter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
