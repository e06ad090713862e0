/* SPDX-License-Identifier: Apache-2.0
 *
 * The pieces' bytes lie one behind the other; a table of their numbers is found by their hash, and never more than half
 * full.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "media/spec/vocabulary.h"

struct vocabulary {
    char *bytes;
    uint32_t *starts;             /* count + 1 of them */
    size_t count, capacity, room; /* pieces; pieces there is room for; bytes there is room for */
    size_t text;                  /* bytes of all as JSON */
    uint32_t *slots;              /* 1 + the index of a piece; 0: none */
    size_t mask;
    char single[256];
};

CLEANUP_DEFINE(vocabulary, struct vocabulary, vocabulary_free)

struct vocabulary *vocabulary_new(size_t pieces)
{
    cleanup(vocabulary_at_exit) struct vocabulary *v = calloc(1, sizeof *v);
    size_t slots = 16;

    if (!v)
        return NULL;
    v->capacity = MIN(pieces, (size_t)VOCABULARY_PIECES_MAX);
    while (slots < 2 * v->capacity)
        slots *= 2;
    v->mask = slots - 1;
    v->slots = calloc(slots, sizeof *v->slots);
    v->starts = calloc(v->capacity + 1, sizeof *v->starts);
    for (size_t i = 0; i < sizeof v->single; i++)
        v->single[i] = (char)i;
    return v->slots && v->starts ? steal(&v) : NULL;
}

struct vocabulary *vocabulary_free(struct vocabulary *vocabulary)
{
    if (vocabulary) {
        free(vocabulary->bytes);
        free(vocabulary->starts);
        free(vocabulary->slots);
        free(vocabulary);
    }
    return NULL;
}

/* Where the piece stands in the table, or where it would. */
static size_t slot_of(const struct vocabulary *v, const char *piece, size_t length)
{
    size_t slot = XXH3_64bits(piece, length) & v->mask;

    for (; v->slots[slot]; slot = (slot + 1) & v->mask) {
        const uint32_t *start = &v->starts[v->slots[slot] - 1];

        if (start[1] - start[0] == length && !memcmp(v->bytes + start[0], piece, length))
            break;
    }
    return slot;
}

/* Bytes that the piece takes in a list in JSON; 0: it has control characters. */
static size_t json_length(const char *piece, size_t length)
{
    size_t total = length + strlen("\"\",");

    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)piece[i];

        if (byte < 0x20 || byte == 0x7f)
            return 0;
        total += byte == '"' || byte == '\\';
    }
    return total;
}

static int check(const struct vocabulary *v, const char *piece, size_t length, struct reason *why)
{
    const size_t text = json_length(piece, length);

    if (v->count == v->capacity)
        return refuse(why, WISP_E_FORMAT, "more than %zu pieces", v->capacity);
    if (!length || length > VOCABULARY_PIECE_MAX)
        return refuse(why, WISP_E_FORMAT, "piece %zu has %zu bytes; 1 to %d are expected", v->count + 1, length,
                      VOCABULARY_PIECE_MAX);
    if (!text)
        return refuse(why, WISP_E_FORMAT, "piece %zu has a control character in it", v->count + 1);
    if (v->text + text > VOCABULARY_TEXT_MAX)
        return refuse(why, WISP_E_FORMAT, "up to piece %zu there are more than %d bytes", v->count + 1,
                      VOCABULARY_TEXT_MAX);
    if (v->slots[slot_of(v, piece, length)])
        return refuse(why, WISP_E_FORMAT, "piece %zu, \"%.*s\", is piece %u already", v->count + 1, (int)length, piece,
                      v->slots[slot_of(v, piece, length)]);
    return 0;
}

int vocabulary_add(struct vocabulary *v, const char *piece, size_t length, struct reason *why)
{
    const size_t used = v->starts[v->count];
    int result = check(v, piece, length, why);

    if (result)
        return result;
    if (used + length > v->room) {
        const size_t room = MAX(2 * v->room, used + VOCABULARY_PIECE_MAX);
        char *larger = realloc(v->bytes, room);

        if (!larger)
            return refuse_errno(why, -ENOMEM, "a vocabulary");
        v->bytes = larger;
        v->room = room;
    }
    v->slots[slot_of(v, piece, length)] = (uint32_t)v->count + 1;
    memcpy(v->bytes + used, piece, length);
    v->text += json_length(piece, length);
    v->starts[++v->count] = (uint32_t)(used + length);
    return 0;
}

uint32_t vocabulary_size(const struct vocabulary *vocabulary)
{
    return VOCABULARY_PIECES + (uint32_t)vocabulary->count;
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *piece, size_t length)
{
    const uint32_t found = vocabulary->slots[slot_of(vocabulary, piece, length)];

    return found ? VOCABULARY_PIECES + found - 1 : 0;
}

const char *vocabulary_piece(const struct vocabulary *vocabulary, uint32_t number, size_t *length)
{
    const uint32_t *start = vocabulary->starts + (number - VOCABULARY_PIECES);

    if (number < VOCABULARY_PIECES) {
        *length = 1;
        return &vocabulary->single[number - VOCABULARY_BYTES];
    }
    *length = start[1] - start[0];
    return vocabulary->bytes + start[0];
}
