/* SPDX-License-Identifier: Apache-2.0
 *
 * wispd: options, signals, and from a configuration to a daemon that serves.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/log.h"
#include "base/log_writer.h"
#include "daemon/control/wispd.h"
#include "daemon/models/impersonate.h"
#include "daemon/models/set.h"
#include "daemon/options.h"
#include "daemon/seal.h"

/* How long the last lines may take at the end. */
#define LOG_PATIENCE_NS (500 * NS_PER_MS)
/* And before an assertion says what has failed. */
#define FAREWELL_NS (200 * NS_PER_MS)

/* 78 tells systemd, and whoever reads the journal, that starting again will not help. */
static int exit_code(int result)
{
    return result == WISP_E_CONFIG || result == WISP_E_FORMAT ? EXIT_CONFIG : EXIT_FAILED;
}

static int complain(int result, const struct reason *why)
{
    log_error("%s", why->text);
    return exit_code(result);
}

/* Signals arrive by descriptor only. */
static int signals_open(void)
{
    sigset_t handled;

    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGHUP);
    sigaddset(&handled, SIGUSR1);
    sigaddset(&handled, SIGUSR2);
    if (sigprocmask(SIG_BLOCK, &handled, NULL))
        return -1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* -EFBIG, where a limit to the size of files is met */
    return signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Everything that is wrong with the file, each thing once. */
static int complain_of_all(int result, char *lines, const struct reason *why)
{
    if (!*lines)
        return complain(result, why);
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n"))
        log_error("%s", line);
    return exit_code(result);
}

static void warn_of_nothing(const struct options *options, const struct config *config)
{
    if (!config->file && !options->models.count)
        log_warning("there is no %s: these are the defaults; name another file with --config", config_default_path());
    if (!config->model_count)
        log_warning("no models are configured: add some under models: in the configuration, or with --model");
}

/* Everything that can be wrong before a socket is touched: the configuration, and every model file. */
static int test(const struct options *options, const struct config *config, const struct impersonation *impersonation)
{
    struct model_set *set;
    struct reason why = { "" };
    unsigned hidden = impersonation->sandbox ? impersonate_hidden(config) : 0;
    int result = model_set_load(config, NULL, NULL, &set, &why);

    if (result)
        return complain(result, &why);
    if (!hidden && !options->quiet) {
        warn_of_nothing(options, config);
        printf("wispd: %s is good: %zu model%s%s%s\n", config->file ? config->file : "what the command line says",
               config->model_count, config->model_count == 1 ? "" : "s", impersonation->user ? ", as user " : "",
               impersonation->user ? impersonation->user : "");
    }
    model_set_release(set);
    return hidden ? EXIT_CONFIG : EXIT_DONE;
}

static int dump(const struct config *config)
{
    return config_print(config, stdout) || fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

/* As at the start; on the loader's thread. */
static int read_again(const void *argument, struct config *config, FILE *errors, struct reason *why)
{
    const struct options *options = argument;
    int result = options_configure(options, config, errors, why);

    if (result)
        (void)impersonate_denied(options->config ? options->config : config_default_path(), why);
    return result;
}

static int serve_until_told(const struct options *options, struct config *config, int signals)
{
    static struct config_source source; /* a load that is under way at the end may outlast this */
    struct wispd *daemon = NULL;
    struct reason why = { "" };
    int result;

    warn_of_nothing(options, config);
    source = (struct config_source){ .read = read_again, .argument = options };
    result = wispd_new(config, &source, &daemon, &why);
    if (result)
        return complain(result, &why);
    result = process_seal(); /* every thread and ring is there */
    if (result)
        log_notice("this process could still make rings and run programs: %s", wisp_status_text(result));
    result = wispd_run(daemon, signals);
    if (result)
        log_error("event loop: %s", wisp_status_text(result));
    wispd_free(daemon);
    return result ? EXIT_FAILED : EXIT_DONE;
}

static void say_farewell(void)
{
    (void)log_writer_stop(FAREWELL_NS);
}

static int serve(const struct options *options, struct config *config)
{
    cleanup_close int signals = signals_open();
    struct reason why = { "" };
    int result, code;

    if (signals < 0) {
        log_error("signalfd: %m");
        return EXIT_FAILED;
    }
    result = log_writer_start(); /* after the signals, which the thread is not to get either */
    if (result) {
        (void)refuse_thread(&why, result, "the log's thread");
        return complain(result, &why);
    }
    insist_set_farewell(say_farewell);
    code = serve_until_told(options, config, signals);
    insist_set_farewell(NULL);
    (void)log_writer_stop(LOG_PATIENCE_NS);
    return code;
}

static int out_of_memory(struct reason *why)
{
    return refuse_errno(why, -ENOMEM, "configuration");
}

static int configure(const struct options *options, struct config *config)
{
    struct reason why = { "" };
    cleanup_free char *lines = NULL;
    size_t size;
    FILE *errors = open_memstream(&lines, &size);
    int result = errors ? options_configure(options, config, errors, &why) : out_of_memory(&why);

    if (errors && (fclose(errors) || !lines))
        return complain(out_of_memory(&why), &why); /* what was found wrong had no room */
    log_set_level(options->test && !options->log_level ? LOG_LEVEL_WARNING : config->log_level);
    if (result && impersonate_denied(options->config ? options->config : config_default_path(), &why))
        return complain(result, &why);
    return result ? complain_of_all(result, lines ? lines : (char[]){ "" }, &why) : EXIT_DONE;
}

static int run(const struct options *options)
{
    static struct config config; /* a load that is under way at the end may outlast this, and reads it */
    struct impersonation impersonation = { .user = NULL };
    struct reason why = { "" };
    int result, code;

    (void)config_default_path(); /* found now: who has become another user may not ask where his program lies */
    result = options->test ? impersonate_begin(&impersonation, options->user, &why) : 0;
    if (result)
        return complain(result, &why);
    if (config_init(&config))
        return complain(out_of_memory(&why), &why);
    code = configure(options, &config);
    config.cache = config.cache && !options->test; /* a check leaves nothing behind */
    if (code == EXIT_DONE && options->dump)
        code = dump(&config);
    else if (code == EXIT_DONE && options->test)
        code = test(options, &config, &impersonation);
    else if (code == EXIT_DONE)
        return serve(options, &config); /* what that was given goes with the process */
    config_deinit(&config);
    return code;
}

int main(int argc, char **argv)
{
    static struct options options; /* as long as the configuration: it is read again by them */
    int code;

    json_memory_watch();
    code = options_parse(argc, argv, &options);
    log_init("wispd", LOG_LEVEL_INFO);
    if (code < 0)
        code = run(&options);
    return code;
}
