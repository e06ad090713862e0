/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run TARGET FILE…: one request after the other through one reused piece of shared memory. An input that fails is
 * reported and the rest still run; the exit status is that of the first failure. When the daemon is gone the rest does
 * not run, and that is said.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "cli/run.h"
#include "cli/verb.h"

static const struct usage usage = {
    .verb = "run",
    .arguments = "TARGET FILE… [options]",
    .summary = "Sends each FILE to a model and prints its answer. TARGET is a model's name, a processing type\n"
               "(image.classification) or a modality (image, text, audio). FILE - is standard input.",
    .examples = "  wisp run image photo.png other.jpg\n"
                "  wisp run text --text 'Wo ist der Bahnhof?'\n"
                "  fortune | wisp run text -\n"
                "  wisp run audio --json *.wav | jq -r '.labels[0].label'\n",
};

static bool read_options(struct run *run, int argc, char **argv, struct operands *operands, int *status)
{
    struct option_table table = { .count = 0 };

    option_count(&table, "top-k", 'k', &run->top_k, "N", "print the N most probable labels (3)", 1, UINT32_MAX);
    option_text(&table, "text", 0, &run->text, "TEXT", "an input given here instead of in a file");
    option_flag(&table, "tensor", 0, &run->tensor, "the files are tensors: little-endian float32, not decoded");
    option_flag(&table, "json", 'j', &run->json, "one JSON object a line for each input");
    option_flag(&table, "raw", 0, &run->raw, "the output tensors as they are: little-endian float32");
    option_flag(&table, "verbose", 'v', &run->verbose, "how long it took, and where, on standard error");
    session_options(&run->session, &table);
    return options_read(&usage, &table, argc, argv, operands, status);
}

/* What options_read() cannot see; EXIT_DONE when it makes sense. */
static int check(const struct run *run, size_t input_count)
{
    if (!input_count)
        return fail(usage.verb, EXIT_USAGE, "no input: name files, or - for standard input");
    if (run->json && run->raw)
        return fail(usage.verb, EXIT_USAGE, "--json and --raw exclude each other");
    if (run->raw && run->screen.terminal)
        return fail(usage.verb, EXIT_USAGE,
                    "--raw writes binary numbers: send them to a file or a pipe, not a terminal");
    return EXIT_DONE;
}

/* ---- one input ---- */

static int send(struct run *run, uint32_t patience_ms)
{
    int result = wisp_submit(run->request);

    if (!result)
        result = wisp_wait(run->request, patience_ms);
    /* Still under way: this memory is the daemon's until wisp_close(). */
    if (result == WISP_E_TIMEOUT)
        run->request = NULL;
    return result;
}

static int prepare(struct run *run)
{
    uint64_t deadline_us = run->session.timeout_ms * 1000;
    int result = 0;

    if (!run->request)
        result = wisp_request_new(run->session.client, run->model, 1, &run->request);
    if (!result)
        wisp_request_set_deadline(run->request, (uint32_t)MIN(deadline_us, UINT32_MAX));
    return result;
}

static int explain(int result, struct reason *why)
{
    const char *text = wisp_last_error();

    return refuse(why, result, "%s", *text ? text : wisp_status_text(result));
}

static int run_one(struct run *run, const struct input *input, struct reason *why)
{
    struct answer answer = { .input = input };
    uint64_t begun;
    int result = prepare(run);

    if (result)
        return explain(result, why);
    if (input->path && !strcmp(input->path, "-") && isatty(STDIN_FILENO))
        fputs("reading from the terminal; Ctrl-D ends it\n", stderr);
    begun = clock_ns();
    result = input_encode(run, input, wisp_request_input(run->request), why);
    if (result)
        return result;
    answer.encode_ns = clock_ns() - begun;
    result = send(run, session_wait_ms(&run->session));
    if (result)
        return refuse_in(why, explain(result, why), "%s", input->name);
    wisp_request_receipt(run->request, &answer.receipt);
    answer.output = wisp_request_output(run->request);
    result = answer_print(run, &answer);
    return result ? refuse_in(why, explain(result, why), "%s", input->name) : 0;
}

