/* SPDX-License-Identifier: Apache-2.0
 *
 * What was counted: of the daemon, of each model, and of each user that the asker may see.
 *
 * It fits a reply however many users there were: buckets are left out where it would become long, and then users.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/insist.h"
#include "daemon/control/describe.h"
#include "daemon/sight/tally_text.h"
#include "daemon/users/visible.h"

/* From the first on buckets of users are left out, from the second on users; a user takes less than what lies beyond.
 */
#define BUCKETS_UNTIL (WIRE_TEXT_MAX / 2)
#define USERS_UNTIL   (WIRE_TEXT_MAX - 32768)

/* Of a model on all shards: what was counted, to `sum`, and how many requests are under way. */
static uint64_t sum_of(const struct wispd *daemon, uint32_t model, struct tally *sum)
{
    uint64_t under_way = 0;

    insist(daemon->serving->set == daemon->set && model < daemon->set->model_count, "%u", model);
    tally_clear(sum);
    for (uint32_t i = 0; i < daemon->shards; i++) {
        const struct queue *queue = &daemon->serving->queues[i]->queues[model];

        tally_sum(sum, queue->tally);
        under_way += counter_read(&queue->under_way);
    }
    return under_way;
}

static void print_models(FILE *out, const struct wispd *daemon, struct tally *sum)
{
    fputs(",\"models\":[", out);
    for (uint32_t i = 0; i < daemon->set->model_count; i++) {
        const struct instance *instance = &daemon->set->models[i];
        const uint64_t under_way = sum_of(daemon, i, sum);

        /* A model's name has no character that JSON would have to say otherwise (base/name.h). */
        fprintf(out, "%s{\"name\":\"%s\",\"processing\":\"%s\",\"under_way\":%" PRIu64 ",", i ? "," : "",
                instance->name, instance->processing, under_way);
        tally_print(out, sum, ftell(out) < (long)BUCKETS_UNTIL);
        fputc('}', out);
    }
    fputc(']', out);
}

static uint64_t under_way_of(const struct wispd *daemon, const struct user *user)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < daemon->table.capacity; i++) {
        const struct connection *connection = &daemon->table.connections[i];

        if (connection->state == CONNECTION_OPEN && connection->user == user)
            sum += counter_read(&connection->channel.under_way);
    }
    return sum;
}

static void print_users(FILE *out, const struct wispd *daemon, uid_t asker, struct tally *sum)
{
    const char *before = "";
    uint32_t left_out = 0;

    fputs(",\"users\":[", out);
    for (uint32_t i = 0; i < daemon->users.capacity; i++) {
        const struct user *user = &daemon->users.entries[i];
        struct policy policy;

        if (!may_see(asker, user->uid) || !user_tally(user, sum))
            continue;
        if (ftell(out) > (long)USERS_UNTIL) {
            left_out++;
            continue;
        }
        policy = policies_of(&daemon->set->policies, user->uid);
        fprintf(out, "%s{\"uid\":%u,\"channels\":%" PRIu32 ",\"memory_bytes\":%" PRIu64 ",\"under_way\":%" PRIu64 ",",
                before, (unsigned)user->uid, user->channels, user->memory, under_way_of(daemon, user));
        fprintf(out, "\"weight\":%" PRIu32 ",\"time_max_percent\":%" PRIu32 ",\"under_way_max\":%" PRIu32 ",",
                policy.weight, policy.time, policy.under_way);
        tally_print(out, sum, ftell(out) < (long)BUCKETS_UNTIL);
        fputc('}', out);
        before = ",";
    }
    fprintf(out, "],\"users_left_out\":%" PRIu32 ",\"users_all\":%s}", left_out, may_see_all(asker) ? "true" : "false");
}

struct description describe_stats(const struct wispd *daemon, uid_t asker)
{
    struct description state = describe_daemon(daemon);
    char *text = NULL;
    size_t size;
    struct tally *sum = tally_new();
    FILE *out = state.own && sum ? open_memstream(&text, &size) : NULL;

    if (out) {
        fprintf(out, "{\"daemon\":%s", state.own);
        print_models(out, daemon, sum);
        print_users(out, daemon, asker, sum);
    }
    tally_release(sum);
    free(state.own);
    return describe_gathered(out, &text, NULL);
}
