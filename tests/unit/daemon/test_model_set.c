/* SPDX-License-Identifier: Apache-2.0
 *
 * One set of models gives way to the next: what is under way ends on the old one, what is new begins on the new one, no
 * number leads to another model than its client has found, and the old set goes when nobody has it any more.
 */
#include "support/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "daemon/models/memory_room.h"
#include "sparse/file/model_file.h"
#include "unit/daemon/rig.h"

static struct reason why;

/* Same shape and processing type as the rig's own, other weights. */
static void make_seeded(const char *path, const char *name, unsigned seed)
{
    const struct model_recipe recipe = { .name = name,
                                         .processing = "image.classification",
                                         .sizes = { RIG_INPUTS, 40, RIG_OUTPUTS },
                                         .density = 0.3,
                                         .seed = seed };

    model_make(path, &recipe);
}

static void make_other(const char *path, const char *name)
{
    make_seeded(path, name, 2);
}

/* A set of one model, or of two, which follows `before`. */
static struct model_set *load(const struct model_set *before, const char *first, const char *second)
{
    struct config_model models[2];
    struct config config = rig.config;
    struct model_set *set = NULL;

    models[0] = models[1] = rig.config.models[0];
    models[0].path = (char *)first;
    models[1].path = (char *)second;
    config.models = models;
    config.model_count = second ? 2 : 1;
    assert_ok(model_set_load(&config, before, NULL, &set, &why), why);
    return set;
}

static uint32_t route(const struct model_set *set, const char *name)
{
    return model_set_find(set, name, strlen(name));
}

static void check_answer_of(struct reference *reference, int peer, const struct wire_submission *ask)
{
    float input[40 * RIG_INPUTS], want[40 * RIG_OUTPUTS];

    floats_make(input, ask->in_length / 4, 7, ask->user_data);
    reference_run(reference, input, ask->rows, want);
    assert_memory_equal(rig.peers[peer].output + ask->out_offset / 4, want, ask->out_length);
}

static void each_request_ends_where_it_began(void **state)
{
    struct wire_submission begun = rig_infer(5 * RIG_BATCH, 0), waiting = rig_infer(2, 200), fresh = rig_infer(3, 0);
    const char *path = scratch_path(rig.folder, "other.safetensors");
    struct queue_set *old = rig.queues, *queues;
    struct wire_completion completion;
    struct reference *other;
    struct model_set *set;

    (void)state;
    make_other(path, "small");
    other = reference_new(path);
    set = load(rig.set, path, NULL);
    rig_into_queue(0, &begun);
    rig_into_queue(0, &waiting);
    rig_run_batch(&old->queues[0]); /* one slice of five */
    assert_int_equal(queue_set_new(set, 0, &queues), 0);
    shard_use(&rig.shard, queues);
    assert_null(shard_give_back(&rig.shard));
    fresh.route = route(set, "small");
    rig_into_queue(1, &fresh);
    assert_int_equal(old->held, 2);
    assert_int_equal(queues->held, 1);
    rig_turn_until_idle();
    check_answer_of(rig.reference, 0, &begun);
    check_answer_of(rig.reference, 0, &waiting);
    check_answer_of(other, 1, &fresh);
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
        assert_int_equal(completion.status, WISP_OK);
    }
    assert_ptr_equal(shard_give_back(&rig.shard), old);
    assert_null(shard_give_back(&rig.shard)); /* the newest stays */
    assert_int_equal(rig.set->holders, 2);
    queue_set_free(old);
    assert_int_equal(rig.set->holders, 1);
    model_set_release(rig.set);
    rig.set = set;
    rig.queues = queues;
    reference_free(other);
}

/* A model that keeps its name goes on counting, whichever of the two sets has the request; another begins at 0. */
static void what_was_counted_stays(void **state)
{
    struct wire_submission old_ask = rig_infer(2, 0), new_ask = rig_infer(3, 20);
    const char *path = scratch_path(rig.folder, "other.safetensors"),
               *more = scratch_path(rig.folder, "more.safetensors");
    struct queue_set *old = rig.queues, *queues;
    struct model_set *set;

    (void)state;
    make_other(path, "small");
    make_other(more, "more");
    set = load(rig.set, path, more);
    rig_into_queue(0, &old_ask);
    assert_int_equal(queue_set_new(set, 0, &queues), 0);
    queue_set_inherit(queues, old);
    assert_ptr_equal(queue_set_route(queues, route(set, "small"))->tally, old->queues[0].tally);
    shard_use(&rig.shard, queues);
    new_ask.route = route(set, "small");
    rig_into_queue(1, &new_ask);
    rig_turn_until_idle();
    assert_ptr_equal(shard_give_back(&rig.shard), old);
    queue_set_free(old);
    assert_int_equal(queue_set_route(queues, route(set, "small"))->tally->samples, 5);
    assert_int_equal(queue_set_route(queues, route(set, "more"))->tally->samples, 0);
    model_set_release(rig.set);
    rig.set = set;
    rig.queues = queues;
}

