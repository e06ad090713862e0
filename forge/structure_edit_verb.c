/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure edit: changes by options, or one after another at a prompt, with the table shown again after each. The
 * database is touched once, at the end.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "base/suggest.h"
#include "forge/catalog.h"
#include "forge/structure_actions.h"
#include "forge/structure_picture.h"
#include "sparse/structure_edit.h"

#define VERB "structure edit"

enum { UNDO_MAX = 100 };

struct session {
    struct structure now;
    struct structure before[UNDO_MAX]; /* oldest first */
    unsigned undo_count;
    bool changed;
    char name[256]; /* to save it under; "": its own */
};

/* ---- one change ---- */

typedef int change_function(struct structure *structure, uint32_t place, uint32_t neurons, struct reason *why);

static int remove_place(struct structure *structure, uint32_t place, uint32_t neurons, struct reason *why)
{
    (void)neurons;
    return structure_remove(structure, place, why);
}

static const struct {
    const char *option, *word;
    bool takes_neurons;
    change_function *change;
} changes[] = {
    { "insert-layer", "insert", true, structure_insert },
    { "remove-layer", "remove", false, remove_place },
    { "set-neurons", "set", true, structure_set_neurons },
};

/* "2=512", "2 512", "3". */
static bool parse_places(const char *text, bool neurons, uint32_t *place, uint32_t *count)
{
    char words[64], *first, *second, *rest;
    uint64_t a, b = 0;

    snprintf(words, sizeof words, "%s", text);
    first = strtok_r(words, "= \t", &rest);
    second = first ? strtok_r(NULL, "= \t", &rest) : NULL;
    if (!first || !parse_count(first, &a) || !neurons != !second || (second && !parse_count(second, &b)) ||
        (second && strtok_r(NULL, "= \t", &rest)) || a > UINT32_MAX || b > UINT32_MAX)
        return false;
    *place = (uint32_t)a;
    *count = (uint32_t)b;
    return true;
}

static int apply(struct session *session, size_t which, const char *text, struct reason *why)
{
    struct structure before;
    uint32_t place, neurons;
    int result;

    if (!parse_places(text, changes[which].takes_neurons, &place, &neurons))
        return refuse(why, WISP_E_INVALID, "%s takes %s, not \"%.40s\"", changes[which].word,
                      changes[which].takes_neurons ? "PLACE=NEURONS, as 2=512" : "PLACE, as 3", text);
    if (structure_copy(&session->now, &before))
        return refuse_errno(why, -ENOMEM, "cannot change");
    result = changes[which].change(&session->now, place, neurons, why);
    if (result) {
        structure_deinit(&before);
        return result;
    }
    if (session->undo_count == UNDO_MAX) {
        structure_deinit(&session->before[0]);
        memmove(session->before, session->before + 1, (UNDO_MAX - 1) * sizeof *session->before);
        session->undo_count--;
    }
    session->before[session->undo_count++] = before;
    session->changed = true;
    return 0;
}

static struct session *session_free(struct session *session)
{
    if (!session)
        return NULL;
    structure_deinit(&session->now);
    while (session->undo_count)
        structure_deinit(&session->before[--session->undo_count]);
    free(session);
    return NULL;
}

CLEANUP_DEFINE(session, struct session, session_free)

static int save(const char *database, const char *name, const struct structure *structure, struct reason *why)
{
    struct store_structure entry;
    struct store *store;
    int result = catalog_entry(structure, &entry, why);

    if (result)
        return result;
    result = catalog_open(database, true, &store, why);
    if (!result) {
        result = store_replace(store, name, &entry, why);
        store_close(store);
    }
    store_structure_deinit(&entry);
    return result;
}

/* ---- the prompt ---- */

static void show(const struct session *session)
{
    structure_print(&session->now, stdout);
    drawing_of_structure(&session->now, stdout);
}

enum turn { TURN_ON, TURN_SAVE, TURN_QUIT };

