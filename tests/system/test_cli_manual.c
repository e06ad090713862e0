/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written about the verbs is true: each manual page has the options that --help has, and no others; and the
 * shell completes verbs, options, and the models that a daemon serves right now.
 */
#include "base/outcome.h" /* before cmocka, which has a fail() of its own */

#include "support/test.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/command.h"
#include "support/daemon.h"
#include "support/model.h"

static struct outcome outcome;

/* ---- manual pages ---- */

static char *read_file(const char *name)
{
    static char page[65536];
    FILE *file = fopen(source_path(name), "r");
    size_t size;

    if (!file)
        fail_msg("there is no %s", name);
    size = fread(page, 1, sizeof page - 1, file);
    page[size] = '\0';
    fclose(file);
    return page;
}

static char *read_page(const char *verb)
{
    char name[64];

    snprintf(name, sizeof name, "docs/man/wisp-%s.1", verb);
    return read_file(name);
}

/* "top-k" of "…--top-k N …"; false when there is none after `text`. */
static bool next_option(const char **text, const char *mark, char name[static 64])
{
    const char *at = strstr(*text, mark);
    size_t length = 0;

    if (!at)
        return false;
    at += strlen(mark);
    while (length < 63 && (isalnum((unsigned char)at[length]) || at[length] == '-'))
        length++;
    snprintf(name, 64, "%.*s", (int)length, at);
    *text = at + length;
    return true;
}

/* Whether `text` has `mark` and then exactly `name`. */
static bool has_option(const char *text, const char *mark, const char *name)
{
    char found[64];

    while (next_option(&text, mark, found)) {
        if (!strcmp(found, name))
            return true;
    }
    return false;
}

/* Only the list of options: examples may show those of other programs. */
static void cut_after_options(char *help)
{
    char *examples = strstr(help, "\nexamples:");

    if (examples)
        *examples = '\0';
}

/* The options of a verb, or of all its actions, one help after the other. */
static const char *read_help(const char *verb, const char *const *actions)
{
    static char help[65536];
    size_t used = 0;

    do {
        struct command command = { .words = { "wisp", verb, "--help" } };

        if (actions) {
            command.words[2] = *actions;
            command.words[3] = "--help";
        }
        command_run(&command, &outcome);
        assert_int_equal(outcome.status, 0);
        cut_after_options(outcome.out);
        used += (size_t)snprintf(help + used, sizeof help - used, "%s\n", outcome.out);
        assert_true(used < sizeof help);
    } while (actions && *++actions);
    return help;
}

static void compare(const char *verb, const char *const *actions)
{
    const char *help = read_help(verb, actions), *page = read_page(verb), *at = help;
    char name[64];

    while (next_option(&at, " --", name)) {
        if (!has_option(page, "Fl Fl ", name))
            fail_msg("wisp %s has --%s, and wisp-%s(1) does not", verb, name, verb);
    }
    at = page;
    while (next_option(&at, "Fl Fl ", name)) {
        if (!has_option(help, " --", name))
            fail_msg("wisp-%s(1) has --%s, and wisp %s does not", verb, name, verb);
    }
}

static void test_pages_have_the_options(void **state)
{
    static const char *const verbs[] = { "run",     "models", "show",   "ping",     "status", "stats",
                                         "clients", "top",    "bench",  "doctor",   "build",  "train",
                                         "curves",  "eval",   "export", "quantize", "golden" };

    (void)state;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        compare(verbs[i], NULL);
}

/* `wisp structure --help` lists the actions; the page describes each with its options. */
static void test_the_page_of_structures_has_the_actions(void **state)
{
    const struct command command = { .words = { "wisp", "structure", "--help" } };
    static char names[32][32];
    const char *actions[33] = { NULL };
    size_t count = 0;
    char *rest = outcome.out, *line;

    (void)state;
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    while (count < 32 && (line = strsep(&rest, "\n"))) {
        if (strncmp(line, "  ", 2) != 0 || sscanf(line + 2, "%31[a-z]", names[count]) != 1)
            continue;
        actions[count] = names[count];
        if (!has_option(read_page("structure"), ".Ss ", actions[count]))
            fail_msg("wisp-structure(1) does not describe '%s'", actions[count]);
        count++;
    }
    assert_true(count >= 7);
    compare("structure", actions);
}