/* Sets of models that all have one name, and are all different: requests end where they began. */
enum { OTHERS = 6 };

static struct model_set *load_another(unsigned number)
{
    char file[64];

    snprintf(file, sizeof file, "another%u.safetensors", number);
    make_seeded(scratch_path(rig.folder, file), "small", 100 + number);
    return load(rig.set, scratch_path(rig.folder, file), NULL);
}

/* The last request of the old set is given up, not run: that lets go of it as well. */
static void a_cancelled_request_lets_go(void **state)
{
    struct wire_submission ask = rig_infer(3, 0), cancel = { .op = WIRE_OP_CANCEL, .user_data = 0 };
    struct queue_set *old = rig.queues, *queues;
    struct model_set *set = load_another(0);
    struct wire_completion completion;

    (void)state;
    rig_into_queue(0, &ask);
    assert_int_equal(queue_set_new(set, 0, &queues), 0);
    shard_use(&rig.shard, queues);
    assert_null(shard_give_back(&rig.shard));
    rig_push(0, &cancel);
    assert_true(cancel_take(&rig.shard, rig.channels[0]));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_CANCELLED);
    assert_ptr_equal(shard_give_back(&rig.shard), old);
    queue_set_free(old);
    model_set_release(rig.set);
    rig.set = set;
    rig.queues = queues;
}

static void several_sets_are_given_back_in_any_order(void **state)
{
    struct wire_submission asks[3] = { rig_infer(1, 0), rig_infer(1, 10), rig_infer(1, 20) };
    struct queue_set *sets[4] = { rig.queues };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct model_set *set = load_another((unsigned)i);

        asks[i].route = route(sets[i]->set, "small");
        rig_into_queue(i, &asks[i]);
        assert_int_equal(queue_set_new(set, 0, &sets[i + 1]), 0);
        model_set_release(set);
        shard_use(&rig.shard, sets[i + 1]);
    }
    assert_null(shard_give_back(&rig.shard));
    for (int i = 1; i < 4; i++) {
        int which = i % 3; /* the one in the middle, the newer, the oldest */

        rig_run_batch(&sets[which]->queues[0]);
        assert_ptr_equal(shard_give_back(&rig.shard), sets[which]);
        assert_null(shard_give_back(&rig.shard));
        queue_set_free(sets[which]);
    }
    rig_check_answer(0, &asks[0]);
    rig.queues = sets[3];
}

/* Whoever has more under way of models that are no more than there are sets remembered is told so, the oldest first:
 * he keeps nobody from the next. */
static void who_holds_old_sets_is_told(void **state)
{
    struct queue_set *sets[OTHERS + 1] = { rig.queues };
    struct wire_submission ask = rig_infer(5 * RIG_BATCH, 0);
    struct wire_completion completion;
    int told = 0;

    (void)state;
    for (int i = 0; i < OTHERS; i++) {
        struct model_set *set = load_another((unsigned)i);
        struct queue_set *back;

        ask.route = route(sets[i]->set, "small");
        ask.user_data = (uint64_t)i;
        rig_into_queue(0, &ask);
        rig_run_batch(&sets[i]->queues[0]); /* a part of it */
        assert_int_equal(queue_set_new(set, 0, &sets[i + 1]), 0);
        model_set_release(set);
        shard_use(&rig.shard, sets[i + 1]);
        while ((back = shard_give_back(&rig.shard))) {
            assert_ptr_equal(back, sets[told]);
            assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
            assert_int_equal(completion.user_data, told);
            assert_int_equal(completion.status, WISP_E_CHANGED);
            queue_set_free(back);
            told++;
        }
        assert_int_equal(told, i < 3 ? 0 : i - 2);
    }
    rig_turn_until_idle();
    for (int i = told; i < OTHERS; i++) {
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
        assert_int_equal(completion.status, WISP_OK);
    }
    for (struct queue_set *back; (back = shard_give_back(&rig.shard)); told++)
        queue_set_free(back);
    assert_int_equal(told, OTHERS);
    rig.queues = sets[OTHERS];
}

