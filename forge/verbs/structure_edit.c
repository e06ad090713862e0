/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure edit: changes by options, or one after another at a prompt, with the table, and what the network would
 * take, shown again after each. Changes are checked together, at the end, since a network whose branches meet cannot be
 * widened one layer after another; the prompt says after each whether the whole fits, and saves only what does. The
 * database is touched once.
 */
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
#include "forge/catalog/catalog.h"
#include "forge/catalog/structure_print.h"
#include "forge/cost/forecast.h"
#include "forge/verbs/plan_options.h"
#include "forge/verbs/structure.h"
#include "forge/verbs/structure_picture.h"
#include "sparse/graph/structure_edit.h"
#include "sparse/graph/structure_ties.h"

#define VERB "structure edit"

enum { UNDO_MAX = 100 };

struct editing {
    struct structure now;
    struct structure before[UNDO_MAX]; /* oldest first */
    unsigned undo_count;
    bool changed;
    char name[MODEL_NAME_MAX]; /* to save it under; "": its own */
    char method[16];
    struct plan_options density; /* how many connections, for what it would take */
    struct option_list wanted;   /* changes that the options ask for, in an order that matters */
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

static int apply(struct editing *editing, size_t which, const char *text, struct reason *why)
{
    struct structure before;
    uint32_t place, neurons;
    int result;

    if (!parse_places(text, changes[which].takes_neurons, &place, &neurons))
        return refuse(why, WISP_E_INVALID, "%s takes %s, not \"%.40s\"", changes[which].word,
                      changes[which].takes_neurons ? "PLACE=NEURONS, as 2=512" : "PLACE, as 3", text);
    if (structure_copy(&editing->now, &before))
        return refuse_errno(why, -ENOMEM, "cannot change");
    result = changes[which].change(&editing->now, place, neurons, why);
    if (result) {
        structure_deinit(&before);
        return result;
    }
    if (editing->undo_count == UNDO_MAX) {
        structure_deinit(&editing->before[0]);
        memmove(editing->before, editing->before + 1, (UNDO_MAX - 1) * sizeof *editing->before);
        editing->undo_count--;
    }
    editing->before[editing->undo_count++] = before;
    editing->changed = true;
    return 0;
}

/* Whether all changes together make a network; if not, what stands in the way and what may help. */
static int check(struct editing *editing, struct reason *why)
{
    uint32_t refused;
    int result = structure_plan_at(&editing->now, &refused, why);
    char ties[400];

    if (result != WISP_E_FORMAT)
        return result;
    structure_ties_text(&editing->now, refused, ties, sizeof ties);
    if (*ties) {
        struct reason first = *why;

        return refuse(why, result, "%.150s; %.240s", first.text, ties);
    }
    return result;
}

static struct editing *editing_free(struct editing *editing)
{
    if (!editing)
        return NULL;
    structure_deinit(&editing->now);
    while (editing->undo_count)
        structure_deinit(&editing->before[--editing->undo_count]);
    free(editing);
    return NULL;
}

CLEANUP_DEFINE(editing, struct editing, editing_free)

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

/* What it would take at the density that was asked for; dense, when none was. */
static void show_forecast(const struct editing *editing)
{
    struct cost_setting setting = COST_SETTING;
    struct structure copy;
    struct forecast forecast;
    struct reason why;
    struct plan plan;

    if (structure_copy(&editing->now, &copy) || plan_from_structure(VERB, &editing->density, &copy, NULL, NULL, &plan))
        return; /* a density that this network cannot have, and that has been said */
    if (forecast_make(VERB, &plan, NULL, &setting, editing->density.database, &forecast, &why)) {
        fprintf(stderr, "%s\n", why.text);
    } else {
        plan_print(&plan, stdout);
        putchar('\n');
        forecast_print(&forecast, stdout);
    }
    drawing_of_plan(&plan, stdout);
    plan_deinit(&plan);
}

static bool show(struct editing *editing)
{
    struct reason why;

    if (check(editing, &why)) {
        fprintf(stderr, "it does not fit yet: %s\n", why.text);
        return false;
    }
    structure_print(&editing->now, stdout);
    putchar('\n');
    show_forecast(editing);
    return true;
}

enum turn { TURN_ON, TURN_SAVE, TURN_QUIT };

static const char prompt_help[] = "insert PLACE NEURONS   a new layer at that place, like those around it\n"
                                  "remove PLACE           the layer there, with its activation\n"
                                  "set PLACE NEURONS      another number of neurons or channels\n"
                                  "sparsity S, method M   what is shown of connections, bytes and cost is for these\n"
                                  "undo, show, help\n"
                                  "save [NAME]            write it to the database, under that name, and end\n"
                                  "quit                   end without writing\n";

static void set_sparsity(struct editing *editing, const char *text)
{
    double sparsity;

    if (!parse_real(text, &sparsity) || sparsity < 0 || sparsity >= 1) {
        fprintf(stderr, "sparsity takes a number from 0 to 1 (exclusive), not \"%.40s\"\n", text);
        return;
    }
    editing->density.sparsity = sparsity;
    editing->density.sparsity_given = true;
    editing->density.density_given = false;
    show(editing);
}

static void set_method(struct editing *editing, const char *text)
{
    enum density_method method;

    if (!density_method_parse(text, &method) || method == DENSITY_FIXED) {
        fprintf(stderr, "method takes er, erk, erk+, uniform or uniform+, not \"%.40s\"\n", text);
        return;
    }
    snprintf(editing->method, sizeof editing->method, "%s", text);
    editing->density.method = editing->method;
    show(editing);
}

/* "save" and "save NAME". */
static enum turn take_save(struct editing *editing, const char *name)
{
    struct reason why;