static const char prompt_help[] = "insert PLACE NEURONS   a new layer at that place, like those around it\n"
                                  "remove PLACE           the layer there, with its activation\n"
                                  "set PLACE NEURONS      another number of neurons or channels\n"
                                  "undo, show, help\n"
                                  "save [NAME]            write it to the database, under that name, and end\n"
                                  "quit                   end without writing\n";

static enum turn take_command(struct session *session, char *line)
{
    static const char *const words[] = { "insert", "remove", "set", "undo", "show", "help", "save", "quit" };
    char *rest = line + strcspn(line, " \t");
    struct reason why;
    size_t known;

    if (*rest)
        *rest++ = 0;
    rest += strspn(rest, " \t");
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        if (strcmp(line, changes[i].word) != 0)
            continue;
        if (apply(session, i, rest, &why))
            fprintf(stderr, "%s\n", why.text);
        else
            show(session);
        return TURN_ON;
    }
    for (known = 0; known < ARRAY_SIZE(words) && strcmp(line, words[known]) != 0; known++)
        ;
    if (known == ARRAY_SIZE(words)) {
        const char *near = suggest(line, words, ARRAY_SIZE(words));

        if (*line)
            fprintf(stderr, "unknown command \"%s\"%s%s%s; \"help\" lists them\n", line, near ? "; did you mean " : "",
                    near ? near : "", near ? "?" : "");
        return TURN_ON;
    }
    if (strpbrk(rest, " \t") || (*rest && strcmp(line, "save") != 0)) {
        fprintf(stderr, "%s does not take \"%s\"; \"help\" says what it does take\n", line, rest);
        return TURN_ON;
    }
    snprintf(session->name, sizeof session->name, "%s", rest);
    if (!strcmp(line, "save") || !strcmp(line, "quit"))
        return *line == 's' ? TURN_SAVE : TURN_QUIT;
    if (!strcmp(line, "undo")) {
        if (!session->undo_count) {
            fprintf(stderr, "nothing to undo\n");
            return TURN_ON;
        }
        structure_deinit(&session->now);
        session->now = session->before[--session->undo_count];
        session->changed = session->undo_count > 0;
    }
    if (!strcmp(line, "help"))
        fputs(prompt_help, stdout);
    else
        show(session);
    return TURN_ON;
}

/* The end of the input is a quit: what nobody saved is not wanted. */
static enum turn run_prompt(struct session *session)
{
    cleanup_free char *line = NULL;
    bool person = isatty(STDIN_FILENO);
    enum turn turn = TURN_ON;
    size_t capacity = 0;
    ssize_t length;

    show(session);
    while (turn == TURN_ON) {
        if (person)
            printf("edit> ");
        fflush(stdout);
        length = getline(&line, &capacity, stdin);
        if (length < 0)
            return TURN_QUIT;
        while (length && strchr("\r\n \t", line[length - 1]))
            line[--length] = 0;
        turn = take_command(session, line + strspn(line, " \t"));
    }
    return turn;
}

/* ---- the verb ---- */

struct arguments {
    const char *name, *database, *rename;
    bool interactive;
};

static const char help[] =
    "usage: wisp structure edit NAME [--insert-layer P=N] [--remove-layer P] [--set-neurons P=N]… [options]\n\n"
    "Changes a structure of the database. P counts the layers with connections from 1. Changes are made in\n"
    "the order of the options; when one does not fit, nothing is saved.\n\n"
    "options:\n"
    "      --insert-layer P=N  a new layer of N neurons at place P, like those around it\n"
    "      --remove-layer P    the layer at place P goes, with its activation\n"
    "      --set-neurons P=N   the layer at place P gets N neurons (or channels)\n"
    "      --name NAME         call the result so, and keep the old one as it is\n"
    "  -i, --interactive       change, look, undo and save at a prompt\n"
    "      --db FILE           the structure database; $WISP_DB, or your own if absent\n"
    "  -h, --help              print this and exit\n";

