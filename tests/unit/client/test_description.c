/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon says of a model, with one thing wrong at a time: each is refused with a sentence that names it, and
 * nothing stays behind. Whole, it is the model.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "client/model.h"
#include "support/test.h"

#define LONG   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TENSOR "{\"name\":\"n\",\"dtype\":\"uint8\",\"shape\":[1],\"elements\":1}"

static const char whole[] =
    "{\"name\":\"m\",\"processing\":\"p\",\"identity\":\"i\",\"rows_most\":4,"
    "\"inputs\":[{\"name\":\"in\",\"dtype\":\"float32\",\"shape\":[2,3],\"elements\":6}],"
    "\"outputs\":[{\"name\":\"words\",\"dtype\":\"int32\",\"shape\":[5],\"elements\":5},"
    "{\"name\":\"progress\",\"dtype\":\"int32\",\"shape\":[2],\"elements\":2}],"
    "\"decoding\":{\"length\":5},\"decoder\":\"d\",\"labels\":[\"a\",\"b\"],\"thresholds\":[5,999]}";

/* What stands there, what stands there in its place, and what is said of that; NULL: it is as good. */
static const struct {
    const char *from, *to, *says;
} rows[] = {
    { "\"m\"", "\"m\"", NULL },
    { "\"m\"", "\"\"", "name is missing" },
    { "\"name\":\"m\",", "", "name is missing" },
    { "\"p\"", "7", "processing is missing" },
    { "\"i\"", "\"\"", "identity is missing" },
    { "\"i\"", "\"" LONG "\"", "identity has more than 63 bytes" },
    { "most\":4", "most\":0", "rows_most is not a number" },
    { "most\":4", "most\":65537", "rows_most is not a number" },
    { "most\":4", "most\":\"4\"", "rows_most is not a number" },
    { "\"in\"", "8", "inputs: a name is missing" },
    { "\"float32\"", "3", "in.dtype is missing" },
    { "\"float32\"", "\"float16\"", "in.dtype is unknown to this version" },
    { "\"float32\"", "\"uint8\"", NULL },
    { "[2,3]", "[]", "in.shape has 0 dimensions" },
    { "[2,3]", "[1,1,1,1,1,1,1,1,1]", "in.shape has 9 dimensions" },
    { "[2,3]", "[1,1,1,1,1,1,2,3]", NULL },
    { "[2,3]", "[2,0]", "in.shape[1] is not possible" },
    { "[2,3]", "[2,\"3\"]", "in.shape[1] is not possible" },
    { "[2,3]", "[4294967296,3]", "in.shape[0] is not possible" },
    { "[2,3]", "[16777216,16777216]", "in.shape[1] is not possible" },
    { "\"elements\":6", "\"elements\":5", "in.elements is not the product" },
    { "\"elements\":6", "\"elements\":7", "in.elements is not the product" },
    { "\"elements\":6", "\"elements\":-6", "in.elements is not the product" },
    { "\"inputs\":[",
      "\"inputs\":[" TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR ",",
      "inputs: there are more than 8" },
    { "\"inputs\":[", "\"inputs\":[" TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR "," TENSOR ",",
      NULL },
    { "\"inputs\":[{", "\"input\":{\"shape\":[7],\"elements\":7},\"other\":[{", NULL }, /* the short form of before */
    { "\"inputs\":[{", "\"input\":{\"shape\":[7],\"elements\":8},\"other\":[{", "input.elements is not the product" },
    { "\"inputs\":[{", "\"other\":[{", "input.shape has 0 dimensions" },
    { "{\"length\":5}", "{}", "decoding.length is missing" },
    { "{\"length\":5}", "{\"length\":0}", "decoding.length is missing" },
    { "{\"length\":5}", "{\"length\":6}", "not words and their progress" },
    { "\"words\",\"dtype\":\"int32\"", "\"words\",\"dtype\":\"float32\"", "not words and their progress" },
    { "\"progress\",\"dtype\":\"int32\"", "\"progress\",\"dtype\":\"uint8\"", "not words and their progress" },
    { "[2],\"elements\":2", "[3],\"elements\":3", "not words and their progress" },
    { "\"outputs\":[", "\"outputs\":[" TENSOR ",", "not words and their progress" },
    { "\"d\"", "\"\"", "decoder is not the name of a model" },
    { "\"d\"", "[]", "decoder is not the name of a model" },
    { "\"d\"", "\"" LONG LONG LONG LONG "\"", "decoder is not the name of a model" },
    { "\"decoder\":\"d\",", "", NULL },
    { "[\"a\",\"b\"]", "[\"a\",9]", "labels[1] is not a text" },
    { "[\"a\",\"b\"]", "[\"a\"]", "1 labels have 2 thresholds" },
    { "[5,999]", "[5]", "2 labels have 1 thresholds" },
    { "[5,999]", "[5,1000]", "thresholds[1] is not from 1 to 999" },
    { "[5,999]", "[0,999]", "thresholds[0] is not from 1 to 999" },
    { "[5,999]", "[]", NULL },
    { "{\"name\":\"m\"", "{\"name\":\"m\"]", "what wispd says of asked" },
};

/* As it is, with that in place of this. */
static char *changed(const char *from, const char *to)
{
    const char *const at = strstr(whole, from);
    char *text = NULL;

    assert_non_null(at);
    assert_true(asprintf(&text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from)) > 0);
    return text;
}

static void test_one_thing_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct wisp_model *model = NULL;
        struct reason why = { "" };
        int result = model_from_json("asked", changed(rows[i].from, rows[i].to), &model, &why);

        if (result != (rows[i].says ? WISP_E_INVALID : 0) || (rows[i].says && !strstr(why.text, rows[i].says)))
            fail_msg("%s for %s: %d, \"%s\"", rows[i].to, rows[i].from, result, why.text);
        assert_true(!model == (rows[i].says != NULL));
        wisp_model_free(model);
    }
}

/* Of a binding only the identity and the rows are read. */
static void test_what_requests_rely_on(void **state)
{
    struct description description;
    struct reason why = { "" };

    (void)state;
    assert_ok(description_read(whole, &description, &why), why);
    assert_string_equal(description.identity, "i");
    assert_int_equal(description.rows_max, 4);
    assert_int_equal(description_read("{\"identity\":\"i\"}", &description, &why), WISP_E_INVALID);
    assert_int_equal(description_read("", &description, &why), WISP_E_INVALID);
}

static void test_what_it_is(void **state)
{
    struct wisp_model *model;
    struct reason why = { "" };

    (void)state;
    assert_ok(model_from_json("asked", changed("m", "m"), &model, &why), why);
    assert_int_equal(model->words_max, 5);
    assert_int_equal(model->label_count, 2);
    assert_int_equal(model->thresholds[1], 999);
    assert_int_equal(model->inputs.block.bytes[0], 24);
    assert_int_equal(model->outputs.block.count, 2);
    assert_true(tensors_are_plain(&model->inputs));
    assert_false(tensors_are_plain(&model->outputs));
    wisp_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thing_wrong),
        cmocka_unit_test(test_what_requests_rely_on),
        cmocka_unit_test(test_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
