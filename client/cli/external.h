/* SPDX-License-Identifier: Apache-2.0
 *
 * Verbs that are programs of their own, as git has them: wisp-VERB, looked for beside this program, then in the libexec
 * folder, then along PATH; and the forge's verbs, which wisp-forge knows.
 */
#ifndef CLI_EXTERNAL_H
#define CLI_EXTERNAL_H

#include <stdbool.h>
#include <stddef.h>

struct forge_verb {
    const char *name;
    const char *summary;
};

extern const struct forge_verb forge_verbs[];
extern const size_t forge_verb_count;

/* The path of a program of wisp's: beside this one, in the libexec folder, along PATH, or in sbin. False: nowhere. */
bool program_locate(const char *program, char *path, size_t capacity);

/* Runs a verb of wisp-forge with one argument, and an option or NULL, and keeps what it prints, to be freed. What it
 * says on standard error goes there. Returns its exit status. */
int forge_ask(const char *verb, const char *option, const char *argument, char **text);

/* Replaces this process by the program for argv[0]. Returns only when there is none (-ENOENT; nothing printed), or with
 * an exit status after a message. */
int external_run(int argc, char **argv);

#endif
