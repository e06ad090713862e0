/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "base/socket_path.h"
#include "daemon/options.h"

static const char help[] =
    "Usage: wispd [OPTION]...\n"
    "Serves sparse neural networks to every program on this machine, through shared memory.\n"
    "\n"
    "  -c, --config FILE     read this configuration (%s)\n"
    "  -s, --socket PATH     listen here instead (" SOCKET_OF_SERVICE ";\n"
    "                        not as root: $XDG_RUNTIME_DIR/wisp/wisp.sock)\n"
    "  -m, --model FILE      serve this model too; may be repeated. Without --config: only these\n"
    "  -t, --test            check configuration and models, say so, and exit; with -q only the exit code says it.\n"
    "                        Run by root, it checks as the service sees it: as user wisp, in its sandbox\n"
    "  -u, --user USER       with --test: check as this user, in no sandbox\n"
    "  -T, --dump-config     print the effective configuration and exit\n"
    "  -q, --quiet           with --test: no output when all is well\n"
    "  -l, --log-level L     error, warning, notice, info or debug\n"
    "  -h, --help            this text\n"
    "  -V, --version\n"
    "\n"
    "Signals: SIGTERM and SIGINT finish what is under way and exit; SIGUSR1 logs more, SIGUSR2 as configured.\n"
    "See wispd(8), wispd.yaml(5).\n";

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "socket", required_argument, NULL, 's' },
    { "model", required_argument, NULL, 'm' },
    { "test", no_argument, NULL, 't' },
    { "dump-config", no_argument, NULL, 'T' },
    { "quiet", no_argument, NULL, 'q' },
    { "user", required_argument, NULL, 'u' },
    { "log-level", required_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

static int usage(const char *problem, const char *what)
{
    if (problem)
        fprintf(stderr, "wispd: %s%s\n", problem, what);
    fprintf(stderr, "Try 'wispd --help'.\n");
    return EXIT_USAGE;
}

static int take(struct options *options, int option, const char *value)
{
    enum log_level level;

    switch (option) {
    case 'c':
        options->config = value;
        return -1;
    case 's':
        options->socket = value;
        return -1;
    case 'm':
        options->models[options->model_count++] = value;
        return -1;
    case 't':
        options->test = true;
        return -1;
    case 'T':
        options->dump = true;
        return -1;
    case 'q':
        options->quiet = true;
        return -1;
    case 'u':
        options->user = value;
        return -1;
    case 'l':
        options->log_level = value;
        return log_parse_level(value, &level) ? -1 : usage("unknown log level ", value);
    case 'h':
        printf(help, config_default_path());
        return EXIT_OK;
    case 'V':
        puts("wispd " WISP_VERSION);
        return EXIT_OK;
    default:
        return usage(NULL, NULL); /* getopt has said why */
    }
}

int options_parse(int argc, char **argv, struct options *options)
{
    int option, result = -1;

    *options = (struct options){ .models = calloc((size_t)argc + 1, sizeof(const char *)) };
    if (!options->models)
        return EXIT_FAILED;
    while (result < 0 && (option = getopt_long(argc, argv, "c:s:m:tTqu:l:hV", long_options, NULL)) >= 0)
        result = take(options, option, optarg);
    if (result < 0 && optind < argc)
        result = usage("wispd takes no arguments: ", argv[optind]);
    if (result < 0 && options->user && !options->test)
        result = usage("--user belongs to --test", "");
    return result;
}

void options_deinit(struct options *options)
{
    free(options->models);
    *options = (struct options){ .models = NULL };
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
    size_t sum = config->model_count + options->model_count;
    struct config_model *grown;

    if (!options->model_count)
        return 0;
    grown = reallocarray(config->models, sum, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    config->models = grown;
    for (size_t i = 0; i < options->model_count; i++) {
        struct config_model *entry = &config->models[config->model_count];

        config_model_init(entry);
        entry->path = strdup(options->models[i]);
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
    if (options->model_count || (access(config_default_path(), F_OK) && errno == ENOENT))
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
    if (options->log_level)
        log_parse_level(options->log_level, &config->log_level);
    return loop_from_environment(config, why);
}
