/* SPDX-License-Identifier: Apache-2.0
 *
 * How long calls of libwisp wait: every function of the public headers is in one of two lists here, and what can wait
 * returns within its limit, be the daemon stopped, or something in its place that takes connections and never answers.
 */
#include "support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/size.h"
#include "libipc/message.h"
#include "libipc/wire_check.h"
#include "served.h"

/* What is waited for, and what a loaded machine may add to that: less than any limit that is not this one. */
enum { LIMIT_MS = 200, BESIDES_MS = 3000 };

static struct {
    wisp_client *client, *other; /* the other has not asked about any model */
    wisp_model *model;
    wisp_request *request;
    wisp_buffer *buffer;
    char *picture; /* some file */
} at;

/* ---- what can wait ---- */

static int call_connect(void)
{
    const struct wisp_options options = { .size = sizeof options,
                                          .socket_path = served.socket,
                                          .connect_ms = LIMIT_MS };
    wisp_client *client;

    return wisp_connect(&client, &options);
}

static int call_ping(void)
{
    return wisp_ping(at.client, LIMIT_MS, NULL);
}

static int ask(int (*question)(wisp_client *client, char **text))
{
    char *text = NULL;
    int result = question(at.client, &text);

    free(text);
    return result;
}

static int call_find(void)
{
    wisp_model *model;

    return wisp_find(at.client, "small", &model);
}

static int call_request_new(void)
{
    wisp_request *request;

    return wisp_request_new(at.other, at.model, 1, &request);
}

static int call_request_new_in(void)
{
    wisp_request *request;

    return wisp_request_new_in(at.other, at.model, 1, NULL, 0, &request);
}

static int call_infer(void)
{
    const float input[SMALL_INPUTS] = { 0 };
    float output[SMALL_OUTPUTS];

    return wisp_infer(at.client, at.model, input, 1, output, NULL);
}

static int call_wait(void)
{
    int result = wisp_submit(at.request);

    if (!result)
        result = wisp_wait(at.request, LIMIT_MS);
    (void)wisp_cancel(at.request);
    return result;
}

static int call_buffer_new(void)
{
    wisp_buffer *buffer;

    return wisp_buffer_new(at.client, 4096, &buffer);
}

static int call_buffer_from_fd(void)
{
    int fd = memfd_create("limits", MFD_CLOEXEC | MFD_ALLOW_SEALING), result;
    wisp_buffer *buffer;

    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    result = wisp_buffer_from_fd(at.client, fd, &buffer);
    close(fd);
    return result;
}

/* What the daemon does not do now it does at the end of the channel. */
static int call_buffer_free(void)
{
    int result = wisp_buffer_free(at.buffer);

    at.buffer = NULL;
    return result ? result : WISP_E_TIMEOUT;
}

static int call_classify_file(void)
{
    struct wisp_label top[1];
    size_t count = 1;

    return wisp_classify_file(at.client, "small", at.picture, top, &count, NULL);
}

static int call_process_file(void)
{
    return wisp_process_file(at.client, "small", at.picture, NULL, NULL, NULL);
}

static int call_process_files(void)
{
    return wisp_process_files(at.client, "small", (const char *const[]){ at.picture, NULL }, NULL, NULL, NULL);
}

static const struct {
    const char *name;
    int (*call)(void);
    int (*question)(wisp_client *client, char **text); /* in place of a call */
} waiting[] = {
    { "wisp_connect", .call = call_connect },
    { "wisp_ping", .call = call_ping },
    { "wisp_list", .question = wisp_list },
    { "wisp_status", .question = wisp_status },
    { "wisp_stats", .question = wisp_stats },
    { "wisp_clients", .question = wisp_clients },
    { "wisp_reload", .question = wisp_reload },
    { "wisp_rollback", .question = wisp_rollback },
    { "wisp_find", .call = call_find },
    { "wisp_request_new", .call = call_request_new },
    { "wisp_request_new_in", .call = call_request_new_in },
    { "wisp_infer", .call = call_infer },
    { "wisp_wait", .call = call_wait },
    { "wisp_buffer_new", .call = call_buffer_new },
    { "wisp_buffer_from_fd", .call = call_buffer_from_fd },
    { "wisp_classify_file", .call = call_classify_file },
    { "wisp_process_file", .call = call_process_file },
    { "wisp_process_files", .call = call_process_files },
    { "wisp_buffer_free", .call = call_buffer_free }, /* the last: it is gone then */
};