/* wisp(1) and `wisp help` name the same verbs, and each has a page. */
static void test_every_verb_has_a_page(void **state)
{
    const struct command command = { .words = { "wisp", "help" } };
    char *rest = outcome.out, *line, verb[32];
    size_t count = 0;

    (void)state;
    command_run(&command, &outcome);
    while ((line = strsep(&rest, "\n"))) {
        if (strncmp(line, "  ", 2) != 0 || sscanf(line + 2, "%31[a-z]", verb) != 1 || !strcmp(verb, "help") ||
            !strcmp(verb, "version"))
            continue;
        read_page(verb);
        count++;
    }
    assert_true(count >= 9);
}

/* ---- what mdoc(7) would read otherwise than it was meant ---- */

/* ".Ss In one call" includes <one>: a word of a heading that is a macro's name needs \& before it. */
static bool heading_has_macro(const char *line)
{
    if (strncmp(line, ".Ss ", 4) != 0 && strncmp(line, ".Sh ", 4) != 0)
        return false;
    for (const char *word = line + 3; word; word = strchr(word + 1, ' ')) {
        if (isupper((unsigned char)word[1]) && islower((unsigned char)word[2]) && (!word[3] || word[3] == ' '))
            return true;
    }
    return false;
}

/* "Fl Fl json | yaml" prints "--json | -yaml": the macro goes on, and puts a dash before each of its words, up to the
 * next macro. */
static bool option_has_lost_dash(const char *line)
{
    const char *word = strstr(line, "Fl Fl ");

    while (word) {
        word += strlen("Fl Fl ");
        word += strcspn(word, " ");
        if (!strncmp(word, " | ", 3) && islower((unsigned char)word[3]))
            return true;
        word = strstr(word, "Fl Fl ");
    }
    return false;
}

static void test_pages_print_what_was_meant(void **state)
{
    char line[512];
    glob_t pages;

    (void)state;
    assert_false(heading_has_macro(".Ss \\&In one call"));
    assert_true(heading_has_macro(".Ss In one call"));
    assert_true(option_has_lost_dash(".Op Fl Fl json | yaml"));
    assert_false(option_has_lost_dash(".Op Fl Fl json | Fl Fl yaml"));
    assert_int_equal(glob(source_path("docs/man/*.[1-9]"), 0, NULL, &pages), 0);
    assert_true(pages.gl_pathc > 10);
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        FILE *file = fopen(pages.gl_pathv[i], "r");

        assert_non_null(file);
        while (fgets(line, sizeof line, file)) {
            line[strcspn(line, "\n")] = '\0';
            if (heading_has_macro(line) || option_has_lost_dash(line))
                fail_msg("%s: %s", pages.gl_pathv[i], line);
        }
        fclose(file);
    }
    globfree(&pages);
}

/* wisp(1) lists the exit statuses that the programs have, and no others. */
static void test_the_exit_statuses(void **state)
{
    static const int statuses[] = { EXIT_DONE, EXIT_FAILED, EXIT_USAGE,  EXIT_DIVERGED, EXIT_DATA,       EXIT_NO_DAEMON,
                                    EXIT_BUSY, EXIT_DENIED, EXIT_CONFIG, EXIT_DEADLINE, EXIT_INTERRUPTED };
    const char *section = strstr(read_file("docs/man/wisp.1"), ".Sh EXIT STATUS"), *next;
    size_t count = 0;

    (void)state;
    assert_non_null(section);
    for (const char *end = strstr(section, "\n.El"); (next = strstr(section, "\n.It ")) && next < end; count++) {
        assert_true(count < sizeof statuses / sizeof *statuses);
        section = next + strlen("\n.It ");
        assert_int_equal(strtol(section, NULL, 10), statuses[count]);
    }
    assert_int_equal(count, sizeof statuses / sizeof *statuses);
}

