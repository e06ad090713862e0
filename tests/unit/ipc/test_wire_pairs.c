/* SPDX-License-Identifier: Apache-2.0
 *
 * Every two fields of every message at once, each at the values where something ends: what the validators take is what
 * the rules of wire.h take, said here once more and in another way. Submissions: test_wire.
 */
#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "libipc/wire_check.h"
#include "support/test.h"

/* As wide as the widest field; what a narrower one takes of it is another boundary. */
static const uint64_t boundaries[] = {
    0,
    1,
    2,
    3,
    4,
    5,
    WIRE_BUFFERS_MAX - 1,
    WIRE_BUFFERS_MAX,
    10,
    11,
    64,
    WIRE_ENTRIES_MAX,
    WIRE_PAGE - 1,
    WIRE_PAGE + 1,
    WIRE_ARENA_MIN - WIRE_PAGE,
    WIRE_ARENA_MIN,
    WIRE_ARENA_MIN + 1,
    WIRE_TEXT_MAX,
    WIRE_TEXT_MAX + 1,
    WIRE_ARENA_MAX,
    WIRE_ARENA_MAX + WIRE_PAGE,
    0x7fffffff,
    WIRE_BUFFER_MAX,
    0x80000001,
    0xffffffff,
    1ull << 32,
    (1ull << 32) + 1,
    WIRE_FEATURES,
    WIRE_FEATURES + 1,
    1ull << 63,
    UINT64_MAX,
};

enum { COUNT = sizeof boundaries / sizeof *boundaries, MESSAGE_MAX = 256 };

union any {
    struct wire_header header;
    struct wire_hello hello;
    struct wire_welcome welcome;
    struct wire_control control;
    uint64_t words[MESSAGE_MAX / 8];
    unsigned char bytes[MESSAGE_MAX];
};

struct field {
    size_t offset, size;
};

#define FIELD(type, name)                                                                                              \
    {                                                                                                                  \
        offsetof(struct type, name), sizeof(((struct type *)0)->name)                                                  \
    }

/* One kind of message: a good one, its fields, and whether such a message is good. */
struct kind {
    uint16_t type;
    size_t length;
    const struct field *fields;
    size_t count;
    bool (*is_fine)(const union any *message);
};

static struct wire_attach attach_of(const union any *message)
{
    struct wire_attach attach;

    memcpy(&attach, message->bytes + sizeof(struct wire_control), sizeof attach);
    return attach;
}

/* ---- what is good ---- */

static bool hello_is_fine(const union any *message)
{
    const struct wire_hello *hello = &message->hello;

    return hello->reserved == 0 && hello->abi_min >= 1 && hello->abi_max >= hello->abi_min &&
           (hello->features | hello->features_needed) == hello->features;
}

static bool welcome_is_fine(const union any *message)
{
    return message->welcome.reserved == 0;
}

static bool asks_nothing_odd(const struct wire_control *control)
{
    return ((uint32_t)control->status | control->route | control->total | control->offset) == 0;
}

static bool question_is_fine(const union any *message)
{
    return asks_nothing_odd(&message->control);
}

static bool attach_is_fine(const union any *message)
{
    const struct wire_attach attach = attach_of(message);

    return asks_nothing_odd(&message->control) && attach.number == 0 && attach.reserved == 0 && attach.size != 0 &&
           attach.size % 4096 == 0 && attach.size <= 1ull << 31;
}

static bool detach_is_fine(const union any *message)
{
    const struct wire_attach attach = attach_of(message);

    return asks_nothing_odd(&message->control) && attach.size == 0 && attach.reserved == 0 && attach.number < 8;
}

/* Ten bytes of it come with this message. */
static bool reply_is_fine(const union any *message)
{
    const struct wire_control *control = &message->control;

    return control->total <= 1u << 20 && (uint64_t)control->offset + 10 <= control->total;
}

/* ---- the kinds ---- */

#define HEADER_FIELDS FIELD(wire_header, magic), FIELD(wire_header, reserved), FIELD(wire_header, length)
#define CONTROL_FIELDS                                                                                                 \
    HEADER_FIELDS, FIELD(wire_control, status), FIELD(wire_control, id), FIELD(wire_control, route),                   \
        FIELD(wire_control, total), FIELD(wire_control, offset)

static const struct field hello_fields[] = {
    HEADER_FIELDS,
    FIELD(wire_hello, abi_min),
    FIELD(wire_hello, abi_max),
    FIELD(wire_hello, features),
    FIELD(wire_hello, features_needed),
    FIELD(wire_hello, entries),
    FIELD(wire_hello, reserved),
    FIELD(wire_hello, request_arena),
    FIELD(wire_hello, response_arena),
};
static const struct field welcome_fields[] = {
    HEADER_FIELDS,
    FIELD(wire_welcome, status),
    FIELD(wire_welcome, features),
    FIELD(wire_welcome, epoch),
    FIELD(wire_welcome, entries),
    FIELD(wire_welcome, abi),
    FIELD(wire_welcome, reserved),
    FIELD(wire_welcome, request_arena),
    FIELD(wire_welcome, response_arena),
};
static const struct field control_fields[] = { CONTROL_FIELDS };
static const struct field attach_fields[] = {
    CONTROL_FIELDS,
    { sizeof(struct wire_control) + offsetof(struct wire_attach, size), 8 },
    { sizeof(struct wire_control) + offsetof(struct wire_attach, number), 4 },
    { sizeof(struct wire_control) + offsetof(struct wire_attach, reserved), 4 },
};

