/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/model_file: what the validator refuses, and that it says why. Every case is the small model's file with one
 * thing wrong; where the case is not about the checksum, the checksum is made right again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "small_model.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"
#include "support/test.h"

enum { LENGTH = SAFETENSORS_LENGTH };

struct bytes {
    char *data;
    size_t size;
};

static struct bytes good; /* the undamaged file */

static int write_good(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct model *model = small_model();
    struct reason why;
    void *data;

    (void)state;
    assert_ok(model_write(model, path, &why), why);
    assert_ok(file_read(path, 1 << 20, &data, &good.size, &why), why);
    good.data = data;
    model_free(model);
    scratch_remove(folder);
    return 0;
}

static int free_good(void **state)
{
    (void)state;
    free(good.data);
    return 0;
}

static int check(const void *data, size_t size, struct reason *why)
{
    char *copy = memory_alloc(size + 1, 1);
    struct model *model = NULL;
    int result;

    assert_non_null(copy);
    memcpy(copy, data, size);
    copy[size] = 0;
    why->text[0] = 0;
    result = model_parse(copy, size, &model, why);
    if (result)
        assert_null(model);
    model_free(model);
    return result;
}

static void assert_refused(struct bytes file, const char *what, const char *reason)
{
    struct reason why;
    int result = check(file.data, file.size, &why);

    if (result != WISP_E_FORMAT)
        fail_msg("%s: %d, \"%s\"", what, result, why.text);
    if (!strstr(why.text, reason))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, why.text, reason);
}

static uint64_t header_length(const char *data)
{
    uint64_t length;

    memcpy(&length, data, sizeof length);
    return length;
}

/* A file of this header, filled up with spaces, and this data; its checksum is right if it has a place. */
static struct bytes file_make(const char *header, size_t length, const char *data, size_t size)
{
    uint64_t padded = (LENGTH + length + 63) / 64 * 64 - LENGTH;
    struct bytes file = { malloc(LENGTH + padded + size + 1), LENGTH + padded + size };

    assert_non_null(file.data);
    memset(file.data, ' ', LENGTH + padded);
    memcpy(file.data, &padded, LENGTH);
    memcpy(file.data + LENGTH, header, length);
    memcpy(file.data + LENGTH + padded, data, size);
    checksum_seal(file.data, file.size);
    return file;
}

/* ' stands for \", a quotation mark within the JSON within the JSON. */
static void unquote(const char *text, char *out, size_t size)
{
    size_t used = 0;

    for (; *text && used + 3 < size; text++) {
        if (*text == '\'')
            out[used++] = '\\';
        out[used++] = *text == '\'' ? '"' : *text;
    }
    out[used] = 0;
}

static struct bytes header_edit(const char *find, const char *replace)
{
    uint64_t length = header_length(good.data);
    char wanted[600], instead[600], *at;
    cleanup_free char *header = calloc(1, length + sizeof instead);
    size_t tail;

    assert_non_null(header);
    unquote(find, wanted, sizeof wanted);
    unquote(replace, instead, sizeof instead);
    memcpy(header, good.data + LENGTH, length);
    while (header[strlen(header) - 1] == ' ')
        header[strlen(header) - 1] = 0;
    at = strstr(header, wanted);
    if (!at) {
        print_error("the header has no %s\n", wanted);
        abort();
    }
    tail = strlen(at + strlen(wanted)) + 1;
    memmove(at + strlen(instead), at + strlen(wanted), tail);
    memcpy(at, instead, strlen(instead));
    return file_make(header, strlen(header), good.data + LENGTH + length, good.size - LENGTH - length);
}

#define INPUT         "\"wisp.input\":\"[2,3]\""
#define INPUTS(list)  "\"wisp.inputs\":\"" list "\""
#define OUTPUTS(list) "\"wisp.outputs\":\"" list "\""
#define LONG_NAME                                                                                                      \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaa"
#define DEEP "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"
#define FC1  "{'name':'fc1','kind':'linear','inputs':[0],'parameters':{'neurons':0.0},'columns':6}"

