/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure: the database of structures, and a look at one before anything is sampled.
 */
#include <stdio.h>
#include <string.h>

#include "base/outcome.h"
#include "base/size.h"
#include "base/suggest.h"
#include "forge/verbs/structure.h"

static const struct {
    const char *name;
    verb_function *run;
    const char *summary;
} actions[] = {
    { "list", structure_list, "what the database holds, by type and depth" },
    { "show", structure_show, "a structure, and what a sparsity makes of it" },
    { "add", structure_add, "store a structure from YAML" },
    { "edit", structure_edit, "change one, by options or at a prompt" },
    { "rm", structure_rm, "remove structures" },
    { "export", structure_export, "write structures as YAML" },
    { "history", structure_history, "what was built and trained here" },
    { "import", structure_import, "store all structures of an export" },
    { "serve", structure_serve, "offer the database to others, over HTTP" },
};

static void print_help(FILE *to)
{
    fputs("usage: wisp structure ACTION [options]\n\nactions:\n", to);
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        fprintf(to, "  %-8s %s\n", actions[i].name, actions[i].summary);
    fputs("\n'wisp structure ACTION --help' describes an action.\n", to);
}

int verb_structure(int argc, char **argv)
{
    const char *names[ARRAY_SIZE(actions)], *near;

    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help(stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (!strcmp(argv[1], actions[i].name))
            return actions[i].run(argc - 1, argv + 1);
        names[i] = actions[i].name;
    }
    near = suggest(argv[1], names, ARRAY_SIZE(actions));
    return fail("structure", EXIT_USAGE, "unknown action '%s'%s%s%s", argv[1], near ? "; did you mean '" : "",
                near ? near : "; see 'wisp structure --help'", near ? "'?" : "");
}
