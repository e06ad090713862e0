/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters: what is in bounds, and the words that some have in place of numbers.
 */
#include <math.h>
#include <string.h>

#include "sparse/graph/model.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

static const char *const tastes[] = { "sweet", "sour", "salt", NULL };
static const struct layer_kind kind = { .name = "dish",
                                        .parameters = { { "spoons", 1, 0, 9, PARAMETER_WHOLE },
                                                        { "taste", 1, 0, 2, PARAMETER_ENUM },
                                                        { "warmth", 0.5, 0, 1, PARAMETER_REAL } },
                                        .words = { [1] = tastes } };

static void test_words_stand_for_numbers(void **state)
{
    struct reason why;

    (void)state;
    for (unsigned i = 0; tastes[i]; i++) {
        double value = -1;

        assert_ok(layer_parameter_parse(&kind, 1, tastes[i], &value, &why), why);
        assert_true(value == i);
        assert_ok(layer_parameter_check(&kind.parameters[1], value, &why), why);
        assert_string_equal(layer_parameter_word(&kind, 1, value), tastes[i]);
    }
    assert_null(layer_parameter_word(&kind, 0, 0));
    assert_null(layer_parameter_word(&kind, 2, 0));
}

static void test_other_words_and_values_are_refused(void **state)
{
    static const char *const words[] = { "", "Sweet", "sweets", "swee", "0", "1", "bitter" };
    static const double values[] = { -1, 0.5, 3, NAN, INFINITY };
    double value = 7;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_int_equal(layer_parameter_parse(&kind, 1, words[i], &value, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, "must be one of: sweet, sour, salt"));
        assert_true(value == 7);
    }
    assert_int_equal(layer_parameter_parse(&kind, 1, NULL, &value, &why), WISP_E_FORMAT);
    assert_string_equal(why.text, "taste is no word, and must be one of: sweet, sour, salt");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(layer_parameter_check(&kind.parameters[1], values[i], &why), WISP_E_FORMAT);
}

/* The rows of the table: as many words as values, each of them a name, and no two the same. */
static void test_every_kind_has_words_for_its_values(void **state)
{
    const struct layer_kind *row;
    struct reason why;

    (void)state;
    for (size_t k = 0; (row = layer_kind_at(k)); k++) {
        for (unsigned p = 0; p < LAYER_PARAMETERS_MAX; p++) {
            const struct layer_parameter *rule = &row->parameters[p];
            unsigned count = 0;
            double value;

            assert_int_equal(rule->name && rule->type == PARAMETER_ENUM, row->words[p] != NULL);
            for (; row->words[p] && row->words[p][count]; count++) {
                assert_ok(name_check("a word", row->words[p][count], LAYER_NAME_MAX, &why), why);
                assert_ok(layer_parameter_parse(row, p, row->words[p][count], &value, &why), why);
                assert_true(value == count);
            }
            if (!row->words[p])
                continue;
            assert_true(rule->min == 0 && rule->max + 1 == count);
            assert_ok(layer_parameter_check(rule, rule->default_value, &why), why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_stand_for_numbers),
        cmocka_unit_test(test_other_words_and_values_are_refused),
        cmocka_unit_test(test_every_kind_has_words_for_its_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
