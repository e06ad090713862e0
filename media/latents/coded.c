/* SPDX-License-Identifier: Apache-2.0 */
#include "media/latents/coded.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

enum { VERSION = 1, MAGIC = 7, STEP_MAX = 65535, BLOCK_MAX = 64 };

/* Not text, and a copy that turned line ends is seen at once, as PNG does it. */
static const uint8_t magic[MAGIC] = { 0x89, 'W', 'Z', '\r', '\n', 0x1a, '\n' };

/* The beginning of a file; the name follows, the latents, and the checksum of all before it. */
struct head {
    uint8_t magic[MAGIC], version;
    uint32_t width, height;
    uint16_t depth;
    uint8_t block, channels;
    uint16_t step;
    uint8_t name, reserved;
    uint64_t identity[2];
};
_Static_assert(sizeof(struct head) == 40, "a head has no holes");

typedef uint64_t checksum;

bool coded_is(const void *bytes, size_t length)
{
    return length >= MAGIC && !memcmp(bytes, magic, MAGIC);
}

void coded_identity(const char *identity, uint64_t out[static 2])
{
    const XXH128_hash_t hash = XXH3_128bits(identity, strlen(identity));

    out[0] = hash.low64;
    out[1] = hash.high64;
}

/* ---- checks ---- */

static int check(const struct coded *c, struct reason *why)
{
    if (!c->width || !c->height || c->width > CODED_SIDE_MAX || c->height > CODED_SIDE_MAX)
        return refuse(why, WISP_E_FORMAT, "it says that it has %u x %u pixels; there are 1 to %d a side", c->width,
                      c->height, CODED_SIDE_MAX);
    if ((uint64_t)c->width * c->height > CODED_PIXELS_MAX)
        return refuse(why, WISP_E_FORMAT, "it says that it has %u x %u pixels; there are %d Mi in all at most",
                      c->width, c->height, CODED_PIXELS_MAX >> 20);
    if (c->channels != 1 && c->channels != 3)
        return refuse(why, WISP_E_FORMAT, "it says that it has %u channels, not 1 or 3", c->channels);
    if (!c->block || c->block > BLOCK_MAX || !c->depth || c->depth > 3 * c->block * c->block ||
        c->depth > LATENTS_CHANNELS_MAX)
        return refuse(why, WISP_E_FORMAT, "it says that squares of %u pixels have %u numbers, which cannot be",
                      c->block, c->depth);
    if (!c->step || c->step > STEP_MAX)
        return refuse(why, WISP_E_FORMAT, "its step is %u, not 1 to %d", c->step, STEP_MAX);
    return 0;
}

/* Printable, so that it can be said. */
static int check_name(const char *name, size_t length, struct reason *why)
{
    for (size_t i = 0; i < length; i++) {
        if (name[i] < 0x21 || name[i] > 0x7e)
            return refuse(why, WISP_E_FORMAT, "the name of its model has a byte that no name has");
    }
    return length && length < CODED_NAME_MAX ? 0 : refuse(why, WISP_E_FORMAT, "its model has no name");
}

/* ---- writing ---- */

static uint8_t *put(uint8_t *to, const void *bytes, size_t length)
{
    return (uint8_t *)memcpy(to, bytes, length) + length;
}

static int assemble(const struct coded *c, const struct coded_body *body, void **bytes, size_t *length)
{
    const size_t name = strlen(c->model), all = sizeof(struct head) + name + body->length + sizeof(checksum);
    struct head head = { .version = VERSION,
                         .width = htole32(c->width),
                         .height = htole32(c->height),
                         .depth = htole16((uint16_t)c->depth),
                         .block = (uint8_t)c->block,
                         .channels = (uint8_t)c->channels,
                         .step = htole16((uint16_t)c->step),
                         .name = (uint8_t)name,
                         .identity = { htole64(c->identity[0]), htole64(c->identity[1]) } };
    uint8_t *file = memory_alloc(all, 1), *at;
    checksum sum;

    if (!file)
        return -ENOMEM;
    memcpy(head.magic, magic, MAGIC);
    at = put(file, &head, sizeof head);
    at = put(at, c->model, name);
    at = put(at, body->bytes, body->length);
    sum = htole64(XXH3_64bits(file, all - sizeof sum));
    put(at, &sum, sizeof sum);
    *bytes = file;
    *length = all;
    return 0;
}

int coded_write(const struct coded *coded, const struct latents *latents, void **bytes, size_t *length,
                struct reason *why)
{
    struct coded_body body;
    uint8_t *made = NULL;
    int result = check(coded, why);

    if (!result)
        result = check_name(coded->model, strlen(coded->model), why);
    if (result)
        return WISP_E_INVALID;
    result = latents_encode(latents, &made, &body.length);
    body.bytes = made;
    if (!result)
        result = assemble(coded, &body, bytes, length);
    free(made);
    return result ? refuse_errno(why, result, "a compressed picture") : 0;
}

/* ---- reading ---- */

static int check_whole(const uint8_t *file, size_t length, struct reason *why)
{
    const uint8_t version = file[MAGIC];
    checksum sum;

    if (version != VERSION)
        return refuse(why, WISP_E_FORMAT, "it is of version %u; this wisp reads version %d", version, VERSION);
    memcpy(&sum, file + length - sizeof sum, sizeof sum);
    if (le64toh(sum) != XXH3_64bits(file, length - sizeof sum))
        return refuse(why, WISP_E_FORMAT, "its checksum is not that of its bytes: it is damaged or cut off");
    return 0;
}

int coded_open(const void *bytes, size_t length, struct coded *out, struct coded_body *body, struct reason *why)
{
    struct head head;
    int result;

    if (!coded_is(bytes, length))
        return refuse(why, WISP_E_FORMAT, "is no picture that wisp compressed");
    if (length < sizeof head + sizeof(checksum))
        return refuse(why, WISP_E_FORMAT, "it ends after %zu bytes, within its head: it is cut off", length);
    result = check_whole(bytes, length, why);
    if (result)
        return result;
    memcpy(&head, bytes, sizeof head);
    *out = (struct coded){ .width = le32toh(head.width),
                           .height = le32toh(head.height),
                           .channels = head.channels,
                           .block = head.block,
                           .depth = le16toh(head.depth),
                           .step = le16toh(head.step),
                           .identity = { le64toh(head.identity[0]), le64toh(head.identity[1]) } };
    if (head.reserved || head.name > length - sizeof head - sizeof(checksum) || head.name >= CODED_NAME_MAX)
        return refuse(why, WISP_E_FORMAT, "its head is not as it should be");
    memcpy(out->model, (const uint8_t *)bytes + sizeof head, head.name);
    *body = (struct coded_body){ .bytes = (const uint8_t *)bytes + sizeof head + head.name,
                                 .length = length - sizeof head - head.name - sizeof(checksum) };
    result = check_name(out->model, head.name, why);
    return result ? result : check(out, why);
}

int coded_latents(const struct coded *coded, const struct coded_body *body, struct latents *out, struct reason *why)
{
    int result = latents_init(out, coded->depth, coded_latents_of(coded, coded->width),
                              coded_latents_of(coded, coded->height), why);

    if (!result)
        result = latents_decode(out, body->bytes, body->length, why);
    if (result)
        latents_deinit(out);
    return result == WISP_E_INVALID ? WISP_E_FORMAT : result;
}
