/* SPDX-License-Identifier: Apache-2.0
 *
 * The container is checked by sparse/file/safetensors.c, whole, before a tensor is looked for. Elements are copied out
 * one by one, as none needs to be aligned.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "forge/plan/pretrained.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"
#include "sparse/layers/layer.h"

struct pretrained {
    char *name;
    char hash[33];
    unsigned char *data;
    struct safetensors file;
};

struct pretrained *pretrained_close(struct pretrained *pretrained)
{
    if (!pretrained)
        return NULL;
    free(pretrained->name);
    safetensors_close(&pretrained->file);
    free(pretrained->data);
    free(pretrained);
    return NULL;
}

const char *pretrained_name(const struct pretrained *pretrained)
{
    return pretrained->name;
}

const char *pretrained_hash(const struct pretrained *pretrained)
{
    return pretrained->hash;
}

int pretrained_parse(const char *name, void *data, size_t size, struct pretrained **out, struct reason *why)
{
    struct pretrained *pretrained = calloc(1, sizeof *pretrained);
    const char *slash = strrchr(name, '/');
    XXH128_hash_t hash;
    int result;

    if (pretrained)
        pretrained->name = strdup(slash ? slash + 1 : name);
    if (!pretrained || !pretrained->name) {
        free(data);
        pretrained_close(pretrained);
        return refuse_errno(why, -ENOMEM, "%s", name);
    }
    pretrained->data = data;
    result = safetensors_open(data, size, &pretrained->file, why);
    if (result) {
        pretrained_close(pretrained);
        return refuse_in(why, result, "%s", name);
    }
    hash = XXH3_128bits(data, size);
    snprintf(pretrained->hash, sizeof pretrained->hash, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    *out = pretrained;
    return 0;
}

int pretrained_open(const char *path, struct pretrained **out, struct reason *why)
{
    size_t size;
    void *data;
    int result = file_read(path, MODEL_FILE_MAX, &data, &size, why);

    return result ? result : pretrained_parse(path, data, size, out, why);
}

/* ---- arrays ---- */

static const struct safetensor *find(const struct pretrained *pretrained, const char *layer, const char *suffix)
{
    char name[2 * LAYER_NAME_MAX];

    snprintf(name, sizeof name, "%s.%s", layer, suffix);
    return safetensors_find(&pretrained->file, name);
}

static bool has_sparse(const struct pretrained *pretrained, const char *layer)
{
    return find(pretrained, layer, TENSOR_STARTS) || find(pretrained, layer, TENSOR_INDEX) ||
           find(pretrained, layer, TENSOR_VALUES);
}

bool pretrained_has(const struct pretrained *pretrained, const char *layer)
{
    return find(pretrained, layer, "weight") || has_sparse(pretrained, layer);
}

static bool is_index(enum tensor_type type)
{
    return type == TENSOR_I64 || type == TENSOR_I32 || type == TENSOR_U16;
}

static bool is_real(enum tensor_type type)
{
    return type == TENSOR_F64 || type == TENSOR_F32 || type == TENSOR_F16 || type == TENSOR_BF16;
}

