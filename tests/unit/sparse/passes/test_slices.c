/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass in slices gives the bits that it gives in one go, with other models' passes in between: of the models that are
 * shipped, which have layers of most kinds, and of those that go through time.
 */
#include "support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"
#include "sparse/passes/forward_plan.h"
#include "unit/sparse/passes/served.h"

enum { BATCH = 3, CUTS = 40 };

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
    served_open(&small, BATCH, source_path("models/digits.safetensors"));
    while ((entry = readdir(folder))) {
        struct served other = { .model = NULL };

        if (!is_wanted(entry))
            continue;
        snprintf(name, sizeof name, "models/%s", entry->d_name);
        served_open(&other, BATCH, source_path(name));
        check_in_turn(&other, &small, 1);
        check_in_turn(&other, &small, BATCH);
        served_close(&other);
        seen++;
    }
    closedir(folder);
    served_close(&small);
    assert_true(seen > 10);
}

/* How many numbers of an answer are there. */
static size_t count_given(const struct served *s)
{
    const float *answer = s->outputs[0];
    size_t given = 0;

    for (size_t i = 0; i < TIME_NEURONS * TIME_FRAMES; i++)
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
    assert_true(stops >= TIME_FRAMES / 2);
}

static void test_time_is_cut(void **state)
{
    static const char *const kinds[] = { "lstm", "gru" };
    struct served small = { .model = NULL };

    (void)state;
    served_open(&small, BATCH, source_path("models/digits.safetensors"));
    for (unsigned i = 0; i < 4; i++) {
        struct served s = { .model = model_through_time(kinds[i / 2], i % 2) };

        served_begin(&s, BATCH);
        check_stops(&s);
        check_in_turn(&s, &small, 1);
        check_in_turn(&s, &small, BATCH);
        served_close(&s);
    }
    served_close(&small);
}

/* Memory of its own, for the first sample. */
static void *map_tensor(const struct model_tensor *tensor)
{
    void *made = mmap(NULL, served_bytes(tensor), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(made, MAP_FAILED);
    return made;
}

/* As the daemon forgets a request, whose channel is gone then. */
static void drop_first(struct served *s, void *input, void *output)
{
    s->outputs[0] = NULL;
    s->inputs[0] = s->inputs[1];
    assert_int_equal(munmap(input, served_bytes(&s->model->signature.inputs[0])), 0);
    assert_int_equal(munmap(output, served_bytes(&s->model->signature.outputs[0])), 0);
}

/* Samples that go one after the other, on slices of any length; of a part of the slices one is dropped halfway. */
static void test_apart(void **state)
{
    static const char *const models[] = { "models/digits.safetensors", "models/denoise.safetensors" };

    (void)state;
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(models); i++) {
        struct served s = { .model = NULL };
        const uint64_t cuts[] = { 1, 2 * BATCH, 40 };
        void *input, *output;

        served_open(&s, BATCH, source_path(models[i / 2]));
        input = map_tensor(&s.model->signature.inputs[0]);
        output = map_tensor(&s.model->signature.outputs[0]);
        memcpy(input, s.inputs[0], served_bytes(&s.model->signature.inputs[0]));
        s.inputs[0] = input;
        s.forward->times.apart = false;
        forward_serve(s.forward, s.inputs, s.outputs, BATCH);
        memcpy(s.want, s.out, s.out_bytes);
        s.forward->times.apart = true;
        for (unsigned c = 0; c < ARRAY_SIZE(cuts); c++) {
            memset(s.out, 0, s.out_bytes);
            if (s.outputs[0] && i % 2)
                s.outputs[0] = output;
            forward_serve_begin(s.forward, s.inputs, s.outputs, BATCH);
            while (forward_serve_slice(s.forward, 1 + forward_estimate(s.forward, BATCH) / cuts[c])) {
                if (i % 2 && s.outputs[0]) /* in the middle of what is computed for it */
                    drop_first(&s, input, output);
            }
            if (i % 2 == 0)
                assert_memory_equal(s.out, s.want, s.out_bytes);
            else
                assert_memory_equal(s.outputs[1], s.want + ((unsigned char *)s.outputs[1] - s.out),
                                    served_bytes(&s.model->signature.outputs[0]));
        }
        assert_int_equal(!s.outputs[0], i % 2);
        served_close(&s);
    }
}

/* What nobody wants any more is computed for nobody, and a pass that was left leaves nothing behind. */
static void test_dropped(void **state)
{
    struct served s = { .model = NULL };
    uint64_t bytes;
    bool more = true;

    (void)state;
    served_open(&s, BATCH, source_path("models/digits.safetensors"));
    bytes = served_bytes(&s.model->signature.outputs[0]);
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

static struct forward *known_to_be_apart(const struct model *model)
{
    const struct forward_setup setup = {
        .model = model, .kernels = kernels_find("auto"), .batch = BATCH, .apart = true
    };
    struct forward *forward;
    struct reason why;

    assert_ok(forward_new(&setup, &forward, &why), why);
    return forward;
}

/* Where that is known from the start there is memory for one sample, and the same bits; but not where samples may go
 * together after all, as bags of words do. */
static void test_apart_from_the_start(void **state)
{
    struct served s = { .model = NULL }, bags = { .model = NULL };
    struct forward *forward;

    (void)state;
    served_open(&s, BATCH, source_path("models/denoise.safetensors"));
    s.forward->times.apart = false;
    s.forward->trials[0][BATCH] = (struct trial){ .ns = { 1, 1000000000 } };
    forward_serve(s.forward, s.inputs, s.outputs, BATCH);
    memcpy(s.want, s.out, s.out_bytes);
    memset(s.out, 0, s.out_bytes);
    forward = known_to_be_apart(s.model);
    assert_true(forward_memory(forward) < forward_memory(s.forward));
    forward_serve(forward, s.inputs, s.outputs, BATCH);
    assert_memory_equal(s.out, s.want, s.out_bytes);
    assert_int_equal(forward_time(forward, s.inputs, s.outputs, BATCH), 0);
    assert_true(forward_is_apart(forward));
    assert_true(forward_estimate(forward, BATCH) >= BATCH * forward_estimate(forward, 1));
    memset(s.out, 0, s.out_bytes);
    forward_serve(forward, s.inputs, s.outputs, BATCH);
    assert_memory_equal(s.out, s.want, s.out_bytes);
    forward_free(forward);
    served_close(&s);
    served_open(&bags, BATCH, source_path("models/langid.safetensors"));
    forward = known_to_be_apart(bags.model);
    assert_false(forward_is_apart(forward));
    forward_serve(forward, bags.inputs, bags.outputs, BATCH);
    forward_free(forward);
    served_close(&bags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shipped_model),  cmocka_unit_test(test_time_is_cut), cmocka_unit_test(test_apart),
        cmocka_unit_test(test_apart_from_the_start), cmocka_unit_test(test_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
