/* SPDX-License-Identifier: Apache-2.0
 *
 * Stages 4 and 5 of a model that decodes: a call begins the sequences that there is room for, as one batch, and makes
 * one step of all that run, as one batch. Then it is others' turn.
 *
 * Inputs are read once, when a sequence begins. Words go to the client's arena as they are certain: words first, then,
 * with one release store, how many there are and the submission's mark.
 */
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/shard/sequences.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

/* ---- what a client sees ---- */

static unsigned char *output_of(const struct running *running, uint32_t tensor)
{
    const struct request *request = running->request;
    const struct wire_block *block = &request->queue->instance->output;

    return request->channel->output + request->ask.out_offset + wire_block_offset(block, request->ask.rows, tensor) +
           running->row * block->bytes[tensor];
}

static int32_t *words_of(const struct running *running)
{
    return (int32_t *)(void *)output_of(running, DECODING_WORDS);
}

static void publish(const struct running *running)
{
    const struct wire_progress progress = { running->told, running->request->ask.mark };
    uint64_t both;

    _Static_assert(sizeof both == sizeof progress, "one store");
    memcpy(&both, &progress, sizeof both);
    /* Pairs with the load of client/api/words.c: who sees the count sees the words. */
    __atomic_store_n((uint64_t *)(void *)output_of(running, DECODING_PROGRESS), both, __ATOMIC_RELEASE);
}

/* Nothing of what stood there is left: the words that are not are the one that ends a sequence. */
static void publish_begin(const struct running *running)
{
    const struct decoding *decoding = &running->request->queue->instance->model->decoding;
    int32_t *words = words_of(running);

    for (uint32_t i = 0; i < decoding->length; i++)
        words[i] = (int32_t)decoding->end;
    publish(running);
}

/* ---- beginning ---- */

static struct running *find_free(const struct sequences *sequences, uint32_t *from)
{
    while (*from < sequences->capacity && sequences->slots[*from].request)
        ++*from;
    return *from < sequences->capacity ? &sequences->slots[*from] : NULL;
}

/* As many rows of a request as there is room for, `most` at most of all; false: there is none for the next. */
static bool place_rows(struct queue *queue, struct request *request, uint32_t most, uint32_t *from, uint32_t *begun)
{
    struct sequences *sequences = queue->sequences;
    struct running *running;

    while (request->rows_now < request->ask.rows) {
        running = request->beam <= sequences->free_count && *begun < most ? find_free(sequences, from) : NULL;
        if (!running)
            return false;
        sequences_take(sequences, running, request, request->beam);
        running->row = request->rows_now++;
        running->told = 0;
        sequences->called[(*begun)++] = running;
    }
    return true;
}

/* Before its first row begins. */
static int check(struct request *request, uint64_t now_ns)
{
    return s4_fits(request) ? s5_check(request, request->ask.rows, now_ns) : WISP_E_SHAPE;
}

/* The flow's first request of which rows are to begin. */
static struct request *first_to_begin(const struct flow *flow)
{
    struct request *request = flow->head;

    while (request && request->rows_now == request->ask.rows)
        request = request->next;
    return request;
}

/* Of all that wait the one whose user, and then channel, was charged least. */
static struct request *next_to_begin(const struct queue *queue)
{
    struct request *next = NULL;

    for (const struct flow *flow = queue->first; flow; flow = flow->next) {
        struct request *request = first_to_begin(flow);

        if (request && (!next || channel_goes_before(request->channel, next->channel)))
            next = request;
    }
    return next;
}

/* One that has had room for some of its rows goes behind the others of its channel, but when time is running out:
 * requests that are done count. One that has had room for none keeps its place, and nobody passes it by: else a wide
 * beam would wait until no other is there. */
static uint32_t place(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    const uint32_t most = cost_rows(&queue->beginning, SHARD_SLICE_NS, queue->sequences->capacity);
    uint32_t begun = 0, from = 0;
    struct request *request;

    while (queue->sequences->free_count && begun < most && (request = next_to_begin(queue))) {
        const uint32_t before = request->rows_now;
        int status = before ? WISP_OK : check(request, now_ns);

        if (status) {
            s5_charge_refusal(request, 0);
            request_give_up(shard, request, status);
        } else if (!place_rows(queue, request, most, &from, &begun)) {
            if (request->rows_now > before && !shard->draining)
                s3_behind(request);
            break;
        }
    }
    return begun;
}

