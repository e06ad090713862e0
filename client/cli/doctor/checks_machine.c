/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon runs on.
 */
#include <inttypes.h>
#include <string.h>

#include "base/size.h"
#include "client/cli/doctor/checks.h"
#include "client/cli/sight/use.h"

void check_processors(const struct examination *examination, struct finding *finding)
{
    const int count = examination->machine.processors;

    if (count == MACHINE_UNKNOWN) {
        find(finding, VERDICT_UNKNOWN, "which processors it may use cannot be seen from here");
    } else if (count > 1) {
        find(finding, VERDICT_GOOD, "it may run on %d processors", count);
    } else {
        find(finding, VERDICT_NOTE, "it may run on one processor: its requests, connections and questions take turns");
        advise(finding, "CPUAffinity= in a drop-in (systemctl edit wispd), or another machine");
    }
}

/* A thirtieth of the time is more than interrupts take. */
void check_processor_shared(const struct examination *examination, struct finding *finding)
{
    const struct machine *now = &examination->machine, *before = &examination->earlier;
    const double waited = (double)(now->shard_wait_ns - before->shard_wait_ns) / 1e9 / MAX(now->shards, 1u);
    char share[32];

    if (!now->shards || now->shards != before->shards || now->shard_wait_ns < before->shard_wait_ns) {
        find(finding, VERDICT_UNKNOWN, "whether it gets its processor cannot be seen from here");
        return;
    }
    format_share(waited, examination->seconds, share);
    if (waited < examination->seconds / 30) {
        find(finding, VERDICT_GOOD, "its thread for requests waited for a processor %s of the time", share);
        return;
    }
    find(finding, VERDICT_BAD, "its thread for requests was ready, and waited for a processor, %s of the time", share);
    advise(finding, "something else runs there (top): keep it away by CPUAffinity=, or give wispd CPUWeight=1000 or "
                    "Nice=-5 in a drop-in");
}

void check_quota(const struct examination *examination, struct finding *finding)
{
    const int percent = examination->machine.quota_percent;

    if (percent == MACHINE_UNKNOWN) {
        find(finding, VERDICT_UNKNOWN, "whether a quota of processor time holds it back cannot be seen from here");
        return;
    }
    if (percent >= 100) {
        find(finding, VERDICT_GOOD, "no quota of processor time holds it back");
        return;
    }
    find(finding, VERDICT_BAD, "it may use %d %% of one processor: it stands still for the rest of each period",
         percent);
    advise(finding, "CPUQuota= of wispd.service, or of the slice that it is in: 100%% or more, or none");
}

void check_governor(const struct examination *examination, struct finding *finding)
{
    const char *governor = examination->machine.governor;

    if (!*governor) {
        find(finding, VERDICT_UNKNOWN, "processors' clocks are not this system's to choose");
    } else if (!strcmp(governor, "performance")) {
        find(finding, VERDICT_GOOD, "processors run at full speed");
    } else {
        find(finding, VERDICT_NOTE,
             "processors slow down when they are idle (governor %s): short requests meet a slow one", governor);
        advise(finding, "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    }
}

void check_swap(const struct examination *examination, struct finding *finding)
{
    const int64_t swapped = examination->machine.swapped_kb;

    if (swapped == MACHINE_UNKNOWN) {
        find(finding, VERDICT_UNKNOWN, "whether it was swapped out cannot be seen from here");
    } else if (!swapped) {
        find(finding, VERDICT_GOOD, "nothing of it is swapped out");
    } else {
        find(finding, VERDICT_BAD, "%" PRId64 " kB of it are swapped out: a request that needs them waits for a disk",
             swapped);
        advise(finding, "MemorySwapMax=0 in a drop-in (systemctl edit wispd), or more memory; free -h");
    }
}

/* Clients' buffers are locked, as far as the limit goes, so that no request waits for a disk. */
void check_memlock(const struct examination *examination, struct finding *finding)
{
    enum { ENOUGH_KB = 64 * 1024 }; /* a client's arena, at most */
    const int64_t may = examination->machine.memlock_kb, swap = examination->machine.swap_kb;

    if (may == MACHINE_UNKNOWN || swap == MACHINE_UNKNOWN) {
        find(finding, VERDICT_UNKNOWN, "how much memory it may lock cannot be seen from here");
    } else if (!swap) {
        find(finding, VERDICT_GOOD, "there is no swap: no memory has to be locked");
    } else if (may >= ENOUGH_KB) {
        find(finding, VERDICT_GOOD, "clients' buffers may be locked in memory");
    } else {
        find(finding, VERDICT_NOTE, "it may lock %" PRId64 " kB: clients' buffers beyond that can be swapped out", may);
        advise(finding, "LimitMEMLOCK= above the sizes of clients' buffers in a drop-in (systemctl edit wispd)");
    }
}

void check_huge_pages(const struct examination *examination, struct finding *finding)
{
    if (examination->machine.huge_pages_unseen) {
        find(finding, VERDICT_UNKNOWN, "whether weights may stand in huge pages cannot be seen from here");
        return;
    }
    if (!examination->machine.huge_pages_never) {
        find(finding, VERDICT_GOOD, "large weights may stand in huge pages");
        return;
    }
    find(finding, VERDICT_NOTE,
         "transparent huge pages are off: walking large weights misses the address cache more often");
    advise(finding, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}
