/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/tensors.h"

/* Beyond this a single sample fits no arena. */
#define ELEMENTS_MAX (WIRE_ARENA_MAX / sizeof(float))

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    [WISP_FLOAT32] = { "float32", sizeof(float) },
    [WISP_INT32] = { "int32", sizeof(int32_t) },
    [WISP_UINT8] = { "uint8", sizeof(uint8_t) },
};

/* `name` is for the sentence. */
static int read_shape(struct json_view object, const char *name, struct tensor *out, struct reason *why)
{
    struct json_view shape = json_view_member(object, "shape"), item = { NULL, NULL };
    uint64_t product = 1, elements;

    out->rank = json_view_count(shape);
    if (!out->rank || out->rank > MODEL_RANK_MAX)
        return refuse(why, WISP_E_INVALID, "%s.shape has %zu dimensions: 1 to %d are possible", name, out->rank,
                      MODEL_RANK_MAX);
    for (size_t i = 0; json_view_next(shape, &item); i++) {
        uint64_t dimension;

        if (!json_view_whole(item, ELEMENTS_MAX, &dimension) || !dimension ||
            !size_multiply(product, dimension, &product) || product > ELEMENTS_MAX)
            return refuse(why, WISP_E_INVALID, "%s.shape[%zu] is not possible", name, i);
        insist(i < out->rank, "%zu of %zu", i, out->rank);
        out->dimensions[i] = (uint32_t)dimension;
    }
    out->elements = product;
    if (!json_view_whole(json_view_member(object, "elements"), product, &elements) || elements != product)
        return refuse(why, WISP_E_INVALID, "%s.elements is not the product of %s.shape", name, name);
    return 0;
}

static int read_dtype(struct json_view object, struct tensor *out, struct reason *why)
{
    cleanup_free char *text = NULL;
    int result = json_view_string(json_view_member(object, "dtype"), &text);

    if (result < 0)
        return refuse_errno(why, result, "%s.dtype", out->name);
    if (result)
        return refuse(why, WISP_E_INVALID, "%s.dtype is missing", out->name);
    for (size_t i = 0; i < ARRAY_SIZE(dtypes); i++) {
        if (!strcmp(dtypes[i].name, text)) {
            out->dtype = (enum wisp_dtype)i;
            return 0;
        }
    }
    return refuse(why, WISP_E_INVALID, "%s.dtype is unknown to this version of libwisp", out->name);
}

static int read_tensor(struct json_view object, struct tensor *out, struct reason *why)
{
    int result = json_view_string(json_view_member(object, "name"), &out->name);

    if (result < 0)
        return refuse_errno(why, result, "a name");
    if (result)
        return refuse(why, WISP_E_INVALID, "a name is missing");
    result = read_dtype(object, out, why);
    return result ? result : read_shape(object, out->name, out, why);
}

static int read_list(struct json_view array, struct tensors *out, struct reason *why)
{
    struct json_view item = { NULL, NULL };
    int result = 0;

    if (json_view_count(array) > WIRE_TENSORS_MAX)
        return refuse(why, WISP_E_INVALID, "there are more than %d", WIRE_TENSORS_MAX);
    while (!result && json_view_next(array, &item))
        result = read_tensor(item, &out->list[out->block.count++], why);
    return result;
}

static int read_one(struct json_view object, const char *name, struct tensors *out, struct reason *why)
{
    struct tensor *tensor = &out->list[out->block.count++];

    tensor->name = strdup(name);
    return tensor->name ? read_shape(object, name, tensor, why) : refuse_errno(why, -ENOMEM, "%s", name);
}

int tensors_read(struct json_view root, const char *list, const char *one, struct tensors *out, struct reason *why)
{
    struct json_view array = json_view_member(root, list);
    int result;

    *out = (struct tensors){ .block = { .count = 0 } };
    if (json_view_count(array))
        result = read_list(array, out, why);
    else
        result = read_one(json_view_member(root, one), one, out, why);
    for (uint32_t i = 0; i < out->block.count; i++)
        out->block.bytes[i] = out->list[i].elements * dtypes[out->list[i].dtype].bytes;
    return result ? refuse_in(why, result, "%s", list) : 0;
}

void tensors_deinit(struct tensors *tensors)
{
    for (uint32_t i = 0; i < tensors->block.count; i++)
        free(tensors->list[i].name);
    tensors->block.count = 0;
}

bool tensors_are_plain(const struct tensors *tensors)
{
    return tensors->block.count == 1 && tensors->list[0].dtype == WISP_FLOAT32;
}
