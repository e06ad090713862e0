/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json/json_memory.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/checkpoint.h"
#include "sparse/file/json_text.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/safetensors.h"

#define KEY     "wisp.checkpoint"
#define VERSION 3
#define LABELS  "labels"
#define BESIDE  "adversary"

static const char *const own_names[CHECKPOINT_OWN_MAX] = { "values", "slot0", "slot1", "best", "average" };
static const char *const beside_names[CHECKPOINT_BESIDE_MAX] = { "adversary", "adversary_slot0", "adversary_slot1",
                                                                 "adversary_best" };
static const char *const places[CHECKPOINT_PLACES_MAX] = { "places", "best_places" };

/* ---- writing ---- */

static json_t *tally_json(const struct loss_tally *t)
{
    return json_pack("[f, I, I, I, I]", t->loss, (json_int_t)t->samples, (json_int_t)t->predicted,
                     (json_int_t)t->actual, (json_int_t)t->correct);
}

static json_t *describe(const struct checkpoint *c)
{
    json_t *about = json_pack("{s:i, s:O, s:I, s:o, s:f, s:f, s:O}", "version", VERSION, "run", c->run, "epoch",
                              (json_int_t)c->epoch, "tally", tally_json(&c->tally), "power1", c->clock.power1, "power2",
                              c->clock.power2, "result", c->result);

    if (about && c->has_beside)
        json_object_set_new(about, BESIDE, tally_json(&c->beside));
    return about;
}

/* A row of `length` numbers that end at *end, which is moved on. */
static json_t *describe_row(const char *dtype, uint64_t length, size_t size, uint64_t *end)
{
    const uint64_t begin = *end;

    *end += length * size;
    return json_pack("{s:s, s:[I], s:[I, I]}", "dtype", dtype, "shape", (json_int_t)length, "data_offsets",
                     (json_int_t)begin, (json_int_t)*end);
}

static int header_fill(const struct checkpoint *c, json_t *header)
{
    cleanup_json json_t *about = describe(c);
    cleanup_free char *text = about ? json_to_text(about, JSON_COMPACT) : NULL;
    char checksum[sizeof CHECKSUM_PREFIX + CHECKSUM_DIGITS] = CHECKSUM_PREFIX;
    uint64_t end = 0;
    int failed;

    memset(checksum + strlen(CHECKSUM_PREFIX), '0', CHECKSUM_DIGITS);
    failed = !text || json_object_set_new(header, SAFETENSORS_METADATA,
                                          json_pack("{s:s, s:s}", KEY, text, CHECKSUM_KEY, checksum));
    for (uint32_t i = 0; i < c->places_count; i++)
        failed |= json_object_set_new(header, c->places[i].name,
                                      describe_row("I64", c->length, sizeof *c->places[i].data, &end));
    for (uint32_t i = 0; i < c->array_count; i++)
        failed |= json_object_set_new(header, c->arrays[i].name,
                                      describe_row("F32", c->arrays[i].length, sizeof *c->arrays[i].data, &end));
    if (c->labels)
        failed |= json_object_set_new(header, LABELS, describe_row("I32", c->label_count, sizeof *c->labels, &end));
    return failed ? -ENOMEM : 0;
}

/* The container's beginning: length, JSON, spaces up to a multiple of 64. */
static int header_make(const struct checkpoint *c, char **out, size_t *size)
{
    cleanup_json json_t *header = json_object();
    cleanup_free char *text = NULL;
    uint64_t length;
    int result = header_fill(c, header);

    if (result)
        return result;
    text = json_to_text(header, JSON_COMPACT);
    if (!text || !size_align(SAFETENSORS_LENGTH + strlen(text), SAFETENSORS_ALIGNMENT, &length) ||
        !(*out = memory_alloc(length + 1, 1)))
        return -ENOMEM;
    *size = length;
    length -= SAFETENSORS_LENGTH;
    memcpy(*out, &length, sizeof length);
    snprintf(*out + SAFETENSORS_LENGTH, length + 1, "%-*s", (int)length, text);
    return 0;
}

