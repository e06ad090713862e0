/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/sight/histogram_json.h"
#include "client/cli/sight/prometheus.h"

/* Bounds of a histogram's buckets: 2^10 ns (a microsecond) to 2^34 ns (17 s), where buckets of the daemon's end too. */
enum { BOUND_FIRST = 10, BOUND_LAST = 34 };

struct metric {
    const char *name, *type, *help;
    const char *key;    /* where the JSON has it */
    double scale;       /* of the number there */
    const char *labels; /* besides the one that says of whom; NULL: none */
};

#define NS 1e-9

static const struct metric of_daemon[] = {
    { "wisp_channels", "gauge", "Connections with shared memory.", "channels", 1, NULL },
    { "wisp_shards", "gauge", "Shards that compute, each for its channels.", "shards", 1, NULL },
    { "wisp_threads", "gauge", "Threads that compute, of each shard.", "threads", 1, NULL },
    { "wisp_requests_taken_total", "counter", "Requests taken of all models, answered or not.", "requests", 1, NULL },
    { "wisp_pings_total", "counter", "Round trips without a model.", "pings", 1, NULL },
    { "wisp_questions_total", "counter", "Questions answered on sockets.", "questions", 1, NULL },
    { "wisp_connections_refused_total", "counter", "Connections turned away: quota, no room, too many at once.",
      "turned_away", 1, NULL },
    { "wisp_connections_given_up_total", "counter", "Idle connections closed to make room for another user's.",
      "given_up", 1, NULL },
    { "wisp_reloads_total", "counter", "Sets of models that took the place of another.", "reloads", 1, NULL },
    { "wisp_reloads_refused_total", "counter", "Reloads that were refused.", "reloads_refused", 1, NULL },
    { "wisp_rollbacks_refused_total", "counter", "Rollbacks that were refused.", "rollbacks_refused", 1, NULL },
    { "wisp_rolled_back", "gauge", "1: what is served is not what is configured, which was rolled back from.",
      "rolled_back", 1, NULL },
    { "wisp_slow_requests_left_out_total", "counter", "Requests that took long and have no line in the log.",
      "slow_left_out", 1, NULL },
    { "wisp_channels_resumed", "gauge", "Channels of a daemon before that this one went on with.", "resumed", 1, NULL },
};

static const struct metric of_models[] = {
    { "wisp_model_requests_total", "counter", "Requests of the model that were answered.", "requests", 1, NULL },
    { "wisp_model_requests_failed_total", "counter", "Requests of the model without an answer, by reason.", "refused",
      1, "reason=\"refused\"" },
    { "wisp_model_requests_failed_total", NULL, NULL, "late", 1, "reason=\"late\"" },
    { "wisp_model_requests_failed_total", NULL, NULL, "cancelled", 1, "reason=\"cancelled\"" },
    { "wisp_model_samples_total", "counter", "Samples computed.", "samples", 1, NULL },
    { "wisp_model_batches_total", "counter", "Forward passes, each of one or more samples.", "batches", 1, NULL },
    { "wisp_model_batches_pooled_total", "counter", "Forward passes that several threads computed.", "pooled", 1,
      NULL },
    { "wisp_model_used_seconds_total", "counter", "Time spent in forward passes.", "used_ns", NS, NULL },
    { "wisp_model_requests_under_way", "gauge", "Requests taken and not answered yet.", "under_way", 1, NULL },
};

static const struct metric of_users[] = {
    { "wisp_user_requests_total", "counter", "Requests of the user that were answered.", "requests", 1, NULL },
    { "wisp_user_requests_failed_total", "counter", "Requests of the user without an answer, by reason.", "refused", 1,
      "reason=\"refused\"" },
    { "wisp_user_requests_failed_total", NULL, NULL, "late", 1, "reason=\"late\"" },
    { "wisp_user_requests_failed_total", NULL, NULL, "cancelled", 1, "reason=\"cancelled\"" },
    { "wisp_user_samples_total", "counter", "Samples computed for the user.", "samples", 1, NULL },
    { "wisp_user_used_seconds_total", "counter", "The user's part of the time spent in forward passes.", "used_ns", NS,
      NULL },
    { "wisp_user_requests_under_way", "gauge", "Requests of the user taken and not answered yet.", "under_way", 1,
      NULL },
    { "wisp_user_channels", "gauge", "The user's connections with shared memory.", "channels", 1, NULL },
    { "wisp_user_memory_bytes", "gauge", "Shared memory of the user's connections.", "memory_bytes", 1, NULL },
};

static const struct metric histograms_of_models[] = {
    { "wisp_model_wait_seconds", "histogram", "How long answered requests waited in the daemon.", "waited", NS, NULL },
    { "wisp_model_compute_seconds", "histogram", "How long the batches of answered requests computed.", "computed", NS,
      NULL },
};

static const struct metric histograms_of_users[] = {
    { "wisp_user_wait_seconds", "histogram", "How long the user's answered requests waited in the daemon.", "waited",
      NS, NULL },
};

static void print_head(FILE *out, const struct metric *metric)
{
    if (metric->type)
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, metric->type);
}

/* What stands between quotes: a daemon may say anything. */
static void print_label_value(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            fputc('\\', out);
        fputc(*text == '\n' ? 'n' : *text, out);
    }
}

