/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire's validators. The input is taken for a submission, for a message, and, when it is an acceptable hello, is
 * negotiated over. What they accept must be what the daemon and the library rely on; anything else aborts.
 */
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
    const struct wire_limits limits = {
        .features = WIRE_FEATURES, .request_arena = 1 << 20, .response_arena = WIRE_ARENA_MIN, .rows = 64
    };
    struct wire_submission copy;
    struct reason why = { "" };

    memcpy(&copy, data, sizeof copy);
    if (wire_check_submission(&copy, &limits, &why)) {
        must(why.text[0] != 0);
        return;
    }
    must(copy.op == WIRE_OP_NOP || copy.op == WIRE_OP_INFER || copy.op == WIRE_OP_CANCEL);
    must(copy.in_offset <= limits.request_arena && copy.in_length <= limits.request_arena - copy.in_offset);
    must(copy.out_offset <= limits.response_arena && copy.out_length <= limits.response_arena - copy.out_offset);
    must(copy.rows <= limits.rows && (copy.op != WIRE_OP_INFER || copy.rows));
    must(copy.op == WIRE_OP_INFER || !(copy.rows | copy.in_length | copy.out_length | copy.beam));
    must(copy.beam <= WIRE_BEAM_MAX);
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
    try_message(data, size);
    return 0;
}