/* Something in the header is replaced. */
static const struct {
    const char *find, *replace, *reason;
} header_damages[] = {
    /* JSON */
    { "{\"__metadata__\"", "{__metadata__", "the header: not valid JSON" },
    { "{\"__metadata__\":", "{\"__metadata__\"", "the header: not valid JSON" },
    { "[384,420]}}", "[384,420]}", "the header: not valid JSON" },
    { "[384,420]}}", "[384,420]}}x", "the header: not valid JSON" },
    { "[384,420]}}", "[384,420]},}", "the header: not valid JSON" },
    { "[384,420]}}", "[384,420]},\"x\":[[[[1]]]]}", "the header: nested deeper than 3" },
    { "\"wisp.name\":\"small\"", "\"wisp.name\":\"sm\xff\"", "the header: not valid JSON" },
    { "\"wisp.name\":\"small\"", "\"wisp.name\":\"small\",\"wisp.name\":\"small\"", "duplicate object key" },
    { "\"fc1.bias\":", "\"fc1.weight.values\":", "duplicate object key" },
    { "\"__metadata__\"", "\"__metadatb__\"", "tensor \"__metadatb__\": is not an object of dtype" },
    { "{\"__metadata__\":{", "{\"__metadata__\":[],\"x\":{", "\"__metadata__\" is not an object" },
    /* metadata */
    { "\"wisp.name\":\"small\"", "\"wisp.name\":7", "metadata \"wisp.name\" is not a string" },
    { "\"wisp.name\":\"small\"", "\"wisp.nome\":\"small\"", "the metadata has no \"wisp.name\"" },
    { "\"wisp.name\":\"small\"", "\"wisp.name\":\"small\",\"wisp.more\":\"\"", "\"wisp.more\" has no meaning" },
    { "\"wisp.name\":\"small\"", "\"wisp.name\":\"\"", "the model's name is empty" },
    { "\"wisp.name\":\"small\"", "\"wisp.name\":\"../small\"", "the model's name is not of letters" },
    { "\"wisp.name\":\"small\"", "\"wisp.name\":\"" LONG_NAME "\"", "\"wisp.name\" is longer than 127 bytes" },
    { "\"wisp.format\":\"1\",", "", "not a model of wisp" },
    { "\"wisp.format\":\"1\",", "\"wisp.format\":\"2\",", "format \"2\" is not the one this version reads" },
    { "\"wisp.checksum\":", "\"wisp.check\":", "the metadata has no \"wisp.checksum\"" },
    { "\"wisp.checksum\":", "\"wisp.checksum\": ", "\"wisp.checksum\" is not \"xxh3-128:\"" },
    { "xxh3-128:", "xxh3-64:", "\"wisp.checksum\" is not \"xxh3-128:\"" },
    { "\",\"wisp.graph\"", "0\",\"wisp.graph\"", "\"wisp.checksum\" is not \"xxh3-128:\"" },
    { "\"wisp.processing\":\"image.classification\",", "", "the metadata has no \"wisp.processing\"" },
    { "image.classification", "Image", "the processing type is not" },
    { "image.classification", "image.", "the processing type is not" },
    { "image.classification", ".image", "the processing type is not" },
    { "image.classification", "image.a.b", "the processing type is not" },
    { "image.classification", "", "the processing type is not" },
    { "image.classification", LONG_NAME, "\"wisp.processing\" is longer than 127 bytes" },
    { "\"wisp.input\":\"[2,3]\",", "", "the metadata has no \"wisp.input\"" },
    { "\"[2,3]\"", "\"6\"", "\"wisp.input\": not valid JSON" },
    { "\"[2,3]\"", "\"{}\"", "\"wisp.input\" is not an array" },
    { "\"[2,3]\"", "\"[]\"", "the input: a shape has 1 to 4 dimensions, not 0" },
    { "\"[2,3]\"", "\"[1,1,1,2,3]\"", "\"wisp.input\" is not an array of at most 4" },
    { "\"[2,3]\"", "\"[2,0]\"", "the input: dimension 2 of the shape is 0" },
    { "\"[2,3]\"", "\"[-2,3]\"", "\"wisp.input\" holds what is not a dimension" },
    { "\"[2,3]\"", "\"[2.0,3]\"", "\"wisp.input\" holds what is not a dimension" },
    { "\"[2,3]\"", "\"[9223372036854775808]\"", "\"wisp.input\": not valid JSON" },
    { "\"[2,3]\"", "\"[65536,65536]\"", "the input: the shape has more than" },
    { "\"[2,3]\"", "\"[7]\"", "layer \"fc1\": " },
    { "\"[2,3]\"", "\"" DEEP "\"", "\"wisp.input\": nested deeper than" },
    { INPUT, INPUTS("{}"), "\"wisp.inputs\": is not an array of 1 to 8 tensors" },
    { INPUT, INPUTS("[]"), "\"wisp.inputs\": is not an array of 1 to 8 tensors" },
    { INPUT, INPUTS("[5]"), "\"wisp.inputs\": tensor 1: is not an object" },
    { INPUT, INPUTS("[{'shape':[2,3]}]"), "tensor 1: has no \"name\" of at most 31 bytes" },
    { INPUT, INPUTS("[{'name':'" LONG_NAME "','shape':[2,3]}]"), "tensor 1: has no \"name\" of at most 31 bytes" },
    { INPUT, INPUTS("[{'name':'a b','shape':[2,3]}]"), "input 1: its name is not of letters" },
    { INPUT, INPUTS("[{'name':'a'}]"), "tensor 1: \"shape\" is not an array" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,-3]}]"), "tensor 1: \"shape\" holds what is not a dimension" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3],'dtype':'float16'}]"), "tensor 1: \"dtype\" is not \"float32\"" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3],'dtype':7}]"), "tensor 1: \"dtype\" is not \"float32\"" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3],'scale':'1'}]"), "tensor 1: \"scale\" is not a number" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3],'scale':2}]"), "input \"a\": is float32, which has no scale" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3],'dtype':'uint8','scale':0}]"), "input \"a\": has the scale 0" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3],'value':0}]"), "has keys other than name, dtype, shape and scale" },
    { INPUT, INPUTS("[{'name':'a','shape':[2,3]},{'name':'b','shape':[1]}]"),
      "there are 3 labels, but the output has 1 elements" },
    { INPUT, INPUT "," INPUTS("[{'name':'a','shape':[2,3]}]"), "one of them is enough" },
    { INPUT, INPUT "," OUTPUTS("[]"), "\"wisp.outputs\": is not an array of 1 to 8 tensors" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a'}]"), "tensor 1: \"value\" is not the number of a value" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a','value':-1}]"), "tensor 1: \"value\" is not the number of a value" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a','value':0}]"), "output \"a\" is value 0, which is no layer's" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a','value':4294967295}]"), "which is no layer's" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a','value':4,'shape':[3]}]"), "has keys other than name, dtype, value and" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a','value':4},{'name':'a','value':3}]"), "two outputs have the name \"a\"" },
    { INPUT, INPUT "," OUTPUTS("[{'name':'a','value':2}]"), "there are 3 labels, but the output has 5 elements" },
    { "['cat',", "[", "there are 2 labels, but the output has 3 elements" },
    { "['cat',", "['x','cat',", "there are 4 labels, but the output has 3 elements" },
    { "['cat',", "[7,", "\"wisp.labels\": label 1 is not a string" },
    { "['cat',", "['',", "label 1: is empty" },
    { "['cat',", "['a\\\\u001b[2J',", "label 1: has a control character at byte 1" },
    { "['cat',", "['ab\xc2\x9b',", "label 1: has a control character at byte 2" },
    { "\"wisp.labels\":\"[", "\"wisp.labels\":\"[],\",\"x\":\"[", "\"wisp.labels\": not valid JSON" },
    { "\"wisp.labels\":\"[", "\"wisp.labels\":\"[]\",\"x\":\"[", "\"wisp.labels\" is not an array of 1 to" },
    { "\"{'kind': 'image',", "\"{'kind': ,", "\"wisp.media\": not valid JSON" },
    { "'width': 3", "'width': " DEEP, "\"wisp.media\": nested deeper than 16" },
    { "\"{'seed':1,", "\"{'sparsity':1,", "\"wisp.lineage\": not valid JSON, duplicate object key" },
    { "\"{'seed':1,'sparsity':0.5}\"", "\"[1]\"", "\"wisp.lineage\" is not a JSON object" },
    /* the graph */
    { "\"wisp.graph\":\"[", "\"wisp.graph\":\"[]\",\"x\":\"[", "\"wisp.graph\" is not an array of 1 to" },
    { "\"wisp.graph\":\"[", "\"wisp.graph\":\"{}\",\"x\":\"[", "\"wisp.graph\" is not an array of 1 to" },
    { "\"wisp.graph\":\"[", "\"wisp.graph\":\"", "\"wisp.graph\": not valid JSON" },
    { "\"wisp.graph\":", "\"wisp.grape\":", "the metadata has no \"wisp.graph\"" },
    { "[" FC1, "[5", "layer 1 has no name" },
    { "{'name':'relu1',", "{", "layer 2 has no name" },
    { "'name':'relu1'", "'name':'" LONG_NAME "'", "layer 2 has no name of at most 63 bytes" },
    { "'name':'relu1'", "'name':''", "layer 2: its name is empty" },
    { "'name':'relu1'", "'name':'__pad_7'", "layer 2: its name is not of letters" },
    { "'name':'relu1'", "'name':'re lu'", "layer 2: its name is not of letters" },
    { "'name':'relu1'", "'name':'out'", "two layers have the name \"out\"" },
    { "'kind':'relu'", "'kind':'conv9'",
      "layer \"relu1\": kind \"conv9\" is unknown to this version, which knows: linear" },
    { "'kind':'relu'", "'kind':'\\\\u001b[31m'", "kind \"?[31m\" is unknown" },
    { "'kind':'relu'", "'kind':4", "layer \"relu1\": \"kind\" is not a string" },
    { "'kind':'relu',", "", "layer \"relu1\": \"kind\" is not a string" },
    { "'kind':'relu',", "'kind':'relu','x':1,", "layer \"relu1\": it has keys other than" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[2]", "reads value 2, which is not before its own, 2" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[4]", "reads value 4, which is not before its own, 2" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[-1]", "\"inputs\" holds what is not the number" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':['fc1']", "\"inputs\" holds what is not the number" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[4294967297]", "\"inputs\" holds what is not the number" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[]", "a relu layer has 1 to 1 inputs, not 0" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[1,1]", "a relu layer has 1 to 1 inputs, not 2" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':[0,0,0,0,0]", "\"inputs\" is not an array of at most 4" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu','inputs':1", "\"inputs\" is not an array" },
    { "'kind':'relu','inputs':[1]", "'kind':'relu'", "\"inputs\" is not an array" },
    { "'parameters':{}", "'parameters':[]", "\"parameters\" is not an object" },
    { "'parameters':{}", "'parameters':{'slope':0.1}", "parameters that a relu layer does not know" },
    { "'neurons':0.0", "'neurons':'5'", "parameter \"neurons\" is not a number" },
    { "'neurons':0.0", "'neurons':-5", "neurons is -5, and must be" },
    { "'neurons':0.0", "'neurons':1e300", "neurons is 1e+300, and must be" },
    { "'neurons':0.0", "'neurons':4", "layer \"fc1\": " },
    { "'parameters':{}", "'parameters':{},'columns':5", "\"columns\" stands at a relu layer" },
    { ",'columns':6", "", "\"columns\" is not a whole number" },
    { "'columns':6", "'columns':0", "\"columns\" is not a whole number" },
    { "'columns':6", "'columns':-6", "\"columns\" is not a whole number" },
    { "'columns':6", "'columns':268435457", "\"columns\" is not a whole number" },
    { "'columns':6", "'columns':3", "layer \"fc1\": the weight: row" },
    { "'columns':6", "'columns':7", "layer \"fc1\": " },
    { "'columns':6", "'columns':65537", "tensor \"fc1.weight.col_indices\" is of U16, not I32" },
    /* tensors */
    { "\"F32\",\"shape\":[10]", "\"F64\",\"shape\":[5]",
      "tensor \"fc1.weight.values\": dtype \"F64\" is none that model files use" },
    { "\"F32\",\"shape\":[10]", "\"F4\",\"shape\":[80]", "dtype \"F4\" is none that model files use" },
    { "\"F32\",\"shape\":[10]", "\"F4\",\"shape\":[79]", "79 elements of F4 do not take 40 bytes" },
    { "\"F32\",\"shape\":[10]", "\"F33\",\"shape\":[10]", "dtype \"F33\" is none that safetensors has" },
    { "\"F32\",\"shape\":[10]", "7,\"shape\":[10]", "tensor \"fc1.weight.values\": dtype \"\" is none" },
    { "\"F32\",\"shape\":[10]", "\"I32\",\"shape\":[10]", "tensor \"fc1.weight.values\" is of I32, not F32" },
    { "\"U16\",\"shape\":[10]", "\"I32\",\"shape\":[5]", "tensor \"fc1.weight.col_indices\" is of I32, not U16" },
    { "\"I64\",\"shape\":[6]", "\"F32\",\"shape\":[12]", "tensor \"fc1.weight.crow_indices\" is of F32, not I64" },
    { "\"F32\",\"shape\":[5]", "\"I32\",\"shape\":[5]", "tensor \"fc1.bias\" is of I32, not F32" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[11]", "11 elements of F32 do not take 40 bytes" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[-10]", "shape is not an array of at most 8 whole numbers" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[2,5]", "shape has 2 dimensions; a model's tensors have one" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[]", "1 elements of F32 do not take 40 bytes" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":10", "shape is not an array of at most 8 whole numbers" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[1,1,1,1,1,1,1,1,10]", "at most 8 whole numbers" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[4294967296,4294967296,4]", "shape has more than 2^64" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[4611686018427387914]", "do not take 40 bytes" },
    { "\"F32\",\"shape\":[10]", "\"F32\",\"shape\":[9223372036854775808]", "the header: not valid JSON" },
    { "[128,168]", "[128,168,168]", "data_offsets is not an array of two whole numbers" },
    { "[128,168]", "[128,168.0]", "data_offsets is not an array of two whole numbers" },
    { "[128,168]", "[-128,168]", "data_offsets is not an array of two whole numbers" },
    { "[128,168]", "{\"a\":1}", "data_offsets is not an array of two whole numbers" },
    { "[128,168]", "[168,128]", "data_offsets [168, 128] are not within the file's 420 bytes" },
    { "[384,420]", "[384,424]", "[384, 424] are not within the file's 420 bytes of tensors; is it cut off?" },
    { "[384,420]", "[9223372036854775807,9223372036854775807]", "are not within the file's 420 bytes" },
    { "[128,168]", "[64,104]", "they overlap" },
    { "[320,338]", "[318,336]", "they overlap" },
    { "\"__pad_5\":{\"dtype\":\"U8\",\"shape\":[46],\"data_offsets\":[338,384]},", "", "there is a hole" },
    { ",\"data_offsets\":[128,168]", "", "is not an object of dtype, shape and data_offsets" },
    { ",\"data_offsets\":[128,168]", ",\"data_offsets\":[128,168],\"x\":1", "is not an object of dtype, shape" },
    { "{\"dtype\":\"F32\",\"shape\":[10],\"data_offsets\":[128,168]}", "[]", "is not an object of dtype, shape" },
    { "\"fc2.weight.values\"", "\"fc2.weight.valuez\"", "layer \"fc2\": tensor \"fc2.weight.values\" is missing" },
    { "\"fc2.weight.crow_indices\"", "\"fc2.crow_indices\"", "tensor \"fc2.weight.crow_indices\" is missing" },
    { "\"fc2.weight.col_indices\"", "\"Fc2.weight.col_indices\"", "tensor \"fc2.weight.col_indices\" is missing" },
    { "\"fc1.bias\"", "\"fc1.gamma\"", "tensor \"fc1.gamma\" belongs to no layer" },
    { "\"fc1.bias\"", "\"out.bias\"", "tensor \"out.bias\" belongs to no layer" },
    { "\"fc1.bias\"", "\"fc1.\\u001b[2J\"", "tensor \"fc1.?[2J\" belongs to no layer" },
    { "\"__pad_0\"", "\"padding\"", "tensor \"padding\" belongs to no layer" },
    { "\"U8\",\"shape\":[16]", "\"U16\",\"shape\":[8]", "tensor \"__pad_0\": is no padding of 1 to 63 bytes" },
    { "\"U8\",\"shape\":[16]", "\"U8\",\"shape\":[4,4]", "tensor \"__pad_0\": is no padding of 1 to 63 bytes" },
    { "\"fc1.bias\"", "\"__pad_x\"", "tensor \"__pad_x\": is no padding of 1 to 63 bytes" },
    { "\"shape\":[5]", "\"shape\":[4]", "tensor \"fc1.bias\": 4 elements of F32 do not take 20 bytes" },
    { "\"fc2.weight.crow_indices\":{\"dtype\":\"I64\",\"shape\":[4],\"data_offsets\":[256,288]},"
      "\"__pad_4\":{\"dtype\":\"U8\",\"shape\":[32],\"data_offsets\":[288,320]}",
      "\"fc2.weight.crow_indices\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[256,256]},"
      "\"x\":{\"dtype\":\"I64\",\"shape\":[8],\"data_offsets\":[256,320]}",
      "layer \"fc2\": crow_indices has 0 elements; a weight has 1 to" },
    { "\"shape\":[9],\"data_offsets\":[320,338]},\"__pad_5\":{\"dtype\":\"U8\",\"shape\":[46],\"data_offsets\":[338,",
      "\"shape\":[10],\"data_offsets\":[320,340]},\"__pad_5\":{\"dtype\":\"U8\",\"shape\":[44],\"data_offsets\":[340,",
      "layer \"fc2\": there are 10 col_indices, but 9 values" },
    { "\"fc1.bias\":", "\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[256,256]},\"fc2.bias\":",
      "layer \"fc1\": the bias has no elements" },
    { "\"I64\",\"shape\":[4]", "\"I64\",\"shape\":[5]", "5 elements of I64 do not take 32 bytes" },
};

static void test_damaged_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(header_damages); i++) {
        struct bytes file = header_edit(header_damages[i].find, header_damages[i].replace);

        assert_refused(file, header_damages[i].replace, header_damages[i].reason);
        free(file.data);
    }
}

