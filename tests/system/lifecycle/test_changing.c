/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's file that somebody changes while the daemon loads it, and while it serves: cut short, written over,
 * damaged, replaced, gone. Each answer is that of one of the two models that the file ever was, or there is none and a
 * status says so; the daemon stays the process that it was. WISP_CHANGED_MODELS says how often.
 */
#include "support/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/repetition.h"
#include "support/resources.h"
#include "system/alpha.h"

enum {
    VERSIONS = 2,
    INPUTS = 700,
    OUTPUTS = 10,
    LEFT_KIB = 1024 /* at most more than before reloads: what one uses first */
};

static struct version {
    char path[256];
    unsigned char *bytes;
    size_t size;
    float answer[OUTPUTS];
} versions[VERSIONS];

static char changing[256]; /* the file that is served */
static float input[INPUTS];

/* ---- set-up ---- */

static void version_make(struct version *version, uint64_t seed)
{
    const struct model_recipe recipe = { .name = "changing",
                                         .processing = "image.classification",
                                         .sizes = { INPUTS, 900, OUTPUTS },
                                         .density = 0.3,
                                         .seed = seed,
                                         .golden = GOLDEN_RIGHT };
    struct reference *reference;
    FILE *file;

    snprintf(version->path, sizeof version->path, "%s/version%d.safetensors", bed.folder, (int)seed);
    model_make(version->path, &recipe);
    reference = reference_new(version->path);
    reference_run(reference, input, 1, version->answer);
    reference_free(reference);
    file = fopen(version->path, "re");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    version->size = (size_t)ftell(file);
    rewind(file);
    version->bytes = malloc(version->size);
    assert_non_null(version->bytes);
    assert_int_equal(fread(version->bytes, 1, version->size, file), version->size);
    fclose(file);
}

/* Another file by the same name. */
static void replace(const struct version *version)
{
    char beside[300];

    snprintf(beside, sizeof beside, "%s.new", changing);
    unlink(beside);
    assert_int_equal(link(version->path, beside), 0);
    assert_int_equal(rename(beside, changing), 0);
}

static int setup(void **state)
{
    bed_make(state);
    floats_make(input, INPUTS, 3, 3);
    snprintf(changing, sizeof changing, "%s", scratch_path(bed.folder, "changing.safetensors"));
    for (unsigned i = 0; i < VERSIONS; i++)
        version_make(&versions[i], i + 1);
    assert_memory_not_equal(versions[0].answer, versions[1].answer, sizeof versions[0].answer);
    return 0;
}

static int teardown(void **state)
{
    for (unsigned i = 0; i < VERSIONS; i++)
        free(versions[i].bytes);
    return bed_remove(state);
}

/* ---- changes ---- */

static void write_at(int fd, const void *bytes, size_t size, size_t at)
{
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
}

