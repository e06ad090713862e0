/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire's validators. The input is taken for a submission, for a message, and, when it is an acceptable hello, is
 * negotiated over. What they accept must be what the daemon and the library rely on; anything else aborts.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "libipc/wire_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void try_submission(const uint8_t *data)
{
    const struct wire_limits limits = { .features = WIRE_FEATURES,
                                        .request_arena = 1 << 20,
                                        .response_arena = WIRE_ARENA_MIN,
                                        .rows = 64,
                                        .buffer = 5 * WIRE_PAGE };
    uint64_t arena, offset;
    struct wire_submission copy;
    struct reason why = { "" };

    memcpy(&copy, data, sizeof copy);
    if (wire_check_submission(&copy, &limits, &why)) {
        must(why.text[0] != 0);
        return;
    }
    must(copy.op == WIRE_OP_NOP || copy.op == WIRE_OP_INFER || copy.op == WIRE_OP_CANCEL);
    arena = copy.flags & WIRE_FLAG_BUFFER ? limits.buffer : limits.request_arena;
    offset = copy.flags & WIRE_FLAG_BUFFER ? wire_buffer_offset(copy.in_offset) : copy.in_offset;
    must(offset <= arena && copy.in_length <= arena - offset);
    must(copy.out_offset <= limits.response_arena && copy.out_length <= limits.response_arena - copy.out_offset);
    must(copy.rows <= limits.rows && (copy.op != WIRE_OP_INFER || copy.rows));
    must(copy.op == WIRE_OP_INFER || !(copy.rows | copy.in_length | copy.out_length | copy.beam));
    must(copy.beam <= WIRE_BEAM_MAX);
}

/* What is taken for a buffer can neither shrink, grow, nor lose a page, and is as large as was said. */
static void try_memory(const uint8_t *data)
{
    struct wire_memory memory;
    struct reason why = { "" };
    uint64_t size;

    memcpy(&memory, data, sizeof memory);
    memcpy(&size, data + sizeof memory, sizeof size);
    if (wire_check_memory(&memory, size, &why)) {
        must(why.text[0] != 0);
        return;
    }
    must(size && size <= WIRE_BUFFER_MAX && size % WIRE_PAGE == 0);
    must(memory.size > 0 && (uint64_t)memory.size == size && memory.present >= size);
    must(memory.seals > 0 && memory.seals & F_SEAL_SHRINK && memory.seals & F_SEAL_GROW);
    must(memory.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
    must(memory.first_hole >= size);
}

static void try_negotiation(const struct wire_hello *hello)
{
    const struct wire_offer offer = { .abi_min = 2,
                                      .abi_max = 5,
                                      .features = 0x15,
                                      .entries_default = 64,
                                      .entries_max = 500,
                                      .request_default = 4 << 20,
                                      .response_default = 1 << 20,
                                      .arena_max = (16 << 20) + 5 };
    struct wire_welcome welcome;
    struct wire_layout layout;
    struct reason why;
    int result = wire_negotiate(hello, &offer, &welcome);

    must(result == welcome.status && (result == 0 || result == WISP_E_VERSION));
    must(wire_check_message(&welcome, sizeof welcome, &why) == 0);
    must(wire_check_welcome(&welcome, hello, &why) == result);
    if (result || (hello->entries == WIRE_ENTRIES_NONE && hello->features & WIRE_FEATURE_ASKING))
        return;
    must(wire_layout(welcome.entries, welcome.request_arena, welcome.response_arena, &layout, &why) == 0);
    must(layout.entries <= offer.entries_max && layout.request_arena <= offer.arena_max);
}

static void try_message(const uint8_t *data, size_t size)
{
    /* Exactly as long as it is, so that AddressSanitizer sees the first byte read beyond; and 8-aligned. */
    unsigned char *message = malloc(size ? size : 1);
    const struct wire_header *header = (const struct wire_header *)message;
    struct reason why = { "" };

    must(message != NULL);
    if (size)
        memcpy(message, data, size);
    if (wire_check_message(message, size, &why)) {
        must(why.text[0] != 0);
    } else if (size < sizeof *header) {
        abort();
    } else if (header->type == WIRE_HELLO) {
        try_negotiation((const struct wire_hello *)message);
    } else if (header->type == WIRE_WELCOME) {
        const struct wire_hello hello = { .abi_min = 1, .abi_max = WIRE_ABI_MAX, .features = WIRE_FEATURES };

        (void)wire_check_welcome((const struct wire_welcome *)message, &hello, &why);
    }
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == sizeof(struct wire_submission))
        try_submission(data);
    if (size == sizeof(struct wire_memory) + sizeof(uint64_t))
        try_memory(data);
    try_message(data, size);
    return 0;
}
