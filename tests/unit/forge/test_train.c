/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp train and wisp eval as processes, on a small data set on disk: the whole way, the same bits for any number of
 * threads and any kernels, Ctrl-C, and a full disk.
 */
#include <jansson.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/size.h"
#include "process.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

#define BUILD "build --layers 64-48-4 --sparsity 0.8 --seed 3 --processing image.classification -o m.safetensors"

static const char *prepare(unsigned train, unsigned test)
{
    const char *folder = scratch_make();
    static struct ran ran;

    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), train, test);
    forge_run(&ran, folder, BUILD);
    if (ran.status)
        fail_msg("%s", ran.err);
    return folder;
}

/* The last line's object of that event. */
static json_t *find_event(const char *lines, const char *event)
{
    json_t *found = NULL;

    for (const char *line = lines; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);

        assert_non_null(object);
        if (!strcmp(json_string_value(json_object_get(object, "event")), event)) {
            json_decref(found);
            found = object;
        } else {
            json_decref(object);
        }
    }
    return found;
}

static double real_of(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

static void test_train_and_eval(void **state)
{
    const char *folder = prepare(600, 200);
    json_t *epoch, *done, *result, *confusion;
    json_int_t sum = 0, right = 0;
    struct model *model;
    struct reason why;
    static struct ran ran;

    (void)state;
    forge_run_well(&ran, folder, "train m.safetensors --data d --epochs 6 --batch 32 -o t.safetensors");
    epoch = find_event(ran.out, "epoch");
    done = find_event(ran.out, "done");
    assert_non_null(epoch);
    assert_non_null(done);
    assert_int_equal(real_of(epoch, "epoch"), 6);
    assert_true(real_of(epoch, "samples_per_s") > 0 && real_of(epoch, "seconds") > 0);
    assert_true(real_of(done, "validation_accuracy") > 0.9);
    assert_true(json_is_false(json_object_get(done, "interrupted")));
    json_decref(epoch);
    json_decref(done);

    assert_ok(model_read(scratch_path(folder, "t.safetensors"), &model, &why), why);
    assert_int_equal(model->label_count, 4);
    assert_non_null(strstr(model->media, "\"mean\""));
    assert_non_null(strstr(model->lineage, "\"best_epoch\""));
    assert_non_null(strstr(model->lineage, "\"hash\""));
    model_free(model);

    forge_run_well(&ran, folder, "eval t.safetensors --data d --json");
    result = json_loads(ran.out, 0, NULL);
    assert_non_null(result);
    assert_true(real_of(result, "accuracy") > 0.9);
    assert_int_equal(real_of(result, "samples"), 200);
    confusion = json_object_get(result, "confusion");
    assert_int_equal(json_array_size(confusion), 4);
    for (size_t row = 0; row < 4; row++) {
        json_int_t of_class = 0;
        json_t *classes = json_object_get(result, "classes");

        for (size_t c = 0; c < 4; c++)
            of_class += json_integer_value(json_array_get(json_array_get(confusion, row), c));
        assert_int_equal(of_class, real_of(json_array_get(classes, row), "samples"));
        right += json_integer_value(json_array_get(json_array_get(confusion, row), row));
        sum += of_class;
    }
    assert_int_equal(sum, 200);
    assert_int_equal(right, real_of(result, "correct"));
    json_decref(result);
    forge_run_well(&ran, folder, "eval t.safetensors --data d --split train");
    assert_non_null(strstr(ran.out, "accuracy"));
    scratch_remove(folder);
}

static void test_same_file_for_any_threads_and_kernels(void **state)
{
    static const struct {
        const char *threads, *cpu;
    } ways[] = { { "1", "auto" }, { "2", "auto" }, { "3", "auto" }, { "1", "scalar" } };
    const char *folder = prepare(300, 10);
    char *expected = NULL;
    size_t expected_size = 0;
    static struct ran ran;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        char command[256], *file;
        size_t size;

        snprintf(command, sizeof command,
                 "train m.safetensors --data d --epochs 3 --batch 50 --augment shift=1 --seed 11 --threads %s "
                 "-o t.safetensors",
                 ways[i].threads);
        setenv("WISP_CPU", ways[i].cpu, 1);
        forge_run_well(&ran, folder, command);
        unsetenv("WISP_CPU");
        file = slurp(scratch_path(folder, "t.safetensors"), &size);
        if (!expected) {
            expected = file;
            expected_size = size;
            continue;
        }
        assert_int_equal(size, expected_size);
        assert_memory_equal(file, expected, size);
        free(file);
    }
    free(expected);
    scratch_remove(folder);
}

