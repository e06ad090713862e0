/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout, the validators and the negotiation. What a validator accepts is compared with a second judgement, written
 * here in another way (128-bit arithmetic, no early outs), over every pair of boundary values and over random ones.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "libipc/wire_check.h"
#include "support/test.h"

static const struct wire_limits limits = {
    .features = WIRE_FEATURES, .request_arena = 4 << 20, .response_arena = 1 << 20, .rows = 1024
};

/* ---- layout ---- */

static void test_every_layout_holds_together(void **state)
{
    static const uint64_t arenas[] = { WIRE_ARENA_MIN, WIRE_ARENA_MIN + WIRE_PAGE, 4 << 20, WIRE_ARENA_MAX };
    struct wire_layout layout;
    struct reason why;

    (void)state;
    for (uint32_t entries = WIRE_ENTRIES_MIN; entries <= WIRE_ENTRIES_MAX; entries *= 2) {
        for (size_t i = 0; i < ARRAY_SIZE(arenas) * ARRAY_SIZE(arenas); i++) {
            uint64_t in = arenas[i % ARRAY_SIZE(arenas)], out = arenas[i / ARRAY_SIZE(arenas)];

            assert_ok(wire_layout(entries, in, out, &layout, &why), why);
            assert_int_equal(layout.entries, entries);
            assert_true(layout.ring_offset >= sizeof(struct wire_daemon_control));
            assert_int_equal(layout.ring_offset % 64, 0);
            assert_true(layout.arena_offset >= layout.ring_offset + entries * 64ull);
            assert_int_equal(layout.arena_offset % WIRE_PAGE, 0);
            assert_int_equal(layout.request_size, layout.arena_offset + in);
            assert_int_equal(layout.response_size, layout.arena_offset + out);
            assert_int_equal(layout.request_size % WIRE_PAGE, 0);
            assert_int_equal(layout.response_size % WIRE_PAGE, 0);
        }
    }
}

static void test_impossible_layouts_are_refused(void **state)
{
    static const uint32_t entries[] = { 0, 1, 2, 3, 5, 63, 65, 4095, 4097, 8192, 1u << 31, UINT32_MAX };
    static const uint64_t arenas[] = { 0,
                                       1,
                                       WIRE_PAGE,
                                       WIRE_ARENA_MIN - 1,
                                       WIRE_ARENA_MIN + 1,
                                       WIRE_ARENA_MAX - 1,
                                       WIRE_ARENA_MAX + 1,
                                       WIRE_ARENA_MAX + WIRE_PAGE,
                                       1ull << 63,
                                       UINT64_MAX - WIRE_PAGE + 1,
                                       UINT64_MAX };
    struct wire_layout layout;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        assert_int_equal(wire_layout(entries[i], WIRE_ARENA_MIN, WIRE_ARENA_MIN, &layout, &why), WISP_E_INVALID);
    for (size_t i = 0; i < ARRAY_SIZE(arenas); i++) {
        assert_int_equal(wire_layout(64, arenas[i], WIRE_ARENA_MIN, &layout, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "input"));
        assert_int_equal(wire_layout(64, WIRE_ARENA_MIN, arenas[i], &layout, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "output"));
    }
}

/* ---- submissions ---- */

static const struct wire_submission good_submission = { .op = WIRE_OP_INFER,
                                                        .route = 3,
                                                        .user_data = 77,
                                                        .in_offset = 4096,
                                                        .in_length = 3136,
                                                        .out_offset = 64,
                                                        .out_length = 40,
                                                        .rows = 1,
                                                        .deadline_us = 1000 };

static bool range_is_fine(uint64_t offset, uint64_t length, uint64_t arena)
{
    unsigned __int128 end = (unsigned __int128)offset + length;

    return (offset & 63) == 0 && length != 0 && end <= arena;
}

static bool submission_is_fine(const struct wire_submission *s)
{
    const uint8_t flags = s->op == WIRE_OP_INFER ? WIRE_FLAG_UNTIL | WIRE_FLAG_CLASS : 0;
    bool clean = !(s->flags & ~flags) && (s->flags & WIRE_FLAG_CLASS) != WIRE_FLAG_CLASS && s->beam <= 16 &&
                 (s->op == WIRE_OP_INFER || (s->mark | s->beam) == 0);
    uint64_t tensors = s->route | s->rows | s->in_offset | s->in_length | s->out_offset | s->out_length;

    switch (s->op) {
    case WIRE_OP_NOP:
        return clean && tensors == 0;
    case WIRE_OP_CANCEL:
        return clean && tensors == 0 && s->deadline_us == 0;
    case WIRE_OP_INFER:
        return clean && s->rows >= 1 && s->rows <= limits.rows &&
               range_is_fine(s->in_offset, s->in_length, limits.request_arena) &&
               range_is_fine(s->out_offset, s->out_length, limits.response_arena);
    default:
        return false;
    }
}

