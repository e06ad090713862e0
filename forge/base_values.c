/* SPDX-License-Identifier: Apache-2.0
 *
 * The container is read more leniently than a model file: any number of dimensions, types, and any alignment. Every
 * tensor's bytes are checked against the file before one is read; elements are copied out one by one, as none needs to
 * be aligned.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "forge/base_values.h"
#include "sparse/layer.h"
#include "sparse/model_file.h"

enum { LENGTH_BYTES = 8, RANK_MAX = 8 };

struct base {
    char *name;
    char hash[33];
    void *data;
    size_t size;
    uint64_t begin; /* of the tensors */
    json_t *header;
};

enum element { ELEMENT_F64, ELEMENT_F32, ELEMENT_F16, ELEMENT_BF16, ELEMENT_I64, ELEMENT_I32, ELEMENT_U16, ELEMENTS };

static const struct {
    const char *name;
    uint32_t size;
    bool index;
} elements[ELEMENTS] = {
    [ELEMENT_F64] = { "F64", 8, false },   [ELEMENT_F32] = { "F32", 4, false }, [ELEMENT_F16] = { "F16", 2, false },
    [ELEMENT_BF16] = { "BF16", 2, false }, [ELEMENT_I64] = { "I64", 8, true },  [ELEMENT_I32] = { "I32", 4, true },
    [ELEMENT_U16] = { "U16", 2, true },
};

struct array {
    enum element element;
    const unsigned char *data;
    uint64_t dimension[RANK_MAX], count;
    size_t rank;
};

struct base *base_close(struct base *base)
{
    if (!base)
        return NULL;
    free(base->name);
    free(base->data);
    json_decref(base->header);
    free(base);
    return NULL;
}

const char *base_name(const struct base *base)
{
    return base->name;
}

const char *base_hash(const struct base *base)
{
    return base->hash;
}

static int read_header(struct base *base, const char *path, struct reason *why)
{
    json_error_t error;
    uint64_t length;

    if (base->size < LENGTH_BYTES)
        return refuse(why, WISP_E_FORMAT, "%s is not a safetensors file: it has %zu bytes", path, base->size);
    memcpy(&length, base->data, sizeof length);
    if (length > MODEL_FILE_HEADER_MAX || length > base->size - LENGTH_BYTES)
        return refuse(why, WISP_E_FORMAT, "%s is not a safetensors file: its header would have %" PRIu64 " bytes", path,
                      length);
    base->begin = LENGTH_BYTES + length;
    base->header = json_loadb((const char *)base->data + LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(base->header))
        return refuse(why, WISP_E_FORMAT, "%s: the header is not a JSON object%s%s", path, base->header ? "" : ": ",
                      base->header ? "" : error.text);
    return 0;
}

int base_parse(const char *name, void *data, size_t size, struct base **out, struct reason *why)
{
    struct base *base = calloc(1, sizeof *base);
    const char *slash = strrchr(name, '/');
    XXH128_hash_t hash;
    int result;

    if (base)
        base->name = strdup(slash ? slash + 1 : name);
    if (!base || !base->name) {
        free(data);
        base_close(base);
        return refuse_errno(why, -ENOMEM, "%s", name);
    }
    base->data = data;
    base->size = size;
    result = read_header(base, name, why);
    if (result) {
        base_close(base);
        return result;
    }
    hash = XXH3_128bits(base->data, base->size);
    snprintf(base->hash, sizeof base->hash, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64, (uint64_t)hash.low64);
    *out = base;
    return 0;
}

int base_open(const char *path, struct base **out, struct reason *why)
{
    size_t size;
    void *data;
    int result = file_read(path, MODEL_FILE_MAX, &data, &size, why);

    return result ? result : base_parse(path, data, size, out, why);
}

/* ---- arrays ---- */

static const json_t *find(const struct base *base, const char *layer, const char *suffix)
{
    char name[2 * LAYER_NAME_MAX];

    snprintf(name, sizeof name, "%s.%s", layer, suffix);
    return json_object_get(base->header, name);
}

bool base_has(const struct base *base, const char *layer)
{
    return find(base, layer, "weight") || find(base, layer, "weight.values");
}

static int read_shape(const json_t *entry, struct array *out, struct reason *why)
{
    const json_t *shape = json_object_get(entry, "shape");

    if (!json_is_array(shape) || json_array_size(shape) > RANK_MAX)
        return refuse(why, WISP_E_FORMAT, "its shape is not a list of at most %d numbers", RANK_MAX);
    out->rank = json_array_size(shape);
    out->count = 1;
    for (size_t i = 0; i < out->rank; i++) {
        json_int_t size = json_integer_value(json_array_get(shape, i));

        if (!json_is_integer(json_array_get(shape, i)) || size < 0 ||
            !size_multiply(out->count, (uint64_t)size, &out->count))
            return refuse(why, WISP_E_FORMAT, "its shape has an impossible dimension");
        out->dimension[i] = (uint64_t)size;
    }
    return 0;
}

