/* SPDX-License-Identifier: Apache-2.0
 *
 * One table says which keys the two lists have, and one pair of functions reads and writes either.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "sparse/file/json_text.h"
#include "sparse/file/signature_json.h"

int shape_read(const json_t *array, const char *what, struct shape *out, struct reason *why)
{
    *out = (struct shape){ 0 };
    if (!json_is_array(array) || json_array_size(array) > SHAPE_RANK_MAX)
        return refuse(why, WISP_E_FORMAT, "%s is not an array of at most %d dimensions", what, SHAPE_RANK_MAX);
    for (size_t i = 0; i < json_array_size(array); i++) {
        uint64_t dimension;

        if (!json_whole(json_array_get(array, i), MODEL_ELEMENTS_MAX, &dimension))
            return refuse(why, WISP_E_FORMAT, "%s holds what is not a dimension of at most %u", what,
                          MODEL_ELEMENTS_MAX);
        out->dimension[out->rank++] = (uint32_t)dimension;
    }
    return 0;
}

json_t *shape_write(const struct shape *shape)
{
    cleanup_json json_t *array = json_array();

    for (uint32_t i = 0; i < shape->rank; i++) {
        if (json_array_append_new(array, json_integer(shape->dimension[i])))
            return NULL;
    }
    return json_incref(array);
}

/* ---- one entry ---- */

static int name_read(const json_t *value, struct model_tensor *out, struct reason *why)
{
    const char *name = json_string_value(value);

    if (!name || strlen(name) >= sizeof out->name)
        return refuse(why, WISP_E_FORMAT, "has no \"name\" of at most %zu bytes", sizeof out->name - 1);
    memcpy(out->name, name, strlen(name) + 1);
    return 0;
}

static json_t *name_write(const struct model_tensor *tensor)
{
    return json_string(tensor->name);
}

static int dtype_read(const json_t *value, struct model_tensor *out, struct reason *why)
{
    const char *name = json_string_value(value);

    out->dtype = name ? dtype_find(name) : value ? DTYPE_COUNT : DTYPE_FLOAT32;
    return out->dtype < DTYPE_COUNT
               ? 0
               : refuse(why, WISP_E_FORMAT, "\"dtype\" is not \"float32\", \"int32\" or \"uint8\"");
}

static json_t *dtype_write(const struct model_tensor *tensor)
{
    return json_string(dtype_name(tensor->dtype));
}

static int tensor_shape_read(const json_t *value, struct model_tensor *out, struct reason *why)
{
    return shape_read(value, "\"shape\"", &out->shape, why);
}

static json_t *tensor_shape_write(const struct model_tensor *tensor)
{
    return shape_write(&tensor->shape);
}

static int value_read(const json_t *value, struct model_tensor *out, struct reason *why)
{
    uint64_t number;

    if (!json_whole(value, UINT32_MAX, &number))
        return refuse(why, WISP_E_FORMAT, "\"value\" is not the number of a value");
    out->value = (uint32_t)number;
    return 0;
}

static json_t *value_write(const struct model_tensor *tensor)
{
    return json_integer(tensor->value);
}

static int scale_read(const json_t *value, struct model_tensor *out, struct reason *why)
{
    out->scale = value ? (float)json_number_value(value) : 1;
    return !value || json_is_number(value) ? 0 : refuse(why, WISP_E_FORMAT, "\"scale\" is not a number");
}

static json_t *scale_write(const struct model_tensor *tensor)
{
    return tensor->scale == 1 ? json_null() : json_real((double)tensor->scale);
}

/* write() gives null for what is left out. */
static const struct key {
    const char *name;
    bool input, output; /* in which list it stands */
    int (*read)(const json_t *value, struct model_tensor *out, struct reason *why);
    json_t *(*write)(const struct model_tensor *tensor);
} keys[] = {
    { "name", true, true, name_read, name_write },
    { "dtype", true, true, dtype_read, dtype_write },
    { "shape", true, false, tensor_shape_read, tensor_shape_write },
    { "value", false, true, value_read, value_write },
    { "scale", true, true, scale_read, scale_write },
};

static bool stands(const struct key *key, bool input)
{
    return input ? key->input : key->output;
}

static int tensor_read(const json_t *entry, bool input, struct model_tensor *out, struct reason *why)
{
    size_t known = 0;

    if (!json_is_object(entry))
        return refuse(why, WISP_E_FORMAT, "is not an object");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *value = json_object_get(entry, keys[i].name);
        int result = stands(&keys[i], input) ? keys[i].read(value, out, why) : 0;

        if (result)
            return result;
        known += value && stands(&keys[i], input);
    }
    if (known != json_object_size(entry))
        return refuse(why, WISP_E_FORMAT, "has keys other than name, dtype, %s and scale", input ? "shape" : "value");
    return 0;
}

static json_t *tensor_write(const struct model_tensor *tensor, bool input)
{
    cleanup_json json_t *entry = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        json_t *value = stands(&keys[i], input) ? keys[i].write(tensor) : json_null();

        if (!json_is_null(value) && json_object_set_new(entry, keys[i].name, value))
            return NULL;
    }
    return json_incref(entry);
}

/* ---- the lists ---- */

static int list_read(const json_t *array, bool input, struct model_tensor *out, uint32_t *count, struct reason *why)
{
    size_t size = json_array_size(array);

    if (!json_is_array(array) || !size || size > SIGNATURE_TENSORS_MAX)
        return refuse(why, WISP_E_FORMAT, "is not an array of 1 to %d tensors", SIGNATURE_TENSORS_MAX);
    for (size_t i = 0; i < size; i++) {
        int result = tensor_read(json_array_get(array, i), input, &out[i], why);

        if (result)
            return refuse_in(why, result, "tensor %zu", i + 1);
    }
    *count = (uint32_t)size;
    return 0;
}

static json_t *list_write(const struct model_tensor *tensors, uint32_t count, bool input)
{
    cleanup_json json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++) {
        if (json_array_append_new(array, tensor_write(&tensors[i], input)))
            return NULL;
    }
    return json_incref(array);
}

int inputs_read(const json_t *array, struct signature *out, struct reason *why)
{
    return list_read(array, true, out->inputs, &out->input_count, why);
}

int outputs_read(const json_t *array, struct signature *out, struct reason *why)
{
    return list_read(array, false, out->outputs, &out->output_count, why);
}

json_t *inputs_write(const struct signature *signature)
{
    return list_write(signature->inputs, signature->input_count, true);
}

json_t *outputs_write(const struct signature *signature)
{
    return list_write(signature->outputs, signature->output_count, false);
}