    if ((*name && structure_name_check(name, &why))) {
        fprintf(stderr, "%s\n", why.text);
        return TURN_ON;
    }
    if (check(editing, &why)) {
        fprintf(stderr, "it cannot be saved, because it does not fit yet: %s\n", why.text);
        return TURN_ON;
    }
    snprintf(editing->name, sizeof editing->name, "%s", name);
    return TURN_SAVE;
}

static enum turn take_command(struct editing *editing, char *line)
{
    static const char *const words[] = { "insert", "remove", "set",  "sparsity", "method",
                                         "undo",   "show",   "help", "save",     "quit" };
    char *rest = line + strcspn(line, " \t");
    struct reason why;
    size_t known;

    if (*rest)
        *rest++ = 0;
    rest += strspn(rest, " \t");
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        if (strcmp(line, changes[i].word) != 0)
            continue;
        if (apply(editing, i, rest, &why))
            fprintf(stderr, "%s\n", why.text);
        else
            show(editing);
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
    if (strpbrk(rest, " \t") || (*rest && !strchr("sm", *line)) || (*rest && !strcmp(line, "show"))) {
        fprintf(stderr, "%s does not take \"%s\"; \"help\" says what it does take\n", line, rest);
        return TURN_ON;
    }
    if (!strcmp(line, "quit"))
        return TURN_QUIT;
    if (!strcmp(line, "save"))
        return take_save(editing, rest);
    if (!strcmp(line, "sparsity") || !strcmp(line, "method")) {
        (*line == 's' ? set_sparsity : set_method)(editing, rest);
        return TURN_ON;
    }
    if (!strcmp(line, "undo")) {
        if (!editing->undo_count) {
            fprintf(stderr, "nothing to undo\n");
            return TURN_ON;
        }
        structure_deinit(&editing->now);
        editing->now = editing->before[--editing->undo_count];
        editing->changed = editing->undo_count > 0;
    }
    if (!strcmp(line, "help"))
        fputs(prompt_help, stdout);
    else
        show(editing);
    return TURN_ON;
}

/* The end of the input is a quit: what nobody saved is not wanted. */
static enum turn run_prompt(struct editing *editing)
{
    cleanup_free char *line = NULL;
    bool person = isatty(STDIN_FILENO);
    enum turn turn = TURN_ON;
    size_t capacity = 0;
    ssize_t length;

