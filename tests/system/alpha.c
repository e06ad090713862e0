/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <stdlib.h>

#include "system/alpha.h"

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

void alpha_round(struct reference *reference, struct raw_client *client, uint32_t route, uint32_t rows, uint64_t seed)
{
    struct wire_submission request = alpha_request(route, rows, 0);
    struct wire_completion completion;

    alpha_fill(client, &request, seed);
    assert_int_equal(raw_run(client, &request, &completion), 0);
    alpha_check(reference, client, &request, seed);
}