/* The tensor NAME.SUFFIX; *out is NULL when there is none. */
static int take(const struct pretrained *pretrained, const char *layer, const char *suffix, bool index,
                const struct safetensor **out, struct reason *why)
{
    const struct safetensor *tensor = find(pretrained, layer, suffix);

    *out = tensor;
    if (tensor && !(index ? is_index(tensor->type) : is_real(tensor->type)))
        return refuse(why, WISP_E_FORMAT, "%s: tensor \"%s.%s\": its type is %s; give %s", pretrained->name, layer,
                      suffix, tensor_type_name(tensor->type), index ? "I64, I32 or U16" : "F64, F32, F16 or BF16");
    return 0;
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

static double real_at(const struct pretrained *pretrained, const struct safetensor *tensor, uint64_t at)
{
    const unsigned char *from = pretrained->data + tensor->begin;
    uint32_t bits;
    uint16_t word;
    double wide;
    float narrow;

    switch (tensor->type) {
    case TENSOR_F64:
        memcpy(&wide, from + at * sizeof wide, sizeof wide);
        return wide;
    case TENSOR_F32:
        memcpy(&narrow, from + at * sizeof narrow, sizeof narrow);
        return (double)narrow;
    case TENSOR_F16:
        memcpy(&word, from + at * sizeof word, sizeof word);
        return half(word);
    default: /* BF16: the upper half of a float */
        memcpy(&word, from + at * sizeof word, sizeof word);
        bits = (uint32_t)word << 16;
        memcpy(&narrow, &bits, sizeof narrow);
        return (double)narrow;
    }
}

/* An index; UINT64_MAX for a negative one. */
static uint64_t index_at(const struct pretrained *pretrained, const struct safetensor *tensor, uint64_t at)
{
    const unsigned char *from = pretrained->data + tensor->begin;
    int64_t wide;
    int32_t narrow;
    uint16_t word;

    switch (tensor->type) {
    case TENSOR_I64:
        memcpy(&wide, from + at * sizeof wide, sizeof wide);
        return wide < 0 ? UINT64_MAX : (uint64_t)wide;
    case TENSOR_I32:
        memcpy(&narrow, from + at * sizeof narrow, sizeof narrow);
        return narrow < 0 ? UINT64_MAX : (uint64_t)narrow;
    default:
        memcpy(&word, from + at * sizeof word, sizeof word);
        return word;
    }
}

/* ---- inheriting ---- */

static void shape_text(const struct safetensor *tensor, char *text, size_t size)
{
    size_t used = 0;

    *text = 0;
    for (size_t i = 0; i < tensor->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, i ? ", " : "", tensor->dimension[i]);
}

static int put(const struct pretrained *pretrained, const struct safetensor *tensor, uint64_t at, float *out,
               struct reason *why)
{
    double value = real_at(pretrained, tensor, at);

    *out = (float)value;
    if (!isfinite(*out))
        return refuse(why, WISP_E_FORMAT, "%s: tensor \"%s\": element %" PRIu64 " is %g, no finite float",
                      pretrained->name, tensor->name, at, value);
    return 0;
}

/* How a dense weight's elements are found: of a deconvolution outputs and inputs change places. */
static int dense_fits(const struct pretrained *pretrained, const struct layer *layer, const struct safetensor *tensor,
                      uint64_t *area, struct reason *why)
{
    const struct csr *w = &layer->weight;
    bool turned = layer->kind->transposed && tensor->rank == 4;
    uint64_t columns = 1;
    char shape[128];

    *area = 0;
    for (size_t i = 1; i < tensor->rank; i++)
        columns *= i == 1 && turned ? tensor->dimension[0] : tensor->dimension[i];
    if (tensor->rank >= 2 && tensor->dimension[turned] == w->rows && columns == w->columns) {
        *area = turned ? tensor->dimension[2] * tensor->dimension[3] : 0;
        return 0;
    }
    shape_text(tensor, shape, sizeof shape);
    return refuse(why, WISP_E_FORMAT,
                  "%s: \"%s.weight\" has the shape [%s], but the layer has %u outputs and %u weights for each",
                  pretrained->name, layer->name, shape, w->rows, w->columns);
}

static int inherit_dense(const struct pretrained *pretrained, struct layer *layer, const struct safetensor *tensor,
                         struct reason *why)
{
    struct csr *w = &layer->weight;
    uint64_t area;
    int result = dense_fits(pretrained, layer, tensor, &area, why);

    for (uint32_t r = 0; r < w->rows && !result; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1] && !result; k++) {
            uint64_t column = csr_column(w, k), at = (uint64_t)r * w->columns + column;

            if (area)
                at = ((column / area) * w->rows + r) * area + column % area;
            result = put(pretrained, tensor, at, &w->values[k], why);
        }
    }
    return result;
}

/* A sparse weight of the file. */
struct rows {
    const struct safetensor *starts, *columns, *values;
};

/* One row of a sparse base beside the layer's: both ascend. */
static int inherit_row(const struct pretrained *pretrained, struct csr *w, uint32_t row, const struct rows *from,
                       uint64_t begin, uint64_t end, struct reason *why)
{
    uint64_t last = UINT64_MAX;
    int result = 0;

    for (uint64_t k = w->starts[row]; k < w->starts[row + 1]; k++)
        w->values[k] = 0;
    for (uint64_t i = begin, k = w->starts[row]; i < end && !result; i++) {
        uint64_t column = index_at(pretrained, from->columns, i);

        if (column >= w->columns || (last != UINT64_MAX && column <= last))
            return refuse(why, WISP_E_FORMAT,
                          "%s: tensor \"%s\": entry %" PRIu64 ", in row %u, has a column out of order or range",
                          pretrained->name, from->columns->name, i, row);
        last = column;
        while (k < w->starts[row + 1] && csr_column(w, k) < column)
            k++;
        if (k < w->starts[row + 1] && csr_column(w, k) == column)
            result = put(pretrained, from->values, i, &w->values[k], why);
    }
    return result;
}

