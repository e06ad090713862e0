/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/insist.h"
#include "base/memory.h"
#include "base/size.h"
#include "daemon/shard/sequences.h"

enum { PARTS = 256, LEARN = 8 };

/* Pages that no sequence has come to are not there yet. */
static int make(struct sequences *sequences, const struct instance *instance)
{
    const uint32_t capacity = instance->batch_max;
    const uint32_t length = instance->model->decoding.length;
    const uint64_t bytes = decoder_sequence_bytes(instance->decoder);

    sequences->slots = calloc(capacity, sizeof *sequences->slots);
    sequences->called = calloc(capacity, sizeof(struct running *));
    sequences->stepped = calloc(capacity, sizeof(struct beam *));
    sequences->places = calloc(capacity, sizeof(unsigned char *));
    sequences->free = calloc(capacity, sizeof(unsigned char *));
    sequences->memory = memory_alloc(capacity, bytes);
    sequences->words = memory_alloc(capacity, length * sizeof *sequences->words);
    if (!sequences->slots || !sequences->called || !sequences->stepped || !sequences->places || !sequences->free ||
        !sequences->memory || !sequences->words)
        return -ENOMEM;
    sequences->capacity = capacity;
    sequences->usual_steps = PARTS; /* one: as long as nothing has ended nobody is turned away for more */
    for (uint32_t i = 0; i < capacity; i++) {
        sequences->free[sequences->free_count++] = sequences->memory + i * bytes;
        sequences->slots[i].beam.words = sequences->words + (size_t)i * length;
    }
    return 0;
}

int sequences_new(const struct instance *instance, struct sequences **out)
{
    struct sequences *sequences = calloc(1, sizeof *sequences);
    int result = sequences ? make(sequences, instance) : -ENOMEM;

    if (result)
        sequences_free(sequences);
    else
        *out = sequences;
    return result;
}

struct sequences *sequences_free(struct sequences *sequences)
{
    if (!sequences)
        return NULL;
    free(sequences->slots);
    free(sequences->called);
    free(sequences->stepped);
    free(sequences->places);
    free(sequences->free);
    free(sequences->memory);
    free(sequences->words);
    free(sequences);
    return NULL;
}

void sequences_take(struct sequences *sequences, struct running *slot, struct request *request, uint32_t beam)
{
    insist(!slot->request && beam <= sequences->free_count, "%u of %u", beam, sequences->free_count);
    insist(beam > 0 && beam <= DECODING_BEAM_MAX, "%u", beam);
    slot->request = request;
    for (uint32_t i = 0; i < beam; i++)
        slot->beam.hypotheses[i].memory = sequences->free[--sequences->free_count];
    beam_begin(&slot->beam, beam);
}

void sequences_give(struct sequences *sequences, struct running *slot)
{
    insist(slot->request);
    insist(slot->beam.width <= sequences->capacity - sequences->free_count, "%u", slot->beam.width);
    slot->request = NULL;
    for (uint32_t i = 0; i < slot->beam.width; i++)
        sequences->free[sequences->free_count++] = slot->beam.hypotheses[i].memory;
}

void sequences_learn(struct sequences *sequences, const struct running *ended)
{
    const int64_t off = (int64_t)ended->steps * PARTS - sequences->usual_steps;

    sequences->usual_steps = (uint32_t)(sequences->usual_steps + off / LEARN);
}

uint32_t sequences_places(const struct sequences *sequences, uint32_t rows, uint32_t beam)
{
    return (uint32_t)MIN((uint64_t)rows * beam, (uint64_t)sequences->capacity);
}

uint64_t sequences_steps(const struct sequences *sequences, uint32_t rows, uint32_t beam)
{
    const uint64_t at_once = MAX(sequences->capacity / beam, 1u);

    return (rows + at_once - 1) / at_once * sequences->usual_steps / PARTS;
}

uint32_t sequences_leave(struct sequences *sequences, const struct request *request)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < sequences->capacity; i++) {
        if (sequences->slots[i].request != request)
            continue;
        sequences_give(sequences, &sequences->slots[i]);
        left++;
    }
    return left;
}