/* A file of its own again, not a link to what a version is made of. */
static int open_own(const struct version *version)
{
    int fd;

    unlink(changing);
    fd = open(changing, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    write_at(fd, version->bytes, version->size, 0);
    return fd;
}

/* In its place, in pieces: a reader meets some of both. */
static void write_over(int fd, const struct version *version)
{
    const size_t piece = version->size / 16 + 1;

    for (size_t at = 0; at < version->size; at += piece)
        write_at(fd, version->bytes + at, MIN(piece, version->size - at), at);
}

static void change(int fd, struct rng *rng)
{
    const struct version *other = &versions[rng_below(rng, VERSIONS)];
    unsigned char noise[64];

    switch (rng_below(rng, 5)) {
    case 0:
        assert_int_equal(ftruncate(fd, (off_t)rng_below(rng, other->size)), 0);
        break;
    case 1:
        write_over(fd, other);
        break;
    case 2:
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (unsigned char)rng_u32(rng);
        write_at(fd, noise, sizeof noise, rng_below(rng, other->size - sizeof noise));
        break;
    case 3:
        replace(other);
        break;
    default:
        unlink(changing);
    }
}

/* ---- asking ---- */

/* Whether there was an answer, which is right by one of the two. */
static bool ask(uint32_t *route)
{
    struct wire_submission request;
    struct wire_completion completion;
    int status;

    request = raw_infer(*route, 1, 0, sizeof input, 0, sizeof versions[0].answer);
    status = raw_run(&bed.client, &request, &completion);
    if (status == WISP_E_CHANGED || status == WISP_E_NO_MODEL) {
        *route = raw_route(&bed.client, "changing");
        return false;
    }
    assert_int_equal(status, 0);
    assert_true(!memcmp(bed.client.output, versions[0].answer, sizeof versions[0].answer) ||
                !memcmp(bed.client.output, versions[1].answer, sizeof versions[1].answer));
    return true;
}

static bool serves(const struct version *version, uint32_t *route)
{
    return ask(route) && !memcmp(bed.client.output, version->answer, sizeof version->answer);
}

/* ---- reloading ---- */

struct operator
{
    pthread_t thread;
    bool done; /* release, once status is there; pairs with the loop that waits */
    int status;
    uint64_t took_ns;
};

static void *reload(void *argument)
{
    static struct raw_client client;
    struct operator* operator= argument;
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    const uint64_t begin = clock_ns();
    char *text;

    hello.features_needed = WIRE_FEATURE_ASKING | WIRE_FEATURE_RELOAD;
    assert_int_equal(raw_greet(&client, bed.daemon.socket, &hello), 0);
    operator->status = raw_ask(&client, WIRE_RELOAD, NULL, &text, NULL);
    raw_close(&client);
    free(text);
    operator->took_ns = clock_ns() - begin;
    __atomic_store_n(&operator->done, true, __ATOMIC_RELEASE);
    return NULL;
}

/* One reload, and one change at a random time of it; `usual_ns` is how long one takes, and is learned. Answers are
 * asked for all the while. Whether it was good. */
static bool change_meanwhile(uint64_t number, struct rng *rng, uint32_t *route, uint64_t *usual_ns, uint64_t *answers)
{
    struct operator operator= { .done = false };
    /* It is read in the first of that, and timed, and tested, in the rest. */
    const uint64_t when = clock_ns() + rng_below(rng, rng_below(rng, 4) ? *usual_ns / 16 + 1 : *usual_ns);
    int fd = open_own(&versions[number % VERSIONS]);
    bool changed = false;

    assert_int_equal(pthread_create(&operator.thread, NULL, reload, &operator), 0);
    while (!__atomic_load_n(&operator.done, __ATOMIC_ACQUIRE)) {
        if (!changed && clock_ns() >= when) {
            change(fd, rng);
            changed = true;
        }
        *answers += ask(route);
        usleep(200);
    }
    assert_int_equal(pthread_join(operator.thread, NULL), 0);
    if (!changed)
        change(fd, rng);
    close(fd);
    *usual_ns = (*usual_ns * 7 + operator.took_ns) / 8;
    return !operator.status;
}

static void goes_over_to(const struct version *version, uint32_t *route)
{
    bool served = false;

    replace(version);
    for (int waited = 0; waited < PATIENCE_MS && !served; waited += 20) {
        daemon_signal(&bed.daemon, SIGHUP);
        poll(NULL, 0, 20);
        served = serves(version, route);
    }
    assert_true(served);
}

static void changed_while_it_is_loaded_it_is_right_or_refused(void **state)
{
    struct repetition changes = repetition_begin("WISP_CHANGED_MODELS", 20);
    struct rng rng = rng_make(23, 23 + changes.done);
    const char *models[] = { changing };
    uint64_t answers = 0, usual_ns = 10 * NS_PER_MS;
    unsigned good = 0, all = 0;
    uint32_t route;
    pid_t pid;

    (void)state;
    replace(&versions[0]);
    daemon_start(&bed.daemon, &(struct daemon_setup){ .models = models, .model_count = 1, .loop = loop_now });
    pid = bed.daemon.pid;
    alpha_open(&bed.client, bed.daemon.socket);
    memcpy(bed.client.input, input, sizeof input);
    route = raw_route(&bed.client, "changing");
    for (; repetition_goes_on(&changes); repetition_note(&changes, 1), all++)
        good += change_meanwhile(changes.done, &rng, &route, &usual_ns, &answers);
    print_message("%u changes while it was loaded, in about %.1f ms: %u times it was taken, %u refused; %" PRIu64
                  " answers, each right\n",
                  all, (double)usual_ns / NS_PER_MS, good, all - good, answers);
    for (unsigned i = 0; i < VERSIONS; i++) /* and what is there in the end is served */
        goes_over_to(&versions[i], &route);
    assert_int_equal(bed.daemon.pid, pid);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* of which memory is another matter */
/* What a set took does not stay in a heap. */
static void what_has_gone_is_given_back(void **state)
{
    const char *models[] = { changing };
    uint64_t before, most, now = 0;
    uint32_t route;

    (void)state;
    replace(&versions[0]);
    daemon_start(&bed.daemon, &(struct daemon_setup){
                                  .models = models, .model_count = 1, .yaml = "tune: false\n", .loop = loop_now });
    alpha_open(&bed.client, bed.daemon.socket);
    memcpy(bed.client.input, input, sizeof input);
    route = raw_route(&bed.client, "changing");
    before = resources_kib(bed.daemon.pid, "RssAnon");
    most = before + LEFT_KIB;
    for (unsigned i = 1; i < 5; i++)
        goes_over_to(&versions[i % VERSIONS], &route);
    for (int waited = 0; waited < PATIENCE_MS && (!now || now > most); waited += 20) {
        poll(NULL, 0, 20);
        now = resources_kib(bed.daemon.pid, "RssAnon");
    }
    print_message("%" PRIu64 " KiB before, %" PRIu64 " after\n", before, now);
    assert_true(now <= most);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_while_it_is_loaded_it_is_right_or_refused),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(what_has_gone_is_given_back),
#endif
    };

    return run_over_both_loops(tests, setup, teardown);
}
