/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "base/suggest.h"

enum { LONG_ONLY = 256, HELP_LETTER = 'h' };

bool parse_count(const char *text, uint64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return !errno && !*end && *out <= INT64_MAX;
}

bool parse_real(const char *text, double *out)
{
    char *end;

    /* Decimal: what strtod() takes besides, " 1", "+1", "0x1p4", "inf", is a slip more often than it is meant. */
    if (!*text || *text == '+' || text[strspn(text, "0123456789.eE+-")])
        return false;
    errno = 0;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

bool parse_amount(const char *word, const char *name, double *out)
{
    size_t length = strlen(name);

    return !strncmp(word, name, length) && word[length] == '=' && parse_real(word + length + 1, out);
}

static struct option_row *append(struct option_table *table, struct option_row row)
{
    if (table->count == OPTION_ROWS_MAX)
        abort();
    table->rows[table->count] = row;
    return &table->rows[table->count++];
}

struct option_row *option_flag(struct option_table *table, const char *name, char letter, bool *value, const char *help)
{
    return append(table, (struct option_row){
                             .name = name, .letter = letter, .type = OPTION_FLAG, .value = value, .help = help });
}

struct option_row *option_text(struct option_table *table, const char *name, char letter, const char **value,
                               const char *argument, const char *help)
{
    return append(
        table,
        (struct option_row){
            .name = name, .letter = letter, .type = OPTION_TEXT, .value = value, .argument = argument, .help = help });
}

static struct option_row *append_number(struct option_table *table, struct option_row row, double min, double max)
{
    row.min = min;
    row.max = max;
    return append(table, row);
}

struct option_row *option_count(struct option_table *table, const char *name, char letter, uint64_t *value,
                                const char *argument, const char *help, double min, double max)
{
    struct option_row row = { .name = name, .letter = letter, .type = OPTION_COUNT, .value = value };

    row.argument = argument;
    row.help = help;
    return append_number(table, row, min, max);
}

struct option_row *option_real(struct option_table *table, const char *name, char letter, double *value,
                               const char *argument, const char *help, double min, double max)
{
    struct option_row row = { .name = name, .letter = letter, .type = OPTION_REAL, .value = value };

    row.argument = argument;
    row.help = help;
    return append_number(table, row, min, max);
}

struct option_row *option_list(struct option_table *table, const char *name, struct option_list *value,
                               const char *argument, const char *help)
{
    return append(table, (struct option_row){
                             .name = name, .type = OPTION_LIST, .value = value, .argument = argument, .help = help });
}

/* Columns of a terminal that a UTF-8 text of narrow characters takes. */
static int columns(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static void print_help(const struct usage *usage, const struct option_table *table)
{
    char name[COMMAND_NAME_MAX];

    printf("usage: %s %s\n\n%s\n\noptions:\n", command_name(name, usage->verb), usage->arguments, usage->summary);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        char left[64], letter[5] = "    ";

        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        printf("  %s%*s %s\n", left, MAX(30 - columns(left), 0), "", row->help);
    }
    printf("  %-30s %s\n", "-h, --help", "print this and exit");
    if (usage->examples)
        printf("\nexamples:\n%s", usage->examples);
}

static bool range_holds(const struct option_row *row, double value)
{
    if (value < row->min)
        return false;
    return row->max == 0 || (row->below ? value < row->max : value <= row->max);
}

static int refuse_range(const struct usage *usage, const struct option_row *row, const char *text)
{
    const char *number = row->type == OPTION_COUNT ? "a whole number" : "a number";
    char what[64];

    snprintf(what, sizeof what, "%s%s%s", row->word ? row->word->text : "", row->word ? " or " : "", number);

    if (row->max == 0)
        return fail(usage->verb, EXIT_USAGE, "--%s %s: give %s of at least %.12g", row->name, text, what, row->min);
    return fail(usage->verb, EXIT_USAGE, "--%s %s: give %s from %.12g to %.12g%s", row->name, text, what, row->min,
                row->max, row->below ? " (exclusive)" : "");
}

static int store_again(const struct usage *usage, const struct option_table *table, const struct option_row *row,
                       const char *text)
{
    struct option_list *list = row->value;

    if (list->count == OPTION_LIST_MAX)
        return fail(usage->verb, EXIT_USAGE, "--%s %s: it can be given %d times at most", row->name, text,
                    OPTION_LIST_MAX);
    list->rows[list->count] = (unsigned char)(row - table->rows);
    list->words[list->count++] = text;
    return 0;
}

static int store(const struct usage *usage, const struct option_table *table, const struct option_row *row,
                 const char *text)
{
    double real = 0;

    if (row->given)
        *row->given = true;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)row->value = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)row->value = text;
        return 0;
    case OPTION_COUNT:
        if (!parse_count(text, row->value) || !range_holds(row, (double)*(uint64_t *)row->value))
            return refuse_range(usage, row, text);
        return 0;
    case OPTION_REAL:
        if (row->word && !strcmp(text, row->word->text)) {
            *row->word->said = true;
            return 0;
        }
        if (!parse_real(text, &real) || !range_holds(row, real))
            return refuse_range(usage, row, text);
        *(double *)row->value = real;
        return 0;
    case OPTION_LIST:
        return store_again(usage, table, row, text);
    }
    return 0;
}