enum { CONTROL = sizeof(struct wire_control), ATTACH = CONTROL + sizeof(struct wire_attach) };

static const struct kind kinds[] = {
    { WIRE_HELLO, sizeof(struct wire_hello), hello_fields, ARRAY_SIZE(hello_fields), hello_is_fine },
    { WIRE_WELCOME, sizeof(struct wire_welcome), welcome_fields, ARRAY_SIZE(welcome_fields), welcome_is_fine },
    { WIRE_LIST, CONTROL, control_fields, ARRAY_SIZE(control_fields), question_is_fine },
    { WIRE_STATS, CONTROL, control_fields, ARRAY_SIZE(control_fields), question_is_fine },
    { WIRE_NOTIFY, CONTROL, control_fields, ARRAY_SIZE(control_fields), question_is_fine },
    { WIRE_ATTACH, ATTACH, attach_fields, ARRAY_SIZE(attach_fields), attach_is_fine },
    { WIRE_DETACH, ATTACH, attach_fields, ARRAY_SIZE(attach_fields), detach_is_fine },
    { WIRE_LIST | WIRE_REPLY, CONTROL + 10, control_fields, ARRAY_SIZE(control_fields), reply_is_fine },
};

static union any good_of(const struct kind *kind)
{
    struct wire_attach attach = { .size = kind->type == WIRE_ATTACH ? WIRE_PAGE : 0 };
    union any message = { .words = { 0 } };

    message.header = (struct wire_header){ WIRE_MAGIC, kind->type, 0, (uint32_t)kind->length };
    if (kind->type == WIRE_HELLO) {
        message.hello.abi_min = WIRE_ABI_MIN;
        message.hello.abi_max = WIRE_ABI_MAX;
        message.hello.features = WIRE_FEATURES;
    }
    if (kind->type == WIRE_WELCOME) {
        message.welcome.abi = WIRE_ABI_MAX;
        message.welcome.entries = WIRE_ENTRIES_MIN;
        message.welcome.request_arena = message.welcome.response_arena = WIRE_ARENA_MIN;
    }
    if (kind->length == ATTACH)
        memcpy(message.bytes + CONTROL, &attach, sizeof attach);
    if (kind->type & WIRE_REPLY)
        message.control.total = 10;
    return message;
}

/* ---- pairs ---- */

static bool is_fine(const struct kind *kind, const union any *message)
{
    return message->header.magic == WIRE_MAGIC && message->header.reserved == 0 &&
           message->header.length == kind->length && kind->is_fine(message);
}

static unsigned compare(const struct kind *kind, const union any *message)
{
    struct reason why = { "" };
    int result = wire_check_message(message, kind->length, &why);

    if ((result == 0) != is_fine(kind, message))
        fail_msg("type %u: %d, \"%s\"", kind->type, result, why.text);
    if (result) {
        assert_int_equal(result, WISP_E_INVALID);
        assert_true(why.text[0]);
    }
    return result == 0;
}

typedef unsigned check(const struct kind *kind, const union any *message);

/* How many of them were good. */
static unsigned over_pairs(const struct kind *kind, check *checked)
{
    const union any good = good_of(kind);
    unsigned accepted = 0;

    for (size_t a = 0; a < kind->count; a++) {
        for (size_t b = a; b < kind->count; b++) {
            for (size_t i = 0; i < (size_t)COUNT * COUNT; i++) {
                union any message = good;

                memcpy(message.bytes + kind->fields[a].offset, &boundaries[i % COUNT], kind->fields[a].size);
                memcpy(message.bytes + kind->fields[b].offset, &boundaries[i / COUNT], kind->fields[b].size);
                accepted += checked(kind, &message);
            }
        }
    }
    return accepted;
}

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const union any good = good_of(&kinds[i]);

        assert_int_equal(compare(&kinds[i], &good), 1);
        assert_true(over_pairs(&kinds[i], compare) > 20); /* the comparison is not of refusals alone */
    }
}

/* ---- negotiation ---- */

static const struct wire_offer offer = { .abi_min = WIRE_ABI_MIN,
                                         .abi_max = WIRE_ABI_MAX,
                                         .features = WIRE_FEATURES,
                                         .entries_default = WIRE_ENTRIES_DEFAULT,
                                         .entries_max = 1024,
                                         .request_default = 4 << 20,
                                         .response_default = 1 << 20,
                                         .arena_max = 64 << 20 };

