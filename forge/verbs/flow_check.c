/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/verbs/flow_check.h"
#include "base/outcome.h"

int flow_check(const char *verb, const struct model *model, bool force, struct flow *flow)
{
    char text[160];

    if (flow_count(model, flow))
        return fail(verb, EXIT_FAILED, "out of memory");
    flow_text(flow, text, sizeof text);
    if (!flow->reached && !force)
        return fail(verb, EXIT_USAGE,
                    "nothing passes through this network: %s; choose a lower sparsity, or 'wisp build' it with "
                    "--repair (--force writes it all the same)",
                    text);
    if (flow_is_poor(flow))
        warn_user(verb, "%s; a lower sparsity or --repair connects more of them", text);
    return 0;
}
