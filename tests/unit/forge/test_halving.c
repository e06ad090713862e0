/* SPDX-License-Identifier: Apache-2.0
 *
 * Successive halving as a process. All candidates trained to the end say by their epochs who must stop when; the one
 * that is left is the network that it is alone; and a run that was killed goes on to the same bytes.
 */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "forge/experiment/halving.h"
#include "process.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

enum { CANDIDATES = 5, EPOCHS = 8, ROUNDS = 3 };

#define TRAIN   "train m.safetensors --data d --epochs 8 --batch 32 --rate 0.02 --validation 0.3 --no-history --name t "
#define HALVING TRAIN "--candidates 5 --halving "

static const char *folder;
static struct ran ran;

static int prepare(void **state)
{
    (void)state;
    folder = scratch_make();
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 300, 50);
    forge_run_well(&ran, folder,
                   "build --layers 64-800-4 --sparsity 0.5 --seed 3 -p image.classification --no-history -o "
                   "m.safetensors");
    assert_int_equal(mkfifo(scratch_path(folder, "events"), 0600), 0);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void test_how_many_epochs_there_are(void **state)
{
    (void)state;
    assert_int_equal(halving_rounds(1), 0);
    assert_int_equal(halving_rounds(2), 1);
    assert_int_equal(halving_rounds(5), 3);
    assert_int_equal(halving_rounds(8), 3);
    for (unsigned round = 0; round <= 3; round++)
        assert_int_equal(halving_epochs(16, 3, round), 2u << round);
    assert_int_equal(halving_epochs(3, 3, 0), 1); /* fewer than there are rounds */
    assert_int_equal(halving_epochs(3, 3, 2), 1);
    assert_int_equal(halving_epochs(3, 3, 3), 3);
    assert_int_equal(halving_epochs_all(8, 16), 8 * 2 + 4 * 2 + 2 * 4 + 8);
    assert_int_equal(halving_epochs_all(5, 8), 5 * 1 + 3 * 1 + 2 * 2 + 4);
}

/* By candidate and epoch: the best so far on the held back samples, and the loss there. */
struct curve {
    double accuracy[EPOCHS], loss[EPOCHS];
};

static double real_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void read_curves(const char *events, struct curve *curves)
{
    int candidate = -1;

    for (const char *line = events; *line; line = strchr(line, '\n') + 1) {
        json_t *event = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        const char *kind = json_string_value(json_object_get(event, "event"));
        const int at = (int)real_of(event, "epoch") - 1;

        candidate += !strcmp(kind, "candidate");
        if (!strcmp(kind, "epoch")) {
            struct curve *c = &curves[candidate];
            double accuracy = real_of(event, "validation_accuracy"), loss = real_of(event, "validation_loss");
            bool better =
                !at || accuracy > c->accuracy[at - 1] || (accuracy == c->accuracy[at - 1] && loss < c->loss[at - 1]);

            c->accuracy[at] = better ? accuracy : c->accuracy[at - 1];
            c->loss[at] = better ? loss : c->loss[at - 1];
        }
        json_decref(event);
    }
    assert_int_equal(candidate, CANDIDATES - 1);
}

/* Ranks the candidates that go on, and stops the worse half; until[k]: the epochs of candidate k. */
static void expect(const struct curve *curves, unsigned *until)
{
    bool stopped[CANDIDATES] = { false };
    unsigned left = CANDIDATES;

    for (unsigned round = 0; round <= ROUNDS; round++) {
        const unsigned epoch = 1u << round, stay = (left + 1) / 2;
        bool better[CANDIDATES];

        for (unsigned k = 0; k < CANDIDATES; k++) {
            unsigned before = 0;

            for (unsigned j = 0; j < CANDIDATES; j++) {
                double a = curves[j].accuracy[epoch - 1] - curves[k].accuracy[epoch - 1];
                double l = curves[k].loss[epoch - 1] - curves[j].loss[epoch - 1];

                before += !stopped[j] && j != k && (a > 0 || (a == 0 && (l > 0 || (l == 0 && j < k))));
            }
            better[k] = before < stay;
            until[k] = stopped[k] ? until[k] : epoch;
        }
        for (unsigned k = 0; k < CANDIDATES; k++)
            stopped[k] |= !better[k];
        left = stay;
    }
}

static void same_weights(const char *a, const char *b)
{
    struct model *one, *two;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, a), &one, &why), why);
    assert_ok(model_read(scratch_path(folder, b), &two, &why), why);
    for (uint32_t i = 0; i < one->layer_count; i++) {
        const struct csr *w = &one->layers[i].weight;

        assert_int_equal(w->count, two->layers[i].weight.count);
        assert_memory_equal(w->values, two->layers[i].weight.values, w->count * sizeof *w->values);
    }
    model_free(one);
    model_free(two);
}

static unsigned count_epochs(const char *events)
{
    unsigned count = 0;

    while ((events = strstr(events, "\"event\":\"epoch\""))) {
        events++;
        count++;
    }
    return count;
}

/* At the end it is said what the choice came to. */
static void check_spread(const char *events, double mean, double gained)
{
    json_t *done = json_loads(strstr(events, "{\"event\":\"done\""), JSON_DISABLE_EOF_CHECK, NULL);

    assert_true(fabs(real_of(done, "candidates_mean") - mean) < 1e-9);
    assert_true(fabs(real_of(done, "candidates_gained") - gained) < 1e-9);
    assert_int_equal(real_of(done, "candidates_epochs"), halving_epochs_all(CANDIDATES, EPOCHS));
    json_decref(done);
}

