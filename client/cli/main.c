/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp: a client of wispd, and the door to the programs that make models. Its own verbs are the table below; any other
 * is a program (external.c). One thread.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <wisp/wisp.h>

#include "base/json/json_memory.h"
#include "base/outcome.h"
#include "base/output.h"
#include "base/size.h"
#include "base/suggest.h"
#include "client/cli/external.h"
#include "client/cli/verb.h"

static verb_function verb_help, verb_version;

static const struct verb {
    const char *name;
    verb_function *run;
    const char *summary;
} verbs[] = {
    { "run", verb_run, "send pictures, sentences or recordings to a model" },
    { "models", verb_models, "list what the daemon serves" },
    { "show", verb_show, "show one model, served or in a file: shapes, layers, labels, lineage" },
    { "ping", verb_ping, "measure the round trip to the daemon" },
    { "status", verb_status, "show the daemon's own state" },
    { "reload", verb_reload, "have the daemon read its configuration and models again" },
    { "rollback", verb_rollback, "have the daemon serve the models of before" },
    { "stats", verb_stats, "show what the daemon has counted, and how long requests took" },
    { "clients", verb_clients, "list who is connected to the daemon" },
    { "top", verb_top, "show who uses the daemon's time, again and again" },
    { "bench", verb_bench, "put a load on a model, and measure its answers" },
    { "doctor", verb_doctor, "look for what makes the daemon slow, and say what to do" },
    { "help", verb_help, "describe a verb" },
    { "version", verb_version, "print the version" },
};

/* Other spellings of two of them. */
static const struct {
    const char *word, *verb;
} spellings[] = { { "--help", "help" }, { "-h", "help" }, { "--version", "version" }, { "-V", "version" } };

static void print_overview(FILE *to)
{
    fputs("usage: wisp VERB [arguments]\n\nServes sparse neural networks through shared memory, and makes them.\n\n",
          to);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\nmaking models (wisp-forge):\n", to);
    for (size_t i = 0; i < forge_verb_count; i++)
        fprintf(to, "  %-10s %s\n", forge_verbs[i].name, forge_verbs[i].summary);
    fputs("\n'wisp VERB --help' describes a verb; wisp(1) is the manual.\n", to);
}

static const struct verb *find(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        if (!strcmp(word, spellings[i].word))
            word = spellings[i].verb;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (!strcmp(word, verbs[i].name))
            return &verbs[i];
    }
    return NULL;
}

static int unknown(const char *word)
{
    const char *names[ARRAY_SIZE(verbs) + 16], *close;
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        names[count++] = verbs[i].name;
    for (size_t i = 0; i < forge_verb_count && count < ARRAY_SIZE(names); i++)
        names[count++] = forge_verbs[i].name;
    close = suggest(word, names, count);
    if (close)
        fprintf(stderr, "wisp: '%s' is no verb; did you mean 'wisp %s'?\n", word, close);
    else
        fprintf(stderr, "wisp: '%s' is no verb; 'wisp help' lists them\n", word);
    return EXIT_USAGE;
}

static int run_own(const struct verb *verb, int argc, char **argv)
{
    /* The socket of a daemon that goes away must not end this without a word. */
    signal(SIGPIPE, SIG_IGN);
    /* A limit to the size of files is an error like a full disk, after which what was begun is removed. */
    signal(SIGXFSZ, SIG_IGN);
    return output_finish("wisp", verb->run(argc, argv));
}

static int dispatch(int argc, char **argv)
{
    const struct verb *verb = find(argv[0]);
    int result = verb ? run_own(verb, argc, argv) : external_run(argc, argv);

    return result == -ENOENT ? unknown(argv[0]) : result;
}

static int verb_help(int argc, char **argv)
{
    char help[] = "--help", *words[] = { argc > 1 ? argv[1] : NULL, help, NULL };

    if (argc > 1 && find(words[0]) != find("help"))
        return dispatch(2, words);
    print_overview(stdout);
    return EXIT_DONE;
}

static int verb_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("wisp " WISP_VERSION " (libwisp %s)\n", wisp_version());
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    json_memory_watch();
    /* Characters as the person's terminal has them; numbers always with a point. */
    setlocale(LC_CTYPE, "");
    if (argc > 1)
        return dispatch(argc - 1, argv + 1);
    print_overview(stderr);
    return EXIT_USAGE;
}
