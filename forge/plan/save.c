/* SPDX-License-Identifier: Apache-2.0 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/size.h"
#include "forge/plan/save.h"
#include "sparse/file/model_file.h"

int save_check(const char *path, struct reason *why)
{
    char copy[PATH_MAX];
    struct stat status;
    const char *folder;
    int result;

    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return refuse_errno(why, -ENAMETOOLONG, "%s", path);
    if (!*path)
        return refuse(why, -ENOENT, "the output file has no name");
    result = file_check_target(path, why);
    if (result)
        return result;
    folder = dirname(copy);
    if (stat(folder, &status) < 0)
        return refuse_errno(why, -errno, "cannot write %s: folder %s", path, folder);
    if (!S_ISDIR(status.st_mode))
        return refuse_errno(why, -ENOTDIR, "cannot write %s: %s", path, folder);
    if (access(folder, W_OK | X_OK) < 0)
        return refuse_errno(why, -errno, "cannot write %s: folder %s", path, folder);
    return 0;
}

int save_apart(const struct save_file *written, size_t writes, const struct save_file *read, size_t reads,
               struct reason *why)
{
    for (size_t i = 0; i < writes; i++) {
        if (!written[i].path)
            continue;
        for (size_t k = 0; k < i; k++) {
            if (written[k].path && file_will_be_same(written[i].path, written[k].path))
                return refuse(why, WISP_E_INVALID, "%s %s is also to be written by %s; give one of them another name",
                              written[i].what, written[i].path, written[k].what);
        }
        for (size_t k = 0; k < reads; k++) {
            if (read[k].path && file_is_same(written[i].path, read[k].path))
                return refuse(why, WISP_E_INVALID, "%s %s would be written over %s; give it another name",
                              written[i].what, written[i].path, read[k].what);
        }
    }
    return 0;
}

void save_name(const char *path, char name[MODEL_NAME_MAX])
{
    const char *file = path_name(path);

    snprintf(name, MODEL_NAME_MAX, "%.*s", (int)path_stem(file), file);
}

int save_model(const struct model *model, const char *path, bool rescue, struct reason *why)
{
    const char *const folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
    int result = model_write(model, path, why);

    for (size_t i = 0; result && rescue && i < ARRAY_SIZE(folders); i++) {
        char name[PATH_MAX];

        if (!folders[i] || snprintf(name, sizeof name, "%s/wisp-rescued-%ld.safetensors", folders[i], (long)getpid()) >=
                               (int)sizeof name)
            continue;
        if (model_write(model, name, NULL) == 0) {
            size_t used = why ? strlen(why->text) : 0;

            if (why)
                snprintf(why->text + used, sizeof why->text - used,
                         "; the trained model was saved as %s instead: move it where there is room", name);
            return result;
        }
    }
    return result;
}