/* getopt_long() answers '?' for an unknown name, an ambiguous one, and a flag that was given a value. */
static int refuse_option(const struct usage *usage, const struct option_table *table, const char *word)
{
    const char *names[OPTION_ROWS_MAX], *close;
    char name[64], command[COMMAND_NAME_MAX];
    size_t alike = 0;

    if (strncmp(word, "--", 2) != 0)
        return fail(usage->verb, EXIT_USAGE, "unknown option '-%c'; see '%s --help'", optopt,
                    command_name(command, usage->verb));
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < table->count; i++) {
        names[i] = table->rows[i].name;
        alike += !strncmp(names[i], name, strlen(name));
        if (!strcmp(names[i], name))
            return fail(usage->verb, EXIT_USAGE, "--%s takes no value", name);
    }
    if (alike > 1)
        return fail(usage->verb, EXIT_USAGE, "option '--%s' could be several; write it out", name);
    close = suggest(name, names, table->count);
    if (close)
        return fail(usage->verb, EXIT_USAGE, "unknown option '--%s'; did you mean '--%s'?", name, close);
    return fail(usage->verb, EXIT_USAGE, "unknown option '--%s'; see '%s --help'", name,
                command_name(command, usage->verb));
}

/* The rows as getopt_long() wants them: a long option's value is LONG_ONLY + its row. */
static void make_getopt_tables(const struct option_table *table, struct option *names, char *letters)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        bool valued = row->type != OPTION_FLAG;

        names[i] = (struct option){ row->name, valued ? required_argument : no_argument, NULL, LONG_ONLY + (int)i };
        if (row->letter) {
            *letters++ = row->letter;
            if (valued)
                *letters++ = ':';
        }
    }
    *letters = 0;
    names[table->count] = (struct option){ "help", no_argument, NULL, HELP_LETTER };
}

static int read_option(const struct usage *usage, const struct option_table *table, int found, const char *word)
{
    char command[COMMAND_NAME_MAX];
    size_t row = 0;

    if (found == ':')
        return fail(usage->verb, EXIT_USAGE, "option '%s' needs a value; see '%s --help'", word,
                    command_name(command, usage->verb));
    if (found == '?')
        return refuse_option(usage, table, word);
    if (found >= LONG_ONLY)
        row = (size_t)(found - LONG_ONLY);
    else
        while (table->rows[row].letter != found)
            row++;
    return store(usage, table, &table->rows[row], optarg);
}

bool options_read(const struct usage *usage, const struct option_table *table, int argc, char **argv,
                  struct operands *operands, int *status)
{
    struct option names[OPTION_ROWS_MAX + 2] = { 0 };
    char letters[2 * OPTION_ROWS_MAX + 3] = ":h", command[COMMAND_NAME_MAX];
    int found;

    make_getopt_tables(table, names, letters + 2);
    opterr = 0;
    optind = 0; /* GNU: begin anew, for a caller that parses twice */
    while ((found = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        *status = EXIT_DONE;
        if (found == HELP_LETTER)
            print_help(usage, table);
        else
            *status = read_option(usage, table, found, argv[optind - 1]);
        if (*status || found == HELP_LETTER)
            return false;
    }
    operands->words = argv + optind;
    operands->count = (size_t)(argc - optind);
    if (operands->count < operands->min)
        *status = fail(usage->verb, EXIT_USAGE, "%s is missing; see '%s --help'", operands->what,
                       command_name(command, usage->verb));
    else if (operands->count > operands->max)
        *status = fail(usage->verb, EXIT_USAGE, "'%s' is not expected here; see '%s --help'",
                       operands->words[operands->max], command_name(command, usage->verb));
    else
        return true;
    return false;
}