/* Whatever a good hello asks for, what is agreed on can be made, is within the offer, and its client takes it. */
static unsigned negotiate(const struct kind *kind, const union any *message)
{
    struct wire_welcome welcome;
    struct wire_layout layout;
    struct reason why = { "" };
    int result;

    if (!is_fine(kind, message))
        return 0;
    result = wire_negotiate(&message->hello, &offer, &welcome);
    assert_ok(wire_check_message(&welcome, sizeof welcome, &why), why);
    assert_int_equal(wire_check_welcome(&welcome, &message->hello, &why), result);
    if (result) {
        assert_int_equal(result, WISP_E_VERSION);
        return 0;
    }
    assert_true(message->hello.abi_min <= WIRE_ABI_MAX && message->hello.abi_max >= WIRE_ABI_MIN);
    if (!welcome.entries)
        return 1; /* for questions alone */
    assert_ok(wire_layout(welcome.entries, welcome.request_arena, welcome.response_arena, &layout, &why), why);
    assert_true(welcome.entries <= offer.entries_max && welcome.request_arena <= offer.arena_max &&
                welcome.response_arena <= offer.arena_max);
    return 1;
}

static void test_hellos_lead_to_what_can_be(void **state)
{
    (void)state;
    assert_true(over_pairs(&kinds[0], negotiate) > 1000);
}

static bool arena_is_fine(uint64_t size)
{
    return size >= 65536 && size <= 1ull << 30 && size % 4096 == 0;
}

/* What a client takes of a welcome can be mapped as it is. */
static unsigned believe(const struct kind *kind, const union any *message)
{
    const union any hello = good_of(&kinds[0]);
    const struct wire_welcome *welcome = &message->welcome;
    struct reason why = { "" };
    bool fine;

    if (!is_fine(kind, message))
        return 0;
    fine = welcome->status == 0 && welcome->abi == WIRE_ABI_MAX && !(welcome->features & ~WIRE_FEATURES);
    fine = fine && welcome->entries >= 4 && welcome->entries <= 4096 && !(welcome->entries & (welcome->entries - 1)) &&
           arena_is_fine(welcome->request_arena) && arena_is_fine(welcome->response_arena);
    assert_int_equal(wire_check_welcome(welcome, &hello.hello, &why) == 0, fine);
    return fine;
}

static void test_only_what_can_be_is_believed(void **state)
{
    (void)state;
    assert_true(over_pairs(&kinds[1], believe) > 100);
}

/* ---- what has no field of its own ---- */

static void test_what_is_too_long_or_has_no_end(void **state)
{
    static uint64_t words[(CONTROL + WIRE_CONTROL_MAX) / 8 + 1];
    struct wire_control *reply = (struct wire_control *)words;
    union any welcome = good_of(&kinds[1]);
    struct reason why;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        const size_t length = CONTROL + WIRE_CONTROL_MAX + more;

        reply->header = (struct wire_header){ WIRE_MAGIC, WIRE_LIST | WIRE_REPLY, 0, (uint32_t)length };
        reply->total = WIRE_TEXT_MAX;
        assert_int_equal(wire_check_message(words, length, &why), more ? WISP_E_INVALID : 0);
    }
    assert_ok(wire_check_message(&welcome, kinds[1].length, &why), why);
    memset(welcome.welcome.text, 'x', sizeof welcome.welcome.text);
    assert_int_equal(wire_check_message(&welcome, kinds[1].length, &why), WISP_E_INVALID);
    welcome.welcome.text[0] = 0;
    memset(welcome.welcome.name, 'x', sizeof welcome.welcome.name);
    assert_int_equal(wire_check_message(&welcome, kinds[1].length, &why), WISP_E_INVALID);
}

/* Any memory at all. */
static void test_who_asks_only_takes_no_memory(void **state)
{
    union any hello = good_of(&kinds[0]), welcome = good_of(&kinds[1]);
    struct wire_welcome *said = &welcome.welcome;
    struct reason why;

    (void)state;
    hello.hello.entries = WIRE_ENTRIES_NONE;
    said->features = WIRE_FEATURE_ASKING;
    for (unsigned bits = 0; bits < 8; bits++) {
        said->entries = bits & 1 ? WIRE_ENTRIES_MIN : 0;
        said->request_arena = bits & 2 ? WIRE_ARENA_MIN : 0;
        said->response_arena = bits & 4 ? WIRE_ARENA_MIN : 0;
        assert_int_equal(wire_check_welcome(said, &hello.hello, &why), bits ? WISP_E_VERSION : 0);
    }
}

static void test_there_are_three_classes(void **state)
{
    const struct wire_limits limits = { WIRE_FEATURES, 1 << 20, 1 << 20, 16, 0 };
    struct wire_submission submission = { .op = WIRE_OP_INFER, .rows = 1, .in_length = 4, .out_length = 4 };
    struct reason why;

    (void)state;
    for (unsigned class = 0; class < 4; class ++) {
        submission.flags = (uint8_t)(class << WIRE_CLASS_SHIFT);
        assert_int_equal(wire_check_submission(&submission, &limits, &why), class < 3 ? 0 : WISP_E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_hellos_lead_to_what_can_be),
        cmocka_unit_test(test_only_what_can_be_is_believed),
        cmocka_unit_test(test_what_is_too_long_or_has_no_end),
        cmocka_unit_test(test_who_asks_only_takes_no_memory),
        cmocka_unit_test(test_there_are_three_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
