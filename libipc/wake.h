/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleeping and waking across the process boundary without a lost wake-up and without a syscall while both are awake.
 *
 *   client:  publish submission; FENCE; if (need_wake) write(eventfd)
 *   daemon:  need_wake = 1; FENCE; look at the ring again; then sleep on the eventfd (edge-triggered, never read)
 *
 *   daemon:  publish completion; FENCE; if (cq_wait == FUTEX) { cq_futex++; futex_wake(1) }
 *            else if (cq_wait == SOCKET) send NOTIFY
 *   client:  v = cq_futex; cq_wait = FUTEX; FENCE; look at the ring again; then futex_wait(cq_futex, v)
 *
 * One thread of a client sleeps on the futex, and reaps for all of them: so one is woken. A client that puts more to
 * sleep there leaves them asleep, and costs the daemon no more.
 *
 * Both shapes are store-buffering: the two sequentially consistent fences are totally ordered, so either the sleeper's
 * second look sees the entry or the publisher sees the flag. Drop either fence and a wake-up is lost even on x86;
 * tests/model/wake_model.py explores all interleavings of both protocols.
 */
#ifndef LIBIPC_WAKE_H
#define LIBIPC_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "libipc/wire.h"

/* Client, after publishing submissions: rings the doorbell if it sleeps. 0 or -errno. */
int wake_daemon(const struct wire_daemon_control *daemon, int eventfd);

/* Daemon, before it sleeps on this channel; then look at the intake ring once more. Undone by wake_daemon_disarm(). */
void wake_daemon_arm(struct wire_daemon_control *daemon);
void wake_daemon_disarm(struct wire_daemon_control *daemon);

/* Daemon, after publishing completions: how the client is to be woken (it may be none). For WIRE_WAIT_FUTEX the wake
 * has been done; for WIRE_WAIT_SOCKET the caller sends WIRE_NOTIFY. The value read is hostile; unknown means none. */
enum wire_wait wake_client(const struct wire_client_control *client, struct wire_daemon_control *daemon);

/* Client: announces that it will sleep, and returns the futex value to sleep on; then look at the reap ring once more.
 */
uint32_t wake_client_arm(struct wire_client_control *client, const struct wire_daemon_control *daemon,
                         enum wire_wait how);
void wake_client_disarm(struct wire_client_control *client);

/* Client: sleeps until cq_futex differs from `seen` or `timeout_ns` passed (relative; UINT64_MAX: no limit).
 * 0 woken or changed (spurious included), -ETIMEDOUT, -EINTR. */
int wake_client_sleep(const struct wire_daemon_control *daemon, uint32_t seen, uint64_t timeout_ns);

#endif