static void test_candidates_keep_the_best(void **state)
{
    const char *folder = prepare(300, 10);
    struct model *model;
    struct reason why;
    json_t *lineage, *candidates;
    double best = 0, mean = 0, squares = 0;
    json_t *done;
    static struct ran ran;

    (void)state;
    forge_run_well(&ran, folder,
                   "train m.safetensors --data d --epochs 2 --candidates 3 --validation 0.3 -o t.safetensors");
    assert_ok(model_read(scratch_path(folder, "t.safetensors"), &model, &why), why);
    lineage = json_loads(model->lineage, 0, NULL);
    candidates = json_object_get(json_object_get(lineage, "training"), "candidates");
    assert_int_equal(json_array_size(candidates), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(json_integer_value(json_object_get(json_array_get(candidates, i), "seed")), 3 + i);
        best = MAX(best, real_of(json_array_get(candidates, i), "validation_accuracy"));
        mean += real_of(json_array_get(candidates, i), "validation_accuracy") / 3;
    }
    for (size_t i = 0; i < 3; i++) {
        const double off = real_of(json_array_get(candidates, i), "validation_accuracy") - mean;

        squares += off * off;
    }
    /* The end says which one was kept. */
    done = find_event(ran.out, "done");
    assert_int_equal(real_of(done, "seed"), json_integer_value(json_object_get(lineage, "seed")));
    assert_int_equal(real_of(done, "candidates"), 3);
    assert_true(fabs(real_of(done, "candidates_mean") - mean) < 1e-9);
    assert_true(fabs(real_of(done, "candidates_deviation") - sqrt(squares / 2)) < 1e-9);
    assert_true(fabs(real_of(done, "candidates_gained") - (best - mean)) < 1e-9);
    assert_int_equal(real_of(done, "candidates_epochs"), 6);
    json_decref(done);
    assert_true(real_of(json_object_get(lineage, "training"), "validation_accuracy") == best);
    json_decref(lineage);
    model_free(model);
    scratch_remove(folder);
}

static void nap(long milliseconds)
{
    nanosleep(&(struct timespec){ milliseconds / 1000, milliseconds % 1000 * 1000000 }, NULL);
}

/* Waits until the file holds the word, at most ten seconds. */
static void await(const char *path, const char *word)
{
    for (int i = 0; i < 500; i++) {
        if (access(path, R_OK) == 0) {
            size_t size;
            char *text = slurp(path, &size);
            bool there = strstr(text, word) != NULL;

            free(text);
            if (there)
                return;
        }
        nap(20);
    }
    fail_msg("'%s' never came", word);
}

static void test_interrupt_saves_what_there_is(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM };
    const char *folder = prepare(2000, 100);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        pid_t pid = forge_start(folder, "train m.safetensors --data d --epochs 1000000 -o t.safetensors", "progress");
        struct model *model;
        struct reason why;
        json_t *done;
        size_t size;
        char *lines;
        static struct ran ran;

        await(scratch_path(folder, "progress"), "\"epoch\":3");
        kill(pid, signals[i]);
        assert_int_equal(forge_wait(pid), 130);
        lines = slurp(scratch_path(folder, "progress"), &size);
        done = find_event(lines, "done");
        assert_non_null(done);
        assert_true(json_is_true(json_object_get(done, "interrupted")));
        json_decref(done);
        free(lines);
        assert_ok(model_read(scratch_path(folder, "t.safetensors"), &model, &why), why);
        assert_non_null(strstr(model->lineage, "\"interrupted\":true"));
        model_free(model);
        forge_run_well(&ran, folder, "eval t.safetensors --data d --json");
        assert_int_equal(unlink(scratch_path(folder, "t.safetensors")), 0);
        assert_int_equal(unlink(scratch_path(folder, "progress")), 0);
    }
    scratch_remove(folder);
}

/* In a mount namespace of its own: a file system with room for the old file only. 77: not allowed to make one. */
static int train_on_full_disk(const char *folder)
{
    struct ran *ran = malloc(sizeof *ran);
    char *before, *after, *where, rescued[256] = "";
    size_t size_before, size_after;
    struct reason why;
    struct model *model;
    FILE *filler;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", scratch_path(folder, "full"), "tmpfs", 0, "size=64k") < 0)
        return 77;
    forge_run_well(ran, folder, "build --layers 64-48-4 --sparsity 0.8 -o full/t.safetensors");
    before = slurp(scratch_path(folder, "full/t.safetensors"), &size_before);
    filler = fopen(scratch_path(folder, "full/filler"), "wb");
    while (putc('x', filler) != EOF && fflush(filler) == 0)
        ;
    fclose(filler);
    setenv("TMPDIR", folder, 1);
    forge_run(ran, folder, "train m.safetensors --data d --epochs 2 -o full/t.safetensors");
    assert_int_equal(ran->status, 1);
    assert_non_null(strstr(ran->err, "No space left on device"));
    where = strstr(ran->err, "was saved as ");
    assert_non_null(where);
    assert_int_equal(sscanf(where, "was saved as %255s", rescued), 1);
    assert_ok(model_read(rescued, &model, &why), why);
    assert_non_null(strstr(model->lineage, "\"best_epoch\""));
    model_free(model);
    after = slurp(scratch_path(folder, "full/t.safetensors"), &size_after);
    assert_int_equal(size_after, size_before);
    assert_memory_equal(after, before, size_before);
    free(before);
    free(after);
    free(ran);
    return 0;
}