/* ---- completion ---- */

/* zsh and fish have the options of the verbs written out, but for structure's; bash asks the program. */
static void test_completions_have_the_options(void **state)
{
    static const struct {
        const char *file, *mark;
    } shells[] = { { "completions/_wisp", "--" }, { "completions/wisp.fish", "-l " } };
    static const char *const verbs[] = { "run",     "models", "show",   "ping",     "status", "stats",
                                         "clients", "top",    "bench",  "doctor",   "build",  "train",
                                         "curves",  "eval",   "export", "quantize", "golden" };
    char name[64];

    (void)state;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        for (size_t j = 0; j < sizeof shells / sizeof *shells; j++) {
            const char *help = read_help(verbs[i], NULL), *page = read_file(shells[j].file);

            while (next_option(&help, " --", name)) {
                if (!has_option(page, shells[j].mark, name) && strcmp(name, "help") != 0)
                    fail_msg("%s does not have --%s of wisp %s", shells[j].file, name, verbs[i]);
            }
        }
    }
}

/* Whether `text` has `name`, and not as a part of a longer one. */
static bool has_type(const char *text, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz.-";
    const size_t length = strlen(name);

    for (const char *at = text; (at = strstr(at, name)); at += length) {
        if ((at == text || !strchr(letters, at[-1])) && at[length] && !strchr(letters, at[length]))
            return true;
    }
    return false;
}

/* --processing offers every type of the forge's table. */
static void test_completions_have_the_processing_types(void **state)
{
    static const char *const files[] = { "completions/wisp.bash", "completions/_wisp", "completions/wisp.fish" };
    char *source = strdup(read_file("forge/experiment/tasks.c")), *table = strstr(source, "tasks[] = {"), *save;
    unsigned count = 0;

    (void)state;
    assert_non_null(table);
    *strstr(table, "};") = '\0';
    /* A row begins with its name. */
    for (char *name = table; (name = strstr(name, "{ \"")); count++) {
        name = strtok_r(name + 3, "\"", &save);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            if (!has_type(read_file(files[i]), name))
                fail_msg("%s does not offer %s", files[i], name);
        }
        name = save;
    }
    assert_true(count > 10);
    free(source);
}

/* What --degrade takes is in the help. */
static void test_help_has_what_degrades(void **state)
{
    static const char mark[] = ": _wisp_keys none noise=";
    const char *page = strstr(read_file("completions/_wisp"), mark), *help[] = { "train", "eval", "quantize" };
    char *list, *save;

    (void)state;
    assert_non_null(page);
    page += strlen(mark) - strlen("none noise=");
    list = strndup(page, strcspn(page, "'"));
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        for (size_t i = 0; i < sizeof help / sizeof *help; i++) {
            if (!strstr(read_help(help[i], NULL), word))
                fail_msg("wisp %s --help does not have --degrade %s", help[i], word);
        }
    }
    free(list);
}

/* What bash offers for the last of these words. */
static void complete(const char *words, unsigned count)
{
    static char script[1024];

    snprintf(script, sizeof script,
             ". \"$WISP_SOURCE_DIR/completions/wisp.bash\"; PATH=\"$WISP_BINARY_DIR/bin:$PATH\"; COMP_WORDS=(%s); "
             "COMP_CWORD=%u; _wisp 2>/dev/null; printf '[%%s]\\n' \"${COMPREPLY[@]}\"",
             words, count - 1);
    command_run(&(struct command){ .words = { "/bin/bash", "--norc", "-c", script } }, &outcome);
    assert_int_equal(outcome.status, 0);
}

static void assert_offered(const char *word)
{
    char cell[64];

    snprintf(cell, sizeof cell, "[%s]\n", word);
    if (!strstr(outcome.out, cell))
        fail_msg("'%s' is not among\n%s", word, outcome.out);
}