/* What beginning took is paid for by those who have begun. */
static void account_beginning(struct queue *queue, uint32_t count, uint64_t begin_ns)
{
    const uint64_t took = clock_ns() - begin_ns;

    cost_learn(&queue->beginning, count, took);
    counter_add(&queue->tally->batches, 1);
    tally_use(queue->tally, count, took);
    for (uint32_t i = 0; i < count; i++) {
        struct request *request = queue->sequences->called[i]->request;

        request->begun_ns = request->begun_ns ? request->begun_ns : begin_ns;
        request->compute_ns += took / count;
        s5_use(request, 1, took / count);
    }
}

static void begin(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct sequences *sequences = queue->sequences;
    const struct instance *instance = queue->instance;
    const uint32_t count = place(shard, queue, now_ns);
    const void **inputs = queue->batch.inputs;

    if (!count)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct running *running = sequences->called[i];

        for (uint32_t t = 0; t < instance->input.count; t++)
            *inputs++ = s5_input(running->request, t) + running->row * instance->input.bytes[t];
        sequences->places[i] = running->beam.hypotheses[0].memory;
        publish_begin(running);
    }
    decoder_begin(instance->decoder, queue->batch.inputs, sequences->places, count);
    queue->running += count;
    account_beginning(queue, count, now_ns);
}

/* ---- a step ---- */

static void account_request(struct request *request, uint64_t begin_ns, uint64_t took, uint32_t places)
{
    request->compute_ns += took;
    request->done_ns = begin_ns + took;
    request->batch = MAX(request->batch, places);
}

/* Of all that have rows that run. */
static void account_time(struct queue *queue, uint64_t begin_ns, uint64_t took, uint32_t places)
{
    counter_add(&queue->tally->batches, 1);
    tally_use(queue->tally, 0, took);
    for (struct flow *flow = queue->first; flow; flow = flow->next) {
        for (struct request *request = flow->head; request; request = request->next) {
            if (request->rows_now)
                account_request(request, begin_ns, took, places);
        }
    }
}

/* A sequence pays for its places: a wide beam computes as many rows as narrow ones of as many sequences. */
static void charge_step(const struct sequences *sequences, uint32_t count, uint64_t took, uint32_t places)
{
    for (uint32_t i = 0; i < count; i++)
        s5_use(sequences->called[i]->request, 0, took * sequences->called[i]->places / places);
}

/* What is certain of its words by now. */
static void tell(struct running *running)
{
    const struct decoder *decoder = running->request->queue->instance->decoder;
    const struct beam *beam = &running->beam;

    if (beam->shared == running->told)
        return;
    memcpy(words_of(running) + running->told, beam_words(decoder, beam) + running->told,
           (beam->shared - running->told) * sizeof(int32_t));
    running->told = beam->shared;
    publish(running);
}

/* A word further, or to its end. */
static void account(struct shard *shard, struct running *running)
{
    struct request *request = running->request;

    tell(running);
    if (!running->beam.ended)
        return;
    sequences_give(request->queue->sequences, running);
    request->queue->running--;
    request->queue->rows--;
    if (++request->rows_done < request->ask.rows)
        return;
    s3_remove(request);
    s6_complete(shard, request, WISP_OK);
}

static void step(struct shard *shard, struct queue *queue)
{
    const uint64_t begin_ns = clock_ns();
    struct sequences *sequences = queue->sequences;
    uint32_t count = 0, places = 0;
    uint64_t took;

    for (uint32_t i = 0; count < queue->running; i++) {
        if (!sequences->slots[i].request)
            continue;
        sequences->slots[i].places = sequences->slots[i].beam.live;
        places += sequences->slots[i].places;
        sequences->called[count] = &sequences->slots[i];
        sequences->stepped[count++] = &sequences->slots[i].beam;
    }
    if (!count)
        return;
    beams_step(queue->instance->decoder, sequences->stepped, count);
    took = clock_ns() - begin_ns;
    charge_step(sequences, count, took, places);
    account_time(queue, begin_ns, took, places);
    for (uint32_t i = 0; i < count; i++)
        account(shard, sequences->called[i]);
}

void s5_decode(struct shard *shard, struct queue *queue)
{
    if (queue->sequences->free_count)
        begin(shard, queue, clock_ns());
    step(shard, queue);
}
