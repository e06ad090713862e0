/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass in slices gives the bits that it gives in one go, with other models' passes in between: of the models that are
 * shipped, which have layers of most kinds, and of those that go through time.
 */
#include "support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/forward.h"

enum { BATCH = 3, CUTS = 40 };

struct served {
    struct model *model;
    struct forward *forward;
    const void *inputs[BATCH * SIGNATURE_TENSORS_MAX];
    void *outputs[BATCH * SIGNATURE_TENSORS_MAX];
    uint64_t out_bytes; /* of all samples */
    unsigned char *in, *out, *want;
};

static uint64_t bytes_of(const struct model_tensor *tensor)
{
    return shape_elements(&tensor->shape) * dtype_bytes(tensor->dtype);
}

static void fill(const struct model_tensor *tensor, unsigned char *at, struct rng *rng)
{
    for (uint64_t i = 0; i < shape_elements(&tensor->shape); i++) {
        const float value = rng_float(rng);
        const int32_t number = (int32_t)(rng_u32(rng) % 50);

        if (tensor->dtype == DTYPE_FLOAT32)
            memcpy(at + i * sizeof value, &value, sizeof value);
        else if (tensor->dtype == DTYPE_INT32)
            memcpy(at + i * sizeof number, &number, sizeof number);
        else
            at[i] = (unsigned char)number;
    }
}

/* Room for all samples of all tensors, one after the other; and where each is. */
static unsigned char *place(const struct model_tensor *tensors, uint32_t count, void **at, uint64_t *bytes)
{
    unsigned char *memory, *next;

    *bytes = 0;
    for (uint32_t t = 0; t < count; t++)
        *bytes += BATCH * ((bytes_of(&tensors[t]) + 63) / 64 * 64);
    memory = next = aligned_alloc(64, *bytes);
    assert_non_null(memory);
    memset(memory, 0, *bytes);
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t b = 0; b < BATCH; b++, next += (bytes_of(&tensors[t]) + 63) / 64 * 64)
            at[b * count + t] = next;
    }
    return memory;
}

/* Of its model. */
static void served_begin(struct served *s)
{
    struct rng rng = rng_make(3, 1);
    void *inputs[BATCH * SIGNATURE_TENSORS_MAX];
    const struct signature *signature;
    uint64_t bytes;
    struct reason why;

    assert_ok(forward_new(&(struct forward_setup){ .model = s->model, .kernels = kernels_find("auto"), .batch = BATCH },
                          &s->forward, &why),
              why);
    signature = &s->model->signature;
    s->in = place(signature->inputs, signature->input_count, inputs, &bytes);
    s->out = place(signature->outputs, signature->output_count, s->outputs, &s->out_bytes);
    s->want = calloc(1, s->out_bytes);
    for (uint32_t i = 0; i < BATCH * signature->input_count; i++) {
        fill(&signature->inputs[i % signature->input_count], inputs[i], &rng);
        s->inputs[i] = inputs[i];
    }
    assert_int_equal(forward_estimate(s->forward, 1), 0);
    assert_int_equal(forward_time(s->forward, s->inputs, s->outputs, BATCH), 0);
    assert_true(forward_estimate(s->forward, 1) > 0);
    assert_true(forward_estimate(s->forward, BATCH) >= forward_estimate(s->forward, 1));
}

static void served_open(struct served *s, const char *path)
{
    struct reason why;

    assert_ok(model_read(path, &s->model, &why), why);
    served_begin(s);
}

static void served_close(struct served *s)
{
    forward_free(s->forward);
    model_free(s->model);
    free(s->in);
    free(s->out);
    free(s->want);
}

/* Two passes in turn; neither notices the other. */
static void check_in_turn(struct served *a, struct served *b, size_t count)
{
    struct served *both[] = { a, b };
    bool more[] = { true, true };
    unsigned slices = 0;

    for (unsigned i = 0; i < 2; i++) {
        memset(both[i]->out, 0, both[i]->out_bytes);
        forward_serve(both[i]->forward, both[i]->inputs, both[i]->outputs, count);
        memcpy(both[i]->want, both[i]->out, both[i]->out_bytes);
        memset(both[i]->out, 0, both[i]->out_bytes);
        forward_serve_begin(both[i]->forward, both[i]->inputs, both[i]->outputs, count);
    }
    for (; more[0] || more[1]; slices++) {
        for (unsigned i = 0; i < 2; i++) {
            if (more[i])
                more[i] = forward_serve_slice(both[i]->forward, forward_estimate(both[i]->forward, count) / CUTS + 1);
        }
    }
    assert_in_range(slices, CUTS / 4, 100000);
    for (unsigned i = 0; i < 2; i++)
        assert_memory_equal(both[i]->out, both[i]->want, both[i]->out_bytes);
}