static int take_rows(const struct pretrained *pretrained, const struct layer *layer, struct rows *out,
                     struct reason *why)
{
    const struct csr *w = &layer->weight;
    int result = take(pretrained, layer->name, TENSOR_STARTS, true, &out->starts, why);

    if (!result)
        result = take(pretrained, layer->name, TENSOR_INDEX, true, &out->columns, why);
    if (!result)
        result = take(pretrained, layer->name, TENSOR_VALUES, false, &out->values, why);
    if (result)
        return result;
    if (find(pretrained, layer->name, "weight"))
        return refuse(why, WISP_E_FORMAT, "%s: layer \"%s\" has both a dense and a sparse weight", pretrained->name,
                      layer->name);
    if (!out->starts || !out->columns || !out->values || out->starts->count != (uint64_t)w->rows + 1 ||
        out->columns->count != out->values->count)
        return refuse(why, WISP_E_FORMAT,
                      "%s: the sparse weight of \"%s\" has %" PRIu64 " row starts, %" PRIu64 " columns and %" PRIu64
                      " values, but the layer has %u outputs",
                      pretrained->name, layer->name, out->starts ? out->starts->count : 0,
                      out->columns ? out->columns->count : 0, out->values ? out->values->count : 0, w->rows);
    return 0;
}

static int inherit_sparse(const struct pretrained *pretrained, struct layer *layer, struct reason *why)
{
    struct csr *w = &layer->weight;
    struct rows rows;
    uint64_t begin = 0, end;
    int result = take_rows(pretrained, layer, &rows, why);

    if (result)
        return result;
    if (index_at(pretrained, rows.starts, 0) != 0 || index_at(pretrained, rows.starts, w->rows) != rows.values->count)
        return refuse(why, WISP_E_FORMAT,
                      "%s: the row starts of \"%s\" go from %" PRIu64 " to %" PRIu64
                      ", but have to go from 0 to its %" PRIu64 " values",
                      pretrained->name, layer->name, index_at(pretrained, rows.starts, 0),
                      index_at(pretrained, rows.starts, w->rows), rows.values->count);
    for (uint32_t r = 0; r < w->rows && !result; r++, begin = end) {
        end = index_at(pretrained, rows.starts, (uint64_t)r + 1);
        if (begin > end || end > rows.values->count)
            return refuse(why, WISP_E_FORMAT, "%s: the row starts of \"%s\" are out of order at row %u",
                          pretrained->name, layer->name, r);
        result = inherit_row(pretrained, w, r, &rows, begin, end, why);
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

static int inherit_vector(const struct pretrained *pretrained, struct layer *layer, size_t number, struct reason *why)
{
    const char *name = layer->kind->vectors[number].name;
    struct vector *vector = &layer->vectors[number];
    const struct safetensor *tensor;
    int result = take(pretrained, layer->name, find(pretrained, layer->name, name) ? name : foreign_name(name), false,
                      &tensor, why);

    if (result || !tensor)
        return result;
    if (tensor->count != vector->count)
        return refuse(why, WISP_E_FORMAT, "%s: the %s of \"%s\" has %" PRIu64 " elements, but the layer needs %" PRIu64,
                      pretrained->name, name, layer->name, tensor->count, vector->count);
    for (uint64_t i = 0; i < vector->count && !result; i++)
        result = put(pretrained, tensor, i, &vector->data[i], why);
    return result;
}

int pretrained_inherit(const struct pretrained *pretrained, struct layer *layer, bool weights, struct reason *why)
{
    const struct safetensor *tensor;
    int result = 0;

    weights &= layer->kind->weighted;
    if (weights && has_sparse(pretrained, layer->name)) {
        result = inherit_sparse(pretrained, layer, why);
    } else if (weights) {
        result = take(pretrained, layer->name, "weight", false, &tensor, why);
        if (!result && tensor)
            result = inherit_dense(pretrained, layer, tensor, why);
    }
    for (size_t i = 0; i < LAYER_VECTORS_MAX && layer->kind->vectors[i].name && !result; i++) {
        if (layer->vectors[i].data)
            result = inherit_vector(pretrained, layer, i, why);
    }
    return result;
}
