/* SPDX-License-Identifier: Apache-2.0
 *
 * config/value: numbers as text, both ways.
 */
#include "base/size.h"
#include "config/value.h"
#include "support/test.h"

typedef bool parser(const char *text, uint64_t *out);
typedef void formatter(uint64_t value, char out[VALUE_TEXT_MAX]);

static const struct {
    parser *parse;
    const char *text;
    uint64_t value;
} good[] = {
    { value_parse_count, "0", 0 },
    { value_parse_count, "4096", 4096 },
    { value_parse_count, "18446744073709551615", UINT64_MAX },
    { value_parse_size, "0B", 0 },
    { value_parse_size, "512B", 512 },
    { value_parse_size, "64KiB", 65536 },
    { value_parse_size, "4MiB", 4ull << 20 },
    { value_parse_size, "17179869183GiB", 17179869183ull << 30 },
    { value_parse_duration, "0", 0 },
    { value_parse_duration, "0us", 0 },
    { value_parse_duration, "1ns", 1 },
    { value_parse_duration, "50us", 50000 },
    { value_parse_duration, "2ms", 2000000 },
    { value_parse_duration, "18s", 18000000000ull },
    { value_parse_mode, "0660", 0660 },
    { value_parse_mode, "666", 0666 },
    { value_parse_mode, "000", 0 },
    { value_parse_switch, "true", 1 },
    { value_parse_switch, "false", 0 },
};

static const struct {
    parser *parse;
    const char *text;
} bad[] = {
    { value_parse_count, "" },
    { value_parse_count, "-1" },
    { value_parse_count, "+1" },
    { value_parse_count, " 1" },
    { value_parse_count, "1 " },
    { value_parse_count, "010" },
    { value_parse_count, "0x10" },
    { value_parse_count, "1e3" },
    { value_parse_count, "1_000" },
    { value_parse_count, "18446744073709551616" },
    { value_parse_count, "99999999999999999999999999" },
    { value_parse_size, "4" },
    { value_parse_size, "4MB" },
    { value_parse_size, "4M" },
    { value_parse_size, "4 MiB" },
    { value_parse_size, "1.5GiB" },
    { value_parse_size, "MiB" },
    { value_parse_size, "17179869184GiB" }, /* 2^64 */
    { value_parse_duration, "50" },
    { value_parse_duration, "1m" },
    { value_parse_duration, "us" },
    { value_parse_duration, "18446744073710s" },
    { value_parse_mode, "438" },
    { value_parse_mode, "66" },
    { value_parse_mode, "00666" },
    { value_parse_mode, "1666" },
    { value_parse_mode, "0o666" },
    { value_parse_switch, "yes" },
    { value_parse_switch, "True" },
    { value_parse_switch, "1" },
};

static void test_good_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        uint64_t value = 12345;

        if (!good[i].parse(good[i].text, &value) || value != good[i].value)
            fail_msg("'%s' read as %llu", good[i].text, (unsigned long long)value);
    }
}

static void test_bad_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint64_t value = 0;

        if (bad[i].parse(bad[i].text, &value))
            fail_msg("'%s' was taken, as %llu", bad[i].text, (unsigned long long)value);
    }
}

static void round_trip(parser *parse, formatter *format, uint64_t value)
{
    char text[VALUE_TEXT_MAX];
    uint64_t back = ~value;

    format(value, text);
    if (!parse(text, &back) || back != value)
        fail_msg("%llu became '%s' became %llu", (unsigned long long)value, text, (unsigned long long)back);
}

static void test_round_trips(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (uint64_t near = 0; near < 3; near++) {
            uint64_t value = (1ull << shift) + near - 1;

            round_trip(value_parse_count, value_format_count, value);
            round_trip(value_parse_size, value_format_size, value);
            round_trip(value_parse_duration, value_format_duration, value);
        }
    }
    round_trip(value_parse_duration, value_format_duration, 1000);
    round_trip(value_parse_switch, value_format_switch, 0);
    round_trip(value_parse_switch, value_format_switch, 1);
}

static void test_formats_take_the_largest_unit(void **state)
{
    char text[VALUE_TEXT_MAX];

    (void)state;
    value_format_size(256ull << 20, text);
    assert_string_equal(text, "256MiB");
    value_format_size(1536, text);
    assert_string_equal(text, "1536B");
    value_format_duration(50000, text);
    assert_string_equal(text, "50us");
    value_format_duration(0, text);
    assert_string_equal(text, "0");
    value_format_mode(0660, text);
    assert_string_equal(text, "\"0660\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_texts),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_formats_take_the_largest_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