/* Who is told apart: the models by name, the users by number. */
struct sort {
    const char *list, *label, *key;
};

static void print_whose(FILE *out, const struct sort *sort, const json_t *one)
{
    const json_t *value = json_object_get(one, sort->key);

    fprintf(out, "%s=\"", sort->label);
    if (json_is_string(value))
        print_label_value(out, json_string_value(value));
    else
        fprintf(out, "%" PRIu64, member_count(one, sort->key));
    fputc('"', out);
}

static void print_number(FILE *out, double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        fprintf(out, " %.0f\n", value);
    else
        fprintf(out, " %.9g\n", value);
}

static void print_metrics(FILE *out, const struct sort *sort, const json_t *list, const struct metric *metrics,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = &metrics[i];

        print_head(out, metric);
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *one = json_array_get(list, k);

            fprintf(out, "%s{", metric->name);
            print_whose(out, sort, one);
            fprintf(out, "%s%s}", metric->labels ? "," : "", metric->labels ? metric->labels : "");
            print_number(out, (double)member_count(one, metric->key) * metric->scale);
        }
    }
}

static void print_bucket(FILE *out, const struct sort *sort, const json_t *one, const char *name, const char *bound,
                         uint64_t count)
{
    fprintf(out, "%s_bucket{", name);
    print_whose(out, sort, one);
    fprintf(out, ",le=\"%s\"} %" PRIu64 "\n", bound, count);
}

static void print_end(FILE *out, const struct sort *sort, const json_t *one, const char *name, const char *suffix,
                      double value)
{
    fprintf(out, "%s%s{", name, suffix);
    print_whose(out, sort, one);
    fputc('}', out);
    print_number(out, value);
}

/* One without buckets (there were too many users for all) has its sum and count. */
static void print_histogram(FILE *out, const struct sort *sort, const json_t *one, const struct metric *metric)
{
    const json_t *json = json_object_get(one, metric->key);
    struct histogram histogram;
    const bool known = histogram_from_json(json, &histogram);
    const uint64_t all = known ? histogram_count(&histogram) : member_count(json, "count");
    uint64_t below = 0;
    uint32_t index = 0;
    char bound[32];

    for (unsigned power = BOUND_FIRST; known && power <= BOUND_LAST; power++) {
        for (; histogram_end(index) <= 1ull << power; index++)
            below += histogram.counts[index];
        insist(index < ARRAY_SIZE(histogram.counts) && below <= all, "%u, %llu of %llu", index,
               (unsigned long long)below, (unsigned long long)all);
        snprintf(bound, sizeof bound, "%.9g", (double)(1ull << power) * NS);
        print_bucket(out, sort, one, metric->name, bound, below);
    }
    print_bucket(out, sort, one, metric->name, "+Inf", all);
    print_end(out, sort, one, metric->name, "_sum", (double)member_count(json, "sum_ns") * NS);
    print_end(out, sort, one, metric->name, "_count", (double)all);
}

static void print_histograms(FILE *out, const struct sort *sort, const json_t *list, const struct metric *metrics,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_head(out, &metrics[i]);
        for (size_t k = 0; k < json_array_size(list); k++)
            print_histogram(out, sort, json_array_get(list, k), &metrics[i]);
    }
}

static void print_daemon(FILE *out, const json_t *daemon)
{
    static const char *const texts[][2] = { { "version", "server" }, { "loop", "loop" }, { "kernels", "kernels" } };

    fputs("# HELP wisp_info What the daemon is, as labels.\n# TYPE wisp_info gauge\nwisp_info{", out);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        fprintf(out, "%s%s=\"", i ? "," : "", texts[i][0]);
        print_label_value(out, member_text(daemon, texts[i][1]));
        fputc('"', out);
    }
    fputs("} 1\n# HELP wisp_start_time_seconds When the daemon started, since the epoch.\n"
          "# TYPE wisp_start_time_seconds gauge\n",
          out);
    fprintf(out, "wisp_start_time_seconds %.0f\n", (double)time(NULL) - member_real(daemon, "uptime_s"));
    for (size_t i = 0; i < ARRAY_SIZE(of_daemon); i++) {
        print_head(out, &of_daemon[i]);
        fputs(of_daemon[i].name, out);
        print_number(out, (double)member_count(daemon, of_daemon[i].key));
    }
}

void prometheus_print(FILE *out, const json_t *stats)
{
    static const struct sort models = { "models", "model", "name" }, users = { "users", "uid", "uid" };

    fprintf(out, "# HELP wisp_up Whether the daemon answered.\n# TYPE wisp_up gauge\nwisp_up %d\n", stats != NULL);
    if (!stats)
        return;
    print_daemon(out, json_object_get(stats, "daemon"));
    print_metrics(out, &models, json_object_get(stats, models.list), of_models, ARRAY_SIZE(of_models));
    print_histograms(out, &models, json_object_get(stats, models.list), histograms_of_models,
                     ARRAY_SIZE(histograms_of_models));
    print_metrics(out, &users, json_object_get(stats, users.list), of_users, ARRAY_SIZE(of_users));
    print_histograms(out, &users, json_object_get(stats, users.list), histograms_of_users,
                     ARRAY_SIZE(histograms_of_users));
}