/* What waits for a model that stays goes over, in the middle of its pass: its set of before is free at once, and
 * however often sets are exchanged meanwhile nothing is lost. */
static void what_waits_for_a_model_that_stays_goes_over(void **state)
{
    const struct wire_submission asks[] = { rig_infer(5 * RIG_BATCH, 0), rig_infer(3, 200), rig_infer(2, 220) };
    const char *more = scratch_path(rig.folder, "more.safetensors");
    struct wire_completion completion;
    unsigned exchanges = 0, done = 0;

    (void)state;
    make_other(more, "more");
    for (int i = 0; i < 3; i++)
        rig_into_queue(i, &asks[i]);
    for (; done < 3; exchanges++) {
        struct queue_set *old = rig.queues;
        struct model_set *set = exchanges % 2 ? load(rig.set, rig.path, NULL) : load(rig.set, more, rig.path);

        for (unsigned i = 0; i < COST_POINTS; i++) /* a pass takes twenty slices */
            queue_set_route(old, rig.route)->cost.ns[i] = 20 * SHARD_SLICE_NS;
        shard_turn(&rig.shard, clock_ns());
        assert_int_equal(queue_set_new(set, 0, &rig.queues), 0);
        shard_use(&rig.shard, rig.queues);
        assert_ptr_equal(shard_give_back(&rig.shard), old);
        queue_set_free(old);
        model_set_release(rig.set);
        rig.set = set;
        assert_int_equal(rig.queues->held, rig.shard.under_way);
        assert_int_equal(queue_set_route(rig.queues, rig.route)->under_way, rig.shard.under_way);
        for (int i = 0; i < 3; i++) {
            while (reap_ring_take(&rig.peers[i].reap, &completion)) {
                assert_int_equal(completion.status, WISP_OK);
                done++;
            }
        }
        assert_true(exchanges < 10000);
    }
    assert_true(exchanges > 10);
    for (int i = 0; i < 3; i++) {
        rig_check_answer(i, &asks[i]);
        rig_all_requests_are_free(i);
    }
    assert_int_equal(rig.queues->held, 0);
}

/* ---- numbers ---- */

static int status_of(uint32_t number)
{
    struct wire_submission ask = rig_infer(1, 0);
    struct wire_completion completion;

    ask.route = number;
    rig_push(0, &ask);
    rig_turn_until_idle();
    return rig_only_completion(0, &completion);
}

static void use(struct model_set *set)
{
    struct queue_set *old = rig.queues;

    assert_int_equal(queue_set_new(set, 0, &rig.queues), 0);
    shard_use(&rig.shard, rig.queues);
    assert_ptr_equal(shard_give_back(&rig.shard), old);
    queue_set_free(old);
    model_set_release(rig.set);
    rig.set = set;
}

static void a_number_never_leads_to_another_model(void **state)
{
    const char *other = scratch_path(rig.folder, "other.safetensors");
    char copy[256], same[256];
    uint32_t old = route(rig.set, "small"), changed, modality = route(rig.set, "image");

    (void)state;
    snprintf(copy, sizeof copy, "%s", other);
    snprintf(same, sizeof same, "%s", rig.path);
    make_other(copy, "small");
    assert_int_equal(status_of(old), WISP_OK);
    use(load(rig.set, copy, NULL));
    changed = route(rig.set, "small");
    assert_int_not_equal(changed, old);
    assert_int_equal(status_of(old), WISP_E_CHANGED);
    assert_int_equal(status_of(modality), WISP_E_CHANGED);
    assert_int_equal(status_of(changed), WISP_OK);
    assert_int_equal(status_of(rig.set->routes.count), WISP_E_NO_MODEL);
    use(load(rig.set, same, NULL)); /* back: who knew it has the right number still */
    assert_int_equal(route(rig.set, "small"), old);
    assert_int_equal(status_of(old), WISP_OK);
    assert_int_equal(status_of(changed), WISP_E_CHANGED);
}

