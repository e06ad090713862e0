/* SPDX-License-Identifier: Apache-2.0
 *
 * Edge lists and Matrix Market files: there and back to the same bits, and every fault with its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "sparse/construct/exchange.h"
#include "sparse/construct/sample.h"
#include "support/test.h"

static int read_text(const char *text, enum exchange_form form, uint32_t rows, uint32_t columns, struct csr *out,
                     struct exchange_info *info, struct reason *why)
{
    size_t length = strlen(text);
    cleanup_free char *copy =
        malloc(length ? length : 1); /* without a zero behind it, so that a read past it is seen */

    assert_non_null(copy);
    memcpy(copy, text, length);
    return exchange_read("t", copy, length, form, rows, columns, out, info, why);
}

/* The matrix as one line: "row,column=value", in order. */
static void print_matrix(const struct csr *matrix, char *out, size_t size)
{
    size_t used = 0;

    *out = 0;
    for (uint32_t r = 0; r < matrix->rows; r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++)
            used += (size_t)snprintf(out + used, size - used, "%s%u,%u=%g", used ? " " : "", r, csr_column(matrix, k),
                                     (double)matrix->values[k]);
    }
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (int form = EXCHANGE_EDGES; form <= EXCHANGE_MARKET; form++) {
        cleanup_free char *text = NULL;
        struct exchange_info info;
        struct csr made, back;
        struct reason why;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_ok(sample_connections(70, 90, 400, 1, 0, &made, &why), why);
        sample_weights(&made, 2, 1, 0);
        assert_int_equal(exchange_write(&made, (enum exchange_form)form, out), 0);
        fclose(out);
        assert_ok(exchange_read("t", text, size, (enum exchange_form)form, 70, 90, &back, &info, &why), why);
        assert_true(info.weighted && !info.headless && !info.vanished);
        assert_int_equal(back.count, made.count);
        assert_memory_equal(back.starts, made.starts, 71 * sizeof *made.starts);
        assert_memory_equal(back.index.narrow, made.index.narrow, 400 * sizeof *made.index.narrow);
        assert_memory_equal(back.values, made.values, 400 * sizeof *made.values);
        csr_deinit(&made);
        csr_deinit(&back);
    }
}

/* What other programs write, for a layer of 3 outputs and 4 inputs. */
static const struct {
    const char *text, *matrix;
    bool weighted, headless;
} edge_lists[] = {
    { "output,input,weight\r\n2,1,0.5\r\n0,3,-1e-3\r\n", "0,3=-0.001 2,1=0.5", true, false },
    { "output,input\n2,1\n0,3", "0,3=0 2,1=0", false, false },
    { "input,output,weight\n1,2,0.5\n3,0,7\n", "0,3=7 2,1=0.5", true, false },
    { "weight,source,target\n0.5,1,2\n7,3,0\n", "0,3=7 2,1=0.5", true, false },
    { "Source,Target,Weight\n1,2,0.5\n", "2,1=0.5", true, false },
    { "from,to\n3,2\n", "2,3=0", false, false },
    { "to,from,value\n2,3,1\n", "2,3=1", true, false },
    { "row,col,value\n2,3,1\n", "2,3=1", true, false },
    { "row,column\n2,3\n", "2,3=0", false, false },
    { "\"from\",\"to\",\"weight\"\n\"3\",\"2\",\"1.5\"\n", "2,3=1.5", true, false },
    { " from , to \n 3 ,\t2 \n", "2,3=0", false, false },
    { "\xef\xbb\xbf"
      "from,to\n3,2\n",
      "2,3=0", false, false },
    { "# from,to\n3,2\n", "2,3=0", false, false },
    { "# by hand\n\n% and again\nfrom,to\n# here too\n3,2\n\n", "2,3=0", false, false },
    { "2,3,1.5\n0,0,1\n", "0,0=1 2,3=1.5", true, true },
    { "# by hand\n2,3,1.5\n", "2,3=1.5", true, true },
};