static int read_place(const struct base *base, const json_t *entry, struct array *out, struct reason *why)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    json_int_t begin = json_integer_value(json_array_get(offsets, 0)),
               end = json_integer_value(json_array_get(offsets, 1));
    uint64_t bytes;

    if (!size_multiply(out->count, elements[out->element].size, &bytes) || begin < 0 || end < begin ||
        (uint64_t)(end - begin) != bytes || !size_within((uint64_t)begin, bytes, base->size - base->begin))
        return refuse(why, WISP_E_FORMAT, "its shape, type and data_offsets do not agree with the file");
    out->data = (const unsigned char *)base->data + base->begin + begin;
    return 0;
}

/* The array of NAME.SUFFIX; *out has no data when there is none. */
static int take(const struct base *base, const char *layer, const char *suffix, bool index, struct array *out,
                struct reason *why)
{
    const json_t *entry = find(base, layer, suffix);
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    int result = 0;

    *out = (struct array){ .element = ELEMENTS };
    if (!entry)
        return 0;
    for (int i = 0; type && i < ELEMENTS; i++) {
        if (!strcmp(type, elements[i].name) && elements[i].index == index)
            out->element = (enum element)i;
    }
    if (out->element == ELEMENTS)
        result = refuse(why, WISP_E_FORMAT, "its type is %s; give %s", type ? type : "missing",
                        index ? "I64, I32 or U16" : "F64, F32, F16 or BF16");
    if (!result)
        result = read_shape(entry, out, why);
    if (!result)
        result = read_place(base, entry, out, why);
    return result ? refuse_in(why, result, "%s: tensor \"%s.%s\"", base->name, layer, suffix) : 0;
}

/* IEEE half precision, exactly. */
static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value;

    if (exponent == 31)
        return fraction ? (double)NAN : (bits >> 15 ? -INFINITY : INFINITY);
    value = exponent ? ldexp(fraction + 1024, exponent - 25) : ldexp(fraction, -24);
    return bits >> 15 ? -value : value;
}

static double real_at(const struct array *array, uint64_t at)
{
    const unsigned char *from = array->data + at * elements[array->element].size;
    uint32_t bits;
    uint16_t word;
    double wide;
    float narrow;

    switch (array->element) {
    case ELEMENT_F64:
        memcpy(&wide, from, sizeof wide);
        return wide;
    case ELEMENT_F32:
        memcpy(&narrow, from, sizeof narrow);
        return (double)narrow;
    case ELEMENT_F16:
        memcpy(&word, from, sizeof word);
        return half(word);
    default:
        memcpy(&word, from, sizeof word);
        bits = (uint32_t)word << 16;
        memcpy(&narrow, &bits, sizeof narrow);
        return (double)narrow;
    }
}

/* An index; UINT64_MAX for a negative one. */
static uint64_t index_at(const struct array *array, uint64_t at)
{
    const unsigned char *from = array->data + at * elements[array->element].size;
    int64_t wide;
    int32_t narrow;
    uint16_t word;

    switch (array->element) {
    case ELEMENT_I64:
        memcpy(&wide, from, sizeof wide);
        return wide < 0 ? UINT64_MAX : (uint64_t)wide;
    case ELEMENT_I32:
        memcpy(&narrow, from, sizeof narrow);
        return narrow < 0 ? UINT64_MAX : (uint64_t)narrow;
    default:
        memcpy(&word, from, sizeof word);
        return word;
    }
}

/* ---- inheriting ---- */

static void shape_text(const struct array *array, char *text, size_t size)
{
    size_t used = 0;

    *text = 0;
    for (size_t i = 0; i < array->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, i ? ", " : "", array->dimension[i]);
}

static int put(const struct base *base, const struct array *array, uint64_t at, float *out, struct reason *why)
{
    double value = real_at(array, at);

    *out = (float)value;
    if (!isfinite(*out))
        return refuse(why, WISP_E_FORMAT, "%s: element %" PRIu64 " is %g, no finite float", base->name, at, value);
    return 0;
}

/* How a dense weight's elements are found: of a deconvolution outputs and inputs change places. */
static int dense_fits(const struct base *base, const struct layer *layer, const struct array *array, uint64_t *area,
                      struct reason *why)
{
    const struct csr *w = &layer->weight;
    bool turned = !strcmp(layer->kind->name, "deconv2d") && array->rank == 4;
    uint64_t columns = 1;
    char shape[128];

    *area = 0;
    for (size_t i = 1; i < array->rank; i++)
        columns *= i == 1 && turned ? array->dimension[0] : array->dimension[i];
    if (array->rank >= 2 && array->dimension[turned] == w->rows && columns == w->columns) {
        *area = turned ? array->dimension[2] * array->dimension[3] : 0;
        return 0;
    }
    shape_text(array, shape, sizeof shape);
    return refuse(why, WISP_E_FORMAT,
                  "%s: \"%s.weight\" has the shape [%s], but the layer has %u outputs and %u weights for each",
                  base->name, layer->name, shape, w->rows, w->columns);
}