/* The edits above are undone by their inverse: the way they are made does no damage of its own. */
static void test_an_edit_that_changes_nothing_is_accepted(void **state)
{
    struct bytes file = header_edit("\"wisp.name\":\"small\"", "\"wisp.name\" : \"small\"  ");
    struct reason why;

    (void)state;
    assert_ok(check(file.data, file.size, &why), why);
    free(file.data);
    assert_ok(check(good.data, good.size, &why), why);
}

/* One element of a tensor is replaced. */
static const struct {
    const char *tensor;
    uint64_t at, value;
    const char *reason;
} tensor_damages[] = {
    { "fc1.weight.crow_indices", 0, 1, "layer \"fc1\": the weight: row 0 starts at connection 1, not at 0" },
    { "fc1.weight.crow_indices", 0, UINT64_MAX, "row 0 starts at connection 18446744073709551615, not at 0" },
    { "fc1.weight.crow_indices", 2, 1, "before its start" },
    { "fc1.weight.crow_indices", 2, 1ull << 63, "before its start" },
    { "fc1.weight.crow_indices", 5, 9, "rows end at connection 9, but there are 10" },
    { "fc1.weight.crow_indices", 5, 11, "rows end at connection 11, but there are 10" },
    { "fc1.weight.crow_indices", 5, UINT64_MAX, "but there are 10" },
    { "fc2.weight.crow_indices", 3, 1ull << 40, "layer \"fc2\": the weight: rows end at connection 1099511627776" },
    { "fc1.weight.col_indices", 9, 6, "column 6 is out of range, there are 6" },
    { "fc1.weight.col_indices", 0, 65535, "column 65535 is out of range, there are 6" },
    { "fc2.weight.col_indices", 1, 1, "row 0, connection 1: column 1 does not ascend, it follows 1" },
    { "fc2.weight.col_indices", 3, 0, "row 0, connection 3: column 0 does not ascend, it follows 3" },
    { "fc1.weight.values", 4, 0x7fc00000, "layer \"fc1\": the weight: row 2, connection 4: the value is not a finite" },
    { "fc1.weight.values", 0, 0x7f800000, "the value is not a finite number" },
    { "fc2.weight.values", 8, 0xff800000, "the value is not a finite number" },
    { "fc2.weight.values", 8, 0x7f800001, "the value is not a finite number" },
    { "fc1.bias", 4, 0x7fc00000, "layer \"fc1\": element 4 of the bias is not a finite number" },
    { "__pad_0", 0, 1, "tensor \"__pad_0\": byte " },
    { "__pad_5", 45, 128, "tensor \"__pad_5\": byte " },
};