/* Each field that is checked, as a place in the struct. */
static const struct {
    size_t offset, size;
} fields[] = {
#define FIELD(name)                                                                                                    \
    {                                                                                                                  \
        offsetof(struct wire_submission, name), sizeof(good_submission.name)                                           \
    }
    FIELD(op),         FIELD(flags),      FIELD(beam), FIELD(route),       FIELD(in_offset), FIELD(in_length),
    FIELD(out_offset), FIELD(out_length), FIELD(rows), FIELD(deadline_us), FIELD(mark),
#undef FIELD
};

static const uint64_t boundaries[] = { 0,
                                       1,
                                       2,
                                       3,
                                       4,
                                       16,
                                       17,
                                       63,
                                       64,
                                       65,
                                       1023,
                                       1024,
                                       1025,
                                       0x7fffffff,
                                       0x80000000,
                                       0x80000001,
                                       0xffffffff,
                                       1ull << 32,
                                       1ull << 63,
                                       UINT64_MAX,
                                       -64ull,
                                       -4ull,
                                       (4u << 20),
                                       (4u << 20) - 64,
                                       (4u << 20) + 64,
                                       (1u << 20),
                                       (1u << 20) - 64,
                                       (1u << 20) - 4,
                                       (4u << 20) - 4,
                                       (1u << 20) + 4 };

static void set_field(struct wire_submission *submission, size_t field, uint64_t value)
{
    memcpy((char *)submission + fields[field].offset, &value, fields[field].size);
}

static unsigned compare(const struct wire_submission *submission)
{
    struct reason why = { "" };
    int result = wire_check_submission(submission, &limits, &why);

    if ((result == 0) != submission_is_fine(submission))
        fail_msg("op %u rows %u in %llu+%llu out %llu+%llu: %d, %s", submission->op, submission->rows,
                 (unsigned long long)submission->in_offset, (unsigned long long)submission->in_length,
                 (unsigned long long)submission->out_offset, (unsigned long long)submission->out_length, result,
                 why.text);
    if (result) {
        assert_int_equal(result, WISP_E_INVALID);
        assert_true(why.text[0]);
    }
    return result == 0;
}

static void test_all_pairs_of_boundaries(void **state)
{
    unsigned accepted = 0;

    (void)state;
    assert_int_equal(compare(&good_submission), 1);
    for (size_t a = 0; a < ARRAY_SIZE(fields); a++) {
        for (size_t b = a; b < ARRAY_SIZE(fields); b++) {
            for (size_t i = 0; i < ARRAY_SIZE(boundaries) * ARRAY_SIZE(boundaries); i++) {
                struct wire_submission submission = good_submission;

                set_field(&submission, a, boundaries[i % ARRAY_SIZE(boundaries)]);
                set_field(&submission, b, boundaries[i / ARRAY_SIZE(boundaries)]);
                accepted += compare(&submission);
            }
        }
    }
    assert_true(accepted > 100); /* the comparison is not of refusals alone */
}

static void test_random_submissions(void **state)
{
    struct rng rng = rng_make(1, 1);
    unsigned accepted = 0;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        struct wire_submission submission = good_submission;

        for (unsigned changes = 1 + rng_u32(&rng) % 4; changes; changes--) {
            uint64_t value = rng_u32(&rng) % 2 ? boundaries[rng_below(&rng, ARRAY_SIZE(boundaries))]
                                               : rng_u64(&rng) >> rng_below(&rng, 64) & ~63ull;

            set_field(&submission, rng_below(&rng, ARRAY_SIZE(fields)), value);
        }
        accepted += compare(&submission);
    }
    assert_true(accepted > 1000);
}

