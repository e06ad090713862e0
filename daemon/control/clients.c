/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is connected: of those that the asker may see.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/control/describe.h"
#include "daemon/sight/counter.h"
#include "daemon/users/visible.h"

#define CLIENTS_UNTIL (WIRE_TEXT_MAX - 1024) /* one takes less */

/* As a JSON string; a client's name has printable characters only. */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static double seconds_since(uint64_t ns, uint64_t now_ns)
{
    return now_ns > ns ? (double)(now_ns - ns) / (double)NS_PER_S : 0;
}

static void print_connection(FILE *out, const struct connection *connection, uint32_t weight, uint64_t now_ns)
{
    const struct channel *channel = &connection->channel;
    const bool open = connection->state == CONNECTION_OPEN;
    const uint64_t active =
        MAX(MAX(connection->asked_ns, connection->accepted_ns), open ? counter_read(&channel->active_ns) : 0);

    fprintf(out, "{\"id\":%" PRIu64 ",", (uint64_t)channel->generation << 24 | channel->index);
    fprintf(out, "\"pid\":%d,\"uid\":%u,\"weight\":%" PRIu32 ",\"name\":", (int)connection->pid,
            (unsigned)connection->uid, weight);
    print_string(out, connection->name);
    fprintf(out, ",\"kind\":\"%s\",\"connected_s\":%.3f,\"idle_s\":%.3f", open ? "channel" : "questions",
            seconds_since(connection->accepted_ns, now_ns), seconds_since(active, now_ns));
    if (open)
        fprintf(out, ",\"shard\":%" PRIu32, connection->shard);
    fprintf(out, ",\"entries\":%" PRIu32 ",\"memory_bytes\":%" PRIu64, open ? channel->layout.entries : 0,
            connection->charged);
    fprintf(out, ",\"requests\":%" PRIu64 ",\"under_way\":%" PRIu64 ",\"used_ns\":%" PRIu64 "}",
            counter_read(&channel->taken), counter_read(&channel->under_way), counter_read(&channel->used_ns));
}

struct description describe_clients(const struct wispd *daemon, uid_t asker)
{
    const uint64_t now = clock_ns();
    uint32_t left_out = 0;
    const char *before = "";
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out)
        fputs("{\"clients\":[", out);
    for (uint32_t i = 0; out && i < daemon->table.capacity; i++) {
        const struct connection *connection = &daemon->table.connections[i];

        if ((connection->state != CONNECTION_OPEN && connection->state != CONNECTION_ASKING) ||
            !may_see(asker, connection->uid))
            continue;
        if (ftell(out) > (long)CLIENTS_UNTIL) {
            left_out++;
            continue;
        }
        fputs(before, out);
        print_connection(out, connection, policies_of(&daemon->set->policies, connection->uid).weight, now);
        before = ",";
    }
    if (out)
        fprintf(out, "],\"left_out\":%" PRIu32 "}", left_out);
    return describe_gathered(out, &text, NULL);
}
