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

int config_init(struct config *config)
{
    *config = (struct config){
        .socket = strdup("/run/wisp/wisp.sock"),
        .socket_mode = 0666,
        .kernels = strdup("auto"),
        .loop = CONFIG_LOOP_AUTO,
        .spin_ns = CONFIG_SPIN_AUTO,
        .log_level = LOG_INFO,
        .limits = { .channels = 256,
                    .channels_per_user = 64,
                    .memory_per_user = 256ull << 20,
                    .entries = 1024,
                    .arena = 64ull << 20,
                    .rows = 4096 },
    };
    if (config->socket && config->kernels)
        return 0;
    config_deinit(config);
    return -ENOMEM;
}

void config_model_init(struct config_model *model)
{
    *model = (struct config_model){ .batch_most = 32 };
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < config->model_count; i++) {
        free(config->models[i].path);
        free(config->models[i].name);
    }
    free(config->models);
    free(config->file);
    free(config->socket);
    free(config->kernels);
    *config = (struct config){ 0 };
}

/* What stands in `name` up to its last '/': "" when there is none. */
static char *folder_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return strndup(name, slash ? (size_t)(slash - name) + 1 : 0);
}

static int parse_into(const char *name, const char *text, size_t length, struct config *config,
                      struct findings *findings)
{
    cleanup_free char *folder = folder_of(name);
    struct node *root = NULL;
    int result;

    config->file = strdup(name);
    if (!folder || !config->file)
        return -ENOMEM;
    result = tree_parse(text, length, &root, findings);
    if (!result)
        result = schema_read(root, folder, config, findings);
    tree_free(root);
    return result;
}

int config_parse(const char *name, const char *text, size_t length, struct config *config, FILE *errors,
                 struct reason *why)
{
    struct findings findings;
    struct config fresh;
    int result;

    if (findings_init(&findings))
        return refuse_errno(why, -ENOMEM, "%s", name);
    result = config_init(&fresh);
    if (!result && length > CONFIG_SIZE_MAX)
        findings_add(&findings, (struct mark){ 0 }, "larger than %d bytes", CONFIG_SIZE_MAX);
    else if (!result)
        result = parse_into(name, text, length, &fresh, &findings);
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

/* Once read, a configuration means the same from every working directory. */
static int make_absolute(char **path)
{
    cleanup_free char *folder = NULL;
    char *whole = NULL;

    if (**path == '/')
        return 0;
    folder = getcwd(NULL, 0);
    if (!folder)
        return -errno;
    if (asprintf(&whole, "%s%s%s", folder, strcmp(folder, "/") != 0 ? "/" : "", *path) < 0)
        return -ENOMEM;
    free(*path);
    *path = whole;
    return 0;
}

int config_read(const char *path, struct config *config, FILE *errors, struct reason *why)
{
    const char *name = strcmp(path, "-") != 0 ? path : "standard input";
    cleanup_free void *data = NULL;
    struct reason inner;
    size_t length;
    int result;

    result = file_read(path, CONFIG_SIZE_MAX, &data, &length, &inner);
    if (result) {
        if (errors)
            fprintf(errors, "%s\n", inner.text);
        return refuse(why, result > 0 ? WISP_E_CONFIG : result, "%s", inner.text);
    }
    result = config_parse(name, data, length, config, errors, why);
    if (result)
        return result;
    for (size_t i = 0; !result && i < config->model_count; i++)
        result = make_absolute(&config->models[i].path);
    return result ? refuse_errno(why, result, "%s", name) : 0;
}
