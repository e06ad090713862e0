/* SPDX-License-Identifier: Apache-2.0
 *
 * Stages 4 and 5 of a model that decodes: a call begins the sequences that there is room for, as one batch, and makes
 * a slice of a step of all that run, as one batch. Then it is others' turn. While a step has been left, none begins:
 * what one that is given up had of memory is nobody else's until the step is over.
 *
 * Inputs are read once, when a sequence begins. Words go to the client's arena as they are certain: words first, then,
 * with one release store, how many there are and the submission's mark.
 */
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/sequences.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

/* ---- what a client sees ---- */

static unsigned char *output_of(const struct running *running, uint32_t tensor)
{
    const struct request *request = running->request;
    const struct wire_block *block = &request->queue->instance->output;

    insist(running->row < request->ask.rows, "%u of %u", running->row, request->ask.rows);
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
        running->told = running->steps = 0;
        sequences->called[(*begun)++] = running;
    }
    return true;
}

/* Before its first row begins. */
static int check(struct request *request, uint64_t now_ns)
{
    return s4_fits(request) ? s5_check(request, request->ask.rows, now_ns) : WISP_E_SHAPE;
}

/* What looking takes is the request's, whether it begins or not: it may have much to look at. */
static int look_at(struct request *request, uint64_t now_ns, uint64_t *since)
{
    const uint64_t begin_ns = *since;
    const int status = check(request, now_ns);
    uint64_t took;

    *since = clock_ns();
    took = *since - begin_ns;
    if (status) {
        s5_charge_refusal(request, took);
    } else {
        tally_use(request->queue->tally, 0, took);
        s5_use(request, 0, took, cost_believed(&request->queue->beginning, request->ask.rows, UINT64_MAX, took));
    }
    return status;
}

/* The flow's first request of which rows are to begin. */
static struct request *first_to_begin(const struct shard *shard, const struct flow *flow, uint64_t now_ns)
{
    struct request *request = shard_holds(shard, flow->channel->account, now_ns) ? NULL : flow->head;

    while (request && request->rows_now == request->ask.rows)
        request = request->next;
    return request;
}

/* Of all that wait the one whose user, and then channel, was charged least. */
static struct request *next_to_begin(const struct shard *shard, const struct queue *queue, uint64_t now_ns)
{
    struct request *next = NULL;

    for (const struct flow *flow = queue->first; flow; flow = flow->next) {
        struct request *request = first_to_begin(shard, flow, now_ns);

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
    uint64_t since = now_ns;
    struct request *request;

    insist(!queue->sequences->step.count); /* what was given up has memory until the step is over */
    while (queue->sequences->free_count && begun < most && since - now_ns < SHARD_SLICE_NS &&
           (request = next_to_begin(shard, queue, now_ns))) {
        const uint32_t before = request->rows_now;
        int status;

        if (!before && request->beam > queue->sequences->free_count)
            break; /* it is looked at when there is room */
        status = before ? WISP_OK : look_at(request, now_ns, &since);
        if (status) {
            s3_remove(request); /* nothing of it has begun */
            s6_complete(shard, request, status);
        } else if (!place_rows(queue, request, most, &from, &begun)) {
            if (request->rows_now > before && !shard->draining)
                s3_behind(request);
            break;
        }
    }
    insist(begun <= most && most <= queue->sequences->capacity, "%u of %u", begun, most);
    return begun;
}

/* What beginning took is paid for by those who have begun. */
static void account_beginning(struct queue *queue, uint32_t count, uint64_t begin_ns)
{
    const uint64_t took = clock_ns() - begin_ns;
    const uint64_t owed = cost_believed(&queue->beginning, count, UINT64_MAX, took);

    cost_learn(&queue->beginning, count, took);
    counter_add(&queue->tally->batches, 1);
    tally_use(queue->tally, count, took);
    for (uint32_t i = 0; i < count; i++) {
        struct request *request = queue->sequences->called[i]->request;

        request->begun_ns = request->begun_ns ? request->begun_ns : begin_ns;
        request->compute_ns += took / count;
        s5_use(request, 1, took / count, owed / count);
    }
}

static void begin(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct sequences *sequences = queue->sequences;
    const struct instance *instance = queue->instance;
    const uint32_t count = place(shard, queue, now_ns);
    const uint64_t begin_ns = clock_ns(); /* placing them has been paid for */
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
    decoder_begin(queue->runner->decoder, queue->batch.inputs, sequences->places, count);
    queue->running += count;
    account_beginning(queue, count, begin_ns);
}

/* ---- a step ---- */

/* All that run, but for those whose users had all of the time that they may have; with `held` these too. */
static struct step gather(const struct shard *shard, struct sequences *sequences, uint64_t now_ns, bool held)
{
    struct step step = { .begun_ns = now_ns };