int checkpoint_write(const struct checkpoint *c, const char *path, struct reason *why)
{
    struct file_part parts[1 + CHECKPOINT_PLACES_MAX + CHECKPOINT_ARRAYS_MAX + 1];
    uint32_t count = 1;
    cleanup_free char *header = NULL;
    char digits[CHECKSUM_DIGITS + 1];
    size_t size;
    int result = header_make(c, &header, &size);

    if (result)
        return refuse_errno(why, result, "%s", path);
    parts[0] = (struct file_part){ header, size };
    for (uint32_t i = 0; i < c->places_count; i++)
        parts[count++] = (struct file_part){ c->places[i].data, c->length * sizeof *c->places[i].data };
    for (uint32_t i = 0; i < c->array_count; i++)
        parts[count++] = (struct file_part){ c->arrays[i].data, c->arrays[i].length * sizeof *c->arrays[i].data };
    if (c->labels)
        parts[count++] = (struct file_part){ c->labels, c->label_count * sizeof *c->labels };
    result = checksum_compute(parts, count, digits);
    if (result)
        return refuse_errno(why, result, "%s", path);
    memcpy(checksum_find(header, size), digits, CHECKSUM_DIGITS);
    return file_write(path, parts, count, why);
}

/* ---- reading ---- */

static int take_tally(const json_t *about, const char *key, struct loss_tally *out, struct reason *why)
{
    json_int_t counts[4];
    json_error_t error;
    double loss;

    if (json_unpack_ex(json_object_get(about, key), &error, JSON_STRICT, "[F, I, I, I, I!]", &loss, &counts[0],
                       &counts[1], &counts[2], &counts[3]))
        return refuse(why, WISP_E_FORMAT, KEY ", \"%s\": %s", key, error.text);
    for (int i = 0; i < 4; i++) {
        if (counts[i] < 0)
            return refuse(why, WISP_E_FORMAT, KEY ": \"%s\" counts are 0 or more", key);
    }
    *out =
        (struct loss_tally){ loss, (uint64_t)counts[0], (uint64_t)counts[1], (uint64_t)counts[2], (uint64_t)counts[3] };
    return 0;
}

static int read_about(const json_t *metadata, struct checkpoint *out, struct reason *why)
{
    static const struct json_limits limits = { .depth = 8, .containers = 4096, .values = 65536 };
    const char *text = json_string_value(json_object_get(metadata, KEY));
    cleanup_json json_t *about = NULL;
    json_t *tally, *beside = NULL;
    json_int_t epoch;
    json_error_t error;
    int version, result;

    if (!text)
        return refuse(why, WISP_E_FORMAT, "no checkpoint of wisp train: its metadata has no " KEY);
    result = json_read(text, strlen(text), &limits, &about, why);
    if (result)
        return refuse_in(why, result, KEY);
    if (json_unpack_ex(about, &error, JSON_STRICT, "{s:i, s:o, s:I, s:o, s:F, s:F, s:o, s?o}", "version", &version,
                       "run", &out->run, "epoch", &epoch, "tally", &tally, "power1", &out->clock.power1, "power2",
                       &out->clock.power2, "result", &out->result, BESIDE, &beside)) {
        out->run = out->result = NULL;
        return refuse(why, WISP_E_FORMAT, KEY ": %s", error.text);
    }
    json_incref(out->run);
    json_incref(out->result);
    out->epoch = (uint64_t)epoch;
    if (version != VERSION)
        return refuse(why, WISP_E_FORMAT, KEY " has version %d; this wisp reads version %d", version, VERSION);
    if (!json_is_object(out->run) || !json_is_object(out->result) || epoch < 0)
        return refuse(why, WISP_E_FORMAT, KEY ": \"run\" and \"result\" are objects, \"epoch\" is 0 or more");
    if (!(out->clock.power1 >= 0 && out->clock.power1 < 1 && out->clock.power2 >= 0 && out->clock.power2 < 1))
        return refuse(why, WISP_E_FORMAT, KEY ": \"power1\" and \"power2\" are at least 0 and below 1");
    result = take_tally(about, "tally", &out->tally, why);
    if (result || !beside)
        return result;
    out->has_beside = true;
    return take_tally(about, BESIDE, &out->beside, why);
}

