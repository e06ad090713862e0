/* SPDX-License-Identifier: Apache-2.0
 *
 * Of a model that decodes: how wide a beam is to be, and words as they come. The daemon may lie: what it says is copied
 * once, and held within what the answer has room for.
 */
#include <pthread.h>
#include <string.h>

#include "base/export.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/api/request.h"
#include "client/binding.h"
#include "client/client.h"
#include "client/last_error.h"
#include "client/model.h"

WISP_EXPORT size_t wisp_model_words(const wisp_model *model)
{
    return model->words_max;
}

WISP_EXPORT int wisp_request_set_beam(wisp_request *request, uint32_t width)
{
    if (width && !request->words_max)
        return last_error_set(WISP_E_INVALID, "the request is of a model that does not decode: it has no beam");
    if (width > WIRE_BEAM_MAX)
        return last_error_set(WISP_E_INVALID, "a beam of %u: at most %d", width, WIRE_BEAM_MAX);
    request->beam = (uint16_t)width;
    return 0;
}

int beam_explain(const struct wisp_request *request, int status)
{
    const char *name = request->binding->name;

    if (status == WISP_E_VERSION)
        return last_error_set(status, "this wispd is of a version that has no beams: restart it, or ask for none");
    if (!request->where[0])
        return last_error_set(status, "%s does not decode as this wispd has it: it has no beam", name);
    return last_error_set(status,
                          "a beam of %u is wider than the %u sequences of %s that this wispd runs at once "
                          "(models: batch: max: in its configuration)",
                          request->beam, request->where[0], name);
}

/* How many words of a row are there, of this submission; the lock is held, so that its session stays. */
static size_t progress_of(const struct wisp_request *request, uint32_t row)
{
    const unsigned char *at = session_output(request->session) + request->out_offset +
                              wire_block_offset(&request->output, request->rows, 1) +
                              row * sizeof(struct wire_progress);
    struct wire_progress progress;
    /* Pairs with the store of daemon/shard/s5_decode.c: the words that are counted are there. */
    const uint64_t both = __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);

    insist(row < request->rows && (uintptr_t)at % sizeof both == 0, "%u", row);
    memcpy(&progress, &both, sizeof progress);
    return request->mark && progress.mark == request->mark ? MIN(progress.count, request->words_max) : 0;
}

WISP_EXPORT int wisp_request_words(const wisp_request *request, uint32_t row, int32_t *words, size_t *count)
{
    struct wisp_client *client = request->client;
    const size_t room = *count;

    *count = 0;
    if (!request->words_max)
        return last_error_set(WISP_E_INVALID, "the request is of a model that does not decode");
    if (row >= request->rows)
        return last_error_set(WISP_E_INVALID, "the request has %u samples: there is none of number %u", request->rows,
                              row);
    pthread_mutex_lock(&client->lock);
    *count = progress_of(request, row);
    memcpy(words, session_output(request->session) + request->out_offset + row * request->output.bytes[0],
           MIN(*count, room) * sizeof *words);
    pthread_mutex_unlock(&client->lock);
    return 0;
}
