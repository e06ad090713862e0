/* SPDX-License-Identifier: Apache-2.0
 *
 * A verb of the client is one row of the table in main.c and one file verb_NAME.c, here or in a folder below.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

/* argv[0] is the verb. Returns the process's exit status (base/outcome.h). */
typedef int verb_function(int argc, char **argv);

verb_function verb_run, verb_models, verb_show, verb_ping, verb_status, verb_reload, verb_rollback;
verb_function verb_stats, verb_clients, verb_top; /* sight/ */
verb_function verb_bench;                         /* bench/ */
verb_function verb_doctor;                        /* doctor/ */

#endif
