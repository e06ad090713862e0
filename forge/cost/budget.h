/* SPDX-License-Identifier: Apache-2.0
 *
 * The largest density whose network still fits: into a file, into memory, or into the operations that one sample may
 * take. All three grow with the connections but for roundings; so their number is found by bisection, and then all
 * larger ones are tried that roundings might let in. It is the largest there is.
 */
#ifndef FORGE_COST_BUDGET_H
#define FORGE_COST_BUDGET_H

#include "forge/plan/assemble.h"
#include "forge/plan/plan.h"

/* "500K", "2M", "1.5Gi": K, M, G, T for thousands, Ki, Mi, Gi, Ti for 1024; a B may follow. False for anything else. */
bool budget_parse(const char *text, double *out);

/* Solves the plan, which is prepared, for the wish, whose density it fills in. For BUDGET_FILE the assembly says what
 * else the file holds. WISP_E_INVALID when nothing fits. */
int budget_solve(struct plan *plan, struct plan_wish *wish, enum plan_budget budget, double limit,
                 const struct assembly *assembly, struct reason *why);

/* Whether a plan that is solved keeps a limit. WISP_E_INVALID, and says what it needs. */
int budget_check(struct plan *plan, enum plan_budget budget, double limit, const struct assembly *assembly,
                 struct reason *why);

#endif