static void test_marks_and_beams(void **state)
{
    struct wire_submission marked = good_submission, wide = good_submission;
    struct wire_limits without = limits;

    (void)state;
    marked.mark = 7;
    wide.beam = WIRE_BEAM_MAX;
    assert_int_equal(wire_check_submission(&marked, &limits, NULL) | wire_check_submission(&wide, &limits, NULL), 0);
    without.features &= ~(WIRE_FEATURE_MARKS | WIRE_FEATURE_BEAMS); /* not agreed on */
    assert_int_equal(wire_check_submission(&marked, &without, NULL), WISP_E_INVALID);
    assert_int_equal(wire_check_submission(&wide, &without, NULL), WISP_E_INVALID);
}

static void test_nop_and_cancel_name_no_tensors(void **state)
{
    struct wire_submission nop = { .op = WIRE_OP_NOP, .user_data = 9, .deadline_us = 5 };
    struct wire_submission cancel = { .op = WIRE_OP_CANCEL, .user_data = 9 };
    struct wire_limits without = limits;
    struct reason why;

    (void)state;
    assert_ok(wire_check_submission(&nop, &limits, &why), why);
    for (size_t a = 0; a < ARRAY_SIZE(fields); a++) {
        for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
            struct wire_submission one = nop, other = cancel;

            set_field(&one, a, boundaries[i]);
            set_field(&other, a, boundaries[i]);
            compare(&one);
            compare(&other);
        }
    }
    assert_ok(wire_check_submission(&cancel, &limits, &why), why);
    without.features &= ~WIRE_FEATURE_CANCEL; /* not agreed on */
    assert_int_equal(wire_check_submission(&cancel, &without, &why), WISP_E_INVALID);
}

/* ---- messages ---- */

union any {
    struct wire_header header;
    struct wire_hello hello;
    struct wire_welcome welcome;
    struct wire_control control;
    uint64_t words[32];
    unsigned char bytes[256];
};

static union any make_message(uint16_t type)
{
    union any message;
    size_t length = sizeof(struct wire_control);

    memset(&message, 0, sizeof message);
    if (type == WIRE_HELLO) {
        length = sizeof(struct wire_hello);
        message.hello.abi_min = message.hello.abi_max = 1;
        message.hello.features = message.hello.features_needed = WIRE_FEATURE_NOTIFY;
        memcpy(message.hello.name, "test", sizeof "test");
    } else if (type == WIRE_WELCOME) {
        length = sizeof(struct wire_welcome);
        memcpy(message.welcome.name, "wispd", sizeof "wispd");
    } else if (type == WIRE_DESCRIBE) {
        memcpy((char *)message.bytes + length, "image", sizeof "image");
        length += sizeof "image";
    } else if (type == WIRE_ATTACH || type == WIRE_DETACH) {
        message.words[length / sizeof(uint64_t)] = type == WIRE_ATTACH ? WIRE_PAGE : 0; /* size */
        length += sizeof(struct wire_attach);
    } else if (type & WIRE_REPLY) {
        message.control.total = 10;
        length += 10;
    }
    message.header = (struct wire_header){ .magic = WIRE_MAGIC, .type = type, .length = (uint32_t)length };
    return message;
}

/* As numbers, which stay as they are: hello, welcome, notify; the questions; their replies. */
static const uint16_t types[] = { 1,  2,    5,    3,    4,    6,    7,    8,    9,    10,  11,
                                  12, 0x83, 0x84, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c };

static void test_every_type_passes_and_no_other(void **state)
{
    struct reason why;

    (void)state;
    for (unsigned type = 0; type <= UINT16_MAX; type++) {
        bool known = false;
        union any message = make_message((uint16_t)type);

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
            known |= types[i] == type;
        assert_int_equal(wire_check_message(&message, message.header.length, &why) == 0, known);
    }
}

static void test_lengths_must_agree(void **state)
{
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        union any message = make_message(types[i]);
        size_t honest = message.header.length;
        size_t minimum = types[i] == WIRE_HELLO     ? sizeof(struct wire_hello)
                         : types[i] == WIRE_WELCOME ? sizeof(struct wire_welcome)
                                                    : sizeof(struct wire_control);

        for (size_t length = 0; length < honest; length++)
            assert_int_equal(wire_check_message(&message, length, &why), WISP_E_INVALID);
        for (size_t length = 0; length < minimum; length++) {
            message.header.length = (uint32_t)length;
            assert_int_equal(wire_check_message(&message, length, &why), WISP_E_INVALID);
        }
        message.header.length = UINT32_MAX;
        assert_int_equal(wire_check_message(&message, honest, &why), WISP_E_INVALID);
    }
}

