/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/csr: what csr_check() refuses, and that it looks at nothing before it is checked; and the index
 * by columns.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "sparse/tensor/csc.h"
#include "sparse/tensor/csr.h"
#include "support/test.h"

enum { ROWS = 3, COLUMNS = 5, COUNT = 6 };

static struct csr make(uint32_t columns)
{
    static const uint64_t starts[ROWS + 1] = { 0, 2, 2, 6 };
    static const uint16_t indices[COUNT] = { 1, 4, 0, 1, 3, 4 };
    struct csr matrix;

    assert_int_equal(csr_alloc(&matrix, ROWS, columns, COUNT), 0);
    memcpy(matrix.starts, starts, sizeof starts);
    for (int i = 0; i < COUNT; i++) {
        csr_set_column(&matrix, i, indices[i]);
        matrix.values[i] = (float)i;
    }
    return matrix;
}

static void set_start(struct csr *matrix, uint64_t at, double value)
{
    matrix->starts[at] = value < 0 ? UINT64_MAX : (uint64_t)value;
}

static void set_column(struct csr *matrix, uint64_t at, double value)
{
    csr_set_column(matrix, at, (uint32_t)value);
}

static void set_value(struct csr *matrix, uint64_t at, double value)
{
    matrix->values[at] = (float)value;
}

static void test_refusals_name_row_and_connection(void **state)
{
    static const struct {
        void (*set)(struct csr *matrix, uint64_t at, double value);
        uint64_t at;
        double value;
        const char *reason;
    } faults[] = {
        { set_start, 0, 1, "row 0 starts at connection 1, not at 0" },
        { set_start, 1, 3, "row 1 ends at connection 2, before its start at 3" },
        { set_start, 1, -1, "row 1 ends at connection 2, before its start" },
        { set_start, 2, -1, "row 2 ends at connection 6, before its start" },
        { set_start, 3, 7, "rows end at connection 7, but there are 6" },
        { set_start, 3, -1, "rows end at connection 18446744073709551615, but there are 6" },
        { set_start, 3, 5, "rows end at connection 5, but there are 6" },
        { set_column, 1, 1, "row 0, connection 1: column 1 does not ascend, it follows 1" },
        { set_column, 4, 0, "row 2, connection 4: column 0 does not ascend, it follows 1" },
        { set_value, 0, NAN, "row 0, connection 0: the value is not a finite number" },
        { set_value, 5, INFINITY, "row 2, connection 5: the value is not a finite number" },
        { set_value, 3, -INFINITY, "row 2, connection 3: the value is not a finite number" },
    };
    static const uint32_t columns[] = { COLUMNS, CSR_NARROW_COLUMNS, CSR_NARROW_COLUMNS + 1, 1u << 31 };

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
            struct csr matrix = make(columns[c]);
            struct reason why;

            assert_ok(csr_check(&matrix, &why), why);
            faults[i].set(&matrix, faults[i].at, faults[i].value);
            assert_int_equal(csr_check(&matrix, &why), WISP_E_FORMAT);
            if (!strstr(why.text, faults[i].reason))
                fail_msg("fault %zu: \"%s\" does not say \"%s\"", i, why.text, faults[i].reason);
            csr_deinit(&matrix);
        }
    }
}

static void test_columns_out_of_range(void **state)
{
    struct csr narrow = make(COLUMNS), wide = make(70000);
    struct reason why;

    (void)state;
    set_column(&narrow, 5, COLUMNS);
    assert_int_equal(csr_check(&narrow, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "row 2, connection 5: column 5 is out of range, there are 5"));
    set_column(&wide, 1, 4294967295.);
    assert_int_equal(csr_check(&wide, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "column 4294967295 is out of range"));
    csr_deinit(&narrow);
    csr_deinit(&wide);
}

static void test_ends_of_the_range(void **state)
{
    struct csr matrix;
    struct reason why;

    (void)state;
    assert_int_equal(csr_alloc(&matrix, 1, CSR_NARROW_COLUMNS, 1), 0);
    assert_true(csr_is_narrow(&matrix));
    matrix.starts[1] = 1;
    matrix.index.narrow[0] = UINT16_MAX;
    assert_ok(csr_check(&matrix, &why), why);
    csr_deinit(&matrix);
    csr_deinit(&matrix);
    assert_int_equal(csr_alloc(&matrix, 4, 1, 0), 0);
    assert_ok(csr_check(&matrix, &why), why);
    csr_deinit(&matrix);
    assert_int_equal(csr_alloc(&matrix, 1, 1, UINT64_MAX / 2), -ENOMEM);
    assert_int_equal(csr_alloc(&matrix, 1, CSR_NARROW_COLUMNS + 1, UINT64_MAX / 4), -ENOMEM);
}

/* An index of either width takes the largest column, and memory counts what was asked for. */
static void test_columns_of_either_width(void **state)
{
    (void)state;
    for (uint32_t columns = CSR_NARROW_COLUMNS; columns <= CSR_NARROW_COLUMNS + 1; columns++) {
        const bool wide = columns > CSR_NARROW_COLUMNS;
        struct csr matrix;

        assert_int_equal(csr_alloc(&matrix, 2, columns, 3), 0);
        for (uint32_t k = 0; k < 3; k++)
            csr_set_column(&matrix, k, columns - 3 + k);
        for (uint32_t k = 0; k < 3; k++)
            assert_int_equal(csr_column(&matrix, k), columns - 3 + k);
        assert_int_equal(csr_index_bytes(columns), wide ? 4 : 2);
        assert_int_equal(csr_memory(&matrix), 3 * 8 + 3 * 4 + 3 * (wide ? 4 : 2));
        csr_deinit(&matrix);
    }
}

/* Every connection once, under its column, in the order of rows. */
static void test_the_index_by_columns(void **state)
{
    (void)state;
    for (uint32_t columns = COLUMNS; columns <= CSR_NARROW_COLUMNS + 1; columns += CSR_NARROW_COLUMNS - COLUMNS + 1) {
        struct csr matrix = make(columns);
        bool seen[COUNT] = { false };
        struct csc index;

        assert_int_equal(csc_init(&index, &matrix), 0);
        assert_int_equal(index.starts[0], 0);
        assert_int_equal(index.starts[columns], COUNT);
        for (uint32_t c = 0; c < columns; c++) {
            for (uint64_t j = index.starts[c]; j < index.starts[c + 1]; j++) {
                const uint32_t k = index.connections[j], r = index.rows[j];

                assert_true(k < COUNT && !seen[k]);
                seen[k] = true;
                assert_int_equal(csr_column(&matrix, k), c);
                assert_true(k >= matrix.starts[r] && k < matrix.starts[r + 1]);
                assert_true(j == index.starts[c] || index.rows[j - 1] < r);
            }
        }
        csc_deinit(&index);
        csc_deinit(&index);
        csr_deinit(&matrix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_name_row_and_connection),
        cmocka_unit_test(test_columns_out_of_range),
        cmocka_unit_test(test_ends_of_the_range),
        cmocka_unit_test(test_columns_of_either_width),
        cmocka_unit_test(test_the_index_by_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