static const struct {
    const char *text, *matrix;
    bool weighted;
} markets[] = {
    /* as scipy.io.mmwrite() writes: of an identity, a symmetric, a skew-symmetric matrix, patterns, integers */
    { "%%MatrixMarket matrix coordinate real symmetric\n%\n3 3 3\n1 1 1\n2 2 1\n3 3 1\n", "0,0=1 1,1=1 2,2=1", true },
    { "%%MatrixMarket matrix coordinate real symmetric\n%\n3 3 3\n1 1 1.5\n2 1 2\n3 3 -7\n",
      "0,0=1.5 0,1=2 1,0=2 2,2=-7", true },
    { "%%MatrixMarket matrix coordinate real skew-symmetric\n%\n3 3 1\n2 1 1.5\n", "0,1=-1.5 1,0=1.5", true },
    { "%%MatrixMarket matrix coordinate pattern general\n%\n3 3 2\n2 1\n1 3\n", "0,2=0 1,0=0", false },
    { "%%MatrixMarket matrix coordinate pattern symmetric\n%\n3 3 2\n2 1\n3 3\n", "0,1=0 1,0=0 2,2=0", false },
    { "%%MatrixMarket matrix coordinate unsigned-integer general\n%\n3 3 2\n2 1 3\n1 3 3\n", "0,2=3 1,0=3", true },
    { "%%MatrixMarket matrix coordinate integer general\n%\n3 3 2\n2 1 -3\n1 3 +3\n", "0,2=3 1,0=-3", true },
    /* as the definition allows */
    { "%%MatrixMarket  MATRIX   Coordinate    Real General \t\r\n% blanks\n\n   3  3     2\n%\n\n1 1   0.5\r\n"
      "     2\t3   -1.25E0   \n  % the end\n",
      "0,0=0.5 1,2=-1.25", true },
    { "%%matrixmarket matrix coordinate real general\n3 3 0\n", "", true },
    { "%%MatrixMarket matrix coordinate real general\n3 3 1\n1 1 0."
      "5000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\n",
      "0,0=0.5", true },
};

static void test_what_others_write(void **state)
{
    char text[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edge_lists); i++) {
        struct exchange_info info;
        struct csr made;
        struct reason why;

        assert_ok(read_text(edge_lists[i].text, EXCHANGE_EDGES, 3, 4, &made, &info, &why), why);
        print_matrix(&made, text, sizeof text);
        assert_string_equal(text, edge_lists[i].matrix);
        assert_int_equal(info.weighted, edge_lists[i].weighted);
        assert_int_equal(info.headless, edge_lists[i].headless);
        csr_deinit(&made);
    }
    for (size_t i = 0; i < ARRAY_SIZE(markets); i++) {
        struct exchange_info info;
        struct csr made;
        struct reason why;

        assert_ok(read_text(markets[i].text, EXCHANGE_MARKET, 3, 3, &made, &info, &why), why);
        print_matrix(&made, text, sizeof text);
        assert_string_equal(text, markets[i].matrix);
        assert_int_equal(info.weighted, markets[i].weighted);
        csr_deinit(&made);
    }
}

/* Numbers too small for a float become 0, and that is told; a 0 is a 0. */
static void test_weights_that_vanish(void **state)
{
    static const char edges[] = "output,input,weight\n0,0,0\n1,1,-0.0e5\n2,2,1e-300\n2,3,-4.9e-324\n1,2,1e-40\n";
    struct exchange_info info;
    struct csr made;
    struct reason why;

    (void)state;
    assert_ok(read_text(edges, EXCHANGE_EDGES, 3, 4, &made, &info, &why), why);
    assert_int_equal(info.vanished, 2);
    assert_int_equal(info.vanished_line, 4);
    csr_deinit(&made);
}

#define MARKET "%%MatrixMarket matrix coordinate "

