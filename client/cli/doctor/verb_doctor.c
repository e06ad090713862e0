/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp doctor: why is it slow, and what can be done.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/insist.h"
#include "client/cli/connection.h"
#include "client/cli/doctor/examine.h"
#include "client/cli/facts.h"
#include "client/cli/verb.h"

static const struct usage usage = {
    .verb = "doctor",
    .arguments = "[options]",
    .summary = "Looks for what makes the daemon slow, for a second, and says what to do about it. Root sees most.",
};

enum { PINGS = 101 };

struct options {
    double seconds;
    bool json, all;
};

/* ---- looking ---- */

typedef int question_function(wisp_client *client, char **json);

/* An exit status. */
static int ask(struct connection *connection, question_function *question, json_t **answer)
{
    char *text;
    int result = question(connection->client, &text);

    if (result)
        return connection_fail(connection, result);
    *answer = connection_parse(connection, text);
    return *answer ? EXIT_DONE : EXIT_FAILED;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* The median of some round trips, by a connection of their own; what stands in the way is a finding. */
static void ping(const struct connection *like, struct examination *examination, char refused[static 256])
{
    cleanup_connection struct connection connection = { .verb = like->verb,
                                                        .socket = like->socket,
                                                        .timeout_ms = 1000 };
    uint64_t times[PINGS];
    int result = connection_connect(&connection);

    for (int i = 0; !result && i < PINGS; i++)
        result = wisp_ping(connection.client, connection_wait_ms(&connection), &times[i]);
    if (result) {
        snprintf(refused, 256, "%s", wisp_last_error());
        examination->ping_refused = refused;
        return;
    }
    qsort(times, PINGS, sizeof *times, ascending);
    insist(times[0] <= times[PINGS - 1]);
    examination->ping_ns = times[PINGS / 2];
}

static void wait_for(double seconds)
{
    struct timespec time = clock_timespec((uint64_t)(seconds * 1e9));

    while (nanosleep(&time, &time))
        continue; /* a signal */
}

/* ---- telling ---- */

static const char *const verdict_names[] = {
    [VERDICT_GOOD] = "good", [VERDICT_UNKNOWN] = "unknown", [VERDICT_NOTE] = "note", [VERDICT_BAD] = "bad"
};

static void print_finding(const struct screen *screen, const struct check *check, const struct finding *finding)
{
    fputs("  ", screen->file);
    screen_text(screen, finding->verdict == VERDICT_BAD ? STYLE_STRONG : STYLE_FAINT, verdict_names[finding->verdict],
                8);
    screen_text(screen, STYLE_PLAIN, check->name, 17);
    screen_text(screen, STYLE_PLAIN, finding->text, 0);
    fputc('\n', screen->file);
    if (!*finding->advice)
        return;
    fprintf(screen->file, "%27s-> ", "");
    screen_text(screen, STYLE_PLAIN, finding->advice, 0);
    fputc('\n', screen->file);
}

static json_t *finding_json(const struct check *check, const struct finding *finding)
{
    json_t *object = json_pack("{s:s, s:s, s:s}", "check", check->name, "verdict", verdict_names[finding->verdict],
                               "text", finding->text);

    if (*finding->advice)
        json_object_set_new(object, "advice", json_string(finding->advice));
    return object;
}

/* All that is suspected, the worst first; the worst is returned. */
static enum verdict tell(const struct connection *connection, const struct examination *examination,
                         const struct options *options)
{
    cleanup_json json_t *list = json_array();
    enum verdict worst = VERDICT_GOOD;
    struct screen screen;

    screen_init(&screen, stdout);
    for (int verdict = VERDICT_BAD; verdict >= VERDICT_GOOD; verdict--) {
        for (unsigned i = 0; i < check_count; i++) {
            struct finding finding = { .verdict = VERDICT_GOOD };

            checks[i].look(examination, &finding);
            insist(*finding.text, "%s", checks[i].name); /* every suspicion comes to something */
            if ((int)finding.verdict != verdict)
                continue;
            worst = finding.verdict > worst ? finding.verdict : worst;
            if (options->json)
                json_array_append_new(list, finding_json(&checks[i], &finding));
            else if (options->all || verdict >= VERDICT_NOTE)
                print_finding(&screen, &checks[i], &finding);
        }
    }
    if (options->json)
        (void)connection_print(connection, list);
    else if (worst <= VERDICT_UNKNOWN && !options->all)
        puts("  nothing that would make it slow; --all shows what was looked at");
    return worst;
}

/* ---- both ---- */

static int examine(struct connection *connection, const struct options *options)
{
    cleanup_json json_t *before = NULL, *now = NULL, *models = NULL;
    struct examination examination = { .seconds = options->seconds, .library = wisp_version() };
    char refused[256];
    pid_t daemon;
    int status = ask(connection, wisp_stats, &before);

    if (status)
        return status;
    daemon = (pid_t)member_count(json_object_get(before, "daemon"), "pid");
    machine_read("", daemon, &examination.earlier);
    wait_for(options->seconds);
    status = ask(connection, wisp_stats, &now);
    if (!status)
        status = ask(connection, wisp_list, &models);
    if (status)
        return status;
    machine_read("", daemon, &examination.machine);
    examination.before = before;
    examination.now = now;
    examination.models = models;
    ping(connection, &examination, refused);
    return tell(connection, &examination, options) == VERDICT_BAD ? EXIT_FAILED : EXIT_DONE;
}

int verb_doctor(int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = usage.verb, .questions = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    struct options options = { .seconds = 1 };
    int status;

    option_real(&table, "interval", 'd', &options.seconds, "S", "seconds to look at what happens (1)", 0.1, 3600);
    option_flag(&table, "all", 'a', &options.all, "what is good, too");
    option_flag(&table, "json", 'j', &options.json,
                "a JSON array: check, verdict (good, unknown, note, bad), text, advice");
    connection_options(&connection, &table);
    if (!options_read(&usage, &table, argc, argv, &operands, &status))
        return status;
    status = connection_open(&connection);
    return status ? status : examine(&connection, &options);
}
