/* SPDX-License-Identifier: Apache-2.0
 *
 * Of all threads that wait on a client one has the role: it spins, then sleeps on the futex in shared memory, reaps for
 * all, and watches the daemon. The others sleep on a word of their own, and are woken when their request is done, or to
 * take the role over. So one word in shared memory serves any number of threads, and a single thread, the usual case,
 * never touches a second futex.
 *
 * A killed daemon wakes nobody. So the sleeper looks up at the end of every slice and asks the socket, which the kernel
 * has closed then: after 10 ms, then twice as long, up to 100 ms. Answers take far less, so a slice that runs out is
 * rare, and a restart takes longer than the slices add. What ended the sleep does not count, only how long ago the
 * socket was asked: a program with an interval timer has no slice that runs out.
 */
#include <poll.h>
#include <pthread.h>

#include "base/futex.h"
#include "base/insist.h"
#include "client/client.h"
#include "client/deadline.h"
#include "client/engine.h"
#include "client/event.h"
#include "client/reconnect.h"
#include "client/submit.h"
#include "libipc/wake.h"

#define SLICE_FIRST_NS (10 * NS_PER_MS)
#define SLICE_MOST_NS  (100 * NS_PER_MS)
#define CHECK_NS       (10 * NS_PER_MS) /* between two looks at the socket, at the least */

enum { SPINS_PER_CLOCK = 32 };

/* ---- reaping ---- */

/* The moving average weighs the last answers, so that one slow batch does not end spinning for long. */
enum { AVERAGE_SHIFT = 3 };

static void note_time(struct wisp_client *client, const struct wire_completion *completion)
{
    uint64_t took = (uint64_t)completion->queue_ns + completion->compute_ns;

    client->expected_ns += (took >> AVERAGE_SHIFT) - (client->expected_ns >> AVERAGE_SHIFT);
}

static void complete(struct wisp_client *client, const struct wire_completion *completion)
{
    struct wisp_request *request = request_by_number(&client->requests, completion->user_data);

    if (!request)
        return;
    if (completion->status == WISP_E_SHUTDOWN && client->reconnect_ns && !request->cancelled) {
        request_set(request, REQUEST_QUEUED);
        client->draining = true;
        return;
    }
    if (completion->batch)
        note_time(client, completion);
    request_end(request, completion->status, completion);
}

static void reap_all(struct wisp_client *client)
{
    struct wire_completion completion;

    while (client->up && reap_ring_take(&client->session->reap, &completion))
        complete(client, &completion);
    /* The ring may have room now for what did not fit, and a suspect may be out of the way. */
    requests_resend(client);
}

/* ---- whether the session is still good ---- */

static bool hung_up(int socket)
{
    struct pollfd look = { .fd = socket, .events = POLLRDHUP };

    return poll(&look, 1, 0) > 0 && look.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

bool engine_check(struct wisp_client *client, bool look)
{
    struct session *session = client->session;
    /* Pairs with the daemon's release: completions that it published before are there to be reaped. */
    uint32_t state = __atomic_load_n(&session->theirs->state, __ATOMIC_ACQUIRE);
    bool dead = client->doubted || state == WIRE_STATE_CLOSED;

    insist_debug(client->up);

    if (state == WIRE_STATE_DRAINING)
        client->draining = true;
    if (look && !dead) {
        client->checked_ns = clock_ns();
        dead = hung_up(session->socket);
    }
    if (!dead && !(client->draining && client->reconnect_ns))
        return true;
    reap_all(client);
    if (!dead && client->requests.sent) /* it finishes what it has taken */
        return true;
    client_lose(client);
    return false;
}

/* ---- waiting ---- */

static bool satisfied(const struct wisp_client *client, const struct wisp_request *request)
{
    return request ? !request_under_way(request) : client->up && !client->doubted;
}

/* ---- those without the role ---- */

static int follow(struct wisp_client *client, struct wisp_request *request, uint64_t deadline_ns)
{
    struct waiter waiter = { .request = request };

    insist(client->reaper); /* who wakes this one */
    waiter_add(&client->waiters, &waiter);
    pthread_mutex_unlock(&client->lock);
    waiter_sleep(&waiter, deadline_ns);
    pthread_mutex_lock(&client->lock);
    if (waiter_leave(&client->waiters, &waiter))
        return 0;
    return satisfied(client, request) ? 0 : WISP_E_TIMEOUT;
}

/* ---- the one with the role ---- */

static void role_take(struct wisp_client *client, const struct wisp_request *request)
{
    insist_debug(!client->reaper);
    client->reaper = true;
    client->own = request;
}

/* Hands it to the first who waits, or else to the event loop. */
static void role_give(struct wisp_client *client)
{
    insist_debug(client->reaper);
    client->reaper = false;
    client->own = NULL;
    if (!waiters_wake_first(&client->waiters))
        event_rearm(client);
}

/* Spinning pays while answers take less than a sleep and a wake-up would. */
static uint64_t spin_budget(const struct wisp_client *client)
{
    return client->expected_ns <= client->spin_ns ? client->spin_ns : 0;
}

static bool spin(const struct reap_ring *ring, uint64_t for_ns)
{
    uint64_t end = clock_ns() + for_ns;

    do {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if (reap_ring_ready(ring))
                return true;
            cpu_pause();
        }
    } while (clock_ns() < end);
    return false;
}

