/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control/reports.h"
#include "base/clock.h"
#include "base/insist.h"
#include "daemon/control/channels.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/models.h"
#include "daemon/control/questions.h"
#include "daemon/control/reload.h"
#include "daemon/control/shards.h"

static const struct budget_rate left_out_rate = { .every_ns = 1 * NS_PER_S, .burst = 1 };

/* It may have been hung up meanwhile: then it is on its way back. */
static void on_broken(struct wispd *daemon, struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN)
        return;
    log_limited(connection, LOG_LEVEL_NOTICE, "%s: closed", connection->channel.broken);
    channels_hang_up(daemon, connection);
}

/* Those that came while all records were out; what nobody asks for in this line is said with a later one. */
static void say_left_out(struct wispd *daemon)
{
    const uint64_t left_out = shards_count(daemon).slow_left_out;

    insist(left_out >= daemon->slow_left_out);
    if (left_out == daemon->slow_left_out || !budget_take(&daemon->slow_lines, &left_out_rate, clock_ns()))
        return;
    log_notice("%llu more requests that took long were left out: they came faster than they can be told",
               (unsigned long long)(left_out - daemon->slow_left_out));
    daemon->slow_left_out = left_out;
}

/* Its client may have gone meanwhile: then nobody asks. */
static void on_slow(struct wispd *daemon, struct slow_request *slow)
{
    const struct connection *connection = connection_find(&daemon->table, slow->index, slow->generation);

    if (connection)
        log_limited(connection, LOG_LEVEL_NOTICE,
                    "a request of %s, %u sample%s, took %.3f ms: waited %.3f, computed %.3f", slow->model,
                    slow->samples, slow->samples == 1 ? "" : "s",
                    (double)(slow->waited_ns + slow->computed_ns) / (double)NS_PER_MS,
                    (double)slow->waited_ns / (double)NS_PER_MS, (double)slow->computed_ns / (double)NS_PER_MS);
    slow_give_back(slow);
    say_left_out(daemon);
}

static void on_in_use(struct wispd *daemon, struct queue_set *queues)
{
    if (!models_in_use(daemon, queues))
        return;
    reload_in_use(daemon, queues->part_of);
    questions_answer_reload(daemon);
}

static int take_of(struct wispd *daemon, struct worker *worker)
{
    struct mail mail;

    while (worker_report(worker, &mail)) {
        switch ((enum report)mail.kind) {
        case REPORT_BROKEN:
            on_broken(daemon, connection_of(mail.subject));
            break;
        case REPORT_THROTTLED:
            log_limited(connection_of(mail.subject), LOG_LEVEL_DEBUG,
                        "doorbells for nothing: not listened to for a while");
            break;
        case REPORT_SLOW:
            on_slow(daemon, mail.subject);
            break;
        case REPORT_LEFT:
            channels_left(daemon, connection_of(mail.subject));
            break;
        case REPORT_IN_USE:
            on_in_use(daemon, mail.subject);
            break;
        case REPORT_DONE_WITH:
            models_done_with(daemon, mail.subject);
            break;
        case REPORT_DRAINED:
            insist(daemon->stopping && daemon->drained < daemon->shards, "%u", daemon->drained);
            daemon->done |= ++daemon->drained == daemon->shards;
            break;
        case REPORT_FAILED:
            return worker_error(worker);
        }
    }
    return 0;
}

int reports_take(struct wispd *daemon)
{
    int result = 0;

    for (uint32_t i = 0; !result && i < daemon->shards; i++)
        result = take_of(daemon, daemon->workers[i]);
    return result;
}
