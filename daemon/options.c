/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/socket_path.h"
#include "daemon/options.h"

static const struct usage usage = {
    .verb = "",
    .arguments = "[options]",
    .summary = "Serves sparse neural networks to every program on this machine, through shared memory.\n\n"
               "Signals: SIGTERM and SIGINT finish what is under way and exit; SIGHUP reads configuration and\n"
               "models again; SIGUSR1 logs more, SIGUSR2 as configured.\n"
               "See wispd(8), wispd.yaml(5).",
    .examples = "  wispd --model models/fashion.safetensors\n"
                "  wispd --test && wisp reload\n",
};

static void make_table(struct option_table *table, struct options *options, bool *version, const char *config_help)
{
    option_text(table, "config", 'c', &options->config, "FILE", config_help);
    option_text(table, "socket", 's', &options->socket, "PATH",
                "listen here instead (" SOCKET_OF_SERVICE "; not as root: $XDG_RUNTIME_DIR/wisp/wisp.sock)");
    option_list(table, "model", &options->models, "FILE",
                "serve this model too; without --config: only these; may be repeated")
        ->letter = 'm';
    option_flag(table, "test", 't', &options->test,
                "check configuration and models, say so, and exit; by root: as the service sees them");
    option_text(table, "user", 'u', &options->user, "USER", "with --test: check as this user, in no sandbox");
    option_flag(table, "dump-config", 'T', &options->dump, "print the effective configuration and exit");
    option_flag(table, "quiet", 'q', &options->quiet, "with --test: no output when all is well");
    option_flag(table, "no-tune", 0, &options->no_tune,
                "estimate which weight formats are the fastest instead of measuring it");
    option_text(table, "log-level", 'l', &options->log_level, "LEVEL", "error, warning, notice, info or debug");
    option_flag(table, "version", 'V', version, "print the version and exit");
}

int options_parse(int argc, char **argv, struct options *options)
{
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };
    enum log_level level;
    char config_help[512];
    bool version = false;
    int status = EXIT_DONE;

    *options = (struct options){ .config = NULL };
    outcome_of("wispd");
    snprintf(config_help, sizeof config_help, "read this configuration (%s)", config_default_path());
    make_table(&table, options, &version, config_help);
    if (!options_read(&usage, &table, argc, argv, &none, &status))
        return status;
    if (version)
        return puts("wispd " WISP_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
    if (options->log_level && !log_parse_level(options->log_level, &level))
        return fail(usage.verb, EXIT_USAGE, "unknown log level %s: it can be error, warning, notice, info or debug",
                    options->log_level);
    if (options->user && !options->test)
        return fail(usage.verb, EXIT_USAGE, "--user belongs to --test");
    return -1;
}

/* ---- from options to configuration ---- */

static int replace(char **target, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*target);
    *target = copy;
    return 0;
}

static int add_models(const struct options *options, struct config *config)
{
    size_t sum = config->model_count + options->models.count;
    struct config_model *grown;

    if (!options->models.count)
        return 0;
    grown = reallocarray(config->models, sum, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    config->models = grown;
    for (size_t i = 0; i < options->models.count; i++) {
        struct config_model *entry = &config->models[config->model_count];

        config_model_init(entry);
        entry->path = strdup(options->models.words[i]);
        if (!entry->path)
            return -ENOMEM;
        config->model_count++;
    }
    return 0;
}

static int loop_from_environment(struct config *config, struct reason *why)
{
    const char *wanted = getenv("WISP_LOOP");

    if (!wanted || !*wanted || config_find_loop(wanted, &config->loop))
        return 0;
    return refuse(why, WISP_E_CONFIG, "WISP_LOOP is \"%s\": it can be io_uring, epoll or auto", wanted);
}

static int read_file(const struct options *options, struct config *config, FILE *errors, struct reason *why)
{
    if (options->config)
        return config_read(options->config, config, errors, why);
    if (options->models.count || (access(config_default_path(), F_OK) && errno == ENOENT))
        return 0;
    return config_read(config_default_path(), config, errors, why);
}

int options_configure(const struct options *options, struct config *config, FILE *errors, struct reason *why)
{
    int result = read_file(options, config, errors, why);

    if (result)
        return result;
    if (options->socket)
        result = replace(&config->socket, options->socket);
    if (!result)
        result = add_models(options, config);
    if (result)
        return refuse_errno(why, result, "configuration");
    if (options->no_tune)
        config->tune = false;
    if (options->log_level)
        log_parse_level(options->log_level, &config->log_level);
    return loop_from_environment(config, why);
}
