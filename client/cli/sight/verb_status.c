/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp status: the daemon's own state.
 */
#include "client/cli/facts.h"
#include "client/cli/question.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "status",
    .arguments = "[options]",
    .summary = "Shows the daemon's version, how long it runs, and what it has done since.",
};

static int print(const json_t *state)
{
    struct screen screen;

    screen_init(&screen, stdout);
    facts_print(&screen, state, "");
    return EXIT_DONE;
}

int verb_status(int argc, char **argv)
{
    static const struct question question = { &usage, "a JSON object, as docs/protocol.md describes it", wisp_status,
                                              print };

    return question_verb(&question, argc, argv);
}