static const struct checkpoint_array *find_array(const struct checkpoint *checkpoint, const char *name)
{
    for (uint32_t i = 0; i < checkpoint->array_count; i++) {
        if (!strcmp(checkpoint->arrays[i].name, name))
            return &checkpoint->arrays[i];
    }
    return NULL;
}

/* As long as the array of the name `like`, where that is there. NULL in *out: there is none. */
static int take_row(struct safetensors *file, const char *name, const char *like, struct checkpoint *checkpoint,
                    const struct safetensor **out, struct reason *why)
{
    const struct checkpoint_array *first = find_array(checkpoint, like);
    const struct safetensor *tensor = *out = safetensors_take(file, name);

    if (!tensor || !first || tensor->count == first->length)
        return 0;
    return refuse(why, WISP_E_FORMAT, "tensor \"%s\" has %llu elements, \"%s\" has %llu", name,
                  (unsigned long long)tensor->count, like, (unsigned long long)first->length);
}

static int take_array(struct safetensors *file, const char *name, const char *like, struct checkpoint *out,
                      struct reason *why)
{
    const struct safetensor *tensor;
    const float *data;
    int result = take_row(file, name, like, out, &tensor, why);

    if (result || !tensor)
        return result;
    if (tensor->type != TENSOR_F32 || tensor->rank != 1 || tensor->begin % sizeof *data)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is no row of F32", name);
    data = (const float *)(const void *)((const char *)out->file + tensor->begin);
    for (uint64_t i = 0; i < tensor->count; i++) {
        if (!isfinite(data[i]))
            return refuse(why, WISP_E_FORMAT, "tensor \"%s\", element %llu is no finite number", name,
                          (unsigned long long)i);
    }
    out->arrays[out->array_count++] = (struct checkpoint_array){ name, data, tensor->count };
    return 0;
}

/* What they may be follows from the model, which checks them. */
static int take_places(struct safetensors *file, const char *name, struct checkpoint *out, struct reason *why)
{
    const struct safetensor *tensor;
    const uint64_t *data;
    int result = take_row(file, name, own_names[0], out, &tensor, why);

    if (result || !tensor)
        return result;
    if (tensor->type != TENSOR_I64 || tensor->rank != 1 || tensor->begin % sizeof *data)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is no row of I64", name);
    data = (const uint64_t *)(const void *)((const char *)out->file + tensor->begin);
    out->places[out->places_count++] = (struct checkpoint_places){ name, data };
    return 0;
}

/* What they may be follows from the data, as places from the model. */
static int take_labels(struct safetensors *file, struct checkpoint *out, struct reason *why)
{
    const struct safetensor *tensor = safetensors_take(file, LABELS);

    if (!tensor)
        return 0;
    if (tensor->type != TENSOR_I32 || tensor->rank != 1 || tensor->begin % sizeof *out->labels)
        return refuse(why, WISP_E_FORMAT, "tensor \"" LABELS "\" is no row of I32");
    out->labels = (const int32_t *)(const void *)((const char *)out->file + tensor->begin);
    out->label_count = tensor->count;
    return 0;
}

static int take_all(struct safetensors *file, size_t size, struct checkpoint *out, struct reason *why)
{
    int result = read_about(file->metadata, out, why);

    if (!result)
        result = checksum_check(out->file, size, why);
    for (size_t i = 0; !result && i < CHECKPOINT_OWN_MAX; i++)
        result = take_array(file, own_names[i], own_names[0], out, why);
    for (size_t i = 0; !result && i < CHECKPOINT_BESIDE_MAX; i++)
        result = take_array(file, beside_names[i], beside_names[0], out, why);
    for (size_t i = 0; !result && i < CHECKPOINT_PLACES_MAX; i++)
        result = take_places(file, places[i], out, why);
    if (!result)
        result = take_labels(file, out, why);
    if (!result && !find_array(out, own_names[0]))
        result = refuse(why, WISP_E_FORMAT, "there is no tensor \"%s\"", own_names[0]);
    if (!result)
        out->length = find_array(out, own_names[0])->length;
    if (!result && safetensors_left(file))
        result =
            refuse(why, WISP_E_FORMAT, "the tensor \"%.60s\" is none of a checkpoint", safetensors_left(file)->name);
    return result;
}

