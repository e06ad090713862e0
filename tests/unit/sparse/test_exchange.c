/* SPDX-License-Identifier: Apache-2.0
 *
 * Edge lists and Matrix Market files: there and back to the same bits, and every fault with its line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "sparse/exchange.h"
#include "sparse/sample.h"
#include "support/test.h"

static void test_there_and_back(void **state)
{
    (void)state;
    for (int form = EXCHANGE_EDGES; form <= EXCHANGE_MARKET; form++) {
        cleanup_free char *text = NULL;
        struct csr made, back;
        bool weighted;
        struct reason why;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_ok(sample_connections(70, 90, 400, 1, 0, &made, &why), why);
        sample_weights(&made, 2, 1, 0);
        assert_int_equal(exchange_write(&made, (enum exchange_form)form, out), 0);
        fclose(out);
        assert_ok(exchange_read("t", text, size, (enum exchange_form)form, 70, 90, &back, &weighted, &why), why);
        assert_true(weighted);
        assert_int_equal(back.count, made.count);
        assert_memory_equal(back.starts, made.starts, 71 * sizeof *made.starts);
        assert_memory_equal(back.index.narrow, made.index.narrow, 400 * sizeof *made.index.narrow);
        assert_memory_equal(back.values, made.values, 400 * sizeof *made.values);
        csr_deinit(&made);
        csr_deinit(&back);
    }
}

static void test_order_comments_and_patterns(void **state)
{
    static const char edges[] = "output,input,weight\r\n2,1,0.5\r\n0,3,-1e-3\r\n";
    static const char market[] = "%%MatrixMarket matrix coordinate pattern general\n% by hand\n3 4 2\n3 2\n1 4\n";
    struct csr a, b;
    bool weighted;
    struct reason why;

    (void)state;
    assert_ok(exchange_read("t", edges, strlen(edges), EXCHANGE_EDGES, 3, 4, &a, &weighted, &why), why);
    assert_true(weighted);
    assert_ok(exchange_read("t", market, strlen(market), EXCHANGE_MARKET, 3, 4, &b, &weighted, &why), why);
    assert_false(weighted);
    assert_int_equal(a.count, 2);
    assert_int_equal(csr_column(&a, 0), 3);
    assert_true(a.values[1] == 0.5f);
    assert_memory_equal(a.starts, b.starts, 4 * sizeof *a.starts);
    assert_memory_equal(a.index.narrow, b.index.narrow, 2 * sizeof *a.index.narrow);
    assert_true(b.values[0] == 0);
    csr_deinit(&a);
    csr_deinit(&b);
}

static void test_edges_without_weights(void **state)
{
    static const char edges[] = "output,input\n2,1\n0,3\n";
    struct csr made;
    struct reason why;
    bool weighted;

    (void)state;
    assert_ok(exchange_read("t", edges, strlen(edges), EXCHANGE_EDGES, 3, 4, &made, &weighted, &why), why);
    assert_false(weighted);
    assert_int_equal(made.count, 2);
    assert_true(made.values[0] == 0 && made.values[1] == 0);
    csr_deinit(&made);
}

static void test_faults_with_their_lines(void **state)
{
    static const struct {
        enum exchange_form form;
        const char *text, *expected;
    } cases[] = {
        { EXCHANGE_EDGES, "0,0,1\n0\n", "t:2: two numbers" },
        { EXCHANGE_EDGES, "0,0\n", "t:1: a finite weight" },
        { EXCHANGE_EDGES, "0,0,nan\n", "t:1: a finite weight" },
        { EXCHANGE_EDGES, "0,0,inf\n", "t:1: a finite weight" },
        { EXCHANGE_EDGES, "0,0,1e99\n", "t:1: a finite weight" },
        { EXCHANGE_EDGES, "0,0,1,2\n", "t:1: unexpected \",2\"" },
        { EXCHANGE_EDGES, "3,0,1\n", "outside a layer of 3 outputs and 4 inputs" },
        { EXCHANGE_EDGES, "0,4,1\n", "outside a layer" },
        { EXCHANGE_EDGES, "-1,0,1\n", "t:1: two numbers" },
        { EXCHANGE_EDGES, "99999999999999999999999,0,1\n", "t:1: two numbers" },
        { EXCHANGE_EDGES, "1,1,1\n0,0,1\n1,1,2\n", "t:3: connection 1, 1 is there already, in line 1" },
        { EXCHANGE_MARKET, "", "t:1: \"%%MatrixMarket" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix array real general\n", "t:1: \"%%MatrixMarket" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix coordinate real symmetric\n3 4 0\n", "only \"general\"" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix coordinate real general\n", "ends before its dimensions" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix coordinate real general\n3 4\n", "t:2: \"rows columns count\"" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix coordinate real general\n4 3 0\n", "t:2: a matrix of 4 x 3" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix coordinate real general\n3 4 2\n1 1 1\n",
          "2 entries are announced, 1" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix coordinate real general\n3 4 1\n0 1 1\n", "numbered from 1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct csr made;
        struct reason why;

        assert_int_equal(
            exchange_read("t", cases[i].text, strlen(cases[i].text), cases[i].form, 3, 4, &made, NULL, &why),
            WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].expected))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, why.text, cases[i].expected);
    }
}

static void test_forms_by_ending(void **state)
{
    enum exchange_form form;

    (void)state;
    assert_true(exchange_form_of("a/b.csv", &form) && form == EXCHANGE_EDGES);
    assert_true(exchange_form_of("b.mtx", &form) && form == EXCHANGE_MARKET);
    assert_false(exchange_form_of("b.txt", &form));
    assert_false(exchange_form_of("csv", &form));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),        cmocka_unit_test(test_order_comments_and_patterns),
        cmocka_unit_test(test_edges_without_weights), cmocka_unit_test(test_faults_with_their_lines),
        cmocka_unit_test(test_forms_by_ending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
