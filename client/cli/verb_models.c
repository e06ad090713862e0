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

/* What makes pictures again of what this one compresses: who asks for this one asks for that. NULL: there is none. */
static const json_t *decoder_of(const json_t *models, const json_t *model)
{
    const json_t *name = json_object_get(model, "decoder");

    for (size_t i = 0; json_is_string(name) && i < json_array_size(models); i++) {
        const json_t *other = json_array_get(models, i);

        if (!strcmp(json_string_value(name), member_text(other, "name")))
            return other;
    }
    return NULL;
}

static bool is_decoder(const json_t *models, const json_t *model)
{
    for (size_t i = 0; i < json_array_size(models); i++) {
        if (decoder_of(models, json_array_get(models, i)) == model)
            return true;
    }
    return false;
}

/* Of both halves, where there are two. */
static uint64_t count_of(const json_t *models, const json_t *model, const char *key)
{
    const json_t *decoder = decoder_of(models, model);

    return member_count(model, key) + (decoder ? member_count(decoder, key) : 0);
}

static void add_row(struct table *table, const json_t *models, const json_t *model)
{
    const uint64_t connections = count_of(models, model, "connections"),
                   potential = count_of(models, model, "potential");
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
    table_add(table, "%.1f %%", potential ? 100 - 100 * (double)connections / (double)potential : 0);
    table_add(table, "%s", format_count(connections, number));
    table_add(table, "%s", format_bytes(count_of(models, model, "memory_bytes"), number));
    table_add(table, "%s", format_count(count_of(models, model, "requests"), number));
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
        if (!is_decoder(models, json_array_get(models, i)))
            add_row(&table, models, json_array_get(models, i));
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
