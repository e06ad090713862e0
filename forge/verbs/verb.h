/* SPDX-License-Identifier: Apache-2.0
 *
 * A verb is one row of the table in main.c and one file verb_NAME.c.
 */
#ifndef FORGE_VERBS_VERB_H
#define FORGE_VERBS_VERB_H

/* argv[0] is the verb. Returns the process's exit status (base/outcome.h). */
typedef int verb_function(int argc, char **argv);

verb_function verb_build, verb_structure, verb_train, verb_curves, verb_eval, verb_quantize, verb_export, verb_golden,
    verb_show;

#endif
