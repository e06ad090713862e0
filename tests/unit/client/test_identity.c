/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon comes back with another file behind the name. Whatever it is that differs, nobody may get the labels of
 * one model on the answers of another, or an input that was encoded for the other one; the same file goes on silently.
 */
#include "support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wisp/wisp.h>

#include "base/size.h"
#include "support/daemon.h"
#include "support/model.h"

enum { INPUTS = 16, OUTPUTS = 6, PATIENCE_MS = 20000 };

#define MEDIA(mean)                                                                                                    \
    "{\"kind\": \"image\", \"width\": 4, \"height\": 4, \"channels\": 1, \"fit\": \"stretch\", \"background\": 0, "    \
    "\"mean\": [" mean "], \"deviation\": [0.5]}"

static const struct model_recipe base = { .name = "it",
                                          .processing = "image.classification",
                                          .sizes = { INPUTS, 12, OUTPUTS },
                                          .density = 0.5,
                                          .seed = 1,
                                          .media = MEDIA("0.5") };

static const char *folder;
static char path[256];
static struct test_daemon daemon_;

static int begin(void **state)
{
    const char *models[] = { path };

    (void)state;
    folder = scratch_make();
    snprintf(path, sizeof path, "%s/it.safetensors", folder);
    model_make(path, &base);
    daemon_start(&daemon_, &(struct daemon_setup){ .models = models, .model_count = 1 });
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_remove(folder);
    return daemon_stop(&daemon_);
}

static wisp_client *connect_to_it(void)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = daemon_.socket };
    wisp_client *client;

    if (wisp_connect(&client, &options))
        fail_msg("%s", wisp_last_error());
    return client;
}

static wisp_model *find(wisp_client *client, const char *name)
{
    wisp_model *model;

    if (wisp_find(client, name, &model))
        fail_msg("%s", wisp_last_error());
    return model;
}

static wisp_request *make_request(wisp_client *client, const wisp_model *model)
{
    wisp_request *request;

    if (wisp_request_new(client, model, 1, &request))
        fail_msg("%s", wisp_last_error());
    floats_make(wisp_request_input(request), wisp_model_input_size(model), 1, 1);
    return request;
}

static void exchange(const struct model_recipe *recipe)
{
    daemon_kill(&daemon_);
    model_make(path, recipe);
    daemon_restart(&daemon_);
}

/* What the request gets from a daemon with this model, which comes after one that had the request under way. */
static int exchange_under(wisp_request *request, const struct model_recipe *recipe)
{
    daemon_signal(&daemon_, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    exchange(recipe);
    return wisp_wait(request, PATIENCE_MS);
}

static int ask(wisp_request *request)
{
    int result = wisp_submit(request);

    return result ? result : wisp_wait(request, PATIENCE_MS);
}

/* The socket of a daemon that died with io_uring polls under way is closed a moment after it; until then what is known
 * of that daemon holds. */
static int ask_until_told_otherwise(wisp_request *request)
{
    int result = ask(request);

    for (int i = 0; i < PATIENCE_MS / 10 && result == WISP_E_CHANGED; i++) {
        usleep(10000);
        result = ask(request);
    }
    return result;
}

static void expect_to_be_told(int result)
{
    assert_int_equal(result, WISP_E_CHANGED);
    if (!strstr(wisp_last_error(), "find it anew"))
        fail_msg("%s", wisp_last_error());
}

static void test_another_model_is_told_whatever_differs(void **state)
{
    struct model_recipe others[] = { base, base, base, base };
    wisp_client *client = connect_to_it(), *second;
    wisp_model *model = find(client, "image"), *again;
    wisp_request *request = make_request(client, model), *anew, *more;

    (void)state;
    others[0].label = "other"; /* the labels only */
    others[1].media = MEDIA("0.25");
    others[2].seed = 2; /* the weights only */
    others[3].sizes[0] = 2 * INPUTS;
    others[3].media = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        expect_to_be_told(exchange_under(request, &others[i]));
        expect_to_be_told(ask(request));
        assert_int_equal(wisp_request_new(client, model, 1, &more), 0);
        expect_to_be_told(ask(more));
        wisp_request_free(more);
        again = find(client, "image");
        assert_string_not_equal(wisp_model_identity(again), wisp_model_identity(model));
        assert_string_equal(wisp_model_label(again, 0), i ? "label 0" : "other");
        anew = make_request(client, again);
        assert_int_equal(ask(anew), 0);
        second = connect_to_it(); /* which has never seen the first */
        expect_to_be_told(wisp_request_new(second, model, 1, &more));
        wisp_close(second);
        exchange(&base);
        assert_int_equal(ask_until_told_otherwise(request), 0); /* it is back */
        expect_to_be_told(ask(anew));
        wisp_request_free(anew);
        wisp_model_free(again);
    }
    wisp_model_free(model);
    wisp_close(client);
}

