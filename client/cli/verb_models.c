/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp models: what the daemon serves, one line each.
 */
#include <string.h>

#include "client/cli/facts.h"
#include "client/cli/question.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "models",
    .arguments = "[options]",
    .summary = "Lists the models that the daemon serves. A * marks the one that answers for its processing type.",
};

static const struct table_column columns[] = {
    { "", false },      { "MODEL", false },      { "PROCESSING", false }, { "INPUT", true },    { "OUTPUT", true },
    { "SPARSE", true }, { "CONNECTIONS", true }, { "MEMORY", true },      { "REQUESTS", true },
};

static void add_row(struct table *table, const json_t *model)
{
    char shape[96], number[32];

    table_add(table, "%s", json_is_true(json_object_get(model, "default")) ? "*" : "");
    table_add(table, "%s", member_text(model, "name"));
    table_add(table, "%s", member_text(model, "processing"));
    for (int i = 0; i < 2; i++) {
        const json_t *side = json_object_get(model, i ? "output" : "input");
        const json_t *list = json_object_get(model, i ? "outputs" : "inputs");

        if (side)
            table_add(table, "%s", format_shape(json_object_get(side, "shape"), shape, sizeof shape));
        else
            table_add(table, "%zu tensor%s", json_array_size(list), json_array_size(list) == 1 ? "" : "s");
    }
    table_add(table, "%.1f %%", 100 * member_real(model, "sparsity"));
    table_add(table, "%s", format_count(member_count(model, "connections"), number));
    table_add(table, "%s", format_bytes(member_count(model, "memory_bytes"), number));
    table_add(table, "%s", format_count(member_count(model, "requests"), number));
}

/* What makes pictures again of what another model compressed goes with that one: who asks for it asks for that. */
static bool is_half(const json_t *models, const json_t *model)
{
    const char *name = member_text(model, "name");

    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *decoder = json_object_get(json_array_get(models, i), "decoder");

        if (json_is_string(decoder) && !strcmp(json_string_value(decoder), name))
            return true;
    }
    return false;
}

static int print(const json_t *models)
{
    struct table table = TABLE_INIT(columns);
    struct screen screen;
    bool printed;

    if (!json_array_size(models))
        return fail(usage.verb, EXIT_DONE, "the daemon serves no models; wispd.yaml(5) says how to add some");
    screen_init(&screen, stdout);
    for (size_t i = 0; i < json_array_size(models); i++) {
        if (!is_half(models, json_array_get(models, i)))
            add_row(&table, json_array_get(models, i));
    }
    printed = table_print(&table, &screen, 0);
    table_deinit(&table);
    return printed ? EXIT_DONE : fail(usage.verb, EXIT_FAILED, "out of memory");
}

int verb_models(int argc, char **argv)
{
    static const struct question question = { &usage, "a JSON array, as docs/protocol.md describes it", wisp_list,
                                              print };

    return question_verb(&question, argc, argv);
}
