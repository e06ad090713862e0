/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "daemon/shard/sequences.h"

/* Pages that no sequence has come to are not there yet. */
static int make(struct sequences *sequences, const struct instance *instance)
{
    const uint32_t capacity = instance->batch_max;
    const uint64_t bytes = decoder_sequence_bytes(instance->decoder);

    sequences->slots = calloc(capacity, sizeof *sequences->slots);
    sequences->called = calloc(capacity, sizeof(struct running *));
    sequences->stepped = calloc(capacity, sizeof(struct sequence *));
    sequences->places = calloc(capacity, sizeof(unsigned char *));
    sequences->memory = memory_alloc(capacity, MAX(bytes, 1u));
    if (!sequences->slots || !sequences->called || !sequences->stepped || !sequences->places || !sequences->memory)
        return -ENOMEM;
    sequences->capacity = capacity;
    for (uint32_t i = 0; i < capacity; i++)
        sequences->slots[i].sequence.memory = sequences->memory + i * bytes;
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
    free(sequences->memory);
    free(sequences);
    return NULL;
}

uint32_t sequences_leave(struct sequences *sequences, const struct request *request)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < sequences->capacity; i++) {
        if (sequences->slots[i].request != request)
            continue;
        sequences->slots[i].request = NULL;
        left++;
    }
    return left;
}