static bool is_closed(const struct session *session)
{
    /* Pairs with the daemon's release store of the state. */
    return __atomic_load_n(&session->theirs->state, __ATOMIC_ACQUIRE) == WIRE_STATE_CLOSED;
}

/* Until something happened (a signal, too), or for that long. Without the lock: the role keeps the session where it is.
 */
static void doze(const struct session *session, uint64_t for_ns)
{
    uint32_t seen = wake_client_arm(session->ours, session->theirs, WIRE_WAIT_FUTEX);

    if (!reap_ring_ready(&session->reap) && !is_closed(session))
        (void)wake_client_sleep(session->theirs, seen, for_ns);
    wake_client_disarm(session->ours);
}

/* Sleeps until there may be a session again. */
static void doze_without(struct wisp_client *client, uint64_t until_ns)
{
    struct pollfd wait = { .fd = client->attempt, .events = POLLIN };
    struct timespec limit = clock_timespec(deadline_left(until_ns));

    insist(client->reaper && !client->up);
    pthread_mutex_unlock(&client->lock);
    (void)ppoll(&wait, wait.fd < 0 ? 0 : 1, &limit, NULL);
    pthread_mutex_lock(&client->lock);
}

/* Whether it is time to ask the socket. */
static bool check_is_due(const struct wisp_client *client)
{
    return clock_ns() - client->checked_ns >= CHECK_NS;
}

/* Watches over the current session for a while. */
static void watch(struct wisp_client *client, uint64_t left_ns, uint64_t *slice_ns)
{
    struct session *session = client->session;
    uint64_t budget = *slice_ns ? 0 : MIN(spin_budget(client), left_ns);

    insist_debug(client->reaper && client->up); /* so that the session stays without the lock */

    pthread_mutex_unlock(&client->lock);
    if (!budget || !spin(&session->reap, budget)) {
        *slice_ns = *slice_ns ? MIN(*slice_ns * 2, SLICE_MOST_NS) : SLICE_FIRST_NS;
        doze(session, MIN(*slice_ns, left_ns));
    }
    pthread_mutex_lock(&client->lock);
}

static int lead(struct wisp_client *client, struct wisp_request *request, uint64_t deadline_ns)
{
    uint64_t slice = 0, left, next;
    int result = 0;

    role_take(client, request);
    for (;;) {
        reap_all(client);
        if (client->up) /* before the first sleep nobody asks: an answer in time costs no system call */
            (void)engine_check(client, slice && !satisfied(client, request) && check_is_due(client));
        if (satisfied(client, request))
            break;
        left = deadline_left(deadline_ns);
        if (!left) {
            result = WISP_E_TIMEOUT;
            break;
        }
        if (client->up) {
            watch(client, left, &slice);
            continue;
        }
        next = reconnect_step(client, deadline_ns);
        if (next == FOREVER && !request) {
            result = WISP_E_LOST;
            break;
        }
        if (next && next != FOREVER)
            doze_without(client, MIN(next, deadline_ns));
    }
    role_give(client);
    return result;
}

/* ---- both ---- */

int engine_wait(struct wisp_client *client, struct wisp_request *request, uint64_t deadline_ns)
{
    int result = 0;

    pthread_mutex_lock(&client->lock);
    while (!result && !satisfied(client, request))
        result = client->reaper ? follow(client, request, deadline_ns) : lead(client, request, deadline_ns);
    pthread_mutex_unlock(&client->lock);
    return result;
}

void engine_poke(struct wisp_client *client, const struct wisp_request *request)
{
    if (client->reaper)
        return;
    insist(!client->own);
    client->own = request;
    reap_all(client);
    if (client->up)
        (void)engine_check(client, check_is_due(client));
    client->own = NULL;
    if (client->up)
        return;
    role_take(client, request);
    (void)reconnect_step(client, 0);
    role_give(client);
}
