/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdio.h>

#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/sight/use.h"

void print_daemon(const struct screen *screen, const json_t *stats)
{
    const json_t *daemon = json_object_get(stats, "daemon");
    const unsigned long long channels = member_count(daemon, "channels");

    screen_text(screen, STYLE_PLAIN, member_text(daemon, "server"), 0);
    fprintf(screen->file, ", up %.0f s, ", member_real(daemon, "uptime_s"));
    screen_text(screen, STYLE_PLAIN, member_text(daemon, "loop"), 0);
    fprintf(screen->file, ", %llu channel%s\n\n", channels, channels == 1 ? "" : "s");
}

const char *format_user(uint64_t uid, char *buffer)
{
    const struct passwd *entry = getpwuid((uid_t)uid); /* of one thread */

    if (entry)
        snprintf(buffer, USER_NAME_MAX, "%s", entry->pw_name);
    else
        snprintf(buffer, USER_NAME_MAX, "%llu", (unsigned long long)uid);
    return buffer;
}

const char *format_weight(uint64_t weight, char *buffer)
{
    snprintf(buffer, 32, weight ? "%llu" : "-", (unsigned long long)weight);
    return buffer;
}

uint64_t failed_requests(const json_t *tally)
{
    return member_count(tally, "refused") + member_count(tally, "late") + member_count(tally, "cancelled");
}

uint64_t histogram_mark(const json_t *tally, const char *histogram, const char *mark)
{
    return member_count(json_object_get(tally, histogram), mark);
}

const char *format_time(uint64_t ns, char *buffer)
{
    static const char *const units[] = { "ns", "us", "ms", "s" };
    double value = (double)ns;
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(buffer, 32, !unit || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buffer;
}

const char *format_share(double part, double whole, char *buffer)
{
    snprintf(buffer, 32, "%.1f %%", whole > 0 ? 100 * part / whole : 0.0);
    return buffer;
}
