/* SPDX-License-Identifier: Apache-2.0
 *
 * How the daemon runs, as it says itself.
 */
#include <string.h>

#include "client/cli/doctor/checks.h"
#include "client/cli/facts.h"
#include "client/cli/sight/use.h"

static const json_t *daemon_of(const struct examination *examination)
{
    return json_object_get(examination->now, "daemon");
}

void check_answers(const struct examination *examination, struct finding *finding)
{
    char time[32];

    if (examination->ping_refused) {
        find(finding, VERDICT_BAD, "it answers questions, but takes no connection for requests: %s",
             examination->ping_refused);
        advise(finding,
               "wisp clients shows who holds the connections; limits: in wispd.yaml(5) says how many there may be");
        return;
    }
    find(finding, VERDICT_GOOD, "it answers: a round trip without a model takes %s",
         format_time(examination->ping_ns, time));
}

void check_spin(const struct examination *examination, struct finding *finding)
{
    const uint64_t spin_us = member_count(daemon_of(examination), "spin_us");

    if (spin_us) {
        find(finding, VERDICT_GOOD, "it looks for %llu us for the next request before it sleeps",
             (unsigned long long)spin_us);
        return;
    }
    find(finding, VERDICT_NOTE,
         "it sleeps between requests: the first after a pause pays a wake-up of some tens of microseconds");
    advise(finding, "spin: 50us in wispd.yaml(5), if a processor may be spent on that; auto gives 0 where there is "
                    "only one, or less");
}

void check_loop(const struct examination *examination, struct finding *finding)
{
    const char *loop = member_text(daemon_of(examination), "loop");

    if (strcmp(loop, "epoll") != 0) {
        find(finding, VERDICT_GOOD, "its event loop is %s", loop);
        return;
    }
    find(finding, VERDICT_NOTE,
         "its event loop is epoll: waking and sleeping take more system calls than with io_uring");
    if (examination->machine.ring_disabled > 0)
        advise(finding, "io_uring is switched off here: sysctl kernel.io_uring_disabled is %d",
               examination->machine.ring_disabled);
    else
        advise(finding,
               "journalctl -u wispd says why at its start: a seccomp filter, an old kernel, or loop: in wispd.yaml(5)");
}

void check_kernels(const struct examination *examination, struct finding *finding)
{
    const char *kernels = member_text(daemon_of(examination), "kernels");
    const struct machine *machine = &examination->machine;
    const char *best = machine->avx512 ? "avx512" : machine->avx2 ? "avx2" : NULL;

    if (!best || !strcmp(kernels, best)) {
        find(finding, best ? VERDICT_GOOD : VERDICT_UNKNOWN, "it computes with %s", kernels);
        return;
    }
    find(finding, strcmp(kernels, "scalar") ? VERDICT_NOTE : VERDICT_BAD,
         "it computes with %s, and this processor has %s", kernels, best);
    advise(finding, "kernels: auto in wispd.yaml(5), and no WISP_CPU in its environment");
}

void check_versions(const struct examination *examination, struct finding *finding)
{
    const char *server = member_text(daemon_of(examination), "server"), *blank = strchr(server, ' ');

    if (blank && !strcmp(blank + 1, examination->library)) {
        find(finding, VERDICT_GOOD, "libwisp and the daemon are of one version, %s", examination->library);
        return;
    }
    find(finding, VERDICT_NOTE, "libwisp here is %s, and the daemon is %s: what only one of them knows is not used",
         examination->library, server);
    advise(
        finding,
        "restart what is older: systemctl restart wispd, or the program that loaded libwisp before it was exchanged");
}

void check_connections(const struct examination *examination, struct finding *finding)
{
    const json_t *daemon = daemon_of(examination);
    const uint64_t refused = member_count(daemon, "turned_away"), given_up = member_count(daemon, "given_up");

    if (!refused && !given_up) {
        find(finding, VERDICT_GOOD, "no connection was refused");
        return;
    }
    find(finding, VERDICT_NOTE, "%llu connections were refused since the start, and %llu idle ones closed for others",
         (unsigned long long)refused, (unsigned long long)given_up);
    advise(finding, "journalctl -u wispd says who and why; limits: in wispd.yaml(5)");
}
