/* SPDX-License-Identifier: Apache-2.0
 *
 * A large input that stands in the program's memory: copied into the channel's, or read where it is, in a buffer. The
 * two take turns, request by request.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "e2e.h"

enum { COPIES_WARM_UP = 20 };

int copies_init(struct copies *copies, size_t capacity)
{
    *copies = (struct copies){ .bytes = 0 };
    for (unsigned i = 0; i < COPY_WAYS; i++) {
        if (samples_init(&copies->total[i], capacity))
            return -1;
    }
    return 0;
}

void copies_deinit(struct copies *copies)
{
    for (unsigned i = 0; i < COPY_WAYS; i++)
        samples_deinit(&copies->total[i]);
}

struct copying {
    struct endpoint endpoint;
    wisp_buffer *buffer;
    wisp_request *requests[COPY_WAYS];
    float *source; /* where the program has it, when it copies */
    size_t bytes;
};

static int copying_open(struct copying *copying, const char *socket)
{
    int result = endpoint_open(&copying->endpoint, socket, SPIN_LONG_US, 1);
    wisp_client *client = copying->endpoint.client;
    const wisp_model *model = copying->endpoint.model;
    float *data;

    if (result)
        return result;
    copying->bytes = COPY_ROWS * wisp_model_input_size(model) * sizeof(float);
    copying->source = malloc(copying->bytes);
    if (!copying->source || wisp_buffer_new(client, copying->bytes, &copying->buffer) ||
        wisp_request_new(client, model, COPY_ROWS, &copying->requests[COPY_COPIED]) ||
        wisp_request_new_in(client, model, COPY_ROWS, copying->buffer, 0, &copying->requests[COPY_EXTERNAL]))
        return complain("a buffer");
    data = wisp_buffer_data(copying->buffer);
    for (size_t i = 0; i < copying->bytes / sizeof(float); i++)
        data[i] = copying->source[i] = (float)(i * 37 % 101) / 101;
    return 0;
}

static void copying_close(struct copying *copying)
{
    for (unsigned i = 0; i < COPY_WAYS; i++)
        wisp_request_free(copying->requests[i]);
    (void)wisp_buffer_free(copying->buffer);
    free(copying->source);
    endpoint_close(&copying->endpoint);
}

static int ask_once(struct copying *copying, unsigned way, struct copies *copies)
{
    wisp_request *request = copying->requests[way];
    const uint64_t begin = clock_ns();

    if (way == COPY_COPIED)
        memcpy(wisp_request_input(request), copying->source, copying->bytes);
    if (wisp_submit(request) || wisp_wait(request, UINT32_MAX))
        return complain("request");
    if (copies)
        samples_add(&copies->total[way], clock_ns() - begin);
    return 0;
}

int copies_measure(struct copies *copies, const char *socket, size_t count)
{
    struct copying copying = { .bytes = 0 };
    int result = copying_open(&copying, socket);

    for (size_t i = 0; !result && i < COPIES_WARM_UP + count; i++) {
        for (unsigned way = 0; !result && way < COPY_WAYS; way++)
            result = ask_once(&copying, way, i < COPIES_WARM_UP ? NULL : copies);
    }
    copies->bytes = copying.bytes;
    copying_close(&copying);
    return result;
}
