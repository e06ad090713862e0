/* SPDX-License-Identifier: Apache-2.0
 *
 * Verbs that are programs of their own, as git has them: wisp-VERB, looked for beside this program, then in the libexec
 * folder, then along PATH; and the forge's verbs, which wisp-forge knows.
 */
#ifndef CLI_EXTERNAL_H
#define CLI_EXTERNAL_H

#include <stddef.h>

struct forge_verb {
    const char *name;
    const char *summary;
};

extern const struct forge_verb forge_verbs[];
extern const size_t forge_verb_count;

/* Replaces this process by the program for argv[0]. Returns only when there is none (-ENOENT; nothing printed), or with
 * an exit status after a message. */
int external_run(int argc, char **argv);

#endif
