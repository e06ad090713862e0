/* SPDX-License-Identifier: Apache-2.0
 *
 * The validators of clients' own memory, and of submissions and messages about it.
 */
#include <fcntl.h>
#include <string.h>

#include "base/size.h"
#include "libipc/wire_check.h"
#include "support/test.h"

/* Its number stands above, and its size bounds what is below. */
static void test_submissions_in_buffers(void **state)
{
    struct wire_submission submission = { .op = WIRE_OP_INFER, .rows = 1, .out_length = 40, .flags = WIRE_FLAG_BUFFER };
    struct wire_limits with = { .features = WIRE_FEATURES, .response_arena = WIRE_ARENA_MIN, .rows = 8 };
    struct reason why;

    (void)state;
    submission.in_offset = UINT64_C(7) << WIRE_BUFFER_SHIFT;
    submission.in_length = 8192;
    assert_int_equal(wire_check_submission(&submission, &with, NULL), WISP_E_INVALID); /* there is none */
    with.buffer = 8192;
    assert_ok(wire_check_submission(&submission, &with, &why), why);
    submission.in_length += 4;
    assert_int_equal(wire_check_submission(&submission, &with, NULL), WISP_E_INVALID);
    submission.in_length = 8128;
    submission.in_offset += 64;
    assert_ok(wire_check_submission(&submission, &with, &why), why);
    submission.in_offset += 64;
    assert_int_equal(wire_check_submission(&submission, &with, NULL), WISP_E_INVALID);
    submission.in_offset -= 68;
    assert_int_equal(wire_check_submission(&submission, &with, NULL), WISP_E_INVALID);
    submission.in_offset = (UINT64_C(1) << WIRE_BUFFER_SHIFT) - 64;
    assert_int_equal(wire_check_submission(&submission, &with, NULL), WISP_E_INVALID);
    submission.in_offset = 0;
    with.features &= ~WIRE_FEATURE_BUFFERS; /* not agreed on */
    assert_int_equal(wire_check_submission(&submission, &with, NULL), WISP_E_INVALID);
}

/* One that is right, and with each thing wrong in turn. */
static void test_memory_of_clients(void **state)
{
    const struct wire_memory good = {
        0100600, 0x01021994, 8192, 8192, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, 8192
    };
    struct wire_memory bad[12];
    struct reason why;

    (void)state;
    assert_ok(wire_check_memory(&good, 8192, &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        bad[i] = good;
    bad[0].mode = 0040700;
    bad[1].filesystem = 0x958458f6; /* hugetlbfs */
    bad[2].size = 4096;
    bad[3].size = -8192;
    bad[4].present = 8191;
    bad[5].seals = -1;
    bad[6].seals &= ~F_SEAL_SHRINK;
    bad[7].seals &= ~F_SEAL_GROW;
    bad[8].seals &= ~F_SEAL_WRITE;
    bad[9].seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    bad[10].first_hole = 0;
    bad[11].first_hole = 4096;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(wire_check_memory(&bad[i], 8192, NULL), WISP_E_INVALID);
    for (uint64_t size = 0; size <= 3 * 8192; size += 1024)
        assert_int_equal(wire_check_memory(&good, size, NULL), size == 8192 ? 0 : WISP_E_INVALID);
}

/* What is asked, or said, with each field that has to be zero. */
static void test_messages_about_buffers(void **state)
{
    struct {
        struct wire_control control;
        struct wire_attach attach;
    } good = { .control.header = { WIRE_MAGIC, WIRE_ATTACH, 0, sizeof good }, .attach.size = WIRE_PAGE }, bad;
    struct reason why;

    (void)state;
    assert_ok(wire_check_message(&good, sizeof good, &why), why);
    for (size_t at = offsetof(struct wire_control, status); at < sizeof good; at += 4) {
        uint32_t word;

        bad = good;
        memcpy(&word, (char *)&bad + at, sizeof word);
        word ^= 1;
        memcpy((char *)&bad + at, &word, sizeof word);
        if (at != offsetof(struct wire_control, id))
            assert_int_equal(wire_check_message(&bad, sizeof bad, NULL), WISP_E_INVALID);
    }
    bad = good;
    bad.control.header.type = WIRE_DETACH;
    assert_int_equal(wire_check_message(&bad, sizeof bad, NULL), WISP_E_INVALID);
    bad.attach.size = 0;
    for (uint32_t number = 0; number < 20; number++) {
        bad.attach.number = number;
        assert_int_equal(wire_check_message(&bad, sizeof bad, NULL), number < WIRE_BUFFERS_MAX ? 0 : WISP_E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submissions_in_buffers),
        cmocka_unit_test(test_memory_of_clients),
        cmocka_unit_test(test_messages_about_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
