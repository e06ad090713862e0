/* SPDX-License-Identifier: Apache-2.0
 *
 * One answer as a person reads it, as a JSON line, or as the tensor itself.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/run/decoded.h"
#include "client/cli/run/run.h"
#include "client/cli/run/written.h"

enum { LABEL_COLUMNS_MIN = 12, LABEL_COLUMNS_MAX = 40, BAR_COLUMNS = 24, PREVIEW = 8 };

/* Whether a label is printed: one that is not sure enough is not, nor, of those that hold each by itself, one that does
 * not hold, unless so many are wished. */
static bool is_printed(const struct run *run, const struct wisp_label *label)
{
    if (run->holding && label->probability < wisp_model_threshold(run->model, label->index))
        return false;
    return run->min <= 0 || (double)label->probability >= run->min;
}

/* The labels to print, the most probable first. */
static int take_top(const struct run *run, size_t *count)
{
    size_t have = (size_t)run->top_k;
    int result;

    insist(run->top && have > 0 && run->request);
    result = wisp_top(run->model, wisp_request_output_tensor(run->request, 0), run->top, &have);

    insist(have <= run->top_k, "%zu of %llu", have, (unsigned long long)run->top_k);
    *count = 0;
    for (size_t i = 0; !result && i < have; i++) {
        if (is_printed(run, &run->top[i]))
            run->top[(*count)++] = run->top[i];
    }
    return result;
}

/* ---- for a person ---- */

static void print_percent(const struct screen *screen, enum style style, double probability)
{
    char text[16];

    if (probability > 0 && probability < 0.0005)
        snprintf(text, sizeof text, "<0.1 %%");
    else
        snprintf(text, sizeof text, "%.1f %%", 100 * probability);
    screen_right(screen, style, text, strlen("100.0 %"));
}

static void print_label(const struct run *run, const struct wisp_label *label, bool best)
{
    const struct screen *screen = &run->screen;
    size_t width = MIN(MAX(run->label_columns, LABEL_COLUMNS_MIN), LABEL_COLUMNS_MAX);
    enum style style = best ? STYLE_STRONG : STYLE_PLAIN;
    char number[16];

    insist(label->index < wisp_model_label_count(run->model), "%u", label->index);
    snprintf(number, sizeof number, "%u", label->index);
    fputs("  ", screen->file);
    screen_text(screen, style, *label->name ? label->name : number, width);
    fputs("  ", screen->file);
    print_percent(screen, style, label->probability);
    if (screen->terminal)
        fputs("  ", screen->file);
    screen_bar(screen, label->probability, BAR_COLUMNS);
    fputc('\n', screen->file);
}

static void print_labels(const struct run *run, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_label(run, &run->top[i], i == 0);
    if (count)
        return;
    fputs("  ", run->screen.file);
    screen_text(&run->screen, STYLE_FAINT, run->holding ? "none of these" : "unknown", 0);
    if (run->min > 0)
        fprintf(run->screen.file, ": no label reaches %g\n", run->min);
    else
        fprintf(run->screen.file, ": no label holds\n");
}

/* An output that is no choice of labels: what there is, and how it begins. Of several, by its name. */
static void print_numbers(const struct run *run, size_t index)
{
    const void *data = wisp_request_output_tensor(run->request, index);
    double min = INFINITY, max = -INFINITY;
    struct wisp_tensor output;
    size_t count, finite = 0;

    insist(index < wisp_model_output_count(run->model), "%zu", index);
    (void)wisp_model_output(run->model, index, &output);
    count = output.elements;
    for (size_t i = 0; i < count; i++) {
        double number = tensor_number(&output, data, i);

        if (!isfinite(number))
            continue;
        finite++;
        min = fmin(min, number);
        max = fmax(max, number);
    }
    if (wisp_model_output_count(run->model) > 1)
        fprintf(run->screen.file, "  %s:", output.name);
    fprintf(run->screen.file, "%s%zu numbers", wisp_model_output_count(run->model) > 1 ? " " : "  ", count);
    if (finite)
        fprintf(run->screen.file, " from %g to %g", min, max);
    if (finite < count)
        fprintf(run->screen.file, ", %zu of them not finite", count - finite);
    fputc(':', run->screen.file);
    for (size_t i = 0; i < MIN(count, PREVIEW); i++)
        fprintf(run->screen.file, " %g", tensor_number(&output, data, i));
    fprintf(run->screen.file, "%s\n", count > PREVIEW ? " …" : "");
}