/* ---- what never waits ---- */

static const char *const at_once[] = {
    "wisp_arm",
    "wisp_buffer_data",
    "wisp_buffer_size",
    "wisp_cancel",
    "wisp_check_output",
    "wisp_close",
    "wisp_decode_text",
    "wisp_dispatch",
    "wisp_encode_bytes",
    "wisp_encode_file",
    "wisp_encode_input",
    "wisp_encode_pixels",
    "wisp_encode_samples",
    "wisp_entries",
    "wisp_fd",
    "wisp_gives_transcript",
    "wisp_last_error",
    "wisp_model_decoder",
    "wisp_model_find_input",
    "wisp_model_find_output",
    "wisp_model_free",
    "wisp_model_identity",
    "wisp_model_input",
    "wisp_model_input_count",
    "wisp_model_input_shape",
    "wisp_model_input_size",
    "wisp_model_json",
    "wisp_model_label",
    "wisp_model_label_count",
    "wisp_model_name",
    "wisp_model_output",
    "wisp_model_output_count",
    "wisp_model_output_shape",
    "wisp_model_output_size",
    "wisp_model_processing",
    "wisp_model_threshold",
    "wisp_model_words",
    "wisp_next",
    "wisp_poll",
    "wisp_request_free",
    "wisp_request_input",
    "wisp_request_input_tensor",
    "wisp_request_move",
    "wisp_request_output",
    "wisp_request_output_tensor",
    "wisp_request_receipt",
    "wisp_request_set_beam",
    "wisp_request_set_callback",
    "wisp_request_set_deadline",
    "wisp_request_set_noted",
    "wisp_request_set_priority",
    "wisp_request_set_user",
    "wisp_request_timings",
    "wisp_request_user",
    "wisp_request_wake_ns",
    "wisp_request_words",
    "wisp_server",
    "wisp_submit",
    "wisp_takes_words",
    "wisp_top",
    "wisp_transcript",
    "wisp_version",
    "wisp_words_count",
    "wisp_words_encode",
    "wisp_words_free",
    "wisp_words_new",
    "wisp_words_samples",
    "wisp_words_take",

    "wisp_words_word",
    "wisp_write_picture",
};

/* ---- every function is in one of them ---- */

static unsigned times_listed(const char *name)
{
    unsigned times = 0;

    for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
        times += !strcmp(waiting[i].name, name);
    for (size_t i = 0; i < ARRAY_SIZE(at_once); i++)
        times += !strcmp(at_once[i], name);
    return times;
}

static void blank_comments(char *text)
{
    for (char *begin, *end; (begin = strstr(text, "/*")) && (end = strstr(begin, "*/"));)
        memset(begin, ' ', (size_t)(end + 2 - begin));
}

/* How many functions it declares. */
static size_t walk(const char *header)
{
    void *data;
    size_t size, count = 0;
    struct reason why;
    regmatch_t match[2];
    regex_t declared;

    assert_ok(file_read(source_path(header), 1 << 20, &data, &size, &why), why);
    blank_comments(data);
    assert_int_equal(regcomp(&declared, "(wisp_[a-z_]+)\\(", REG_EXTENDED), 0);
    for (char *text = data; !regexec(&declared, text, 2, match, 0); text += match[0].rm_eo) {
        text[match[1].rm_eo] = 0;
        if (times_listed(text + match[1].rm_so) != 1)
            fail_msg("%s() is in %u of the two lists", text + match[1].rm_so, times_listed(text + match[1].rm_so));
        text[match[1].rm_eo] = '(';
        count++;
    }
    regfree(&declared);
    free(data);
    return count;
}

static void every_function_is_listed(void **state)
{
    (void)state;
    assert_int_equal(walk("client/include/wisp/wisp.h") + walk("client/include/wisp/media.h"),
                     ARRAY_SIZE(waiting) + ARRAY_SIZE(at_once));
}

/* ---- and returns in time ---- */

static void assert_in_time(const char *name, uint64_t since_ns, unsigned limit_ms)
{
    const uint64_t took_ms = (clock_ns() - since_ns) / NS_PER_MS;

    if (took_ms > limit_ms + BESIDES_MS)
        fail_msg("%s() took %llu ms, and its limit is %u", name, (unsigned long long)took_ms, limit_ms);
}