static bool is_wanted(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');

    return ending && !strcmp(ending, ".safetensors") && strcmp(entry->d_name, "translate.safetensors") != 0;
}

static void test_every_shipped_model(void **state)
{
    char name[300];
    struct served small = { .model = NULL };
    struct dirent *entry;
    DIR *folder = opendir(source_path("models"));
    unsigned seen = 0;

    (void)state;
    assert_non_null(folder);
    served_open(&small, source_path("models/digits.safetensors"));
    while ((entry = readdir(folder))) {
        struct served other = { .model = NULL };

        if (!is_wanted(entry))
            continue;
        snprintf(name, sizeof name, "models/%s", entry->d_name);
        served_open(&other, source_path(name));
        check_in_turn(&other, &small, 1);
        check_in_turn(&other, &small, BATCH);
        served_close(&other);
        seen++;
    }
    closedir(folder);
    served_close(&small);
    assert_true(seen > 10);
}

enum { FEATURES = 24, NEURONS = 20, FRAMES = 30 };

/* One layer alone. */
static struct model *through_time(const char *kind, bool back)
{
    const struct shape frames = { 2, { FEATURES, FRAMES } };
    struct layer_plan plan;
    struct layer *layer;
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(1, &model), 0);
    snprintf(model->name, sizeof model->name, "time");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of(frames);
    layer = &model->layers[0];
    layer->kind = layer_kind_find(kind);
    snprintf(layer->name, sizeof layer->name, "it");
    layer->input_count = 1;
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    layer->parameters[0] = NEURONS;
    layer->parameters[1] = back;
    assert_ok(layer->kind->plan(layer->parameters, &frames, 1, &plan, &why), why);
    assert_ok(sample_connections((uint32_t)plan.outputs, (uint32_t)plan.inputs, plan.outputs * plan.inputs / 3, 5, 1,
                                 &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 1, 5, 1);
    assert_ok(model_check(model, &why), why);
    return model;
}

/* How many numbers of an answer are there. */
static size_t count_given(const struct served *s)
{
    const float *answer = s->outputs[0];
    size_t given = 0;

    for (size_t i = 0; i < NEURONS * FRAMES; i++)
        given += answer[i] != 0;
    return given;
}

/* It stops between frames: what a slice has given is more, and more, and not all at once. */
static void check_stops(struct served *s)
{
    size_t before = 0, given = 0;
    unsigned stops = 0;

    memset(s->out, 0, s->out_bytes);
    forward_serve_begin(s->forward, s->inputs, s->outputs, 1);
    while (forward_serve_slice(s->forward, 1)) {
        given = count_given(s);
        assert_true(given >= before);
        stops += given > before;
        before = given;
    }
    assert_true(stops >= FRAMES / 2);
}

static void test_time_is_cut(void **state)
{
    static const char *const kinds[] = { "lstm", "gru" };
    struct served small = { .model = NULL };

    (void)state;
    served_open(&small, source_path("models/digits.safetensors"));
    for (unsigned i = 0; i < 4; i++) {
        struct served s = { .model = through_time(kinds[i / 2], i % 2) };

        served_begin(&s);
        check_stops(&s);
        check_in_turn(&s, &small, 1);
        check_in_turn(&s, &small, BATCH);
        served_close(&s);
    }
    served_close(&small);
}

/* What nobody wants any more is computed for nobody, and a pass that was left leaves nothing behind. */
static void test_dropped(void **state)
{
    struct served s = { .model = NULL };
    uint64_t bytes;
    bool more = true;

    (void)state;
    served_open(&s, source_path("models/digits.safetensors"));
    bytes = bytes_of(&s.model->signature.outputs[0]);
    forward_serve(s.forward, s.inputs, s.outputs, BATCH);
    memcpy(s.want, s.out, s.out_bytes);
    forward_serve_begin(s.forward, s.inputs, s.outputs, BATCH);
    assert_true(forward_serve_slice(s.forward, 1 + forward_estimate(s.forward, BATCH) / CUTS));
    memset(s.out, 0xa5, s.out_bytes);
    forward_serve_begin(s.forward, s.inputs, s.outputs, BATCH);
    assert_true(forward_serve_slice(s.forward, 1 + forward_estimate(s.forward, BATCH) / CUTS));
    s.outputs[1] = NULL;
    while (more)
        more = forward_serve_slice(s.forward, 1 + forward_estimate(s.forward, BATCH) / CUTS);
    for (size_t b = 0; b < BATCH; b++) {
        const size_t at = b * ((bytes + 63) / 64 * 64);

        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(s.out[at + i], b == 1 ? 0xa5 : s.want[at + i]);
    }
    served_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shipped_model),
        cmocka_unit_test(test_time_is_cut),
        cmocka_unit_test(test_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