/* The timings are no data: standard error has it, where a person looks on or asked for it. */
void answer_print_timings(const struct run *run, const struct answer *answer)
{
    const struct wisp_timings *timings = &answer->timings;
    char total[32], queue[32], compute[32], wake[32], encode[32];

    if (!run->verbose && !run->screen.terminal)
        return;
    fflush(stdout);
    fprintf(stderr, "  %s ms (queue %s, compute %s", format_ms(timings->total_ns, total),
            format_ms(timings->queue_ns, queue), format_ms(timings->compute_ns, compute));
    if (run->verbose && answer->wake_ns)
        fprintf(stderr, ", wake %s", format_ms(answer->wake_ns, wake));
    fputc(')', stderr);
    if (run->verbose && answer->encode_ns)
        fprintf(stderr, ", decoded in %s ms", format_ms(answer->encode_ns, encode));
    if (run->verbose)
        fprintf(stderr, ", batch of %u", timings->batch);
    if (timings->resubmitted)
        fprintf(stderr, ", sent again %u×", timings->resubmitted);
    fputc('\n', stderr);
}

/* What is said; freed by the caller. */
static int take_transcript(const struct run *run, char **text)
{
    return wisp_transcript(run->model, wisp_request_input(run->request), wisp_request_output_tensor(run->request, 0),
                           (uint32_t)run->beam, text);
}

static int print_transcript(const struct run *run)
{
    cleanup_free char *text = NULL;
    int result = take_transcript(run, &text);

    if (result)
        return result;
    fputs("  ", run->screen.file);
    screen_text(&run->screen, *text ? STYLE_STRONG : STYLE_FAINT, *text ? text : "nothing is said", 0);
    fputc('\n', run->screen.file);
    return 0;
}

void answer_print_written(const struct run *run, const struct answer *answer)
{
    struct screen screen;

    insist(run->writes && run->written.name);
    if (run->lines || (!run->verbose && !run->screen.terminal))
        return;
    screen_init(&screen, stderr);
    fputs("  ", stderr);
    screen_text(&screen, STYLE_PLAIN, answer->input->name, 0);
    fputs(" → ", stderr);
    screen_text(&screen, STYLE_PLAIN, strcmp(run->written.name, "-") != 0 ? run->written.name : "standard output", 0);
    fputc('\n', stderr);
    answer_print_timings(run, answer);
}

void answer_print_heading(const struct run *run, const struct answer *answer)
{
    const struct screen *screen = &run->screen;

    screen_text(screen, STYLE_STRONG, answer->input->name, 0);
    fputs("  ", screen->file);
    screen_text(screen, STYLE_FAINT, wisp_model_name(run->model), 0);
    if (strcmp(wisp_model_processing(run->model), wisp_model_name(run->model)) != 0) {
        screen_text(screen, STYLE_FAINT, ", ", 0);
        screen_text(screen, STYLE_FAINT, wisp_model_processing(run->model), 0);
    }
    fputc('\n', screen->file);
}

static int print_human(const struct run *run, const struct answer *answer, size_t labels)
{
    const bool said = wisp_gives_transcript(run->model), decoded = wisp_model_words(run->model) > 0;
    int result = 0;

    if (run->writes) {
        answer_print_written(run, answer);
        return 0;
    }
    if (!decoded_is_shown(run))
        answer_print_heading(run, answer);
    if (decoded)
        result = decoded_print(run);
    else if (said)
        result = print_transcript(run);
    else if (run->top)
        print_labels(run, labels);
    for (size_t i = said || run->top ? 1 : 0; !decoded && i < wisp_model_output_count(run->model); i++)
        print_numbers(run, i);
    answer_print_timings(run, answer);
    return result;
}

/* ---- for a program ---- */

/* Where it stands, if it is a line of a file. */
static void note_line(json_t *object, const struct input *input)
{
    if (!input->file)
        return;
    json_object_set_new(object, "file", text_json(input->file));
    json_object_set_new(object, "line", json_integer((json_int_t)input->line));
}

/* Finite numbers only: JSON has no others. */
static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_labels(const struct run *run, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:i, s:o}", "label", text_json(run->top[i].name), "index",
                                              (int)run->top[i].index, "probability",
                                              json_number((double)run->top[i].probability)));
    return list;
}

static json_t *json_output(const struct run *run, size_t index)
{
    const void *data = wisp_request_output_tensor(run->request, index);
    json_t *list = json_array();
    struct wisp_tensor output;

    insist(data && index < wisp_model_output_count(run->model), "%zu", index);
    (void)wisp_model_output(run->model, index, &output);
    for (size_t i = 0; i < output.elements; i++) {
        double number = tensor_number(&output, data, i);

        json_array_append_new(list,
                              output.dtype == WISP_FLOAT32 ? json_number(number) : json_integer((json_int_t)number));
    }
    return list;
}

/* All of several, by their names. */
static json_t *json_outputs(const struct run *run)
{
    json_t *object = json_object();

    for (size_t i = 0; i < wisp_model_output_count(run->model); i++) {
        struct wisp_tensor output;

        (void)wisp_model_output(run->model, i, &output);
        json_object_set_new(object, output.name, json_output(run, i));
    }
    return object;
}