static void test_the_same_file_goes_on(void **state)
{
    wisp_client *client = connect_to_it();
    wisp_model *model = find(client, "it");
    wisp_request *request = make_request(client, model);
    struct wisp_timings timings;
    char identity[64];
    float before[OUTPUTS];

    (void)state;
    assert_int_equal(ask(request), 0);
    memcpy(before, wisp_request_output(request), sizeof before);
    snprintf(identity, sizeof identity, "%s", wisp_model_identity(model));
    assert_int_equal(exchange_under(request, &base), 0);
    wisp_request_timings(request, &timings);
    assert_int_equal(timings.resubmitted, 1);
    assert_memory_equal(wisp_request_output(request), before, sizeof before);
    wisp_model_free(model);
    model = find(client, "it");
    assert_string_equal(wisp_model_identity(model), identity);
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- in one call ---- */

/* 4x4, 8-bit grey. */
static const unsigned char picture[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49,
                                         0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x04, 0x08, 0x00,
                                         0x00, 0x00, 0x00, 0x8c, 0x9a, 0xc1, 0xa2, 0x00, 0x00, 0x00, 0x1d, 0x49, 0x44,
                                         0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x10, 0x50, 0x30, 0x60, 0x70, 0x08, 0x48,
                                         0x28, 0x60, 0x68, 0x98, 0xb0, 0x60, 0x03, 0xc3, 0x81, 0x0b, 0x0f, 0x3e, 0x00,
                                         0x00, 0x30, 0xd4, 0x07, 0x81, 0xca, 0x38, 0xd4, 0x9d, 0x00, 0x00, 0x00, 0x00,
                                         0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };

struct asker {
    wisp_client *client;
    char picture[256];
    struct wisp_label expected[2]; /* of either model */
    bool stop;                     /* relaxed: read until it is seen */
    unsigned answers[2];
    int result;
    char text[400];
};

static bool is_label(const struct wisp_label *a, const struct wisp_label *b)
{
    return a->index == b->index && memcmp(&a->probability, &b->probability, sizeof a->probability) == 0 &&
           !strcmp(a->name, b->name);
}

static void *ask_for_labels(void *argument)
{
    struct asker *asker = argument;

    while (!asker->result && !__atomic_load_n(&asker->stop, __ATOMIC_RELAXED)) {
        struct wisp_label top;
        size_t count = 1;

        asker->result = wisp_classify_file(asker->client, "image", asker->picture, &top, &count, NULL);
        snprintf(asker->text, sizeof asker->text, "%s", asker->result ? wisp_last_error() : top.name);
        if (!asker->result && is_label(&top, &asker->expected[0]))
            __atomic_add_fetch(&asker->answers[0], 1, __ATOMIC_RELAXED);
        else if (!asker->result && is_label(&top, &asker->expected[1]))
            __atomic_add_fetch(&asker->answers[1], 1, __ATOMIC_RELAXED);
        else
            asker->result = asker->result ? asker->result : -1;
    }
    return NULL;
}

/* Pairs with nothing: only how many there are matters. */
static unsigned answers_of(const struct asker *asker, unsigned which)
{
    return (unsigned)__atomic_load_n(&asker->answers[which], __ATOMIC_RELAXED);
}

static void write_picture(const char *name)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(picture, sizeof picture, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

/* Who knows the model by its name only gets the labels of whichever model is there, with that one's answer. */
static void test_one_call_finds_anew_by_itself(void **state)
{
    struct model_recipe other = base;
    struct asker asker = { .client = connect_to_it() };
    pthread_t thread;
    size_t count = 1;
    unsigned before;

    (void)state;
    other.seed = 5;
    other.label = "other";
    other.media = MEDIA("0.1");
    snprintf(asker.picture, sizeof asker.picture, "%s/p.png", folder);
    write_picture(asker.picture);
    for (int i = 1; i >= 0; i--) {
        exchange(i ? &other : &base);
        assert_int_equal(wisp_classify_file(asker.client, "image", asker.picture, &asker.expected[i], &count, NULL), 0);
    }
    assert_false(is_label(&asker.expected[0], &asker.expected[1]));
    assert_int_equal(pthread_create(&thread, NULL, ask_for_labels, &asker), 0);
    for (unsigned i = 1; i <= 10; i++) {
        usleep(10000 + 777 * i);
        daemon_signal(&daemon_, SIGSTOP); /* in the middle of whatever */
        before = answers_of(&asker, i % 2);
        exchange(i % 2 ? &other : &base);
        for (int j = 0; j < PATIENCE_MS / 10 && answers_of(&asker, i % 2) == before; j++)
            usleep(10000); /* it has found the new one */
    }
    __atomic_store_n(&asker.stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (asker.result)
        fail_msg("%d: %s", asker.result, asker.text);
    assert_true(asker.answers[0] >= 5 && asker.answers[1] >= 5);
    wisp_close(asker.client);
}

/* The command knows it by name, too. The pipe holds it between its first answer and the rest: what came through the
 * pipe was encoded for the model that has gone and cannot be read again, what follows is encoded for the one that is
 * there. */
static void test_the_command_finds_anew(void **state)
{
    struct model_recipe other = base;
    char pipe_path[256], picture_path[256], command[1600], output[4096];
    size_t length;
    FILE *run;
    int fd;

    (void)state;
    other.label = "other";
    exchange(&base);
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    snprintf(picture_path, sizeof picture_path, "%s/q.png", folder);
    write_picture(picture_path);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    snprintf(command, sizeof command, "%s run image -s %s -k 6 %s %s %s 2>&1; echo status $?", binary_path("bin/wisp"),
             daemon_.socket, picture_path, pipe_path, picture_path);
    run = popen(command, "r"); /* NOLINT(cert-env33-c): nobody else's words are in it */
    assert_non_null(run);
    fd = open(pipe_path, O_WRONLY | O_CLOEXEC); /* it has answered, and reads */
    assert_true(fd >= 0);
    exchange(&other);
    assert_int_equal(write(fd, picture, sizeof picture), sizeof picture);
    close(fd);
    length = fread(output, 1, sizeof output - 1, run);
    output[length] = 0;
    pclose(run);
    if (!strstr(output, "label 0") || !strstr(output, "pipe: ") || !strstr(output, "find it anew") ||
        !strstr(output, "it is found anew") || !strstr(output, "other") || !strstr(output, "status 75"))
        fail_msg("%s", output);
    exchange(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_model_is_told_whatever_differs),
        cmocka_unit_test(test_the_same_file_goes_on),
        cmocka_unit_test(test_one_call_finds_anew_by_itself),
        cmocka_unit_test(test_the_command_finds_anew),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
