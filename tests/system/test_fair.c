/* SPDX-License-Identifier: Apache-2.0
 *
 * One client floods, and others are served all the same: another user's, its own user's. What they wait is counted in
 * batches of the flood's, as the daemon says how long each took: in order of arrival it would be all that the flood has
 * under way, 512 of them.
 */
#include "support/test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/both_loops.h"
#include "system/siege.h"

enum { NOBODY = 65534, CHANNELS = 8, ROWS = 32, ROUNDS = 41, BATCHES_MOST = 64, LARGE = 2048 };

/* What flood and test share: release and acquire, either way; the sums are relaxed. */
struct stage {
    uint32_t ready, stop;
    uint64_t done, compute_ns; /* requests, and how long their batches took, together */
};

static struct stage *stage;
static pid_t flood;

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void reap(struct raw_client *client)
{
    struct wire_completion completion;

    while (reap_ring_take(&client->reap, &completion)) {
        __atomic_fetch_add(&stage->compute_ns, completion.compute_ns, __ATOMIC_RELAXED);
        __atomic_fetch_add(&stage->done, 1, __ATOMIC_RELAXED);
    }
}

/* All that eight channels may have under way, all the time. */
static int run_flood(uid_t uid)
{
    static struct raw_client clients[CHANNELS];
    const struct wire_submission ask = alpha_request(siege.route, ROWS, 0);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (uid && (setgid(NOBODY) || setuid(uid)))
        return 1;
    for (int i = 0; i < CHANNELS; i++) {
        alpha_open(&clients[i], bed.daemon.socket);
        alpha_fill(&clients[i], &ask, 1);
    }
    while (!look(&stage->stop)) {
        for (int i = 0; i < CHANNELS; i++) {
            reap(&clients[i]);
            while (raw_submit(&clients[i], &ask))
                continue;
        }
        __atomic_store_n(&stage->ready, 1, __ATOMIC_RELEASE);
        usleep(200);
    }
    return 0;
}

static void flood_begin(uid_t uid)
{
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(stage != MAP_FAILED);
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    flood = fork();
    assert_true(flood >= 0);
    if (!flood)
        _exit(run_flood(uid));
    while (!look(&stage->ready)) {
        assert_int_equal(waitpid(flood, NULL, WNOHANG), 0);
        usleep(1000);
    }
}

static void flood_end(void)
{
    int status;

    __atomic_store_n(&stage->stop, 1, __ATOMIC_RELEASE);
    assert_int_equal(waitpid(flood, &status, 0), flood);
    assert_int_equal(status, 0);
    munmap(stage, sizeof *stage);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* The median of what an honest request waited in the daemon. */
static uint32_t waited_ns(void)
{
    const struct wire_submission ask = alpha_request(siege.route, 1, 0);
    struct wire_completion completion;
    uint32_t waited[ROUNDS];

    alpha_open(&bed.honest, bed.daemon.socket);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        alpha_fill(&bed.honest, &ask, i);
        assert_int_equal(raw_run(&bed.honest, &ask, &completion), WISP_OK);
        alpha_check(bed.reference, &bed.honest, &ask, i);
        waited[i] = completion.queue_ns;
    }
    raw_close(&bed.honest);
    qsort(waited, ROUNDS, sizeof *waited, compare);
    return waited[ROUNDS / 2];
}

static void served_beside_it(uid_t uid)
{
    uint64_t batch_ns, waited;

    flood_begin(uid);
    waited = waited_ns();
    batch_ns = stage->compute_ns / (stage->done ? stage->done : 1);
    flood_end();
    assert_true(batch_ns > 0);
    assert_in_range(waited / batch_ns, 0, BATCHES_MOST);
}

static void another_users_flood(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    served_beside_it(NOBODY);
}

static void a_flood_of_the_same_user(void **state)
{
    (void)state;
    served_beside_it(0);
}

/* Behind its own large requests: one that fits into a batch passes them, and one whose time is over is told so. */
static void small_ones_behind_large_ones(void **state)
{
    const struct wire_submission large = alpha_request(siege.route, LARGE, 0);
    struct wire_submission small = alpha_request(siege.route, 1, 1);
    struct wire_completion completion;
    uint32_t before = 0;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_fill(&bed.client, &large, 1);
    for (uint32_t i = 0; i < ALPHA_ENTRIES - 1; i++)
        assert_true(raw_submit(&bed.client, &large));
    small.user_data = 77;
    small.deadline_us = 2000;
    assert_true(raw_submit(&bed.client, &small));
    do {
        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        before += completion.user_data != small.user_data;
    } while (completion.user_data != small.user_data);
    assert_true(completion.status == WISP_OK || completion.status == WISP_E_DEADLINE);
    assert_in_range(before, 0, ALPHA_ENTRIES - 2);
    raw_close(&bed.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE(another_users_flood),
        SIEGE(a_flood_of_the_same_user),
        SIEGE(small_ones_behind_large_ones),
    };

    return run_over_both_loops(tests, siege_begin, siege_end);
}
