/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/both_loops.h"
#include "system/alpha.h"

struct bed bed;

const struct model_recipe alpha_recipe = { .name = "alpha",
                                           .processing = "image.classification",
                                           .sizes = { ALPHA_INPUTS, 120, 70, ALPHA_OUTPUTS },
                                           .density = 0.2,
                                           .seed = 7 };

void alpha_open(struct raw_client *client, const char *socket)
{
    struct wire_hello hello = raw_hello(ALPHA_ENTRIES, ALPHA_ARENA);

    assert_int_equal(raw_open(client, socket, &hello), 0);
}

struct wire_submission alpha_request(uint32_t route, uint32_t rows, uint32_t at)
{
    struct wire_submission request = raw_infer(route, rows, at * 1280ull, (uint64_t)rows * ALPHA_IN_BYTES, at * 128ull,
                                               (uint64_t)rows * ALPHA_OUT_BYTES);

    request.user_data = at;
    return request;
}

void alpha_fill(const struct raw_client *client, const struct wire_submission *request, uint64_t seed)
{
    floats_make(client->input + request->in_offset / 4, request->in_length / 4, seed, request->user_data);
}

void alpha_check(struct reference *reference, const struct raw_client *client, const struct wire_submission *request,
                 uint64_t seed)
{
    size_t inputs = request->in_length / 4, outputs = request->out_length / 4;
    float *input = malloc(inputs * sizeof *input), *want = malloc(outputs * sizeof *want);

    assert_non_null(input);
    assert_non_null(want);
    floats_make(input, inputs, seed, request->user_data);
    reference_run(reference, input, request->rows, want);
    assert_memory_equal(client->output + request->out_offset / 4, want, request->out_length);
    free(input);
    free(want);
}

void alpha_submit_many(struct raw_client *client, uint32_t route, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wire_submission request = alpha_request(route, 1, i);

        alpha_fill(client, &request, 1);
        assert_true(raw_submit(client, &request));
    }
    while (__atomic_load_n(&client->theirs->sq_head, __ATOMIC_ACQUIRE) != count)
        poll(NULL, 0, 1);
}

void alpha_round(struct reference *reference, struct raw_client *client, uint32_t route, uint32_t rows, uint64_t seed)
{
    struct wire_submission request = alpha_request(route, rows, 0);
    struct wire_completion completion;

    alpha_fill(client, &request, seed);
    assert_int_equal(raw_run(client, &request, &completion), 0);
    alpha_check(reference, client, &request, seed);
}

/* ---- the bed ---- */

int bed_make(void **state)
{
    (void)state;
    bed.folder = scratch_make();
    snprintf(bed.alpha, sizeof bed.alpha, "%s", scratch_path(bed.folder, "alpha.safetensors"));
    model_make(bed.alpha, &alpha_recipe);
    bed.reference = reference_new(bed.alpha);
    return 0;
}

int bed_remove(void **state)
{
    (void)state;
    bed.reference = reference_free(bed.reference);
    scratch_remove(bed.folder);
    return 0;
}

void bed_start(const char *model_yaml, const char *yaml)
{
    const char *models[] = { bed.alpha };

    daemon_start(&bed.daemon,
                 &(struct daemon_setup){
                     .models = models, .model_count = 1, .model_yaml = model_yaml, .yaml = yaml, .loop = loop_now });
}

void bed_serves(void)
{
    alpha_open(&bed.honest, bed.daemon.socket);
    alpha_round(bed.reference, &bed.honest, raw_route(&bed.honest, "image"), 3, 1);
    raw_close(&bed.honest);
}
