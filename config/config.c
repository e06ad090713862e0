/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to a struct config: read a private copy, parse it into a fresh struct over the defaults, and put that in
 * place of the caller's only when nothing was wrong. Main thread, before anything serves.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/schema.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

/* What stands in `path` up to its last '/': "" when there is none. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* The same, from the root: once read, a configuration means the same from every working directory. */
static char *absolute_folder_of(const char *path)
{
    cleanup_free char *here = NULL, *folder = NULL;
    char *whole = NULL;

    if (*path == '/')
        return folder_of(path);
    here = getcwd(NULL, 0);
    folder = folder_of(path);
    if (!here || !folder || asprintf(&whole, "%s%s%s", here, strcmp(here, "/") != 0 ? "/" : "", folder) < 0)
        return NULL;
    return whole;
}

static int understand(const char *name, const char *folder, const char *text, size_t length, struct config *config,
                      struct findings *findings)
{
    struct node *root = NULL;
    int result;

    if (length > CONFIG_SIZE_MAX) {
        findings_add(findings, (struct mark){ 0 }, "larger than %d bytes", CONFIG_SIZE_MAX);
        return 0;
    }
    config->file = strdup(name);
    if (!config->file)
        return -ENOMEM;
    result = tree_parse(text, length, &root, findings);
    if (!result)
        result = schema_read(root, folder, config, findings);
    tree_free(root);
    return result;
}

static int parse(const char *name, const char *folder, const char *text, size_t length, struct config *config,
                 FILE *errors, struct reason *why)
{
    struct findings findings;
    struct config fresh;
    int result;

    if (findings_init(&findings))
        return refuse_errno(why, -ENOMEM, "%s", name);
    result = config_init(&fresh);
    if (!result)
        result = understand(name, folder, text, length, &fresh, &findings);
    if (result)
        refuse_errno(why, result, "%s", name);
    else
        result = findings_report(&findings, name, errors, why);
    findings_deinit(&findings);
    if (result) {
        config_deinit(&fresh);
        return result;
    }
    config_deinit(config);
    *config = fresh;
    return 0;
}

int config_parse(const char *name, const char *text, size_t length, struct config *config, FILE *errors,
                 struct reason *why)
{
    cleanup_free char *folder = folder_of(name);

    if (!folder)
        return refuse_errno(why, -ENOMEM, "%s", name);
    return parse(name, folder, text, length, config, errors, why);
}

int config_read(const char *path, struct config *config, FILE *errors, struct reason *why)
{
    bool is_standard_input = !strcmp(path, "-");
    const char *name = is_standard_input ? "standard input" : path;
    cleanup_free char *folder = absolute_folder_of(is_standard_input ? "" : path);
    cleanup_free void *data = NULL;
    struct reason inner;
    size_t length;
    int result;

    if (!folder)
        return refuse_errno(why, -errno, "%s", name);
    result = file_read(path, CONFIG_SIZE_MAX, &data, &length, &inner);
    if (result) {
        if (errors)
            fprintf(errors, "%s\n", inner.text);
        return refuse(why, result == -ENOMEM ? result : WISP_E_CONFIG, "%s", inner.text);
    }
    return parse(name, folder, data, length, config, errors, why);
}
