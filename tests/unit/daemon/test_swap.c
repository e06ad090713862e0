/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole daemon, with this thread as its control thread, goes over to another set of models.
 */
#include "support/test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/control/daemon.h"
#include "daemon/control/describe.h"
#include "daemon/control/models.h"
#include "daemon/control/reports.h"
#include "daemon/control/wispd.h"
#include "support/model.h"

static struct config config;
static struct wispd *daemon_;
static const char *folder;
static struct reason why;

static void make(const char *file, unsigned seed)
{
    const struct model_recipe recipe = {
        .name = "small", .processing = "image.classification", .sizes = { 20, 30, 5 }, .density = 0.4, .seed = seed
    };

    free(config.models->path);
    config.models->path = strdup(scratch_path(folder, file));
    model_make(config.models->path, &recipe);
}

static int setup(void **state)
{
    (void)state;
    folder = scratch_make();
    assert_int_equal(config_init(&config), 0);
    free(config.socket);
    config.socket = strdup(scratch_path(folder, "wisp.sock"));
    config.models = calloc(1, sizeof *config.models);
    config_model_init(config.models);
    config.model_count = 1;
    make("first.safetensors", 1);
    assert_ok(wispd_new(&config, NULL, &daemon_, &why), why);
    make("second.safetensors", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    daemon_ = wispd_free(daemon_);
    config_deinit(&config);
    scratch_remove(folder);
    return 0;
}

static struct model_set *load(void)
{
    struct model_set *set = NULL;

    assert_ok(model_set_load(&config, daemon_->set, NULL, &set, &why), why);
    return set;
}

/* Whether clients are told of the model of this set, and by which number. */
static bool is_described(const struct model_set *set)
{
    uint32_t route = model_set_find(daemon_->set, "small", 5);
    struct description all = describe_models(daemon_), one = describe_model(daemon_, route);
    bool yes = strstr(all.own, set->models[0].model->identity) && strstr(one.shared, set->models[0].model->identity);

    free(all.own);
    free(one.own);
    return yes;
}

static void take_reports_until(const struct model_set *set)
{
    uint64_t until = clock_ns() + 20 * NS_PER_S;

    while (daemon_->set != set) {
        assert_true(clock_ns() < until);
        assert_int_equal(reports_take(daemon_), 0);
        poll(NULL, 0, 1);
    }
}

static void descriptions_change_when_the_shard_has(void **state)
{
    struct model_set *old = model_set_hold(daemon_->set), *set = load();

    (void)state;
    assert_true(is_described(old));
    assert_ok(models_use(daemon_, set, &why), why);
    assert_ptr_equal(daemon_->set, old); /* nothing has been heard yet */
    assert_true(is_described(old));
    take_reports_until(set);
    assert_true(is_described(set));
    assert_false(is_described(old));
    while (daemon_->newest->next) /* the old one's queues, which nobody uses, come back */
        assert_int_equal(reports_take(daemon_), 0);
    assert_int_equal(old->holders, 1);
    model_set_release(old);
    model_set_release(set);
    assert_int_equal(set->holders, 2); /* the daemon, and its queues */
}

/* The mailbox between the two is as long as this. */
static void there_are_not_too_many_at_once(void **state)
{
    struct model_set *set = load();

    (void)state;
    for (int i = 1; i < WORKER_QUEUE_SETS; i++)
        assert_ok(models_use(daemon_, set, &why), why);
    assert_int_equal(models_use(daemon_, set, &why), WISP_E_BUSY);
    assert_non_null(strstr(why.text, "try again"));
    take_reports_until(set);
    while (daemon_->newest->next)
        assert_int_equal(reports_take(daemon_), 0);
    assert_ok(models_use(daemon_, set, &why), why);
    model_set_release(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(descriptions_change_when_the_shard_has, setup, teardown),
        cmocka_unit_test_setup_teardown(there_are_not_too_many_at_once, setup, teardown),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("models give way to others", tests, NULL, NULL);
}