static void test_full_disk_loses_nothing(void **state)
{
    const char *folder = prepare(200, 10);
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "full"), 0700), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(train_on_full_disk(folder));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    scratch_remove(folder);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("no right to mount a file system: not tested\n");
        skip();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_data_that_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *command, *said;
        int status;
    } bad[] = {
        { "train m.safetensors --data none -o t.safetensors", "none", 65 },
        { "train m.safetensors -o t.safetensors", "--data is missing", 2 },
        { "train m.safetensors --data d --processing video.x -o t.safetensors", "video.x", 2 },
        { "train m.safetensors --data d --processing Image! -o t.safetensors", "--processing: the processing type", 2 },
        { "train five.safetensors --data d -o t.safetensors", "5 outputs", 65 },
        { "train raw.safetensors --data d -o t.safetensors", "--processing", 2 },
        { "train odd.safetensors --data d -o t.safetensors", "cannot guess", 2 },
        { "eval m.safetensors --data none", "none", 65 },
        { "train m.safetensors --data d -p image.regression -o t.safetensors", "there are raw, image.classification",
          2 },
        { "train m.safetensors --data d -p image.segmentation -o t.safetensors", "which is not image.segmentation", 2 },
        { "train m.safetensors --data d --label-column 1 -o t.safetensors", "are for tables of texts", 2 },
        { "train m.safetensors --data d --augment shift=1,crop=1 -o t.safetensors", "--augment crop does nothing to",
          2 },
        { "train m.safetensors --data d --optimizer adam -o t.safetensors", "give sgd or adamw", 2 },
        { "train m.safetensors --data d --rate-by-density half -o t.safetensors", "give none, root or full", 2 },
        { "train m.safetensors --data d --balance half -o t.safetensors", "give none, root, full or auto", 2 },
    };
    const char *folder = prepare(100, 10);
    static struct ran ran;

    (void)state;
    forge_run_well(&ran, folder,
                   "build --layers 64-8-5 --sparsity 0 --processing image.classification -o five.safetensors");
    forge_run_well(&ran, folder, "build --layers 64-8-4 --sparsity 0 -o raw.safetensors");
    forge_run_well(&ran, folder,
                   "build --layers 65-8-4 --sparsity 0 --processing image.classification -o odd.safetensors");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        forge_run(&ran, folder, bad[i].command);
        if (ran.status != bad[i].status || !strstr(ran.err, bad[i].said))
            fail_msg("'%s' ended with %d and said: %s", bad[i].command, ran.status, ran.err);
    }
    scratch_remove(folder);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* The least of three: the kernel counts pages in batches, and those of libraries that happen to be there. */
static uint64_t least_peak(const char *folder, const char *command)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < 3; i++)
        least = MIN(least, forge_peak(folder, command));
    return least;
}
#endif

/* Beyond what a network of next to nothing takes: the arrays that it is trained in, and no copy of its file. */
static void test_memory_follows_the_connections(void **state)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* of which memory is another matter */
    const char *folder = prepare(8, 8);
    static struct ran ran;
    uint64_t least, peak, wanted;
    json_t *start;
    char *events;
    size_t size;

    (void)state;
    forge_run_well(&ran, folder,
                   "build --layers 64-1800-1800-4 --sparsity 0 --processing image.classification -o big.safetensors");
    least =
        least_peak(folder, "train m.safetensors --data d --steps 1 --batch 2 --validation 0 --json -o o.safetensors");
    peak =
        least_peak(folder, "train big.safetensors --data d --steps 1 --batch 2 --validation 0 --json -o o.safetensors");
    events = slurp(scratch_path(folder, "events"), &size);
    start = find_event(events, "start");
    assert_non_null(start);
    wanted = (uint64_t)real_of(start, "train_bytes");
    assert_true(wanted >= (uint64_t)14 * 1800 * 1800);
    if (peak > least + wanted + wanted * 5 / 100)
        fail_msg("%llu bytes at most, %llu of them for next to nothing, to train in %llu", (unsigned long long)peak,
                 (unsigned long long)least, (unsigned long long)wanted);
    json_decref(start);
    free(events);
    scratch_remove(folder);
#else
    (void)state;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_and_eval),
        cmocka_unit_test(test_same_file_for_any_threads_and_kernels),
        cmocka_unit_test(test_candidates_keep_the_best),
        cmocka_unit_test(test_interrupt_saves_what_there_is),
        cmocka_unit_test(test_full_disk_loses_nothing),
        cmocka_unit_test(test_data_that_does_not_fit_is_refused),
        cmocka_unit_test(test_memory_follows_the_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
