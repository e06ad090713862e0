/* SPDX-License-Identifier: Apache-2.0
 *
 * --input NAME=FILE: the inputs of a model by their names, each a file that is the tensor already.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/run/run.h"

enum { INPUT_FILE_MAX = 64 << 20 };

/* "facts, picture": all inputs of the model. */
static void list_names(const wisp_model *model, char *text, size_t capacity)
{
    size_t used = 0;

    *text = 0;
    for (size_t i = 0; i < wisp_model_input_count(model) && used < capacity; i++) {
        struct wisp_tensor tensor;

        (void)wisp_model_input(model, i, &tensor);
        used += (size_t)snprintf(text + used, capacity - used, "%s%s", i ? ", " : "", tensor.name);
    }
}

/* The word of the input of that name. */
static const char *word_of(const struct option_list *words, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < words->count; i++) {
        if (!strncmp(words->words[i], name, length) && words->words[i][length] == '=')
            return words->words[i];
    }
    return NULL;
}

int named_check(const struct run *run, const char *verb)
{
    const struct option_list *words = &run->named;
    char names[300];

    list_names(run->model, names, sizeof names);
    if (!words->count && !wisp_model_input_size(run->model) && (run->tensor || wisp_model_input_count(run->model) > 1))
        return fail(verb, EXIT_USAGE, "%s takes %s: give each as a tensor with --input NAME=FILE",
                    wisp_model_name(run->model), names);
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *equals = strchr(word, '=');
        cleanup_free char *name = equals ? strndup(word, (size_t)(equals - word)) : NULL;

        if (!name || !equals[1])
            return fail(verb, EXIT_USAGE, "--input %s: is not NAME=FILE", word);
        if (wisp_model_find_input(run->model, name) == wisp_model_input_count(run->model))
            return fail(verb, EXIT_USAGE, "--input %s: %s has no input of that name; it takes %s", word,
                        wisp_model_name(run->model), names);
        if (word_of(words, name) != word)
            return fail(verb, EXIT_USAGE, "--input %s: is given twice", name);
    }
    if (words->count && words->count != wisp_model_input_count(run->model))
        return fail(verb, EXIT_USAGE, "--input: %s takes %s, and each must be given", wisp_model_name(run->model),
                    names);
    return EXIT_DONE;
}

static int read_tensor(const struct wisp_tensor *tensor, const char *path, void *out, struct reason *why)
{
    cleanup_free void *data = NULL;
    size_t size;
    int result = file_read(path, INPUT_FILE_MAX, &data, &size, why);

    if (result)
        return result;
    if (size != tensor->bytes)
        return refuse(why, WISP_E_SHAPE, "%s: %zu bytes, but input %s is a tensor of %zu %s, which is %zu bytes", path,
                      size, tensor->name, tensor->elements, dtype_name(tensor->dtype), tensor->bytes);
    memcpy(out, data, size);
    for (size_t i = 0; tensor->dtype == WISP_FLOAT32 && i < tensor->elements; i++) {
        if (!isfinite(((const float *)out)[i]))
            return refuse(why, WISP_E_FORMAT, "%s: value %zu, at byte %zu, is not a finite number", path, i,
                          i * sizeof(float));
    }
    return 0;
}

int named_read(const struct run *run, struct reason *why)
{
    int result = 0;

    for (size_t i = 0; !result && i < wisp_model_input_count(run->model); i++) {
        struct wisp_tensor tensor;
        const char *word;

        (void)wisp_model_input(run->model, i, &tensor);
        word = word_of(&run->named, tensor.name);
        insist(word, "%s", tensor.name); /* named_check() has seen to it */
        result = read_tensor(&tensor, word + strlen(tensor.name) + 1, wisp_request_input_tensor(run->request, i), why);
    }
    return result;
}

char *named_text(const struct option_list *words)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; out && i < words->count; i++)
        fprintf(out, "%s%s", i ? " " : "", words->words[i]);
    if (!out || fclose(out))
        return NULL;
    return text;
}

/* ---- any tensor ---- */

const char *dtype_name(enum wisp_dtype dtype)
{
    static const char *const names[] = { [WISP_FLOAT32] = "float32", [WISP_INT32] = "int32", [WISP_UINT8] = "uint8" };

    insist((size_t)dtype < ARRAY_SIZE(names), "%d", dtype);
    return names[dtype];
}

double tensor_number(const struct wisp_tensor *tensor, const void *data, size_t index)
{
    insist(index < tensor->elements, "%zu of %zu", index, tensor->elements);
    switch (tensor->dtype) {
    case WISP_INT32:
        return ((const int32_t *)data)[index];
    case WISP_UINT8:
        return ((const uint8_t *)data)[index];
    default:
        return (double)((const float *)data)[index];
    }
}
