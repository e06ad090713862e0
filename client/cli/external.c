/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/outcome.h"
#include "base/size.h"
#include "cli/external.h"

/* A verb that runs itself again would do so for ever; this many within one another are none that a person meant. */
#define DEPTH_VARIABLE "WISP_VERB_DEPTH"
enum { DEPTH_MAX = 16 };

const struct forge_verb forge_verbs[] = {
    { "structure", "show and keep the structures that sparse networks are drawn from" },
    { "build", "sample a sparse network from a structure" },
    { "train", "train its connections" },
    { "eval", "measure its accuracy on a test set" },
    { "export", "write its connections for other programs" },
};
const size_t forge_verb_count = ARRAY_SIZE(forge_verbs);

static bool is_name(const char *verb)
{
    return *verb && *verb != '-' && !verb[strspn(verb, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static bool own_folder(char *folder, size_t capacity)
{
    ssize_t length = readlink("/proc/self/exe", folder, capacity - 1);
    char *slash;

    if (length <= 0)
        return false;
    folder[length] = '\0';
    slash = strrchr(folder, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

/* A regular file that may be run, in `folder`. */
static bool try_folder(const char *folder, const char *program, char *path, size_t capacity)
{
    if (*folder != '/') /* an empty or relative PATH entry would run what lies about */
        return false;
    return snprintf(path, capacity, "%s/%s", folder, program) < (int)capacity && !access(path, X_OK);
}

static bool along_path(const char *program, char *path, size_t capacity)
{
    const char *variable = getenv("PATH");
    cleanup_free char *folders = strdup(variable ? variable : "");
    char *rest = folders, *folder;

    while (rest && (folder = strsep(&rest, ":"))) {
        if (try_folder(folder, program, path, capacity))
            return true;
    }
    return false;
}

static bool locate(const char *program, char *path, size_t capacity)
{
    char folder[PATH_MAX];

    return (own_folder(folder, sizeof folder) && try_folder(folder, program, path, capacity)) ||
           try_folder(WISP_LIBEXEC_DIR, program, path, capacity) || along_path(program, path, capacity);
}

static bool is_forge_verb(const char *verb)
{
    for (size_t i = 0; i < forge_verb_count; i++) {
        if (!strcmp(verb, forge_verbs[i].name))
            return true;
    }
    return false;
}

static bool descend(void)
{
    const char *text = getenv(DEPTH_VARIABLE);
    int depth = text ? (int)strtol(text, NULL, 10) : 0;
    char next[16];

    snprintf(next, sizeof next, "%d", depth + 1);
    return depth >= 0 && depth < DEPTH_MAX && !setenv(DEPTH_VARIABLE, next, 1);
}

static int become(const char *verb, const char *path, char **argv)
{
    if (!descend())
        return fail(verb, EXIT_FAILED, "%s runs 'wisp %s' again and again", path, verb);
    execv(path, argv);
    return fail(verb, EXIT_FAILED, "cannot run %s: %s", path, strerror(errno));
}

/* argv for wisp-VERB: its own name instead of the verb. For wisp-forge: its name, then the verb. */
static char **arguments(int argc, char **argv, char *program, bool with_verb)
{
    char **copy = calloc((size_t)argc + 2, sizeof *copy);
    size_t skip = with_verb ? 0 : 1;

    if (!copy)
        return NULL;
    copy[0] = program;
    memcpy(copy + 1, argv + skip, ((size_t)argc - skip) * sizeof *copy);
    return copy;
}

static int run_program(int argc, char **argv, const char *path, bool with_verb)
{
    cleanup_free char *name = strdup(path);
    cleanup_free char **copy = name ? arguments(argc, argv, name, with_verb) : NULL;

    return copy ? become(argv[0], path, copy) : fail(argv[0], EXIT_FAILED, "out of memory");
}

int external_run(int argc, char **argv)
{
    char program[NAME_MAX], path[PATH_MAX];

    if (!is_name(argv[0]) || snprintf(program, sizeof program, "wisp-%s", argv[0]) >= (int)sizeof program)
        return -ENOENT;
    if (locate(program, path, sizeof path))
        return run_program(argc, argv, path, false);
    if (!is_forge_verb(argv[0]))
        return -ENOENT;
    if (locate("wisp-forge", path, sizeof path))
        return run_program(argc, argv, path, true);
    return fail(argv[0], EXIT_FAILED, "needs wisp-forge, which is neither beside this program, nor in %s, nor in PATH",
                WISP_LIBEXEC_DIR);
}
