/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "sparse/file/foreign_file.h"

#define SAVE_AS                                                                                                        \
    "; load it with the program that wrote it and save the weights with the safetensors library, and `wisp build "     \
    "--base` imports them"

/* How far into a file is looked for what is not at its beginning. */
#define LOOK_MAX 4096u

struct file_start {
    const char *data;
    size_t size;
};

static bool holds(const struct file_start *start, const char *text)
{
    return memmem(start->data, MIN(start->size, LOOK_MAX), text, strlen(text)) != NULL;
}

static bool is_page(const struct file_start *start)
{
    static const char *const heads[] = { "<!doctype", "<html", "<?xml", "<head" };
    size_t at = 0;

    while (at < start->size && strchr(" \t\r\n\xef\xbb\xbf", start->data[at]) && start->data[at])
        at++;
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        if (start->size - at >= strlen(heads[i]) && !strncasecmp(start->data + at, heads[i], strlen(heads[i])))
            return true;
    }
    return false;
}

static bool is_torch(const struct file_start *start)
{
    return holds(start, "data.pkl");
}

static bool is_index(const struct file_start *start)
{
    return holds(start, "\"weight_map\"") || holds(start, ".safetensors\"");
}

static bool is_pickle(const struct file_start *start)
{
    return start->size > 2 && start->data[1] >= 2 && start->data[1] <= 5;
}

/* A protocol buffer whose first fields are a small version number and the name of a program. */
static bool is_onnx(const struct file_start *start)
{
    return start->size > 4 && start->data[1] > 0 && start->data[1] < 32 && start->data[2] == 0x12 &&
           start->data[4] > 0x20;
}

static bool is_flat_buffer(const struct file_start *start)
{
    return start->size >= 8 && !memcmp(start->data + 4, "TFL3", 4);
}

/* In this order; `also` has to agree when it is there. */
static const struct {
    const char *magic;
    size_t length;
    bool (*also)(const struct file_start *start);
    const char *name;
} kinds[] = {
    { "version https://git-lfs", 23, NULL,
      "a Git LFS pointer, which only names the file: get the file itself with `git lfs pull` where it was cloned" },
    { "", 0, is_page, "an HTML page, as a failed download leaves it: download the file itself" },
    { "PK\3\4", 4, is_torch, "an archive that PyTorch's torch.save() wrote" SAVE_AS },
    { "PK\3\4", 4, NULL, "a zip archive (as .npz and .keras are)" SAVE_AS },
    { "\x80", 1, is_pickle, "a Python pickle (as older .pt and joblib files are)" SAVE_AS },
    { "GGUF", 4, NULL, "a GGUF file" SAVE_AS },
    { "\x89HDF", 4, NULL, "an HDF5 file (as Keras' .h5 is)" SAVE_AS },
    { "\x93NUMPY", 6, NULL, "a NumPy array" SAVE_AS },
    { "", 0, is_flat_buffer, "a TensorFlow Lite model" SAVE_AS },
    { "\x08", 1, is_onnx, "an ONNX model, by the look of it" SAVE_AS },
    { "\x1f\x8b", 2, NULL, "compressed by gzip: unpack it" },
    { "\xfd"
      "7zXZ",
      5, NULL, "compressed by xz: unpack it" },
    { "BZh", 3, NULL, "compressed by bzip2: unpack it" },
    { "\x28\xb5\x2f\xfd", 4, NULL, "compressed by zstd: unpack it" },
    { "{", 1, is_index, "the index of a model that is in several files: give one of those" },
    { "{", 1, NULL, "JSON text, not a safetensors file" },
};

void foreign_file_name(const void *data, size_t size, struct reason *why)
{
    const struct file_start start = { data, size };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (size < MAX(kinds[i].length, 1) || memcmp(data, kinds[i].magic, kinds[i].length) != 0 ||
            (kinds[i].also && !kinds[i].also(&start)))
            continue;
        refuse(why, WISP_E_FORMAT, "%s", kinds[i].name);
        return;
    }
    if (size < 16)
        refuse(why, WISP_E_FORMAT, "%zu bytes are too few for a safetensors file", size);
    else
        refuse(why, WISP_E_FORMAT, "not a safetensors file: it does not begin with the length of a JSON header");
}