static void test_completion(void **state)
{
    const struct model_recipe recipe = {
        .name = "pic", .processing = "image.classification", .sizes = { 4, 3 }, .density = 1, .seed = 1
    };
    const char *folder = scratch_make();
    const char *path = scratch_path(folder, "pic.safetensors");
    struct test_daemon daemon;

    (void)state;
    model_make(path, &recipe);
    daemon_start(&daemon, &(struct daemon_setup){ .models = &path, .model_count = 1 });
    setenv("WISP_SOCKET", daemon.socket, 1);
    complete("wisp ''", 2);
    assert_offered("run");
    assert_offered("train");
    complete("wisp st", 2);
    assert_offered("status");
    assert_offered("structure");
    assert_null(strstr(outcome.out, "[run]"));
    complete("wisp run ''", 3);
    assert_offered("pic");
    assert_offered("image.classification");
    assert_offered("image");
    assert_null(strstr(outcome.out, "[input]")); /* a tensor's name, no model's */
    complete("wisp bench -m ''", 4);
    assert_offered("pic");
    complete("wisp bench --request-distribution ''", 4);
    assert_offered("poisson");
    complete("wisp stats ''", 3);
    assert_string_equal(outcome.out, "[]\n"); /* no files */
    complete("wisp run -o x.png --overlay y.png --threshold 0.5 --min-area 3 --input in = z.f32 -v p", 16);
    assert_offered("pic");
    complete("wisp run --output = x.png p", 6);
    assert_offered("pic");
    complete("wisp run --threshold ''", 4);
    assert_string_equal(outcome.out, "[]\n");
    complete("wisp run --input in = \"$WISP_SOURCE_DIR/READ\"", 6);
    assert_non_null(strstr(outcome.out, "/README.md]"));
    complete("wisp train -o \"$WISP_SOURCE_DIR/READ\"", 4);
    assert_non_null(strstr(outcome.out, "/README.md]"));
    complete("wisp train --degrade d", 4);
    assert_string_equal(outcome.out, "[dark=]\n[drawing=]\n[damage=]\n");
    complete("wisp eval --degrade = d", 5);
    assert_offered("damage=");
    complete("wisp show -s \"$WISP_SOCKET\" p", 5);
    assert_offered("pic");
    complete("wisp run image --t", 4);
    assert_offered("--top-k");
    assert_offered("--timeout");
    complete("wisp run --model \"$WISP_SOURCE_DIR/models/fash\"", 4);
    assert_non_null(strstr(outcome.out, "/fashion.safetensors]"));
    complete("wisp show \"$WISP_SOURCE_DIR/models/fash\"", 3);
    assert_non_null(strstr(outcome.out, "/fashion.safetensors]"));
    complete("wisp train --aug", 3);
    assert_offered("--augment");
    if (strstr(strstr(outcome.out, "[--augment]") + 1, "[--augment]"))
        fail_msg("an option of the examples is offered once more:\n%s", outcome.out);
    complete("wisp structure list --network res", 5);
    assert_offered("resnet");
    complete("wisp structure list -t image.c", 5);
    assert_offered("image.classification");
    complete("wisp structure e", 3);
    assert_offered("edit");
    assert_offered("export");
    complete("wisp structure edit --ins", 4);
    assert_offered("--insert-layer");
    complete("wisp build --db \"$WISP_BINARY_DIR/completion.db\" --structure lenet", 6);
    assert_offered("lenet-5");
    assert_int_equal(daemon_stop(&daemon), 0);
    complete("wisp run ''", 3);
    assert_string_equal(outcome.out, "[]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_have_the_options),
        cmocka_unit_test(test_the_page_of_structures_has_the_actions),
        cmocka_unit_test(test_every_verb_has_a_page),
        cmocka_unit_test(test_pages_print_what_was_meant),
        cmocka_unit_test(test_the_exit_statuses),
        cmocka_unit_test(test_completions_have_the_options),
        cmocka_unit_test(test_completions_have_the_processing_types),
        cmocka_unit_test(test_help_has_what_degrades),
        cmocka_unit_test(test_completion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