/* Where an element stands in the file, from the header's own words. */
static size_t element_place(const char *tensor, uint64_t at, size_t *width)
{
    cleanup_json json_t *header = json_loadb(good.data + LENGTH, header_length(good.data), 0, NULL);
    const json_t *entry = json_object_get(header, tensor);
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    json_int_t count = json_integer_value(json_array_get(json_object_get(entry, "shape"), 0));
    json_int_t begin = json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));

    *width = 0;
    for (int i = 0; i < TENSOR_TYPES_READ; i++) {
        uint64_t bytes = 0;

        if (type && !strcmp(type, tensor_type_name((enum tensor_type)i)) &&
            tensor_type_bytes((enum tensor_type)i, 1, &bytes))
            *width = bytes;
    }
    assert_true(*width && at < (uint64_t)count);
    return LENGTH + header_length(good.data) + (size_t)begin + at * *width;
}

static void test_damaged_tensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tensor_damages); i++) {
        size_t width, place = element_place(tensor_damages[i].tensor, tensor_damages[i].at, &width);
        cleanup_free char *copy = malloc(good.size);

        assert_non_null(copy);
        memcpy(copy, good.data, good.size);
        memcpy(copy + place, &tensor_damages[i].value, width);
        assert_int_equal(checksum_seal(copy, good.size), 0);
        assert_refused((struct bytes){ copy, good.size }, tensor_damages[i].tensor, tensor_damages[i].reason);
    }
}

