/* SPDX-License-Identifier: Apache-2.0
 *
 * A verb that asks the daemon one question and shows the answer: for people, or with --json as it is.
 */
#ifndef CLI_QUESTION_H
#define CLI_QUESTION_H

#include "client/cli/connection.h"

struct question {
    const struct usage *usage;
    const char *json_help;                        /* of --json */
    int (*ask)(wisp_client *client, char **text); /* wisp_list() and the like */
    int (*show)(const json_t *answer);            /* for people; returns an exit status */
};

/* All of the verb. Returns an exit status. */
int question_verb(const struct question *question, int argc, char **argv);

#endif
