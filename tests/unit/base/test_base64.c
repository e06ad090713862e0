/* SPDX-License-Identifier: Apache-2.0
 *
 * base64: the RFC's own examples, whatever bytes there and back, and one text for the same bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/test.h"

/* RFC 4648, section 10. */
static void by_the_book(void **state)
{
    static const char *const pairs[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        char text[16], bytes[8] = "";
        size_t size = strlen(pairs[i][0]);

        base64_encode(pairs[i][0], size, text);
        assert_string_equal(text, pairs[i][1]);
        assert_true(base64_decode(text, strlen(text), bytes, size));
        assert_memory_equal(bytes, pairs[i][0], size);
    }
}

static void there_and_back(void **state)
{
    struct rng rng = rng_make(1, 0);

    (void)state;
    for (size_t size = 0; size < 200; size++) {
        uint8_t bytes[200], back[200];
        char text[BASE64_LENGTH(200) + 1];

        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)rng_u32(&rng);
        base64_encode(bytes, size, text);
        assert_int_equal(strlen(text), BASE64_LENGTH(size));
        assert_true(base64_decode(text, strlen(text), back, size));
        assert_memory_equal(back, bytes, size);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } cases[] = {
        { "Zm9v", 2 }, { "Zm9v", 4 },       { "Zm9", 2 },  { "Zm9v\n", 3 },   { "Zm8=", 3 },  { "Zg==", 2 },
        { "Z===", 1 }, { "Zg=A", 1 },       { "ZgA=", 1 }, { "Zh==", 1 },     { "Zm9=", 2 },  { "Z m9", 3 },
        { "Zm9-", 3 }, { "Zm\xc3\xa9", 3 }, { "====", 1 }, { "Zm8=Zm9v", 5 }, { "Zm9vZ", 3 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char bytes[8];

        if (base64_decode(cases[i].text, strlen(cases[i].text), bytes, cases[i].size))
            fail_msg("'%s' as %zu bytes is taken", cases[i].text, cases[i].size);
    }
    assert_false(base64_decode("Zm\0v", 4, (char[3]){ 0 }, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_book),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