/* The header's length, which stands before everything else. */
static void test_wrong_header_lengths(void **state)
{
    const uint64_t right = header_length(good.data);
    const struct {
        uint64_t length;
        const char *reason;
    } cases[] = {
        { 0, "the header has no bytes" },
        { 1, "the header: not valid JSON" },
        { right - 1, "the tensors end at byte" },
        { right + 1, "the header: not valid JSON" },
        { right + 64, "the header: not valid JSON" },
        { 56, "the header: not valid JSON" },
        { good.size - LENGTH, "the header: not valid JSON" },
        { good.size - LENGTH + 1, "truncated: the header" },
        { good.size, "truncated: the header" },
        { MODEL_FILE_HEADER_MAX, "truncated: the header" },
        { MODEL_FILE_HEADER_MAX + 1, "header would have 16777217 bytes; the most that is read is 16777216" },
        { 1ull << 63, "the most that is read is 16777216" },
        { UINT64_MAX - 7, "the most that is read is 16777216" },
        { UINT64_MAX, "the most that is read is 16777216" },
    };
    cleanup_free char *copy = malloc(good.size);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        memcpy(copy, &cases[i].length, LENGTH);
        assert_refused((struct bytes){ copy, good.size }, "header length", cases[i].reason);
    }
}

static void test_other_files(void **state)
{
    static char png[200] = "\x89PNG\r\n\x1a\n";
    static char text[200] = "{\"this\": \"is JSON, not safetensors\"}";
    char min[] = "\x02\0\0\0\0\0\0\0{}";
    char empty[65] = "\x38\0\0\0\0\0\0\0{}                                                      ";
    struct reason why;

    (void)state;
    assert_refused((struct bytes){ png, 0 }, "empty", "0 bytes are too few");
    assert_refused((struct bytes){ png, 9 }, "png", "9 bytes are too few");
    assert_refused((struct bytes){ png, sizeof png }, "png", "not a safetensors file");
    assert_refused((struct bytes){ text, sizeof text }, "text", "JSON text");
    assert_refused((struct bytes){ min, 10 }, "the least safetensors", "not a model of wisp");
    assert_refused((struct bytes){ empty, 64 }, "no metadata", "not a model of wisp");
    assert_int_equal(checksum_check(empty, 64, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "the header has no plain text"));
    assert_int_equal(checksum_seal(empty, 64), WISP_E_FORMAT);
    assert_int_equal(checksum_seal(empty, 4), WISP_E_FORMAT);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < good.size; size++) {
        struct reason why;

        if (check(good.data, size, &why) != WISP_E_FORMAT || !why.text[0])
            fail_msg("%zu bytes of %zu are accepted", size, good.size);
    }
}