static void test_the_worse_half_stops(void **state)
{
    struct curve curves[CANDIDATES] = { { .accuracy = { 0 } } };
    unsigned until[CANDIDATES] = { 0 };
    double mean = 0, chosen = 0;
    json_t *lineage, *list;
    struct model *model;
    struct reason why;
    char command[256];

    (void)state;
    forge_run_well(&ran, folder, TRAIN "--candidates 5 -o all.safetensors");
    read_curves(ran.out, curves);
    expect(curves, until);
    forge_run_well(&ran, folder, HALVING "-o h.safetensors");
    assert_int_equal(count_epochs(ran.out), halving_epochs_all(CANDIDATES, EPOCHS)); /* none twice */
    assert_ok(model_read(scratch_path(folder, "h.safetensors"), &model, &why), why);
    lineage = json_loads(model->lineage, 0, NULL);
    model_free(model);
    list = json_object_get(json_object_get(lineage, "training"), "candidates");
    assert_int_equal(json_array_size(list), CANDIDATES);
    for (unsigned k = 0; k < CANDIDATES; k++) {
        const json_t *one = json_array_get(list, k);

        assert_int_equal(real_of(one, "seed"), 3 + k);
        assert_int_equal(real_of(one, "epochs"), until[k]);
        assert_true(real_of(one, "validation_accuracy") == curves[k].accuracy[until[k] - 1]);
        assert_true(real_of(one, "first_accuracy") == curves[k].accuracy[0]);
        mean += curves[k].accuracy[0] / CANDIDATES;
        if (until[k] < EPOCHS)
            continue;
        assert_int_equal(real_of(lineage, "seed"), 3 + k);
        chosen = curves[k].accuracy[0];
    }
    check_spread(ran.out, mean, chosen - mean);
    /* It is the network that it is alone. */
    snprintf(command, sizeof command,
             "build --layers 64-800-4 --sparsity 0.5 --seed %d -p image.classification --no-history -o alone",
             (int)real_of(lineage, "seed"));
    json_decref(lineage);
    forge_run_well(&ran, folder, command);
    forge_run_well(&ran, folder,
                   "train alone --data d --epochs 8 --batch 32 --rate 0.02 --validation 0.3 --no-history --name t -o "
                   "alone.safetensors");
    same_weights("h.safetensors", "alone.safetensors");
}

/* After so many epochs of all candidates together. */
static void stop_after(int epochs, int signal, int expected)
{
    assert_int_equal(forge_stop(folder, HALVING "--checkpoint ck --threads 1 -o part.safetensors", epochs, signal),
                     expected);
}

static void test_killed_and_resumed_is_not_killed(void **state)
{
    (void)state;
    forge_run_well(&ran, folder, HALVING "-o full.safetensors");
    for (int epochs = 1; epochs < 14; epochs += 5) {
        stop_after(epochs, SIGKILL, 128 + SIGKILL);
        forge_run_well(&ran, folder, HALVING "--resume ck -o resumed.safetensors");
        assert_same_bytes(folder, "full.safetensors", "resumed.safetensors");
    }
    forge_run_well(&ran, folder, HALVING "--resume ck --checkpoint ck -o again.safetensors"); /* from its end */
    assert_same_bytes(folder, "full.safetensors", "again.safetensors");
    stop_after(7, SIGINT, 130);
    assert_int_equal(access(scratch_path(folder, "part.safetensors"), R_OK), 0);
    forge_run_well(&ran, folder, HALVING "--resume ck -o resumed.safetensors");
    assert_same_bytes(folder, "full.safetensors", "resumed.safetensors");
}

static void refused(const char *command, int status, const char *reason)
{
    forge_run(&ran, folder, command);
    if (ran.status != status || !strstr(ran.err, reason))
        fail_msg("'%s' ended with %d and said: %s", command, ran.status, ran.err);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    static const char none[] = "{\"version\":2,\"run\":{},\"found\":[]}", other[] = "{}";
    struct reason why;

    (void)state;
    refused(TRAIN "--halving -o no.safetensors", 2, "--halving needs --candidates");
    refused(HALVING "--patience 2 -o no.safetensors", 2, "--halving counts epochs");
    refused(HALVING "--resume a --checkpoint b -o no.safetensors", 2, "--halving goes on in its own files");
    refused(HALVING "--resume missing -o no.safetensors", 65, "missing");
    assert_ok(file_write(scratch_path(folder, "l"), &(struct file_part){ other, strlen(other) }, 1, &why), why);
    refused(HALVING "--resume l -o no.safetensors", 65, "no list of a halving");
    assert_ok(file_write(scratch_path(folder, "l"), &(struct file_part){ none, strlen(none) }, 1, &why), why);
    refused(HALVING "--resume l -o no.safetensors", 1, "it is of another run");
    forge_run_well(&ran, folder, HALVING "--checkpoint ck -o t.safetensors");
    refused(TRAIN "--candidates 6 --halving --resume ck -o no.safetensors", 1, "candidates is 5 there and 6 here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_many_epochs_there_are),
        cmocka_unit_test(test_the_worse_half_stops),
        cmocka_unit_test(test_killed_and_resumed_is_not_killed),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, prepare, clean);
}
