/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp clients: who is connected.
 */
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/question.h"
#include "client/cli/sight/use.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "clients",
    .arguments = "[options]",
    .summary =
        "Lists who is connected to the daemon, what each has of it, and what it does. Root sees all, others their own.",
};

static const struct table_column columns[] = {
    { "PID", true },       { "USER", false },     { "NAME", false },   { "KIND", false },
    { "CONNECTED", true }, { "IDLE", true },      { "ENTRIES", true }, { "MEMORY", true },
    { "REQUESTS", true },  { "UNDER WAY", true }, { "USED", true },    { "WEIGHT", true },
};

/* "3 s", "2.5 h". */
static void add_duration(struct table *table, double seconds)
{
    if (seconds < 100)
        table_add(table, "%.1f s", seconds);
    else if (seconds < 6000)
        table_add(table, "%.1f min", seconds / 60);
    else
        table_add(table, "%.1f h", seconds / 3600);
}

static void add_row(struct table *table, const json_t *client)
{
    static const char *const counts[] = { "requests", "under_way" };
    char name[USER_NAME_MAX], number[32];

    table_add(table, "%llu", (unsigned long long)member_count(client, "pid"));
    table_add(table, "%s", format_user(member_count(client, "uid"), name));
    table_add(table, "%s", member_text(client, "name"));
    table_add(table, "%s", member_text(client, "kind"));
    add_duration(table, member_real(client, "connected_s"));
    add_duration(table, member_real(client, "idle_s"));
    table_add(table, "%s", format_count(member_count(client, "entries"), number));
    table_add(table, "%s", format_bytes(member_count(client, "memory_bytes"), number));
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        table_add(table, "%s", format_count(member_count(client, counts[i]), number));
    table_add(table, "%s", format_time(member_count(client, "used_ns"), number));
    table_add(table, "%s", format_weight(member_count(client, "weight"), number));
}

static int print(const json_t *answer)
{
    const json_t *clients = json_object_get(answer, "clients");
    const uint64_t left_out = member_count(answer, "left_out");
    struct table table = TABLE_INIT(columns);
    struct screen screen;
    bool printed;

    screen_init(&screen, stdout);
    for (size_t i = 0; i < json_array_size(clients); i++)
        add_row(&table, json_array_get(clients, i));
    printed = table_print(&table, &screen, 0);
    table_deinit(&table);
    if (left_out)
        printf("and %llu more\n", (unsigned long long)left_out);
    return printed ? EXIT_DONE : fail(usage.verb, EXIT_FAILED, "out of memory");
}

int verb_clients(int argc, char **argv)
{
    static const struct question question = { &usage, "a JSON object, as docs/protocol.md describes it", wisp_clients,
                                              print };

    return question_verb(&question, argc, argv);
}