static void test_damaged_messages_are_refused(void **state)
{
#define DAMAGE(type, field, value)                                                                                     \
    {                                                                                                                  \
        type, offsetof(union any, field), sizeof(((union any *)0)->field), value                                       \
    }
    static const struct {
        uint16_t type;
        size_t offset, size;
        uint64_t value;
    } damages[] = {
        DAMAGE(WIRE_HELLO, header.magic, 0x70736976),
        DAMAGE(WIRE_HELLO, header.reserved, 1),
        DAMAGE(WIRE_HELLO, hello.reserved, 1),
        DAMAGE(WIRE_HELLO, hello.abi_min, 0),
        DAMAGE(WIRE_HELLO, hello.abi_min, 2),
        DAMAGE(WIRE_HELLO, hello.abi_max, 0),
        DAMAGE(WIRE_HELLO, hello.features_needed, UINT64_MAX),
        DAMAGE(WIRE_HELLO, hello.features, 0),
        DAMAGE(WIRE_WELCOME, header.reserved, 0x8000),
        DAMAGE(WIRE_WELCOME, welcome.reserved, 1),
        DAMAGE(WIRE_LIST, control.status, 1),
        DAMAGE(WIRE_LIST, control.route, 1),
        DAMAGE(WIRE_LIST, control.total, 1),
        DAMAGE(WIRE_LIST, control.offset, 1),
        DAMAGE(WIRE_DESCRIBE, control.status, UINT32_MAX),
        DAMAGE(WIRE_DESCRIBE, control.total, 6),
        DAMAGE(WIRE_NOTIFY, control.total, 6),
        DAMAGE(WIRE_LIST | WIRE_REPLY, control.total, 9),
        DAMAGE(WIRE_LIST | WIRE_REPLY, control.total, WIRE_TEXT_MAX + 1),
        DAMAGE(WIRE_LIST | WIRE_REPLY, control.total, UINT32_MAX),
        DAMAGE(WIRE_LIST | WIRE_REPLY, control.offset, 1),
        DAMAGE(WIRE_LIST | WIRE_REPLY, control.offset, UINT32_MAX),
    };
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        union any message = make_message(damages[i].type);

        memcpy(message.bytes + damages[i].offset, &damages[i].value, damages[i].size);
        if (wire_check_message(&message, message.header.length, &why) != WISP_E_INVALID)
            fail_msg("damage %zu was accepted", i);
        assert_true(why.text[0]);
    }
}

static void test_strings_must_end(void **state)
{
    union any hello = make_message(WIRE_HELLO), welcome = make_message(WIRE_WELCOME);
    union any describe = make_message(WIRE_DESCRIBE);
    char *name = (char *)describe.bytes + sizeof(struct wire_control);
    struct reason why;

    (void)state;
    memset(hello.hello.name, 'x', sizeof hello.hello.name);
    assert_int_equal(wire_check_message(&hello, sizeof hello.hello, &why), WISP_E_INVALID);
    memset(welcome.welcome.text, 'x', sizeof welcome.welcome.text);
    assert_int_equal(wire_check_message(&welcome, sizeof welcome.welcome, &why), WISP_E_INVALID);

    memcpy(name, "im", sizeof "im");
    name[2] = 'a'; /* no zero at the end */
    name[5] = 'x';
    assert_int_equal(wire_check_message(&describe, describe.header.length, &why), WISP_E_INVALID);
    memcpy(name, "im\0ge\0", 6); /* a zero inside */
    assert_int_equal(wire_check_message(&describe, describe.header.length, &why), WISP_E_INVALID);
    name[0] = 0; /* empty */
    describe.header.length = sizeof(struct wire_control) + 1;
    assert_int_equal(wire_check_message(&describe, describe.header.length, &why), WISP_E_INVALID);
    memset(name, 'x', WIRE_NAME_MAX); /* one too long */
    name[WIRE_NAME_MAX] = 0;
    describe.header.length = sizeof(struct wire_control) + WIRE_NAME_MAX + 1;
    assert_int_equal(wire_check_message(&describe, describe.header.length, &why), WISP_E_INVALID);
    name[WIRE_NAME_MAX - 1] = 0;
    describe.header.length = sizeof(struct wire_control) + WIRE_NAME_MAX;
    assert_ok(wire_check_message(&describe, describe.header.length, &why), why);
}

