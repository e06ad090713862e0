/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds where a configuration says nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/socket_path.h"
#include "config/config.h"

int config_init(struct config *config)
{
    char path[SOCKET_PATH_MAX];

    socket_to_listen(path);
    *config = (struct config){
        .socket = strdup(path),
        .socket_mode = 0666,
        .kernels = strdup("auto"),
        .cache = true,
        .tune = true,
        .rollback = true,
        .loop = CONFIG_LOOP_AUTO,
        .shards = 1,
        .threads = 1,
        .spin_ns = CONFIG_SPIN_AUTO,
        .log_level = LOG_LEVEL_INFO,
        .limits = { .channels = 256,
                    .channels_per_user = 64,
                    .memory_per_user = 256ull << 20,
                    .entries = 1024,
                    .arena = 64ull << 20,
                    .rows = 4096,
                    .time_per_user = 100,
                    .under_way_per_user = 65536 },
    };
    if (config->socket && config->kernels)
        return 0;
    config_deinit(config);
    return -ENOMEM;
}

void config_model_init(struct config_model *model)
{
    *model = (struct config_model){ .batch_max = 32, .time_ns = 500 * NS_PER_US, .slow_ns = CONFIG_SLOW_AUTO };
}

void config_user_init(struct config_user *user)
{
    *user = (struct config_user){ .weight = 100, .time = 100, .under_way = 65536 };
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < config->user_count; i++)
        free(config->users[i].user);
    free(config->users);
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
