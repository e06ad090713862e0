/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json/json_memory.h"
#include "forge/experiment/halving_file.h"
#include "forge/train/checkpoint.h"
#include "sparse/file/json_text.h"

enum { VERSION = 2 };

#define LIST_FILE_MAX (64u << 20)

char *halving_file_of(const struct halving_file *file, uint64_t candidate)
{
    char *path;

    return asprintf(&path, "%s.%llu", file->path, (unsigned long long)candidate + 1) < 0 ? NULL : path;
}

/* A name in a new folder. */
static int name_temporary(struct halving_file *file, struct reason *why)
{
    const char *root = getenv("TMPDIR");
    cleanup_free char *folder = NULL;

    file->temporary = true;
    if (asprintf(&folder, "%s/wisp-halving-XXXXXX", root && *root ? root : "/tmp") < 0) {
        folder = NULL;
        return refuse_errno(why, -ENOMEM, "halving");
    }
    if (!mkdtemp(folder))
        return refuse_errno(why, -errno, "%s, for the candidates' checkpoints", folder);
    if (asprintf(&file->path, "%s/candidate", folder) < 0) {
        file->path = NULL;
        rmdir(folder);
        return refuse_errno(why, -ENOMEM, "halving");
    }
    return 0;
}

static int read_list(struct halving_file *file, const json_t *run, struct reason *why)
{
    static const struct json_limits limits = { .depth = 8, .containers = 1 << 20, .values = 1 << 22 };
    struct checkpoint there = CHECKPOINT_NULL;
    void *text;
    size_t size;
    int version, result = file_read(file->path, LIST_FILE_MAX, &text, &size, why);
    json_error_t error;

    if (result)
        return result;
    result = json_read(text, size, &limits, &file->list, why);
    free(text);
    if (result)
        return refuse_in(why, result, "%s", file->path);
    if (json_unpack_ex(file->list, &error, JSON_STRICT, "{s:i, s:o, s:o}", "version", &version, "run", &there.run,
                       "found", &(json_t *){ NULL }) ||
        version != VERSION || !json_is_object(there.run) || !json_is_array(json_object_get(file->list, "found")))
        return refuse(why, WISP_E_FORMAT, "%s: no list of a halving of version %d", file->path, VERSION);
    result = checkpoint_fits(&there, run, why);
    return result ? refuse_in(why, result, "%s", file->path) : 0;
}

static int write_list(const struct halving_file *file, struct reason *why)
{
    cleanup_free char *text = file->temporary ? NULL : json_to_text(file->list, JSON_COMPACT);

    if (file->temporary)
        return 0;
    if (!text)
        return refuse_errno(why, -ENOMEM, "%s", file->path);
    return file_write(file->path, &(struct file_part){ text, strlen(text) }, 1, why);
}

static int new_list(struct halving_file *file, json_t *run, struct reason *why)
{
    const json_int_t count = json_integer_value(json_object_get(run, "candidates"));

    for (json_int_t k = 0; k < count; k++) {
        cleanup_free char *old = halving_file_of(file, (uint64_t)k);

        if (!old || (unlink(old) < 0 && errno != ENOENT))
            return refuse_errno(why, old ? -errno : -ENOMEM, "%s", old ? old : "halving");
    }
    file->list = json_pack("{s:i, s:O, s:[]}", "version", VERSION, "run", run, "found");
    return file->list ? write_list(file, why) : refuse_errno(why, -ENOMEM, "halving");
}

int halving_file_open(struct halving_file *file, const char *path, bool resumes, json_t *run, struct reason *why)
{
    int result = 0;

    *file = (struct halving_file){ .path = path ? strdup(path) : NULL };
    if (!path)
        result = name_temporary(file, why);
    else if (!file->path)
        result = refuse_errno(why, -ENOMEM, "halving");
    if (result)
        return result;
    return resumes ? read_list(file, run, why) : new_list(file, run, why);
}

void halving_file_close(struct halving_file *file, uint64_t candidates)
{
    for (uint64_t k = 0; file->path && file->temporary && k < candidates; k++) {
        cleanup_free char *path = halving_file_of(file, k);

        if (path)
            unlink(path);
    }
    if (file->path && file->temporary) {
        *strrchr(file->path, '/') = 0;
        rmdir(file->path);
    }
    free(file->path);
    json_decref(file->list);
    *file = (struct halving_file){ .path = NULL };
}

int halving_file_next(struct halving_file *file, struct halving_found *out, bool *there, struct reason *why)
{
    const json_t *entry = json_array_get(json_object_get(file->list, "found"), file->next);
    json_int_t candidate, seed, epochs;
    int diverged;
    json_error_t error;

    *there = entry != NULL;
    if (!entry)
        return 0;
    file->next++;
    if (json_unpack_ex((json_t *)(uintptr_t)entry, &error, JSON_STRICT, "{s:I, s:I, s:I, s:b, s:F, s:F}", "candidate",
                       &candidate, "seed", &seed, "epochs", &epochs, "diverged", &diverged, "accuracy", &out->accuracy,
                       "loss", &out->loss))
        return refuse(why, WISP_E_FORMAT, "%s: entry %zu of \"found\": %s", file->path, file->next, error.text);
    if ((uint64_t)candidate != out->candidate + 1 || epochs < 1 || !isfinite(out->loss))
        return refuse(why, WISP_E_FORMAT, "%s: entry %zu of \"found\" is not of candidate %llu", file->path, file->next,
                      (unsigned long long)out->candidate + 1);
    out->seed = (uint64_t)seed;
    out->epochs = (uint64_t)epochs;
    out->diverged = diverged;
    return 0;
}

int halving_file_add(struct halving_file *file, const struct halving_found *found, struct reason *why)
{
    json_t *list = json_object_get(file->list, "found");

    json_array_append_new(list,
                          json_pack("{s:I, s:I, s:I, s:b, s:f, s:f}", "candidate", (json_int_t)found->candidate + 1,
                                    "seed", (json_int_t)found->seed, "epochs", (json_int_t)found->epochs, "diverged",
                                    found->diverged, "accuracy", found->accuracy, "loss", found->loss));
    file->next = json_array_size(list);
    return write_list(file, why);
}