    show(editing);
    while (turn == TURN_ON) {
        if (person)
            printf("edit> ");
        fflush(stdout);
        length = getline(&line, &capacity, stdin);
        if (length < 0)
            return TURN_QUIT;
        while (length && strchr("\r\n \t", line[length - 1]))
            line[--length] = 0;
        turn = take_command(editing, line + strspn(line, " \t"));
    }
    return turn;
}

/* ---- the verb ---- */

struct arguments {
    const char *name, *database, *rename;
    bool interactive;
    struct plan_options density;
};

static const struct usage usage = {
    .verb = VERB,
    .arguments = "NAME [--insert-layer P=N] [--remove-layer P] [--set-neurons P=N]… [options]",
    .summary = "Changes a structure of the database. P counts the layers with connections from 1. Changes are made in\n"
               "the order of the options and checked together: where branches meet, several layers must change. When\n"
               "the result does not fit, nothing is saved.",
};

static void make_table(struct option_table *table, struct arguments *arguments, struct option_list *wanted)
{
    struct plan_options *density = &arguments->density;
    struct option_row *row;

    option_list(table, changes[0].option, wanted, "P=N", "a new layer of N neurons at place P, like those around it");
    option_list(table, changes[1].option, wanted, "P", "the layer at place P goes, with its activation");
    option_list(table, changes[2].option, wanted, "P=N", "the layer at place P gets N neurons (or channels)");
    option_text(table, "name", 0, &arguments->rename, "NAME", "call the result so, and keep the old one as it is");
    option_flag(table, "interactive", 'i', &arguments->interactive, "change, look, undo and save at a prompt");
    row = option_real(table, "sparsity", 's', &density->sparsity, "S",
                      "show what it would take at this sparsity; 0 if absent", 0, 1);
    row->below = true;
    row->given = &density->sparsity_given;
    row = option_real(table, "density", 'd', &density->density, "D", "the fraction of active connections instead",
                      1e-12, 1);
    row->given = &density->density_given;
    option_text(table, "method", 0, &density->method, "NAME", "er (if absent), erk, erk+, uniform or uniform+");
    option_text(table, "db", 0, &arguments->database, "FILE",
                "the structure database; $WISP_DB, or your own if absent");
}

/* 0, or the exit status after saying what is wrong. */
static int check_arguments(const struct arguments *arguments)
{
    const struct plan_options *density = &arguments->density;
    enum density_method method;
    struct reason why;

    if (density->method && (!density_method_parse(density->method, &method) || method == DENSITY_FIXED))
        return fail(VERB, EXIT_USAGE, "--method %s: give er, erk, erk+, uniform or uniform+", density->method);
    if (density->sparsity_given && density->density_given)
        return fail(VERB, EXIT_USAGE,
                    "--sparsity and --density both say how many connections there are; give one of them");
    if (arguments->rename && structure_name_check(arguments->rename, &why))
        return fail(VERB, EXIT_USAGE, "--name %s: %s", arguments->rename, why.text);
    return EXIT_DONE;
}

/* False: the verb ends with *status. */
static bool read_arguments(int argc, char **argv, struct arguments *arguments, struct option_list *wanted, int *status)
{
    struct operands operands = { .min = 1, .max = 1, .what = "NAME" };
    struct option_table table = { .count = 0 };

    make_table(&table, arguments, wanted);
    if (!options_read(&usage, &table, argc, argv, &operands, status))
        return false;
    arguments->name = operands.words[0];
    *status = check_arguments(arguments);
    return !*status;
}

static int make_changes(struct editing *editing)
{
    const struct option_list *wanted = &editing->wanted;
    struct reason why;

    for (size_t i = 0; i < wanted->count; i++) {
        size_t which = wanted->rows[i]; /* make_table() begins with the changes, in their order */

        if (apply(editing, which, wanted->words[i], &why))
            return fail(VERB, EXIT_USAGE, "--%s %s: %s; nothing was saved", changes[which].option, wanted->words[i],
                        why.text);
    }
    return EXIT_DONE;
}

static int store_result(struct arguments *arguments, struct editing *editing)
{
    struct reason why;
    int result;

    if (editing->name[0])
        arguments->rename = editing->name;
    if (arguments->rename) {
        struct store_structure entry;
        struct store_added added = { 0 };
        struct store *store;

        snprintf(editing->now.name, sizeof editing->now.name, "%s", arguments->rename);
        result = catalog_entry(&editing->now, &entry, &why);
        if (!result && !(result = catalog_open(arguments->database, true, &store, &why))) {
            result = store_add(store, &entry, &added, &why);
            store_close(store);
        }
        store_structure_deinit(&entry);
        if (!result && !added.stored)
            return fail(VERB, EXIT_FAILED, "this structure is already there, as %s", added.same_as);
    } else {
        result = save(arguments->database, arguments->name, &editing->now, &why);
    }
    return result ? fail(VERB, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

int structure_edit(int argc, char **argv)
{
    cleanup(editing_at_exit) struct editing *editing = calloc(1, sizeof *editing);
    struct arguments arguments = { 0 };
    struct reason why;
    int status, result;

    if (!editing)
        return fail(VERB, EXIT_FAILED, "out of memory");
    if (!read_arguments(argc, argv, &arguments, &editing->wanted, &status))
        return status;
    result = catalog_find(arguments.database, arguments.name, &editing->now, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    editing->density = arguments.density;
    editing->density.database = arguments.database;
    editing->density.structure = arguments.name;
    status = make_changes(editing);
    if (status)
        return status;
    if (!editing->changed && !arguments.interactive)
        return fail(VERB, EXIT_USAGE,
                    "say what to change: --insert-layer, --remove-layer, --set-neurons, or "
                    "--interactive");
    if (!editing->density.sparsity_given && !editing->density.density_given)
        editing->density.sparsity_given = true; /* 0 */
    if (!arguments.interactive && check(editing, &why))
        return fail(VERB, EXIT_USAGE, "%s; nothing was saved", why.text);
    if (arguments.interactive && run_prompt(editing) == TURN_QUIT) {
        if (editing->changed)
            fprintf(stderr, "nothing was saved\n");
        return EXIT_DONE;
    }
    if (!arguments.interactive)
        show(editing);
    return editing->changed || editing->name[0] ? store_result(&arguments, editing) : EXIT_DONE;
}