/* ---- the model ---- */

static int find(struct run *run)
{
    int result = wisp_find(run->session.client, run->target, &run->model);
    size_t labels;

    if (result)
        return session_fail(&run->session, result);
    labels = wisp_model_label_count(run->model);
    if (!labels)
        return EXIT_DONE;
    run->top_k = MAX(MIN(run->top_k, labels), 1);
    for (size_t i = 0; i < labels; i++)
        run->label_columns = MAX(run->label_columns, text_columns(wisp_model_label(run->model, i)));
    run->top = calloc(run->top_k, sizeof *run->top);
    return run->top ? EXIT_DONE : fail(usage.verb, EXIT_FAILED, "out of memory");
}

static void forget_model(struct run *run)
{
    run->request = wisp_request_free(run->request);
    run->model = wisp_model_free(run->model);
    free(run->top);
    run->top = NULL;
}

/* ---- all inputs ---- */

static int report(struct run *run, const struct input *input, int result, const struct reason *why)
{
    fflush(stdout);
    if (run->json)
        answer_print_failure(run, input, result, why->text);
    /* An input that the model cannot compute with is no misuse of the command. */
    return fail(usage.verb, result == WISP_E_INVALID ? EXIT_DATA : exit_for_input(result), "%s", why->text);
}

static int run_all(struct run *run, const struct input *inputs, size_t count)
{
    int first = EXIT_DONE;

    for (size_t i = 0; i < count && !ferror(stdout); i++) {
        struct reason why = { "" };
        int result = run_one(run, &inputs[i], &why), status;

        /* What stood there is read: standard input cannot be encoded once more, for another model. */
        if (result == WISP_E_CHANGED && strcmp(inputs[i].path ? inputs[i].path : "", "-") != 0) {
            warn_user(usage.verb, "wispd now serves another model as %s: it is found anew", run->target);
            forget_model(run);
            status = find(run);
            if (status)
                return first ? first : status;
            result = run_one(run, &inputs[i], &why);
        }
        status = result ? report(run, &inputs[i], result, &why) : EXIT_DONE;
        first = first ? first : status;
        fflush(stdout);
        if (status == EXIT_NO_DAEMON) {
            if (i + 1 < count)
                fail(usage.verb, status, "%zu more inputs were not run", count - i - 1);
            break;
        }
    }
    return first;
}

/* The sentence of --text, then the files. */
static struct input *list_inputs(const struct run *run, const struct operands *operands, size_t *count)
{
    struct input *inputs = calloc(operands->count + 1, sizeof *inputs);

    *count = 0;
    if (inputs && run->text)
        inputs[(*count)++] = (struct input){ .name = run->text, .text = run->text };
    for (size_t i = 1; inputs && i < operands->count; i++) {
        char *path = operands->words[i];

        inputs[(*count)++] = (struct input){ .name = !strcmp(path, "-") ? "standard input" : path, .path = path };
    }
    return inputs;
}

static void release(struct run *run)
{
    forget_model(run);
    session_close(&run->session);
}

int verb_run(int argc, char **argv)
{
    struct run run = { .session.verb = usage.verb, .top_k = 3 };
    struct operands operands = { .least = 1, .most = SIZE_MAX, .what = "TARGET" };
    cleanup_free struct input *inputs = NULL;
    size_t count;
    int status;

    if (!read_options(&run, argc, argv, &operands, &status))
        return status;
    screen_init(&run.screen, stdout);
    run.target = operands.words[0];
    inputs = list_inputs(&run, &operands, &count);
    if (!inputs)
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    status = check(&run, count);
    if (!status)
        status = session_open(&run.session);
    if (!status)
        status = find(&run);
    if (!status)
        status = run_all(&run, inputs, count);
    release(&run);
    return status;
}