int checkpoint_parse(void *data, size_t size, struct checkpoint *out, struct reason *why)
{
    struct safetensors file = SAFETENSORS_NULL;
    int result;

    *out = (struct checkpoint){ .file = data };
    result = safetensors_open(data, size, &file, why);
    if (!result)
        result = take_all(&file, size, out, why);
    safetensors_close(&file);
    if (result) {
        safetensors_disarm(why);
        checkpoint_deinit(out);
    }
    return result;
}

int checkpoint_read(const char *path, struct checkpoint *out, struct reason *why)
{
    void *data;
    size_t size;
    int result = file_read(path, CHECKPOINT_FILE_MAX, &data, &size, why);

    *out = CHECKPOINT_NULL;
    if (result)
        return result;
    result = checkpoint_parse(data, size, out, why);
    if (!result)
        out->path = path;
    return result ? refuse_in(why, result, "%s", path) : 0;
}

void checkpoint_deinit(struct checkpoint *checkpoint)
{
    json_decref(checkpoint->run);
    json_decref(checkpoint->result);
    free(checkpoint->file);
    *checkpoint = CHECKPOINT_NULL;
}

const float *checkpoint_array(const struct checkpoint *checkpoint, const char *name, uint64_t length)
{
    const struct checkpoint_array *array = find_array(checkpoint, name);

    return array && array->length == length ? array->data : NULL;
}

const uint64_t *checkpoint_places(const struct checkpoint *checkpoint, const char *name)
{
    for (uint32_t i = 0; i < checkpoint->places_count; i++) {
        if (!strcmp(checkpoint->places[i].name, name))
            return checkpoint->places[i].data;
    }
    return NULL;
}

static int compare(const char *path, const json_t *there, const json_t *here, struct reason *why);

/* Those keys of `of` that both objects have, or that only one has. */
static int compare_keys(const char *path, const json_t *of, bool both, const json_t *there, const json_t *here,
                        struct reason *why)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)of, key, value)
    {
        const json_t *was = json_object_get(there, key), *is = json_object_get(here, key);
        char inner[160];

        snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "." : "", key);
        if ((was && is) == both && compare(inner, was, is, why))
            return WISP_E_INVALID;
    }
    return 0;
}

/* "recipe.epochs is 20 in the checkpoint and 30 now", for the first that differs. `path` is what leads to both. What is
 * only in one of them comes first: a teacher that is not named makes other data of the same files. */
static int compare(const char *path, const json_t *there, const json_t *here, struct reason *why)
{
    const size_t form = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    cleanup_free char *was = NULL, *is = NULL;

    if (there && here && json_equal(there, here))
        return 0;
    if (json_is_object(there) && json_is_object(here) &&
        (compare_keys(path, there, false, there, here, why) || compare_keys(path, here, false, there, here, why) ||
         compare_keys(path, here, true, there, here, why)))
        return WISP_E_INVALID;
    was = there ? json_to_text(there, form) : NULL;
    is = here ? json_to_text(here, form) : NULL;
    return refuse(why, WISP_E_INVALID, "it is of another run: %s is %.80s there and %.80s here", *path ? path : "all",
                  was ? was : "missing", is ? is : "missing");
}

int checkpoint_fits(const struct checkpoint *checkpoint, const json_t *run, struct reason *why)
{
    int result = compare("", checkpoint->run, run, why);

    if (result)
        safetensors_disarm(why);
    return result;
}
