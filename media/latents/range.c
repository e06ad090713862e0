/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/size.h"
#include "media/latents/range.h"

enum { ROOM_MIN = 4096, TOP = 24 };

static void put(struct range *r, uint8_t byte)
{
    if (r->length == r->room) {
        const size_t room = r->room ? 2 * r->room : ROOM_MIN;
        uint8_t *out = r->failed ? NULL : realloc(r->out, room);

        if (!out) {
            r->failed = true;
            return;
        }
        r->out = out;
        r->room = room;
    }
    r->out[r->length++] = byte;
}

static uint8_t get(struct range *r)
{
    const size_t at = r->at++;

    return at < r->length ? r->in[at] : 0;
}

struct range range_encoder(void)
{
    return (struct range){ .high = UINT32_MAX };
}

struct range range_decoder(const uint8_t *bytes, size_t length)
{
    struct range r = { .decodes = true, .high = UINT32_MAX, .in = bytes, .length = length };

    for (size_t i = 0; i < sizeof r.code; i++)
        r.code = r.code << 8 | get(&r);
    return r;
}

int range_bit(struct range *r, int bit, uint32_t one)
{
    const uint32_t middle = r->low + (uint32_t)(((uint64_t)(r->high - r->low) * one) / RANGE_ONE);

    if (r->decodes)
        bit = r->code <= middle;
    if (bit)
        r->high = middle;
    else
        r->low = middle + 1;
    while (!((r->low ^ r->high) >> TOP)) {
        if (r->decodes)
            r->code = r->code << 8 | get(r);
        else
            put(r, (uint8_t)(r->high >> TOP));
        r->low <<= 8;
        r->high = r->high << 8 | UINT8_MAX;
    }
    return bit;
}

/* One byte is enough that lies between both whatever follows, unless there is none. */
void range_finish(struct range *r)
{
    if (!r->low)
        return; /* what follows is 0 */
    put(r, (uint8_t)((r->low >> TOP) + 1));
}