static void test_trailing_bytes_are_refused(void **state)
{
    cleanup_free char *copy = calloc(1, good.size + 128);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    for (size_t more = 1; more <= 128; more++) {
        assert_int_equal(checksum_seal(copy, good.size + more), 0);
        assert_refused((struct bytes){ copy, good.size + more }, "trailing", "the tensors end at byte");
    }
}

static void test_every_flipped_bit_is_found(void **state)
{
    cleanup_free char *copy = malloc(good.size);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    for (size_t bit = 0; bit < 8 * good.size; bit++) {
        struct reason why;

        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        if (check(copy, good.size, &why) != WISP_E_FORMAT || !why.text[0])
            fail_msg("byte %zu, bit %zu: accepted", bit / 8, bit % 8);
        copy[bit / 8] = good.data[bit / 8];
    }
}

static void test_a_changed_weight_is_damage(void **state)
{
    size_t width, place = element_place("fc2.weight.values", 3, &width);
    cleanup_free char *copy = malloc(good.size);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    copy[place] ^= 1;
    assert_refused((struct bytes){ copy, good.size }, "a weight",
                   "damaged, or changed by another program: the checksum of its content is");
}

/* 16 MiB that are cheap to write and would be dear to parse. */
static void test_hostile_headers(void **state)
{
    static const struct {
        const char *begin, *repeat, *reason;
    } cases[] = {
        { "{\"a\":", "[", "nested deeper than 3" },
        { "{\"a\":", "{\"a\":", "nested deeper than 3" },
        { "{\"a\":[", "[],", "arrays and objects at byte" },
        { "{\"a\":[", "{},", "arrays and objects at byte" },
        { "{\"a\":[", "0,", "values at byte" },
        { "{", "\"a\":0,", "values at byte" },
        { "{\"a\":\"", "a", "not valid JSON" },
        { "{\"a\":\"", "\\\"", "not valid JSON" },
        { "{", " ", "not valid JSON" },
        { "{\"a\":", "9", "not valid JSON" },
    };
    enum { BYTES = MODEL_FILE_HEADER_MAX - LENGTH };
    cleanup_free char *header = malloc(BYTES);

    (void)state;
    assert_non_null(header);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t unit = strlen(cases[i].repeat), used = strlen(cases[i].begin);
        struct bytes file;

        memset(header, ' ', BYTES);
        memcpy(header, cases[i].begin, used);
        for (; used + unit <= BYTES; used += unit)
            memcpy(header + used, cases[i].repeat, unit);
        file = file_make(header, BYTES, "", 0);
        assert_refused(file, cases[i].repeat, cases[i].reason);
        free(file.data);
    }
}

/* Within what the counting allows, more tensors than any model has. */
static void test_too_many_tensors(void **state)
{
    enum { COUNT = SAFETENSORS_COUNT_MAX + 1, ENTRY = 16 };
    size_t used = 0, size = (size_t)ENTRY * (COUNT + 2);
    cleanup_free char *header = malloc(size);
    struct bytes file;

    (void)state;
    assert_non_null(header);
    used += (size_t)snprintf(header, size, "{\"__metadata__\":{}");
    for (int i = 0; i < COUNT; i++)
        used += (size_t)snprintf(header + used, size - used, ",\"%d\":{}", i);
    header[used++] = '}';
    file = file_make(header, used, "", 0);
    assert_refused(file, "tensors", "57345 tensors are more than the 57344 allowed");
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edit_that_changes_nothing_is_accepted),
        cmocka_unit_test(test_damaged_headers),
        cmocka_unit_test(test_damaged_tensors),
        cmocka_unit_test(test_wrong_header_lengths),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_trailing_bytes_are_refused),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_a_changed_weight_is_damage),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_too_many_tensors),
    };

    return cmocka_run_group_tests(tests, write_good, free_good);
}