static void who_knows_a_model_goes_on(void **state)
{
    const char *other = scratch_path(rig.folder, "another.safetensors");
    uint32_t small = route(rig.set, "small"), another;
    char copy[256];

    (void)state;
    snprintf(copy, sizeof copy, "%s", other);
    make_other(copy, "another");
    use(load(rig.set, copy, rig.path)); /* it stands second now, and no more answers for its type */
    another = route(rig.set, "another");
    assert_int_equal(route(rig.set, "small"), small);
    assert_int_equal(status_of(small), WISP_OK);
    assert_int_equal(model_set_route(rig.set, route(rig.set, "image"))->name[0], 'a');
    use(load(rig.set, rig.path, NULL));
    assert_int_equal(status_of(small), WISP_OK);
    assert_int_equal(status_of(another), WISP_E_NO_MODEL);
}

static void descriptions_come_from_the_current_set(void **state)
{
    const char *other = scratch_path(rig.folder, "other.safetensors");
    char copy[256], identity[128];
    const struct instance *instance = &rig.set->models[0];

    (void)state;
    snprintf(copy, sizeof copy, "%s", other);
    make_other(copy, "small");
    snprintf(identity, sizeof identity, "%s", instance->model->identity);
    assert_true(identity[0] != 0);
    assert_non_null(strstr(instance->summary, identity));
    assert_non_null(strstr(instance->full, identity));
    use(load(rig.set, copy, NULL));
    instance = &rig.set->models[0];
    assert_null(strstr(instance->summary, identity));
    assert_null(strstr(instance->full, identity));
    assert_non_null(strstr(instance->full, instance->model->identity));
}

/* ---- what stays the same is shared ---- */

/* As if it had been written long ago, which no program can do to the time of change. */
static void settle(struct model_set *set)
{
    for (uint32_t i = 0; i < set->model_count; i++)
        set->models[i].engine->stamp.settled = true;
}

static void an_unchanged_file_is_not_loaded_again(void **state)
{
    struct model_set *set = load(rig.set, rig.path, NULL), *batches;
    struct config config = rig.config;
    struct config_model model = *rig.config.models;

    (void)state;
    /* Written a moment ago: it is read, and found to be the same. */
    assert_true(set->models[0].shared);
    assert_ptr_equal(set->models[0].engine, rig.set->models[0].engine);
    assert_int_equal(set->models[0].engine->holders, 2);
    /* Another batch is another plan. */
    model.batch_max++;
    config.models = &model;
    config.model_count = 1;
    assert_ok(model_set_load(&config, set, NULL, &batches, &why), why);
    assert_false(batches->models[0].shared);
    assert_int_equal(batches->models[0].batch_max, model.batch_max);
    model_set_release(batches);
    model_set_release(set);
    assert_int_equal(rig.set->models[0].engine->holders, 1);
}

/* Under the same name, with the same times and size, another model: only a stamp that proves something is believed. */
static void a_file_that_was_written_over_is_loaded(void **state)
{
    const char *path = scratch_path(rig.folder, "over.safetensors");
    struct model_set *first, *second;

    (void)state;
    make_other(path, "over");
    first = load(rig.set, path, NULL);
    make_seeded(path, "over", 3);
    second = load(first, path, NULL);
    assert_false(second->models[0].shared);
    assert_string_not_equal(second->models[0].model->identity, first->models[0].model->identity);
    model_set_release(second);
    settle(first); /* even then: its inode is another, and its time of change */
    second = load(first, path, NULL);
    assert_false(second->models[0].shared);
    model_set_release(second);
    model_set_release(first);
}

static void a_stamp_of_a_moment_ago_proves_nothing(void **state)
{
    const char *path = scratch_path(rig.folder, "stamp");
    struct file_stamp now, same;

    (void)state;
    make_other(path, "stamp");
    now = file_stamp_take(path);
    assert_false(now.settled);
    assert_false(file_stamp_proves(&now, &now));
    now.settled = true;
    same = now;
    assert_true(file_stamp_proves(&now, &same));
    same.changed.tv_nsec ^= 1;
    assert_false(file_stamp_proves(&now, &same));
    same = now;
    same.inode++;
    assert_false(file_stamp_proves(&now, &same));
    now = file_stamp_take(scratch_path(rig.folder, "nothing"));
    assert_false(file_stamp_proves(&now, &now));
    now = file_stamp_take("/bin/sh"); /* installed long ago */
    assert_true(file_stamp_proves(&now, &now));
}

