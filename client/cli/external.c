/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/insist.h"
#include "base/outcome.h"
#include "base/size.h"
#include "client/cli/external.h"

/* A verb that runs itself again would do so for ever; this many within one another are none that a person meant. */
#define DEPTH_VARIABLE "WISP_VERB_DEPTH"
enum { DEPTH_MAX = 16, ANSWER_MAX = 256 << 20 };

const struct forge_verb forge_verbs[] = {
    { "structure", "show and keep the structures that sparse networks are drawn from" },
    { "build", "sample a sparse network from a structure" },
    { "train", "train its connections" },
    { "curves", "show how trainings went" },
    { "eval", "measure its accuracy on a test set" },
    { "quantize", "round its values to bf16 or int8, and measure what that changes" },
    { "export", "write its connections for other programs" },
    { "golden", "give it an input and its answer" },
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
    insist(*program && !strchr(program, '/'), "%s", program);
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

/* In the folder of this program; or in sbin beside that, where wispd is: people's PATH often lacks it. */
static bool near_this(const char *program, const char *beside, char *path, size_t capacity)
{
    char folder[PATH_MAX];
    size_t used;

    if (!own_folder(folder, sizeof folder))
        return false;
    used = strlen(folder);
    return snprintf(folder + used, sizeof folder - used, "%s", beside) < (int)(sizeof folder - used) &&
           try_folder(folder, program, path, capacity);
}

bool program_locate(const char *program, char *path, size_t capacity)
{
    return near_this(program, "", path, capacity) || try_folder(WISP_LIBEXEC_DIR, program, path, capacity) ||
           along_path(program, path, capacity) || near_this(program, "/../sbin", path, capacity);
}

static int needs_forge(const char *verb)
{
    return fail(verb, EXIT_FAILED, "needs wisp-forge, which is neither beside this program, nor in %s, nor in PATH",
                WISP_LIBEXEC_DIR);
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

/* ---- asking ---- */

static char *read_to_end(int fd)
{
    cleanup_free void *text = NULL;
    size_t size;

    return file_read_fd(fd, "wisp-forge", ANSWER_MAX, &text, &size, NULL) ? NULL : steal(&text);
}

/* With its standard output in *out; the child, or -errno. */
static pid_t ask(const char *path, char *const *words, int *out)
{
    cleanup_close int mine = -1, its = -1;
    posix_spawn_file_actions_t actions;
    int ends[2], result;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    mine = ends[0];
    its = ends[1];
    result = posix_spawn_file_actions_init(&actions);
    if (result)
        return -result;
    result = posix_spawn_file_actions_adddup2(&actions, its, STDOUT_FILENO);
    if (!result)
        result = posix_spawn(&child, path, &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (result)
        return -result;
    *out = steal_fd(&mine);
    return child;
}

static int wait_for(const char *verb, pid_t child)
{
    int end = 0;

    insist(child > 0, "%d", (int)child); /* nobody else's */
    while (waitpid(child, &end, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(end))
        return WEXITSTATUS(end);
    return fail(verb, EXIT_FAILED, "wisp-forge was ended by signal %d", WTERMSIG(end));
}

int forge_ask(const char *verb, const char *option, const char *argument, char **text)
{
    cleanup_free char *own_verb = strdup(verb), *own_argument = strdup(argument), *own_option = strdup(option ?: "");
    char program[] = "wisp-forge", end[] = "--", path[PATH_MAX];
    char *with_option[] = { program, own_verb, own_option, end, own_argument, NULL };
    char *without[] = { program, own_verb, end, own_argument, NULL };
    cleanup_close int out = -1;
    pid_t child;
    int status;

    *text = NULL;
    if (!own_verb || !own_argument || !own_option)
        return fail(verb, EXIT_FAILED, "out of memory");
    if (!program_locate(program, path, sizeof path))
        return needs_forge(verb);
    child = ask(path, option ? with_option : without, &out);
    if (child < 0)
        return fail(verb, EXIT_FAILED, "cannot run %s: %s", path, strerror(-child));
    *text = read_to_end(out);
    status = wait_for(verb, child);
    return status || *text ? status : fail(verb, EXIT_FAILED, "cannot read what wisp-forge says");
}

/* ---- becoming ---- */

/* argv for wisp-VERB: its own name instead of the verb. For wisp-forge: its name, then the verb. */
static char **arguments(int argc, char **argv, char *program, bool with_verb)
{
    char **copy = calloc((size_t)argc + 2, sizeof *copy);
    size_t skip = with_verb ? 0 : 1;

    insist(argc > 0 && !argv[argc], "%d", argc);
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
    if (program_locate(program, path, sizeof path))
        return run_program(argc, argv, path, false);
    if (!is_forge_verb(argv[0]))
        return -ENOENT;
    if (program_locate("wisp-forge", path, sizeof path))
        return run_program(argc, argv, path, true);
    return needs_forge(argv[0]);
}