static int inherit_dense(const struct base *base, struct layer *layer, const struct array *array, struct reason *why)
{
    struct csr *w = &layer->weight;
    uint64_t area;
    int result = dense_fits(base, layer, array, &area, why);

    for (uint32_t r = 0; r < w->rows && !result; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1] && !result; k++) {
            uint64_t column = csr_column(w, k), at = (uint64_t)r * w->columns + column;

            if (area)
                at = ((column / area) * w->rows + r) * area + column % area;
            result = put(base, array, at, &w->values[k], why);
        }
    }
    return result;
}

/* One row of a sparse base beside the layer's: both ascend. */
static int inherit_row(const struct base *base, struct csr *w, uint32_t row, const struct array *columns,
                       const struct array *values, uint64_t from, uint64_t to, struct reason *why)
{
    uint64_t last = UINT64_MAX;
    int result = 0;

    for (uint64_t k = w->starts[row]; k < w->starts[row + 1]; k++)
        w->values[k] = 0;
    for (uint64_t i = from, k = w->starts[row]; i < to && !result; i++) {
        uint64_t column = index_at(columns, i);

        if (column >= w->columns || (last != UINT64_MAX && column <= last))
            return refuse(why, WISP_E_FORMAT, "%s: entry %" PRIu64 ", in row %u, has a column out of order or range",
                          base->name, i, row);
        last = column;
        while (k < w->starts[row + 1] && csr_column(w, k) < column)
            k++;
        if (k < w->starts[row + 1] && csr_column(w, k) == column)
            result = put(base, values, i, &w->values[k], why);
    }
    return result;
}

static int inherit_sparse(const struct base *base, struct layer *layer, struct reason *why)
{
    struct csr *w = &layer->weight;
    struct array starts, columns, values;
    uint64_t from;
    int result;

    if ((result = take(base, layer->name, "weight.crow_indices", true, &starts, why)) ||
        (result = take(base, layer->name, "weight.col_indices", true, &columns, why)) ||
        (result = take(base, layer->name, "weight.values", false, &values, why)))
        return result;
    if (!starts.data || !columns.data || starts.count != (uint64_t)w->rows + 1 || columns.count != values.count)
        return refuse(why, WISP_E_FORMAT,
                      "%s: the sparse weight of \"%s\" has %" PRIu64 " row starts, %" PRIu64 " columns and %" PRIu64
                      " values, but the layer has %u outputs",
                      base->name, layer->name, starts.count, columns.count, values.count, w->rows);
    from = index_at(&starts, 0);
    for (uint32_t r = 0; r < w->rows && !result; r++) {
        uint64_t to = index_at(&starts, (uint64_t)r + 1);

        if (from > to || to > values.count)
            return refuse(why, WISP_E_FORMAT, "%s: the row starts of \"%s\" are out of order at row %u", base->name,
                          layer->name, r);
        result = inherit_row(base, w, r, &columns, &values, from, to, why);
        from = to;
    }
    return result;
}

static const char *foreign_name(const char *vector)
{
    static const char *const names[][2] = {
        { "scale", "weight" }, { "shift", "bias" }, { "mean", "running_mean" }, { "variance", "running_var" }
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(vector, names[i][0]))
            return names[i][1];
    }
    return vector;
}

static int inherit_vector(const struct base *base, struct layer *layer, size_t number, struct reason *why)
{
    const char *name = layer->kind->vectors[number];
    struct vector *vector = &layer->vectors[number];
    struct array array;
    int result = take(base, layer->name, find(base, layer->name, name) ? name : foreign_name(name), false, &array, why);

    if (result || !array.data)
        return result;
    if (array.count != vector->count)
        return refuse(why, WISP_E_FORMAT, "%s: the %s of \"%s\" has %" PRIu64 " elements, but the layer needs %" PRIu64,
                      base->name, name, layer->name, array.count, vector->count);
    for (uint64_t i = 0; i < vector->count && !result; i++)
        result = put(base, &array, i, &vector->data[i], why);
    return result;
}

int base_inherit(const struct base *base, struct layer *layer, struct reason *why)
{
    struct array array;
    int result = 0;

    if (layer->kind->weighted && find(base, layer->name, "weight.values")) {
        result = inherit_sparse(base, layer, why);
    } else if (layer->kind->weighted) {
        result = take(base, layer->name, "weight", false, &array, why);
        if (!result && array.data)
            result = inherit_dense(base, layer, &array, why);
    }
    for (size_t i = 0; i < LAYER_VECTORS_MAX && layer->kind->vectors[i] && !result; i++) {
        if (layer->vectors[i].data)
            result = inherit_vector(base, layer, i, why);
    }
    return result;
}