    for (uint32_t i = 0; i < sequences->capacity; i++) {
        struct running *running = &sequences->slots[i];

        if (!running->request || (!held && shard_holds(shard, running->request->channel->account, now_ns)))
            continue;
        running->places = running->beam.live;
        step.places += running->places;
        sequences->called[step.count] = running;
        sequences->stepped[step.count++] = &running->beam;
    }
    step.wanted = step.count;
    insist(step.count <= step.places, "%u of %u", step.count, step.places);
    return step;
}

static void begin_step(const struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct sequences *sequences = queue->sequences;

    insist(!queue->runner->running);
    sequences->step = gather(shard, sequences, now_ns, false);
    if (!sequences->step.count) /* somebody's turn it is, who waits for their memory */
        sequences->step = gather(shard, sequences, now_ns, true);
    if (!sequences->step.count)
        return;
    queue->runner->running = queue;
    beams_step_begin(queue->runner->decoder, sequences->stepped, sequences->step.count);
}

static void end_step(struct queue *queue)
{
    insist(queue->runner->running == queue);
    queue->sequences->step.count = 0;
    queue->runner->running = NULL;
}

/* A sequence pays for its places: a wide beam computes as many rows as narrow ones of as many sequences. */
static void charge_step(struct queue *queue, uint64_t took_ns)
{
    const struct sequences *sequences = queue->sequences;
    const uint64_t places = sequences->step.places, threads = decoder_threads(queue->runner->decoder);
    const uint64_t used_ns = took_ns * threads;
    const uint64_t owed_ns = cost_believed(&queue->cost, sequences->step.places, SHARD_SLICE_NS, took_ns) * threads;

    insist(places > 0);
    tally_use(queue->tally, 0, used_ns);
    for (uint32_t i = 0; i < sequences->step.count; i++) {
        const struct running *running = sequences->called[i];

        if (running->request)
            s5_use(running->request, 0, used_ns * running->places / places, owed_ns * running->places / places);
    }
}

void s5_leave_step(const struct request *request)
{
    struct queue *queue = request->queue;
    struct step *step = &queue->sequences->step;
    const uint64_t all_ns = cost_estimate(&queue->cost, MAX(step->places, 1u));
    const uint64_t rest_ns =
        (all_ns > step->spent_ns ? all_ns - step->spent_ns : 0) * decoder_threads(queue->runner->decoder);

    for (uint32_t i = 0; i < step->count; i++) {
        const struct running *running = queue->sequences->called[i];

        if (running->request != request)
            continue;
        /* The rest of its part is computed all the same, and nobody else is to pay for it. */
        s5_use(request, 0, rest_ns * running->places / step->places, rest_ns * running->places / step->places);
        insist(step->wanted > 0);
        step->wanted--;
    }
    if (step->count && !step->wanted)
        end_step(queue);
}

static void account_step(struct queue *queue, const struct step *step, uint64_t end_ns)
{
    cost_learn(&queue->cost, step->places, step->spent_ns);
    cost_learn(&queue->hoped, step->places, step->spent_ns);
    counter_add(&queue->tally->batches, 1);
    counter_add(&queue->tally->pooled, decoder_threads(queue->runner->decoder) > 1);
    for (uint32_t i = 0; i < step->count; i++) {
        struct request *request = queue->sequences->called[i]->request;

        if (!request || request->done_ns == end_ns)
            continue; /* it was given up; it is of another of its rows */
        request->compute_ns += step->spent_ns;
        request->done_ns = end_ns;
        request->batch = MAX(request->batch, step->places);
    }
}

/* What is certain of its words by now. */
static void tell(struct running *running)
{
    const struct decoder *decoder = running->request->queue->runner->decoder;
    const struct beam *beam = &running->beam;

    if (beam->shared == running->told)
        return;
    insist(beam->shared > running->told, "%u, %u", beam->shared, running->told);
    insist(beam->shared <= running->request->queue->instance->model->decoding.length, "%u", beam->shared);
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
    running->steps++;
    if (!running->beam.ended)
        return;
    sequences_learn(request->queue->sequences, running);
    insist(request->queue->running > 0 && request->queue->rows > 0);
    sequences_give(request->queue->sequences, running);
    request->queue->running--;
    request->queue->rows--;
    if (++request->rows_done < request->ask.rows)
        return;
    insist(request->rows_now == request->ask.rows); /* all have begun */
    s3_remove(request);
    s6_complete(shard, request, WISP_OK);
}

/* What was given up meanwhile goes on as well, in memory that nobody else has been given yet; and nobody hears of it.
 */
static void finish_step(struct shard *shard, struct queue *queue, uint64_t end_ns)
{
    const struct step step = queue->sequences->step;

    account_step(queue, &step, end_ns);
    end_step(queue);
    for (uint32_t i = 0; i < step.count; i++) {
        if (queue->sequences->called[i]->request)
            account(shard, queue->sequences->called[i]);
    }
}

static void run_step(struct shard *shard, struct queue *queue)
{
    struct decoder *decoder = queue->runner->decoder;
    struct step *step = &queue->sequences->step;
    const uint64_t begin_ns = step->spent_ns ? clock_ns() : step->begun_ns;
    const uint64_t then = decoder_estimate(decoder, step->places), now = cost_estimate(&queue->cost, step->places);
    const bool more = decoder_step_slice(decoder, s5_slice_ns(then, now));
    uint64_t end_ns;

    if (!more)
        beams_step_end(decoder, queue->sequences->stepped, step->count);
    end_ns = clock_ns();
    step->spent_ns += end_ns - begin_ns;
    charge_step(queue, end_ns - begin_ns);
    if (!more)
        finish_step(shard, queue, end_ns);
}

void s5_decode(struct shard *shard, struct queue *queue)
{
    if (!queue->sequences->step.count) {
        if (queue->sequences->free_count)
            begin(shard, queue, clock_ns());
        begin_step(shard, queue, clock_ns());
    }
    if (queue->sequences->step.count)
        run_step(shard, queue);
}