static void test_random_messages_do_not_crash(void **state)
{
    struct rng rng = rng_make(2, 1);
    struct reason why;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        union any message = make_message(types[rng_below(&rng, ARRAY_SIZE(types))]);

        for (unsigned changes = rng_u32(&rng) % 6; changes; changes--)
            message.bytes[rng_below(&rng, sizeof message)] = (unsigned char)rng_u32(&rng);
        (void)wire_check_message(&message, MIN(message.header.length, sizeof message), &why);
    }
}

/* ---- negotiation ---- */

static const struct wire_offer offer = { .abi_min = 1,
                                         .abi_max = 1,
                                         .features = WIRE_FEATURES,
                                         .entries_default = WIRE_ENTRIES_DEFAULT,
                                         .entries_max = 1024,
                                         .request_default = 4 << 20,
                                         .response_default = 1 << 20,
                                         .arena_max = 64 << 20 };

static void test_highest_common_abi(void **state)
{
    union any hello = make_message(WIRE_HELLO);
    struct wire_welcome welcome;
    struct reason why;

    (void)state;
    for (unsigned bits = 0; bits < 4 * 4 * 4 * 4; bits++) {
        struct wire_offer ours = offer;
        unsigned client_min = 1 + bits % 4, client_max = 1 + bits / 4 % 4;
        unsigned best = 0;

        ours.abi_min = (uint16_t)(1 + bits / 16 % 4);
        ours.abi_max = (uint16_t)(1 + bits / 64);
        if (client_min > client_max || ours.abi_min > ours.abi_max)
            continue;
        hello.hello.abi_min = (uint16_t)client_min;
        hello.hello.abi_max = (uint16_t)client_max;
        for (unsigned abi = 1; abi <= 4; abi++) {
            if (abi >= client_min && abi <= client_max && abi >= ours.abi_min && abi <= ours.abi_max)
                best = abi;
        }
        assert_int_equal(wire_negotiate(&hello.hello, &ours, &welcome), best ? 0 : WISP_E_VERSION);
        assert_ok(wire_check_message(&welcome, sizeof welcome, &why), why);
        assert_int_equal(wire_check_welcome(&welcome, &hello.hello, &why), best ? 0 : WISP_E_VERSION);
        if (best)
            assert_int_equal(welcome.abi, best);
        else
            assert_non_null(strstr(why.text, "ABI"));
    }
}

static void test_features_are_the_common_ones(void **state)
{
    union any hello = make_message(WIRE_HELLO);
    struct wire_welcome welcome;
    struct reason why;

    (void)state;
    for (unsigned bits = 0; bits < 1 << 9; bits++) {
        struct wire_offer ours = offer;

        hello.hello.features = bits & 7;
        hello.hello.features_needed = bits >> 3 & 7 & hello.hello.features;
        ours.features = bits >> 6;
        if (hello.hello.features_needed & ~ours.features) {
            assert_int_equal(wire_negotiate(&hello.hello, &ours, &welcome), WISP_E_VERSION);
            assert_int_equal(welcome.status, WISP_E_VERSION);
            assert_non_null(strstr(welcome.text, "features"));
        } else {
            assert_int_equal(wire_negotiate(&hello.hello, &ours, &welcome), 0);
            assert_int_equal(welcome.features, hello.hello.features & ours.features);
            assert_ok(wire_check_welcome(&welcome, &hello.hello, &why), why);
        }
    }
}

static void test_sizes_are_clamped_to_what_can_be(void **state)
{
    union any hello = make_message(WIRE_HELLO);
    struct wire_welcome welcome;
    struct wire_layout layout;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(boundaries) * ARRAY_SIZE(boundaries); i++) {
        uint64_t wanted = boundaries[i % ARRAY_SIZE(boundaries)];

        hello.hello.entries = (uint32_t)wanted;
        hello.hello.request_arena = wanted;
        hello.hello.response_arena = boundaries[i / ARRAY_SIZE(boundaries)];
        assert_int_equal(wire_negotiate(&hello.hello, &offer, &welcome), 0);
        assert_ok(wire_layout(welcome.entries, welcome.request_arena, welcome.response_arena, &layout, &why), why);
        assert_true(welcome.entries <= offer.entries_max);
        assert_true(welcome.request_arena <= offer.arena_max && welcome.response_arena <= offer.arena_max);
        if (hello.hello.entries && hello.hello.entries <= offer.entries_max)
            assert_true(welcome.entries >= hello.hello.entries);
        if (wanted <= offer.arena_max)
            assert_true(welcome.request_arena >= wanted);
    }
    hello.hello.entries = 0;
    hello.hello.request_arena = hello.hello.response_arena = 0;
    assert_int_equal(wire_negotiate(&hello.hello, &offer, &welcome), 0);
    assert_int_equal(welcome.entries, WIRE_ENTRIES_DEFAULT);
    assert_int_equal(welcome.request_arena, 4 << 20);
    assert_int_equal(welcome.response_arena, 1 << 20);
}

