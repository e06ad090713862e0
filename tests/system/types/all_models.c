/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "system/types/all_models.h"

struct all_models all_models;

void all_models_start(struct test_daemon *daemon)
{
    static char paths[32][512];
    static const char *models[ARRAY_SIZE(paths)];
    DIR *folder = opendir(source_path("models"));
    char relative[320];
    size_t count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (!strstr(entry->d_name, ".safetensors"))
            continue;
        assert_true(count < ARRAY_SIZE(paths));
        snprintf(relative, sizeof relative, "models/%s", entry->d_name);
        snprintf(paths[count], sizeof paths[count], "%s", source_path(relative));
        models[count] = paths[count];
        count++;
    }
    closedir(folder);
    daemon_start(daemon, &(struct daemon_setup){ .models = models, .model_count = count });
}

const char *example_path(const char *file)
{
    char relative[320];

    snprintf(relative, sizeof relative, "examples/%s", file);
    return source_path(relative);
}

int all_models_begin(void **state)
{
    (void)state;
    all_models.folder = scratch_make();
    all_models_start(&all_models.daemon);
    snprintf(all_models.variable, sizeof all_models.variable, "WISP_SOCKET=%s", all_models.daemon.socket);
    return 0;
}

int all_models_end(void **state)
{
    (void)state;
    scratch_remove(all_models.folder);
    return daemon_stop(&all_models.daemon);
}

void all_models_run(int status, const char *const *words)
{
    struct command command = { .words = { "wisp", "run" },
                               .folder = all_models.folder,
                               .environment = { all_models.variable } };

    for (size_t i = 0; words[i]; i++)
        command.words[2 + i] = words[i];
    command_run(&command, &all_models.outcome);
    if (all_models.outcome.status != status)
        fail_msg("exit %d, not %d: %s", all_models.outcome.status, status, all_models.outcome.err);
}
