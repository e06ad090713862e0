/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "base/insist.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "client/cli/bench/report.h"

/* All but what is said apart: the way to the daemon, and, where the program is late, what it waited to be sent. */
static double way_in(const struct figures *figures)
{
    const double rest = figures->latency_sum - figures->queue_sum - figures->compute_sum - figures->wake_sum;

    return figures_mean(figures, MAX(rest, 0.0));
}

static double us(double ns)
{
    return ns / 1e3;
}

/* ---- for a person ---- */

void report_head(const struct screen *screen, const struct report *report)
{
    fprintf(screen->file, "%s, %u sample%s a request; latencies in microseconds\n", report->model, report->rows,
            report->rows == 1 ? "" : "s");
    screen_text(
        screen, STYLE_FAINT,
        "      LOAD   REQUESTS/s    SAMPLES/s      MEAN       50%       90%       99%     99.9%       MAX     WAIT"
        "  COMPUTE     WAKE  BATCH  FAILED",
        0);
    fputc('\n', screen->file);
}

void report_level(const struct screen *screen, const struct report *report, const struct level *level)
{
    static const double percents[] = { 50, 90, 99, 99.9, 100 };
    const struct figures *figures = &level->figures;
    char load[32];

    insist(report->rows > 0 && (level->rate > 0 || level->concurrency > 0));
    if (level->rate > 0)
        snprintf(load, sizeof load, "%.0f/s", level->rate);
    else
        snprintf(load, sizeof load, "%u at once", level->concurrency);
    fprintf(screen->file, "%10s %12.0f %12.0f %9.1f", load, figures_rate(figures), figures_rate(figures) * report->rows,
            us(figures_mean(figures, figures->latency_sum)));
    for (size_t i = 0; i < ARRAY_SIZE(percents); i++)
        fprintf(screen->file, " %9.1f", us((double)figures_percentile(figures, percents[i])));
    fprintf(screen->file, " %8.1f %8.1f %8.1f %6.1f %7llu", us(figures_mean(figures, figures->queue_sum)),
            us(figures_mean(figures, figures->compute_sum)), us(figures_mean(figures, figures->wake_sum)),
            figures_mean(figures, figures->batch_sum), (unsigned long long)figures->failed);
    if (figures->delayed)
        fprintf(screen->file, "  %llu waited to be sent", (unsigned long long)figures->delayed);
    fputs(level->stable || level->counted ? "\n" : "  (not stable)\n", screen->file);
    fflush(screen->file);
}

/* ---- for programs ---- */

bool report_json(FILE *out, const struct report *report, const struct level *level)
{
    static const struct {
        const char *name;
        double percent;
    } marks[] = { { "p50_us", 50 }, { "p90_us", 90 }, { "p95_us", 95 }, { "p99_us", 99 }, { "p999_us", 99.9 } };
    const struct figures *figures = &level->figures;
    cleanup_json json_t *object =
        json_pack("{s:s, s:s, s:i}", "bench", "load", "model", report->model, "rows", (int)report->rows);

    if (level->rate > 0)
        json_object_set_new(object, "request_rate", json_real(level->rate));
    else
        json_object_set_new(object, "concurrency", json_integer(level->concurrency));
    json_object_set_new(object, "requests_per_s", json_real(figures_rate(figures)));
    json_object_set_new(object, "samples_per_s", json_real(figures_rate(figures) * report->rows));
    json_object_set_new(object, "mean_us", json_real(us(figures_mean(figures, figures->latency_sum))));
    json_object_set_new(object, "deviation_us", json_real(us(figures_deviation(figures))));
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        json_object_set_new(object, marks[i].name,
                            json_real(us((double)figures_percentile(figures, marks[i].percent))));
    json_object_set_new(object, "max_us", json_real(us((double)figures_percentile(figures, 100))));
    json_object_set_new(object, "queue_us", json_real(us(figures_mean(figures, figures->queue_sum))));
    json_object_set_new(object, "compute_us", json_real(us(figures_mean(figures, figures->compute_sum))));
    json_object_set_new(object, "wake_us", json_real(us(figures_mean(figures, figures->wake_sum))));
    json_object_set_new(object, "batch", json_real(figures_mean(figures, figures->batch_sum)));
    json_object_set_new(object, "n", json_integer((json_int_t)figures->answered));
    json_object_set_new(object, "failed", json_integer((json_int_t)figures->failed));
    json_object_set_new(object, "delayed", json_integer((json_int_t)figures->delayed));
    json_object_set_new(object, "windows", json_integer((json_int_t)level->trials));
    json_object_set_new(object, "stable", json_boolean(level->stable));
    if (json_to_file(object, out, JSON_COMPACT | JSON_REAL_PRECISION(6)))
        return false;
    fputc('\n', out);
    return !fflush(out);
}

/* What wisp does not have apart is 0 there, as it is in perf_analyzer's where a protocol has none of it. */
void report_csv_head(FILE *out, bool open_loop)
{
    fprintf(out,
            "%s,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,Server "
            "Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency\n",
            open_loop ? "Request Rate" : "Concurrency");
}

void report_csv(FILE *out, const struct report *report, const struct level *level)
{
    static const double percents[] = { 50, 90, 95, 99 };
    const struct figures *figures = &level->figures;

    fprintf(out, "%.9g,%.2f,0,%.0f,%.0f,0,%.0f,0,%.0f", level->rate > 0 ? level->rate : level->concurrency,
            figures_rate(figures) * report->rows, us(way_in(figures)), us(figures_mean(figures, figures->queue_sum)),
            us(figures_mean(figures, figures->compute_sum)), us(figures_mean(figures, figures->wake_sum)));
    for (size_t i = 0; i < ARRAY_SIZE(percents); i++)
        fprintf(out, ",%.0f", us((double)figures_percentile(figures, percents[i])));
    fputc('\n', out);
}
