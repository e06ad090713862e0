/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp doctor: each suspicion finds what it is for, and nothing else; and of a real daemon what is so.
 */
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "client/cli/doctor/examine.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "system/alpha.h"

static struct outcome said;
static char socket_name[160];

/* ---- what the kernel says ---- */

static void write_below(const char *root, const char *path, const char *text)
{
    char full[512];
    FILE *file;

    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        (void)mkdir(full, 0755);
    }
    file = fopen(full, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_machine_is_read(void **state)
{
    const char *root = scratch_make();
    struct machine machine;

    (void)state;
    write_below(root, "proc/42/status", "Name:\twispd\nVmSwap:\t     12 kB\nCpus_allowed_list:\t0-2,5,7-8\n");
    write_below(root, "proc/42/cgroup", "1:cpu:/old\n0::/system.slice/wispd.service\n");
    write_below(root, "sys/fs/cgroup/system.slice/wispd.service/cpu.max", "50000 100000\n");
    write_below(root, "proc/42/task/42/comm", "wispd\n");
    write_below(root, "proc/42/task/43/comm", "wispd-shard\n");
    write_below(root, "proc/42/task/43/schedstat", "1000 250 7\n");
    write_below(root, "proc/42/task/44/comm", "wispd-shard\n");
    write_below(root, "proc/42/task/44/schedstat", "100 25 7\n");
    write_below(root, "proc/42/limits",
                "Limit  Soft Limit  Hard Limit  Units\n"
                "Max locked memory         8388608              8388608              bytes\n");
    write_below(root, "proc/meminfo", "MemTotal:  100 kB\nSwapTotal:     1000 kB\n");
    write_below(root, "proc/cpuinfo", "processor : 0\nflags\t\t: fpu avx avx2 sse\n");
    write_below(root, "proc/sys/kernel/io_uring_disabled", "2\n");
    write_below(root, "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    write_below(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    machine_read(root, 42, &machine);
    assert_int_equal(machine.processors, 6);
    assert_int_equal(machine.quota_percent, 50);
    assert_int_equal(machine.swapped_kb, 12);
    assert_int_equal(machine.swap_kb, 1000);
    assert_int_equal(machine.memlock_kb, 8192);
    assert_int_equal(machine.ring_disabled, 2);
    assert_true(machine.avx2 && !machine.avx512);
    assert_true(machine.huge_pages_never);
    assert_string_equal(machine.governor, "powersave");
    assert_int_equal(machine.shards, 2);
    assert_int_equal(machine.shard_run_ns, 1100);
    assert_int_equal(machine.shard_wait_ns, 275);
    machine_read(root, 43, &machine); /* there is no such process */
    assert_int_equal(machine.processors, MACHINE_UNKNOWN);
    assert_int_equal(machine.shards, 0);
    write_below(root, "sys/fs/cgroup/system.slice/wispd.service/cpu.max", "max 100000\n");
    write_below(root, "proc/42/limits", "Max locked memory         unlimited            unlimited            bytes\n");
    machine_read(root, 42, &machine);
    assert_int_equal(machine.quota_percent, MACHINE_UNLIMITED);
    assert_true(machine.memlock_kb == INT64_MAX);
    write_below(root, "proc/42/cgroup", "1:cpu:/old\n"); /* a limit that is not looked for there */
    machine_read(root, 42, &machine);
    assert_int_equal(machine.quota_percent, MACHINE_UNKNOWN);
    scratch_remove(root);
}

/* ---- suspicions ---- */

static const char quiet[] =
    "{\"daemon\":{\"server\":\"wispd 1.2.3\",\"loop\":\"io_uring\",\"kernels\":\"avx512\",\"spin_us\":20,"
    "\"turned_away\":0,\"given_up\":0},\"models\":[{\"name\":\"m\"}],\"users\":[{\"uid\":4000000000}]}";

static const struct machine healthy = { .processors = 4,
                                        .quota_percent = MACHINE_UNLIMITED,
                                        .memlock_kb = INT64_MAX,
                                        .ring_disabled = 0,
                                        .avx2 = true,
                                        .avx512 = true,
                                        .governor = "performance",
                                        .shard_run_ns = 100,
                                        .shards = 1 };

static struct finding look(const char *name, const struct examination *examination)
{
    struct finding finding = { .verdict = VERDICT_GOOD };

    for (unsigned i = 0; i < check_count; i++) {
        if (!strcmp(checks[i].name, name)) {
            checks[i].look(examination, &finding);
            return finding;
        }
    }
    fail_msg("there is no check %s", name);
    return finding;
}

static struct examination examination_of(const char *before, const char *now)
{
    return (struct examination){ .before = json_loads(before, 0, NULL),
                                 .now = json_loads(now, 0, NULL),
                                 .seconds = 1,
                                 .machine = healthy,
                                 .earlier = healthy,
                                 .ping_ns = 1000,
                                 .library = "1.2.3" };
}

static void examination_end(struct examination *examination)
{
    json_decref((json_t *)examination->before);
    json_decref((json_t *)examination->now);
}

/* All of a healthy daemon's is good, and nothing is to be done. */
static void the_healthy_are_left_alone(void **state)
{
    struct examination examination = examination_of(quiet, quiet);

    (void)state;
    for (unsigned i = 0; i < check_count; i++) {
        struct finding finding = look(checks[i].name, &examination);

        if (finding.verdict != VERDICT_GOOD)
            fail_msg("%s: %s", checks[i].name, finding.text);
        assert_string_equal(finding.advice, "");
        assert_true(*finding.text);
    }
    examination_end(&examination);
}

static void machines_are_looked_at(void **state)
{
    struct examination examination = examination_of(quiet, quiet);
    struct machine *machine = &examination.machine;
    const struct {
        const char *check;
        struct machine machine;
        enum verdict verdict;
    } rows[] = {
        { "processors", { .processors = 1 }, VERDICT_NOTE },
        { "processors", { .processors = MACHINE_UNKNOWN }, VERDICT_UNKNOWN },
        { "quota", { .quota_percent = 50 }, VERDICT_BAD },
        { "quota", { .quota_percent = 100 }, VERDICT_GOOD },
        { "quota", { .quota_percent = MACHINE_UNKNOWN }, VERDICT_UNKNOWN },
        { "memlock", { .memlock_kb = 8192, .swap_kb = 1000 }, VERDICT_NOTE },
        { "memlock", { .memlock_kb = 8192 }, VERDICT_GOOD },
        { "memlock", { .memlock_kb = 65536, .swap_kb = 1000 }, VERDICT_GOOD },
        { "memlock", { .memlock_kb = MACHINE_UNKNOWN, .swap_kb = 1000 }, VERDICT_UNKNOWN },
        { "swap", { .swapped_kb = 4 }, VERDICT_BAD },
        { "huge-pages", { .huge_pages_never = true }, VERDICT_NOTE },
        { "huge-pages", { .huge_pages_unseen = true }, VERDICT_UNKNOWN },
        { "governor", { .governor = "powersave" }, VERDICT_NOTE },
        { "governor", { .governor = "" }, VERDICT_UNKNOWN },
        { "processor-shared", { .shards = 1, .shard_wait_ns = 50000000 }, VERDICT_BAD },
        { "processor-shared", { .shards = 1, .shard_wait_ns = 1000000 }, VERDICT_GOOD },
        { "processor-shared", { .shards = 0 }, VERDICT_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct finding finding;

        *machine = rows[i].machine;
        finding = look(rows[i].check, &examination);
        if (finding.verdict != rows[i].verdict)
            fail_msg("row %zu, %s: %d, %s", i, rows[i].check, (int)finding.verdict, finding.text);
        assert_int_equal(*finding.advice != 0, finding.verdict >= VERDICT_NOTE);
    }
    examination_end(&examination);
}

#define DAEMON(member) "{\"daemon\":{" member "},\"models\":[],\"users\":[]}"
#define USED(ns)                                                                                                       \
    "{\"daemon\":{},\"models\":[{\"name\":\"m\",\"used_ns\":" #ns "}],\"users\":[{\"uid\":1,\"used_ns\":" #ns "}]}"
#define WAITS(ns)                                                                                                      \
    "{\"models\":[{\"name\":\"m\",\"requests\":9,\"waited\":{\"buckets\":[[" #ns ",9]]},\"computed\":{\"buckets\":"    \
    "[[1000,9]]}}]}"
#define FAILS(late) "{\"users\":[{\"uid\":1,\"requests\":1000,\"late\":" #late "}]}"

static void daemons_are_looked_at(void **state)
{
    static const struct {
        const char *check, *now;
        enum verdict verdict;
        const char *text;
    } rows[] = {
        { "spin", DAEMON("\"spin_us\":0"), VERDICT_NOTE, "sleeps" },
        { "loop", DAEMON("\"loop\":\"epoll\""), VERDICT_NOTE, "epoll" },
        { "kernels", DAEMON("\"kernels\":\"avx2\""), VERDICT_NOTE, "this processor has avx512" },
        { "kernels", DAEMON("\"kernels\":\"scalar\""), VERDICT_BAD, "scalar" },
        { "versions", DAEMON("\"server\":\"wispd 1.2.2\""), VERDICT_NOTE, "1.2.2" },
        { "connections", DAEMON("\"turned_away\":3"), VERDICT_NOTE, "3 connections" },
        { "time-left", USED(950000000), VERDICT_BAD, "model m (100.0 %)" },
        { "time-left", USED(850000000), VERDICT_GOOD, "85.0 %" },
        { "batches", WAITS(5000), VERDICT_NOTE, "requests of m wait" },
        { "batches", WAITS(500), VERDICT_GOOD, "" },
        { "failures", FAILS(20), VERDICT_NOTE, "20 requests a second fail" },
        { "failures", FAILS(5), VERDICT_GOOD, "" },
        { "failures", FAILS(0), VERDICT_GOOD, "" },
        { "failures", "{\"users\":[],\"users_all\":false}", VERDICT_UNKNOWN, "run it as root" },
        { "failures", "{\"users\":[],\"users_all\":true}", VERDICT_GOOD, "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct examination examination = examination_of("{}", rows[i].now);
        struct finding finding = look(rows[i].check, &examination);

        if (finding.verdict != rows[i].verdict || !strstr(finding.text, rows[i].text))
            fail_msg("row %zu, %s: %d, %s", i, rows[i].check, (int)finding.verdict, finding.text);
        assert_int_equal(*finding.advice != 0, finding.verdict >= VERDICT_NOTE);
        examination_end(&examination);
    }
}

/* An older daemon says less, and a false one what it likes. */
static void answers_that_lack_everything(void **state)
{
    static const char *const answers[] = { "{}", "[]", "{\"daemon\":7,\"models\":{},\"users\":\"x\"}",
                                           "{\"models\":[7,null,{}],\"users\":[[]]}" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct examination examination = examination_of(answers[i], answers[i]);

        for (unsigned k = 0; k < check_count; k++)
            (void)look(checks[k].name, &examination);
        examination_end(&examination);
    }
}

/* ---- a real daemon ---- */

static void start(const char *kernels, const char *yaml)
{
    const char *models[] = { bed.alpha };

    daemon_start(&bed.daemon,
                 &(struct daemon_setup){
                     .models = models, .model_count = 1, .loop = loop_now, .kernels = kernels, .yaml = yaml });
    snprintf(socket_name, sizeof socket_name, "WISP_SOCKET=%s", bed.daemon.socket);
}

static int teardown(void **state)
{
    (void)state;
    return daemon_stop(&bed.daemon);
}

/* The verdict on one suspicion, of all that were printed; and the exit status says whether anything is bad. */
static const char *verdict_on(const json_t *list, const char *check)
{
    const char *verdict = NULL;
    bool bad = false;

    assert_int_equal(json_array_size(list), check_count);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (!strcmp(json_string_value(json_object_get(one, "check")), check))
            verdict = json_string_value(json_object_get(one, "verdict"));
        bad |= !strcmp(json_string_value(json_object_get(one, "verdict")), "bad");
    }
    assert_int_equal(said.status, bad);
    assert_non_null(verdict);
    return verdict;
}

static json_t *examine(void)
{
    const struct command command = { .words = { "wisp", "doctor", "--json", "--interval=0.2" },
                                     .environment = { socket_name } };
    json_t *list;

    command_run(&command, &said);
    assert_string_equal(said.err, "");
    list = json_loads(said.out, 0, NULL);
    assert_non_null(list);
    return list;
}

static void a_daemon_that_is_well(void **state)
{
    const struct command command = { .words = { "wisp", "doctor", "--all", "-d", "0.1" },
                                     .environment = { socket_name } };
    json_t *list;

    (void)state;
    start(NULL, "spin: 50us\n");
    list = examine();
    assert_string_equal(verdict_on(list, "answers"), "good");
    assert_string_equal(verdict_on(list, "spin"), "good");
    assert_string_equal(verdict_on(list, "versions"), "good");
    assert_string_equal(verdict_on(list, "loop"), strcmp(loop_now, "epoll") ? "good" : "note");
    json_decref(list);
    command_run(&command, &said);
    for (unsigned i = 0; i < check_count; i++)
        assert_non_null(strstr(said.out, checks[i].name));
}

static void a_daemon_that_is_held_back(void **state)
{
    json_t *list;

    (void)state;
    start("scalar", "spin: 0\n");
    list = examine();
    assert_string_equal(verdict_on(list, "spin"), "note");
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        assert_string_equal(verdict_on(list, "kernels"), "bad");
#endif
    json_decref(list);
}

/* Who asks gets in where there is no room for who works. */
static void a_daemon_that_is_full(void **state)
{
    json_t *list;

    (void)state;
    start(NULL, "limits:\n  channels: 1\n");
    alpha_open(&bed.client, bed.daemon.socket);
    list = examine();
    assert_string_equal(verdict_on(list, "answers"), "bad");
    json_decref(list);
    list = examine(); /* who was refused has been counted */
    assert_string_equal(verdict_on(list, "connections"), "note");
    json_decref(list);
    raw_close(&bed.client);
}

int main(void)
{
    const struct CMUnitTest checks_alone[] = {
        cmocka_unit_test(the_machine_is_read),          cmocka_unit_test(the_healthy_are_left_alone),
        cmocka_unit_test(machines_are_looked_at),       cmocka_unit_test(daemons_are_looked_at),
        cmocka_unit_test(answers_that_lack_everything),
    };
    const struct CMUnitTest daemons[] = {
        cmocka_unit_test_teardown(a_daemon_that_is_well, teardown),
        cmocka_unit_test_teardown(a_daemon_that_is_held_back, teardown),
        cmocka_unit_test_teardown(a_daemon_that_is_full, teardown),
    };

    return cmocka_run_group_tests(checks_alone, NULL, NULL) + run_over_both_loops(daemons, bed_make, bed_remove);
}
