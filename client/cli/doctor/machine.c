/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/doctor/machine.h"

enum { PATH_LENGTH = 512 };

static FILE *open_below(const char *root, const char *format, ...) __attribute__((format(printf, 2, 3)));

static FILE *open_below(const char *root, const char *format, ...)
{
    char path[PATH_LENGTH];
    int used = snprintf(path, sizeof path, "%s", root);
    va_list arguments;

    insist(used >= 0 && used < PATH_LENGTH, "%d", used);
    va_start(arguments, format);
    vsnprintf(path + used, sizeof path - (size_t)used, format, arguments);
    va_end(arguments);
    return fopen(path, "re");
}

/* The first line of a file, without its end; false: it cannot be read. */
static bool first_line(FILE *file, char *line, int capacity)
{
    const bool got = file && fgets(line, capacity, file);

    insist(capacity > 0);
    if (file)
        fclose(file);
    if (got)
        line[strcspn(line, "\n")] = '\0';
    return got;
}

/* How many processors "0-3,8" are. */
static int count_list(const char *list)
{
    int count = 0;

    while (*list) {
        char *end;
        const long first = strtol(list, &end, 10), last = *end == '-' ? strtol(end + 1, &end, 10) : first;

        if (end == list || last < first)
            break;
        count += (int)(last - first) + 1;
        list = end + (*end == ',');
    }
    return count;
}

static void read_status(const char *root, pid_t daemon, struct machine *machine)
{
    cleanup_fclose FILE *file = open_below(root, "/proc/%d/status", (int)daemon);
    char line[1024];

    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "Cpus_allowed_list:", 18))
            machine->processors = count_list(line + 18 + strspn(line + 18, " \t"));
        else if (!strncmp(line, "VmSwap:", 7))
            machine->swapped_kb = strtoll(line + 7, NULL, 10);
    }
}

static void read_quota(const char *root, pid_t daemon, struct machine *machine)
{
    cleanup_fclose FILE *file = open_below(root, "/proc/%d/cgroup", (int)daemon);
    char line[PATH_LENGTH], limit[64];

    while (file && fgets(line, sizeof line, file)) {
        unsigned long long quota, period;

        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) != 0 ||
            !first_line(open_below(root, "/sys/fs/cgroup%s/cpu.max", line + 3), limit, sizeof limit))
            continue;
        if (!strncmp(limit, "max", 3))
            machine->quota_percent = MACHINE_UNLIMITED;
        else if (sscanf(limit, "%llu %llu", &quota, &period) == 2 && period) /* NOLINT(cert-err34-c): the kernel's */
            machine->quota_percent = (int)MIN(quota * 100 / period, (unsigned long long)MACHINE_UNLIMITED);
    }
}

static void read_locking(const char *root, pid_t daemon, struct machine *machine)
{
    static const char key[] = "Max locked memory", total[] = "SwapTotal:";
    cleanup_fclose FILE *limits = open_below(root, "/proc/%d/limits", (int)daemon);
    cleanup_fclose FILE *memory = open_below(root, "/proc/meminfo");
    char line[256];

    while (limits && fgets(line, sizeof line, limits)) {
        const char *value = line + sizeof key - 1 + strspn(line + sizeof key - 1, " ");

        if (!strncmp(line, key, sizeof key - 1))
            machine->memlock_kb = strncmp(value, "unlimited", 9) ? strtoll(value, NULL, 10) / 1024 : INT64_MAX;
    }
    while (memory && fgets(line, sizeof line, memory)) {
        if (!strncmp(line, total, sizeof total - 1))
            machine->swap_kb = strtoll(line + sizeof total - 1, NULL, 10);
    }
}

static void read_processor(const char *root, struct machine *machine)
{
    cleanup_fclose FILE *file = open_below(root, "/proc/cpuinfo");
    char line[4096];

    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "flags", 5) != 0)
            continue;
        machine->avx2 = strstr(line, " avx2");
        machine->avx512 = strstr(line, " avx512f");
        return;
    }
}

static void read_settings(const char *root, struct machine *machine)
{
    char line[128];

    if (first_line(open_below(root, "/proc/sys/kernel/io_uring_disabled"), line, sizeof line))
        machine->ring_disabled = (int)strtol(line, NULL, 10);
    if (first_line(open_below(root, "/sys/kernel/mm/transparent_hugepage/enabled"), line, sizeof line))
        machine->huge_pages_never = strstr(line, "[never]");
    else
        machine->huge_pages_unseen = true;
    if (first_line(open_below(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), line, sizeof line))
        snprintf(machine->governor, sizeof machine->governor, "%.31s", line);
}

/* Whether this thread of the daemon is one that computes, a shard's own or one that helps it. */
static bool is_shard(const char *root, pid_t daemon, const char *thread)
{
    char name[64];

    return first_line(open_below(root, "/proc/%d/task/%.16s/comm", (int)daemon, thread), name, sizeof name) &&
           !strncmp(name, "wispd-shard", 11);
}

/* One thread more; false: it cannot be seen. */
static bool add_shard(const char *root, pid_t daemon, const char *thread, struct machine *machine)
{
    uint64_t run, wait;
    char line[128];

    if (!first_line(open_below(root, "/proc/%d/task/%.16s/schedstat", (int)daemon, thread), line, sizeof line) ||
        sscanf(line, "%" SCNu64 " %" SCNu64, &run, &wait) != 2) /* NOLINT(cert-err34-c): the kernel's */
        return false;
    machine->shard_run_ns += run;
    machine->shard_wait_ns += wait;
    return true;
}

static void read_shards(const char *root, pid_t daemon, struct machine *machine)
{
    char path[PATH_LENGTH];
    struct dirent *entry;
    DIR *folder;

    snprintf(path, sizeof path, "%s/proc/%d/task", root, (int)daemon);
    folder = opendir(path);
    while (folder && (entry = readdir(folder))) {
        if (*entry->d_name != '.' && is_shard(root, daemon, entry->d_name))
            machine->shards += add_shard(root, daemon, entry->d_name, machine);
    }
    if (folder)
        closedir(folder);
}

void machine_read(const char *root, pid_t daemon, struct machine *machine)
{
    *machine = (struct machine){ .processors = MACHINE_UNKNOWN,
                                 .quota_percent = MACHINE_UNKNOWN,
                                 .swapped_kb = MACHINE_UNKNOWN,
                                 .swap_kb = MACHINE_UNKNOWN,
                                 .memlock_kb = MACHINE_UNKNOWN,
                                 .ring_disabled = MACHINE_UNKNOWN };
    read_status(root, daemon, machine);
    read_quota(root, daemon, machine);
    read_locking(root, daemon, machine);
    read_processor(root, machine);
    read_settings(root, machine);
    read_shards(root, daemon, machine);
}