/* Questions alone: no memory, where both ends know of such channels; and no other welcome is taken for it. */
static void test_no_entries_are_no_memory(void **state)
{
    union any hello = make_message(WIRE_HELLO);
    struct wire_welcome welcome;
    struct wire_offer older = offer;
    struct reason why;

    (void)state;
    hello.hello.entries = WIRE_ENTRIES_NONE;
    hello.hello.features = hello.hello.features_needed = WIRE_FEATURE_ASKING;
    assert_int_equal(wire_negotiate(&hello.hello, &offer, &welcome), 0);
    assert_int_equal(welcome.entries, 0);
    assert_int_equal(welcome.request_arena, 0);
    assert_int_equal(welcome.response_arena, 0);
    assert_ok(wire_check_welcome(&welcome, &hello.hello, &why), why);
    welcome.request_arena = WIRE_ARENA_MIN;
    assert_int_equal(wire_check_welcome(&welcome, &hello.hello, &why), WISP_E_VERSION);
    older.features &= ~WIRE_FEATURE_ASKING;
    assert_int_equal(wire_negotiate(&hello.hello, &older, &welcome), WISP_E_VERSION);
    hello.hello.features_needed = 0;
    assert_int_equal(wire_negotiate(&hello.hello, &older, &welcome), 0);
    assert_int_equal(welcome.entries, older.entries_max);
}

static void test_a_lying_welcome_is_refused(void **state)
{
    union any hello = make_message(WIRE_HELLO);
    struct wire_welcome honest, welcome;
    struct reason why;

    (void)state;
    assert_int_equal(wire_negotiate(&hello.hello, &offer, &honest), 0);
    assert_ok(wire_check_welcome(&honest, &hello.hello, &why), why);
#define LIE(field, value, expected)                                                                                    \
    do {                                                                                                               \
        welcome = honest;                                                                                              \
        welcome.field = (value);                                                                                       \
        assert_int_equal(wire_check_welcome(&welcome, &hello.hello, &why), expected);                                  \
    } while (0)
    LIE(abi, 0, WISP_E_VERSION);
    LIE(abi, 2, WISP_E_VERSION);
    LIE(features, 0, WISP_E_VERSION);
    LIE(features, WIRE_FEATURES, WISP_E_VERSION);
    LIE(entries, 63, WISP_E_INVALID);
    LIE(entries, 0, WISP_E_INVALID);
    LIE(request_arena, UINT64_MAX, WISP_E_INVALID);
    LIE(response_arena, 0, WISP_E_INVALID);
    LIE(status, WISP_E_BUSY, WISP_E_BUSY);
    LIE(status, -ENOMEM, -ENOMEM);
#undef LIE
    assert_non_null(strstr(why.text, "memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layout_holds_together),    cmocka_unit_test(test_impossible_layouts_are_refused),
        cmocka_unit_test(test_all_pairs_of_boundaries),        cmocka_unit_test(test_random_submissions),
        cmocka_unit_test(test_nop_and_cancel_name_no_tensors), cmocka_unit_test(test_marks_and_beams),
        cmocka_unit_test(test_every_type_passes_and_no_other), cmocka_unit_test(test_lengths_must_agree),
        cmocka_unit_test(test_damaged_messages_are_refused),   cmocka_unit_test(test_strings_must_end),
        cmocka_unit_test(test_random_messages_do_not_crash),   cmocka_unit_test(test_highest_common_abi),
        cmocka_unit_test(test_features_are_the_common_ones),   cmocka_unit_test(test_sizes_are_clamped_to_what_can_be),
        cmocka_unit_test(test_no_entries_are_no_memory),       cmocka_unit_test(test_a_lying_welcome_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