/* Everything that is wrong comes back to who asked, a line each. */
static void what_is_wrong_is_gathered(void **state)
{
    char *lines = NULL;
    size_t size;
    FILE *errors = open_memstream(&lines, &size);
    struct config config = rig.config;
    struct config_model models[2] = { *rig.config.models, *rig.config.models };
    char missing[] = "/nowhere/a.safetensors", folder[] = "/";
    struct model_set *set = NULL;

    (void)state;
    models[0].path = missing;
    models[1].path = folder;
    config.models = models;
    config.model_count = 2;
    assert_int_equal(model_set_load(&config, rig.set, errors, &set, &why), WISP_E_FORMAT);
    fclose(errors);
    assert_non_null(strstr(lines, missing));
    assert_non_null(strchr(strchr(lines, '\n') + 1, '\n'));
    assert_non_null(strstr(why.text, "2 of 2"));
    free(lines);
}

/* ---- what is not served ---- */

/* Weights as a training that diverged leaves them: each is a number, and their answer is none. */
static void what_answers_no_numbers_is_refused(void **state)
{
    const char *path = scratch_path(rig.folder, "huge.safetensors");
    struct config config = rig.config;
    struct config_model model = *rig.config.models;
    struct model_set *set = NULL;
    struct model *huge;

    (void)state;
    assert_ok(model_read(rig.path, &huge, &why), why);
    for (uint64_t i = 0; i < huge->layers[0].weight.count; i++)
        huge->layers[0].weight.values[i] = 3e38f;
    assert_ok(model_write(huge, path, &why), why);
    model_free(huge);
    model.path = (char *)path;
    config.models = &model;
    config.model_count = 1;
    assert_int_equal(model_set_load(&config, rig.set, NULL, &set, &why), WISP_E_FORMAT);
    assert_int_equal(model_set_load(&config, NULL, NULL, &set, &why), WISP_E_FORMAT);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The tightest limit of a group and of those above it. */
/* A group of one of the two versions, without a limit and with one, and files of which 300 bytes are not used. */
static void limit_group(const char *root, const char *group, const char *most, const char *none, const char *used,
                        const char *files)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s%s", root, group);
    assert_true(memory_room_of(root, group) == UINT64_MAX);
    put(folder, used, "1000\n");
    put(folder, most, none);
    assert_true(memory_room_of(root, group) == UINT64_MAX);
    put(folder, most, "5000\n");
    assert_int_equal(memory_room_of(root, group), 4000);
    put(folder, "memory.stat", files);
    assert_int_equal(memory_room_of(root, group), 4300);
}

static void room_is_what_the_limits_leave(void **state)
{
    const char *root = rig.folder;

    (void)state;
    assert_int_equal(mkdir(scratch_path(root, "a"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(root, "a/b"), 0700), 0);
    assert_true(memory_room_of(root, "/a/b") == UINT64_MAX);
    limit_group(root, "/a/b", "memory.max", "max\n", "memory.current", "anon 1\ninactive_file 300\nactive_file 9\n");
    put(scratch_path(root, "a"), "memory.max", "2500\n");
    put(scratch_path(root, "a"), "memory.current", "2400\n");
    assert_int_equal(memory_room_of(root, "/a/b"), 100);
    put(scratch_path(root, "a"), "memory.current", "9999\n");
    assert_int_equal(memory_room_of(root, "/a/b"), 0);
    assert_true(memory_room_of(root, "") == UINT64_MAX);
    assert_int_equal(mkdir(scratch_path(root, "old"), 0700), 0);
    limit_group(root, "/old", "memory.limit_in_bytes", "9223372036854771712\n", "memory.usage_in_bytes",
                "inactive_file 1\ntotal_inactive_file 300\n");
    assert_true(memory_room() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(what_answers_no_numbers_is_refused),
        RIG_TEST(room_is_what_the_limits_leave),
        RIG_TEST(an_unchanged_file_is_not_loaded_again),
        RIG_TEST(a_file_that_was_written_over_is_loaded),
        RIG_TEST(a_stamp_of_a_moment_ago_proves_nothing),
        RIG_TEST(what_is_wrong_is_gathered),
        RIG_TEST(each_request_ends_where_it_began),
        RIG_TEST(what_was_counted_stays),
        RIG_TEST(a_cancelled_request_lets_go),
        RIG_TEST(several_sets_are_given_back_in_any_order),
        RIG_TEST(who_holds_old_sets_is_told),
        RIG_TEST(what_waits_for_a_model_that_stays_goes_over),
        RIG_TEST(a_number_never_leads_to_another_model),
        RIG_TEST(who_knows_a_model_goes_on),
        RIG_TEST(descriptions_come_from_the_current_set),
    };

    return cmocka_run_group_tests_name("model set", tests, NULL, NULL);
}