/* One line; takes the reference. */
static int print_line(const struct run *run, json_t *object)
{
    int result = json_to_file(object, run->screen.file, JSON_COMPACT | JSON_REAL_PRECISION(9));

    json_decref(object);
    if (result != -ENOMEM)
        fputc('\n', run->screen.file);
    return result == -ENOMEM ? result : 0; /* whether it could be written is seen at the end */
}

json_t *answer_json(const struct run *run, const struct input *input)
{
    json_t *object =
        json_pack("{s:o, s:o, s:o}", "input", text_json(input->name), "model", text_json(wisp_model_name(run->model)),
                  "processing", text_json(wisp_model_processing(run->model)));

    note_line(object, input);
    if (run->written.name)
        json_object_set_new(object, "output", text_json(run->written.name));
    return object;
}

int answer_print_json(const struct run *run, const struct answer *answer, json_t *object)
{
    const struct wisp_timings *timings = &answer->timings;

    json_object_set_new(object, "total_ns", json_integer((json_int_t)timings->total_ns));
    json_object_set_new(object, "queue_ns", json_integer((json_int_t)timings->queue_ns));
    json_object_set_new(object, "compute_ns", json_integer((json_int_t)timings->compute_ns));
    if (answer->wake_ns)
        json_object_set_new(object, "wake_ns", json_integer((json_int_t)answer->wake_ns));
    if (answer->encode_ns)
        json_object_set_new(object, "encode_ns", json_integer((json_int_t)answer->encode_ns));
    json_object_set_new(object, "batch", json_integer(timings->batch));
    json_object_set_new(object, "resubmitted", json_integer(timings->resubmitted));
    if (run->verbose)
        answer_print_timings(run, answer);
    return print_line(run, object);
}

int answer_print_object(const struct run *run, const struct answer *answer, const char *key, json_t *value)
{
    json_t *object = answer_json(run, answer->input);

    json_object_set_new(object, key, value);
    return answer_print_json(run, answer, object);
}

static int print_json(const struct run *run, const struct answer *answer, size_t labels)
{
    json_t *object = answer_json(run, answer->input);

    if (run->top)
        json_object_set_new(object, "labels", json_labels(run, labels));
    if (wisp_gives_transcript(run->model)) {
        cleanup_free char *text = NULL;

        (void)take_transcript(run, &text);
        json_object_set_new(object, "transcript", text ? text_json(text) : NULL);
    }
    if (wisp_model_words(run->model))
        (void)decoded_json(run, object);
    else if (wisp_model_output_count(run->model) > 1)
        json_object_set_new(object, "outputs", json_outputs(run));
    else if (!run->top)
        json_object_set_new(object, "output", json_output(run, 0));
    return answer_print_json(run, answer, object);
}

int answer_print_failure(const struct run *run, const struct input *input, int result, const char *text)
{
    json_t *object = json_pack("{s:o, s:o, s:s}", "input", text_json(input->name), "error", text_json(text), "status",
                               wisp_status_name(result));

    note_line(object, input);
    return print_line(run, object);
}

static int print_raw(const struct run *run, const struct answer *answer)
{
    for (size_t i = 0; i < wisp_model_output_count(run->model); i++) {
        struct wisp_tensor output;

        (void)wisp_model_output(run->model, i, &output);
        fwrite(wisp_request_output_tensor(run->request, i), 1, output.bytes, run->screen.file);
    }
    if (run->verbose)
        answer_print_timings(run, answer);
    return 0;
}

/* ---- for a file ---- */

static void write_labels(struct run *run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char probability[16], number[16];

        snprintf(probability, sizeof probability, "%.4f", (double)run->top[i].probability);
        snprintf(number, sizeof number, "%u", run->top[i].index);
        written_row(run, 2, (const char *const[]){ *run->top[i].name ? run->top[i].name : number, probability });
    }
}

static int write_answer(struct run *run, const struct answer *answer, size_t labels)
{
    cleanup_free char *text = NULL;
    int result = 0;

    if (wisp_gives_transcript(run->model))
        result = take_transcript(run, &text);
    else if (wisp_model_words(run->model))
        result = decoded_text(run, &text);
    if (result)
        return result;
    written_begin(run, answer->input);
    if (text)
        written_row(run, 1, (const char *const[]){ text });
    else
        write_labels(run, labels);
    written_end(run);
    return 0;
}

static int write_picture(const struct run *run, const struct answer *answer)
{
    int result = wisp_write_picture(run->model, wisp_request_output_tensor(run->request, 0), run->output);

    if (!result)
        answer_print_timings(run, answer);
    return result;
}

int answer_print(struct run *run, const struct answer *answer)
{
    size_t labels = 0;
    int result;

    insist(run->request && answer->input);
    if (run->output && !run->writes)
        return write_picture(run, answer);
    if (run->raw)
        return print_raw(run, answer);
    result = run->top ? take_top(run, &labels) : 0;
    if (!result && run->writes)
        result = write_answer(run, answer, labels);
    if (result)
        return result;
    return run->json ? print_json(run, answer, labels) : print_human(run, answer, labels);
}