static void test_faults_with_their_lines(void **state)
{
    static const struct {
        enum exchange_form form;
        const char *text, *expected;
    } cases[] = {
        { EXCHANGE_EDGES, "0,0,1\n0\n", "t:2: 3 fields are expected, separated by commas: output,input,weight" },
        { EXCHANGE_EDGES, "0,0\n",
          "t:1: 3 fields are expected, separated by commas: output,input,weight; a list "
          "without weights needs a head line, as \"output,input\"" },
        { EXCHANGE_EDGES, "0 0 1\n", "t:1: 3 fields" },
        { EXCHANGE_EDGES, "0;0;1\n", "t:1: 3 fields" },
        { EXCHANGE_EDGES, "0,0,nan\n", "t:1: \"nan\" is no weight" },
        { EXCHANGE_EDGES, "0,0,inf\n", "t:1: \"inf\" is no weight" },
        { EXCHANGE_EDGES, "0,0,1e99\n", "t:1: \"1e99\" is no weight; a finite number" },
        { EXCHANGE_EDGES, "0,0,0x1p3\n", "t:1: \"0x1p3\" is no weight" },
        { EXCHANGE_EDGES, "0,0,1 2\n", "t:1: \"1 2\" is no weight" },
        { EXCHANGE_EDGES, "0,0,\n", "t:1: \"\" is no weight" },
        { EXCHANGE_EDGES, "0,0,1,2\n", "t:1: 3 fields" },
        { EXCHANGE_EDGES, "output,input,weight\n0,,1,0.5\n", "t:2: 3 fields" },
        { EXCHANGE_EDGES, "output,input,weight\n0,,0.5\n", "t:2: \"\" is no number of the input" },
        { EXCHANGE_EDGES, "output,input,weight\n0,1,0.5,\n", "t:2: 3 fields" },
        { EXCHANGE_EDGES, "output,input\n0,1,0.5\n", "t:2: 2 fields" },
        { EXCHANGE_EDGES, "a,b\n0,1\n",
          "t:1: \"a\" is no known name of a column; known are output, target, to or row; "
          "input, source, from, col or column; weight or value" },
        { EXCHANGE_EDGES, "source,target,type\n", "t:1: \"type\" is no known name" },
        { EXCHANGE_EDGES, "source,target,weight,id\n", "t:1: more than 3 columns" },
        { EXCHANGE_EDGES, "source,from,weight\n", "t:1: two columns are the input" },
        { EXCHANGE_EDGES, "source,weight\n", "t:1: no column is the output" },
        { EXCHANGE_EDGES, "x\x1b[2J,y\n", "t:1: \"x?[2J\" is no known name" },
        { EXCHANGE_EDGES, "output,input\noutput,input\n", "t:2: \"output\" is no number of the output" },
        { EXCHANGE_EDGES, "3,0,1\n", "outside a layer of 3 outputs and 4 inputs (numbered from 0); are output and" },
        { EXCHANGE_EDGES, "0,4,1\n", "outside a layer" },
        { EXCHANGE_EDGES, "-1,0,1\n", "t:1: \"-1\" is no number of the output" },
        { EXCHANGE_EDGES, "99999999999999999999999,0,1\n", "is no number of the output" },
        { EXCHANGE_EDGES, "1,1,1\n0,0,1\n1,1,2\n", "t:3: connection 1, 1 is there already, in line 1" },
        { EXCHANGE_MARKET, "", "t:1: \"%%MatrixMarket matrix coordinate real general\" is expected" },
        { EXCHANGE_MARKET, "%%MatrixMarket vector coordinate real general\n", "t:1: \"%%MatrixMarket" },
        { EXCHANGE_MARKET, "%%MatrixMarket matrix array real general\n", "t:1: \"array\": a dense matrix" },
        { EXCHANGE_MARKET, MARKET "complex general\n3 4 0\n", "t:1: \"complex\": a matrix of complex numbers" },
        { EXCHANGE_MARKET, MARKET "real hermitian\n3 4 0\n", "t:1: \"hermitian\": a matrix of complex numbers" },
        { EXCHANGE_MARKET, MARKET "real\n3 4 0\n", "t:1: \"\": \"general\", \"symmetric\" or" },
        { EXCHANGE_MARKET, MARKET "real general x\n3 4 0\n", "t:1: unexpected \"x\" at the end" },
        { EXCHANGE_MARKET, MARKET "real symmetric\n3 4 0\n", "t:2: a symmetric matrix is square" },
        { EXCHANGE_MARKET, MARKET "pattern skew-symmetric\n3 4 0\n", "is no matrix" },
        { EXCHANGE_MARKET, MARKET "real general\n", "ends before its dimensions" },
        { EXCHANGE_MARKET, MARKET "real general\n3 4\n", "t:2: \"rows columns count\"" },
        { EXCHANGE_MARKET, MARKET "real general\n3 4 0 0\n", "t:2: \"rows columns count\"" },
        { EXCHANGE_MARKET, MARKET "real general\n4 3 0\n",
          "t:2: a matrix of 4 x 3, but the layer has 3 outputs and 4 "
          "inputs; rows are outputs: transpose it" },
        { EXCHANGE_MARKET, MARKET "real general\n3 4 2\n1 1 1\n", "2 entries are announced, 1" },
        { EXCHANGE_MARKET, MARKET "real general\n3 4 1\n0 1 1\n", "numbered from 1" },
        { EXCHANGE_MARKET, MARKET "real general\n3 4 1\n1 1\n", "t:3: \"\" is no weight" },
        { EXCHANGE_MARKET, MARKET "integer general\n3 4 1\n1 1 1.5\n", "t:3: \"1.5\" is no weight; the file says" },
        { EXCHANGE_MARKET, MARKET "pattern general\n3 4 1\n1 1 1\n", "t:3: unexpected \"1\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct csr made;
        struct reason why = { "" };

        if (read_text(cases[i].text, cases[i].form, 3, 4, &made, NULL, &why) != WISP_E_FORMAT)
            fail_msg("case %zu is accepted", i);
        if (!strstr(why.text, cases[i].expected))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, why.text, cases[i].expected);
    }
}

/* Both of a pair, or the diagonal of what has none. */
static void test_faults_of_symmetric_matrices(void **state)
{
    struct csr made;
    struct reason why;

    (void)state;
    assert_int_equal(
        read_text(MARKET "real symmetric\n3 3 2\n2 1 1\n1 2 1\n", EXCHANGE_MARKET, 3, 3, &made, NULL, &why),
        WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "is there already, in line 3"));
    assert_int_equal(read_text(MARKET "real skew-symmetric\n3 3 1\n2 2 1\n", EXCHANGE_MARKET, 3, 3, &made, NULL, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "t:3: a skew-symmetric matrix has no diagonal"));
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
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_others_write),
        cmocka_unit_test(test_weights_that_vanish),
        cmocka_unit_test(test_faults_with_their_lines),
        cmocka_unit_test(test_faults_of_symmetric_matrices),
        cmocka_unit_test(test_forms_by_ending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