static void all_return_in_time(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
        const uint64_t begin = clock_ns();
        int result = waiting[i].question ? ask(waiting[i].question) : waiting[i].call();

        assert_in_time(waiting[i].name, begin, LIMIT_MS);
        if (result != WISP_E_TIMEOUT)
            fail_msg("%s(): %d, %s", waiting[i].name, result, wisp_last_error());
    }
}

static void nothing_else_waits(void)
{
    const uint64_t begin = clock_ns();

    (void)wisp_submit(at.request);
    (void)wisp_poll(at.request);
    (void)wisp_fd(at.client);
    (void)wisp_arm(at.client);
    (void)wisp_dispatch(at.client);
    (void)wisp_next(at.client);
    (void)wisp_cancel(at.request);
    assert_in_time("what does not wait", begin, 0);
}

static int setup(void **state)
{
    const struct wisp_options options = { .answer_ms = LIMIT_MS };

    (void)state;
    at.client = served_connect(&options);
    at.other = served_connect(&options);
    at.model = served_find(at.client, "small");
    at.request = served_request(at.client, at.model, 1);
    assert_int_equal(wisp_buffer_new(at.client, 4096, &at.buffer), 0);
    at.picture = strdup(source_path("README.md"));
    return 0;
}

static int teardown(void **state)
{
    const uint64_t begin = clock_ns();

    (void)state;
    wisp_model_free(at.model);
    wisp_close(at.client);
    wisp_close(at.other);
    assert_in_time("wisp_close", begin, 0);
    free(at.picture);
    return 0;
}

static void with_a_daemon_that_is_stopped(void **state)
{
    (void)state;
    daemon_signal(&served, SIGSTOP);
    all_return_in_time();
    nothing_else_waits();
    daemon_signal(&served, SIGCONT);
}

/* In the daemon's place. */
static int listen_instead(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    daemon_kill(&served);
    unlink(served.socket);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", served.socket);
    assert_int_equal(bind(socket_fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(socket_fd, 64), 0);
    return socket_fd;
}

static void with_something_that_never_answers(void **state)
{
    const int deaf = listen_instead();

    (void)state;
    all_return_in_time();
    nothing_else_waits();
    close(deaf);
    unlink(served.socket);
    daemon_restart(&served);
}

/* ---- a new daemon that welcomes, and answers nothing ---- */

/* Until the listener is shut down. */
static void *welcome_all(void *listener)
{
    static const struct wire_offer offer = { .abi_min = WIRE_ABI_MIN,
                                             .abi_max = WIRE_ABI_MAX,
                                             .features = WIRE_FEATURES };
    int clients[64], count = 0, client;

    while (count < 64 && (client = accept(*(const int *)listener, NULL, NULL)) >= 0) {
        struct wire_welcome welcome;
        static struct message hello;

        clients[count++] = client;
        if (message_receive(client, &hello, false, 0, NULL) || wire_negotiate(&hello.hello, &offer, &welcome))
            break;
        (void)message_send(client, &welcome, sizeof welcome, NULL, 0, 0);
    }
    while (count)
        close(clients[--count]);
    return NULL;
}

/* It is asked about the models, which is of the limit of whoever calls, or little more. */
static void with_a_new_daemon_that_only_welcomes(void **state)
{
    const struct wisp_options options = { .answer_ms = LIMIT_MS, .entries = UINT32_MAX };
    wisp_client *client = served_connect(&options);
    wisp_model *models[] = { served_find(client, "small"), served_find(client, "large") };
    int listener = listen_instead();
    pthread_t thread;
    uint64_t begin, took_ms;
    char *text = NULL;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, welcome_all, &listener), 0);
    begin = clock_ns();
    assert_int_equal(wisp_list(client, &text), WISP_E_TIMEOUT);
    took_ms = (clock_ns() - begin) / NS_PER_MS;
    assert_true(took_ms < 1800); /* it once was two seconds, whatever the limit */
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    unlink(served.socket);
    daemon_restart(&served);
    assert_int_equal(wisp_list(client, &text), 0);
    free(text);
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        wisp_model_free(models[i]);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_listed),
        cmocka_unit_test_setup_teardown(with_a_daemon_that_is_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(with_something_that_never_answers, setup, teardown),
        cmocka_unit_test(with_a_new_daemon_that_only_welcomes),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