enum { OPTION_NAME = 256, OPTION_DB, OPTION_CHANGE };

/* Changes come in an order that matters, so they are made as the options are read. */
static int read_arguments(int argc, char **argv, struct arguments *arguments, struct session *session)
{
    static const struct option longs[] = {
        { "insert-layer", required_argument, NULL, OPTION_CHANGE },
        { "remove-layer", required_argument, NULL, OPTION_CHANGE + 1 },
        { "set-neurons", required_argument, NULL, OPTION_CHANGE + 2 },
        { "name", required_argument, NULL, OPTION_NAME },
        { "db", required_argument, NULL, OPTION_DB },
        { "interactive", no_argument, NULL, 'i' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct reason why;
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "ih", longs, NULL)) != -1) {
        if (option == '?')
            return EXIT_USAGE;
        if (option == OPTION_NAME)
            arguments->rename = optarg;
        if (option == OPTION_DB)
            arguments->database = optarg;
        if (option == 'i')
            arguments->interactive = true;
        if (option >= OPTION_CHANGE && session && apply(session, (size_t)(option - OPTION_CHANGE), optarg, &why))
            return fail(VERB, EXIT_USAGE, "--%s %s: %s; nothing was saved", changes[option - OPTION_CHANGE].option,
                        optarg, why.text);
    }
    if (argc - optind != 1)
        return fail(VERB, EXIT_USAGE, "give the name of one structure; see `wisp structure list`");
    arguments->name = argv[optind];
    return EXIT_DONE;
}

static int store_result(struct arguments *arguments, struct session *session)
{
    struct reason why;
    int result;

    if (session->name[0])
        arguments->rename = session->name;
    if (arguments->rename) {
        struct store_structure entry;
        struct store_added added = { 0 };
        struct store *store;

        if (strlen(arguments->rename) >= sizeof session->now.name)
            return fail(VERB, EXIT_USAGE, "the name %.20s… is longer than %zu bytes", arguments->rename,
                        sizeof session->now.name - 1);
        snprintf(session->now.name, sizeof session->now.name, "%s", arguments->rename);
        result = catalog_entry(&session->now, &entry, &why);
        if (!result && !(result = catalog_open(arguments->database, true, &store, &why))) {
            result = store_add(store, &entry, &added, &why);
            store_close(store);
        }
        store_structure_deinit(&entry);
        if (!result && !added.stored)
            return fail(VERB, EXIT_FAILED, "this structure is already there, as %s", added.same_as);
    } else {
        result = save(arguments->database, arguments->name, &session->now, &why);
    }
    return result ? fail(VERB, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    }
    return false;
}

int structure_edit(int argc, char **argv)
{
    cleanup(session_at_exit) struct session *session = calloc(1, sizeof *session);
    struct arguments arguments = { 0 };
    struct reason why;
    int status, result;

    if (!session)
        return fail(VERB, EXIT_FAILED, "out of memory");
    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_DONE;
    }
    status = read_arguments(argc, argv, &arguments, NULL);
    if (status)
        return status;
    result = catalog_find(arguments.database, arguments.name, &session->now, &why);
    if (result)
        return fail(VERB, result == WISP_E_NO_MODEL ? EXIT_DATA : exit_for_input(result), "%s", why.text);
    status = read_arguments(argc, argv, &arguments, session);
    if (status)
        return status;
    if (!session->changed && !arguments.interactive)
        return fail(VERB, EXIT_USAGE,
                    "say what to change: --insert-layer, --remove-layer, --set-neurons, or "
                    "--interactive");
    if (arguments.interactive && run_prompt(session) == TURN_QUIT) {
        if (session->changed)
            fprintf(stderr, "nothing was saved\n");
        return EXIT_DONE;
    }
    if (!arguments.interactive)
        show(session);
    return session->changed || session->name[0] ? store_result(&arguments, session) : EXIT_DONE;
}
