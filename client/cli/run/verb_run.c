/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp run TARGET FILE…: one request after the other through one reused piece of shared memory. An input that fails is
 * reported and the rest still run; the exit status is that of the first failure. When the daemon is gone the rest does
 * not run, and that is said. With --lines a file is as many inputs as it has lines, read and answered as they come.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wisp/media.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/run/decoded.h"
#include "client/cli/run/lines.h"
#include "client/cli/run/run.h"
#include "client/cli/run/sentences.h"
#include "client/cli/run/tagging.h"
#include "client/cli/run/written.h"
#include "client/cli/verb.h"

enum {
    TOP_USUAL = 3,          /* labels that are printed */
    HOLDING_MAX = 1024,     /* the most probable of those that hold */
    SMALL_BYTES = 65536,    /* enough for one sample of most models */
    PIECES_MAX = 64,        /* that libwisp-media has under way at once, of a large input */
    PIECES_BYTES = 8 << 20, /* of them all, inputs or outputs */
};

static const struct usage usage = {
    .verb = "run",
    .arguments = "TARGET FILE… [options]  (or: --model MODEL.safetensors FILE…)",
    .summary =
        "Sends each FILE to a model and prints its answer. TARGET is a model's name, a processing type\n"
        "(image.classification) or a modality (image, text, audio). FILE - is standard input; a pipe does, too.\n"
        "A folder is the files in it that such a model takes.",
    .examples = "  wisp run image photo.png other.jpg\n"
                "  wisp run text --text 'Wo ist der Bahnhof?'\n"
                "  fortune | wisp run text -\n"
                "  wisp run --model mine.safetensors photo.png\n"
                "  wisp run image.segmentation cells.png --overlay seen.png --json\n"
                "  wisp run image.denoising holidays -o better\n"
                "  wisp run image.compression photo.png -o photo.wz\n"
                "  wisp run image.compression photo.wz -o photo.png\n"
                "  wisp run audio.synthesis a.wav b.wav c.wav -o merged.wav\n"
                "  tail -f log | wisp run text --lines -\n"
                "  wisp run audio --json *.wav | jq -r '.labels[0].label'\n",
};

static bool read_options(struct run *run, int argc, char **argv, struct operands *operands, int *status)
{
    static struct option_table table; /* too large for a stack's frame beside the rest */

    option_count(&table, "top-k", 'k', &run->top_k, "N", "print the N most probable labels (3, or those that hold)", 1,
                 UINT32_MAX);
    option_list(&table, "text", &run->texts, "TEXT", "an input given here instead of in a file; may be repeated");
    option_flag(&table, "lines", 0, &run->lines, "each line of the files is an input, answered as it comes");
    option_real(&table, "min-probability", 0, &run->min, "P", "print no label that is less probable (0)", 0, 1);
    option_flag(&table, "tensor", 0, &run->tensor, "the files are tensors: little-endian float32, not decoded");
    option_list(&table, "input", &run->named, "NAME=FILE",
                "the input of that name, a tensor of its type; one for each input of the model, and no FILE then");
    option_flag(&table, "json", 'j', &run->json, "one JSON object a line for each input");
    option_flag(&table, "raw", 0, &run->raw, "the output tensors as they are: little-endian");
    option_text(&table, "output", 'o', &run->output, "FILE",
                "what the model makes: a picture, a mask, a recording, text; of several inputs a folder");
    option_text(&table, "overlay", 0, &run->overlay, "FILE", "of a mask: the picture with the mask over it");
    option_real(&table, "threshold", 0, &run->threshold, "P", "of a mask: above this probability a pixel is set (0.5)",
                0, 1)
        ->below = true;
    option_count(&table, "beam", 0, &run->beam, "W",
                 "beginnings of what is said or translated that go on at once (as the model has it)", 1, 16);
    option_count(&table, "deadline", 0, &run->deadline_us, "US",
                 "microseconds in which each answer is wanted, or none (--timeout)", 1, UINT32_MAX);
    option_text(&table, "priority", 0, &run->priority_name, "CLASS",
                "first, usual or last: before or behind what else you ask the daemon (usual)");
    option_count(&table, "min-area", 0, &run->min_area, "N", "of a mask: objects of so many pixels or more (1)", 1, 0);
    option_flag(&table, "verbose", 'v', &run->verbose, "how long it took, and where, on standard error");
    option_text(&table, "model", 'm', &run->model_file, "FILE",
                "ask this model file, through a daemon for this call; no TARGET then");
    connection_options(&run->connection, &table);
    return options_read(&usage, &table, argc, argv, operands, status);
}

static bool is_standard_input(const struct input *input)
{
    return input->path && !strcmp(input->path, "-");
}

/* What is read once is empty the second time. */
static bool is_read_twice(const struct input *inputs, size_t count)
{
    size_t readings = 0;

    for (size_t i = 0; i < count; i++)
        readings += is_standard_input(&inputs[i]);
    return readings > 1;
}

/* --priority's class; an exit status. */
static int read_priority(struct run *run)
{
    static const char *const names[] = {
        [WISP_PRIORITY_USUAL] = "usual", [WISP_PRIORITY_FIRST] = "first", [WISP_PRIORITY_LAST] = "last"
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!run->priority_name || !strcmp(run->priority_name, names[i])) {
            run->priority = run->priority_name ? (enum wisp_priority)i : WISP_PRIORITY_USUAL;
            return EXIT_DONE;
        }
    }
    return fail(usage.verb, EXIT_USAGE, "--priority: '%s' is not first, usual or last", run->priority_name);
}

/* What options_read() cannot see; EXIT_DONE when it makes sense. */
static int check(struct run *run, struct input *inputs, size_t input_count)
{
    const int status = read_priority(run);

    if (status)
        return status;
    if (!input_count)
        return fail(usage.verb, EXIT_USAGE, "no input: name files, or - for standard input");
    if (run->named.count && (input_count > 1 || run->tensor || run->lines))
        return fail(usage.verb, EXIT_USAGE, "--input is the whole input: name no files beside it");
    if (is_read_twice(inputs, input_count))
        return fail(usage.verb, EXIT_USAGE, "standard input is named twice, and can be read once");
    if (run->json && run->raw)
        return fail(usage.verb, EXIT_USAGE, "--json and --raw exclude each other");
    if (run->model_file && run->connection.socket)
        return fail(usage.verb, EXIT_USAGE, "--model and --socket exclude each other: it has a daemon of its own");
    if (run->lines && run->tensor)
        return fail(usage.verb, EXIT_USAGE, "--lines and --tensor exclude each other: a tensor has no lines");
    if (run->raw && run->screen.terminal)
        return fail(usage.verb, EXIT_USAGE,
                    "--raw writes binary numbers: send them to a file or a pipe, not a terminal");
    return outputs_check(run, inputs, input_count, usage.verb);
}

/* ---- one input ---- */

static int explain(int result, struct reason *why)
{
    const char *text = wisp_last_error();

    return refuse(why, result, "%s", *text ? text : wisp_status_text(result));
}

static void tell_who_types(const struct input *input)
{
    if (is_standard_input(input) && isatty(STDIN_FILENO))
        fputs("reading from the terminal; Ctrl-D ends it\n", stderr);
}

static int run_one(struct run *run, const struct input *input, struct reason *why)
{
    struct answer answer = { .input = input };
    uint64_t begun;
    int result;

    if (input->no_files)
        return folders_refuse(input, why);
    result = process_is_for(run, input) || tagging_is_for(run, input) || sentences_are_for(run, input)
                 ? 0
                 : run_prepare(run, 1, why);
    if (result)
        return input_refuse(input, result, why);
    tell_who_types(input);
    if (process_is_for(run, input)) {
        result = process_run(run, input, why);
        return result && run->merged <= 1 ? input_refuse(input, result, why) : result;
    }
    if (tagging_is_for(run, input))
        return tagging_run(run, input, why);
    if (sentences_are_for(run, input))
        return sentences_run(run, input, why);
    insist(run->request && run->rows == 1, "%u", run->rows);
    begun = clock_ns();
    result =
        input->named ? named_read(run, why) : input_encode(run, input, wisp_request_input_tensor(run->request, 0), why);
    if (result)
        return result;
    answer.encode_ns = clock_ns() - begun;
    if (decoded_is_shown(run))
        answer_print_heading(run, &answer);
    result = run_send(run, why);
    if (result)
        return input_refuse(input, result, why);
    wisp_request_timings(run->request, &answer.timings);
    answer.wake_ns = wisp_request_wake_ns(run->request);
    result = answer_print(run, &answer);
    return result ? refuse_in(why, explain(result, why), "%s", input->name) : 0;
}

/* ---- the model ---- */

/* What one sample takes of the shared memory, at most. */
static uint64_t bytes_of(const wisp_model *model, size_t count,
                         int (*describe)(const wisp_model *, size_t, struct wisp_tensor *))
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        struct wisp_tensor tensor;

        if (!describe(model, i, &tensor))
            bytes += (tensor.bytes + 63) / 64 * 64;
    }
    return bytes;
}

/* For as many samples as are worth having under way at once, if that is not too much. */
static uint64_t bytes_for_many(uint64_t sample)
{
    return MAX(sample, MIN(PIECES_MAX * sample, (uint64_t)PIECES_BYTES));
}

/* The connection was made before the model was known: one that is large needs more memory than that. */
static int make_room(struct run *run)
{
    struct connection *connection = &run->connection;
    uint64_t input = bytes_of(run->model, wisp_model_input_count(run->model), wisp_model_input);
    uint64_t output = bytes_of(run->model, wisp_model_output_count(run->model), wisp_model_output);

    insist(connection->client && input > 0 && output > 0);
    if (run->output)
        connection->entries = PIECES_MAX;
    if (run->output || (wisp_takes_words(run->model) && !run->texts.count)) {
        input = bytes_for_many(input);
        output = bytes_for_many(output);
    }
    if (!run->output && input <= connection->input_bytes && output <= connection->output_bytes)
        return EXIT_DONE;
    run->connection.client = wisp_close(run->connection.client);
    connection->input_bytes = MAX(input, connection->input_bytes);
    connection->output_bytes = MAX(output, connection->output_bytes);
    return connection_open(connection);
}

/* What only the model can tell; EXIT_DONE when it makes sense. */
static int check_model(struct run *run)
{
    cleanup_json json_t *json = json_from_string(wisp_model_json(run->model), 0, NULL);
    const json_t *media = json_object_get(json, "media");
    const char *kind = json_string_value(json_object_get(media, "kind"));
    const char *answer = json_string_value(json_object_get(media, "answer"));

    if (!json)
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    run->masks = answer && !strcmp(answer, "mask");
    run->pictures = run->masks || (answer && !strcmp(answer, "picture"));
    run->compresses = wisp_model_decoder(run->model) != NULL;
    run->sounds = answer && !strcmp(answer, "sound");
    run->writes = run->output && !run->pictures && !run->sounds && !run->compresses &&
                  (run->top || run->tags || wisp_model_words(run->model) || wisp_gives_transcript(run->model));
    run->merged = (uint32_t)MIN(MAX(json_integer_value(json_object_get(media, "recordings")), 1), 8);
    if (run->lines && !kind)
        return fail(usage.verb, EXIT_USAGE,
                    "--lines: %s does not say how texts become tensors, which wisp train adds to a model",
                    wisp_model_name(run->model));
    if (run->lines && strcmp(kind, "text") != 0)
        return fail(usage.verb, EXIT_USAGE, "--lines: %s takes no text", wisp_model_name(run->model));
    if ((run->overlay || run->threshold >= 0 || run->min_area) && !run->masks)
        return fail(usage.verb, EXIT_USAGE, "--overlay, --threshold and --min-area: %s does not answer with masks",
                    wisp_model_name(run->model));
    if ((run->deadline_us || run->priority_name) &&
        ((run->output && !run->writes) || run->overlay || (run->masks && !run->raw)))
        return fail(usage.verb, EXIT_USAGE, "--deadline and --priority: what %s answers here takes several requests",
                    wisp_model_name(run->model));
    if (run->beam && !wisp_model_words(run->model) && !wisp_gives_transcript(run->model))
        return fail(usage.verb, EXIT_USAGE, "--beam: %s neither decodes nor writes down what is said",
                    wisp_model_name(run->model));
    if (run->min > 0 && !wisp_model_label_count(run->model))
        return fail(usage.verb, EXIT_USAGE, "--min-probability: %s has no labels", wisp_model_name(run->model));
    return named_check(run, usage.verb);
}

static int find(struct run *run)
{
    int result = wisp_find(run->connection.client, run->target, &run->model);
    struct wisp_tensor output;
    size_t labels;

    if (result)
        return connection_fail(&run->connection, result);
    run->tags = wisp_takes_words(run->model);
    (void)wisp_model_output(run->model, 0, &output);
    labels = output.dtype == WISP_FLOAT32 ? wisp_model_label_count(run->model) : 0;
    if (labels != output.elements)
        return check_model(run);
    run->holding = !run->top_k && wisp_model_threshold(run->model, 0) > 0;
    if (!run->top_k)
        run->top_k = run->holding ? HOLDING_MAX : TOP_USUAL;
    run->top_k = MAX(MIN(run->top_k, labels), 1);
    insist(!run->top);
    for (size_t i = 0; i < labels; i++)
        run->label_columns = MAX(run->label_columns, text_columns(wisp_model_label(run->model, i)));
    run->top = calloc(run->top_k, sizeof *run->top);
    return run->top ? check_model(run) : fail(usage.verb, EXIT_FAILED, "out of memory");
}

/* The only name that the daemon of --model has. */
static int find_only(struct run *run)
{
    cleanup_free char *text = NULL;
    cleanup_json json_t *models = NULL;
    int result = wisp_list(run->connection.client, &text);

    if (result)
        return connection_fail(&run->connection, result);
    models = connection_parse(&run->connection, steal(&text));
    if (!models)
        return EXIT_FAILED;
    run->only = strdup(member_text(json_array_get(models, 0), "name"));
    run->target = run->only;
    return run->only ? find(run) : fail(usage.verb, EXIT_FAILED, "out of memory");
}

static void forget_model(struct run *run)
{
    run->request = wisp_request_free(run->request);
    run->model = wisp_model_free(run->model);
    free(run->top);
    run->top = NULL;
}

/* Another model stands behind the target since the daemon restarted. */
static int find_anew(struct run *run)
{
    int status;

    insist(run->target && run->model);
    warn_user(usage.verb, "wispd now serves another model as %s: it is found anew", run->target);
    forget_model(run);
    status = find(run);
    return status ? status : make_room(run);
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

/* Its exit status. */
static int run_and_report(struct run *run, const struct input *input)
{
    struct reason why = { "" };
    int result = run_one(run, input, &why), status;

    if (result == WISP_E_CHANGED && input_can_be_read_again(input)) {
        status = find_anew(run);
        run->over = status != EXIT_DONE;
        if (status)
            return status;
        result = run_one(run, input, &why);
    }
    status = result ? report(run, input, result, &why) : EXIT_DONE;
    fflush(stdout);
    return status;
}

/* A line that is no sentence: its text is left out of the message. */
static int report_line(struct run *run, struct input *line, const char *wrong)
{
    struct reason why;

    line->name = line->file;
    refuse(&why, WISP_E_FORMAT, "%s", wrong);
    return report(run, line, input_refuse(line, WISP_E_FORMAT, &why), &why);
}

/* Each line of a file, until there is no daemon to ask. */
static int run_lines(struct run *run, const struct input *file)
{
    struct reason why = { "" };
    struct lines lines;
    struct input line = { .line = 0 };
    int first = EXIT_DONE, status = EXIT_DONE, result = lines_open(&lines, file->path, &why);

    if (result)
        return report(run, file, result, &why);
    tell_who_types(file);
    while (status != EXIT_NO_DAEMON && !run->over && !ferror(stdout) && !(result = lines_next(&lines))) {
        line = (struct input){ .name = lines.text, .text = lines.text, .length = lines.length };
        line.file = file->name;
        line.line = lines.number;
        status = lines.wrong ? report_line(run, &line, lines.wrong) : run_and_report(run, &line);
        first = first ? first : status;
    }
    if (result && result != -ENODATA)
        status = report(run, file, refuse_errno(&why, result, "cannot read %s", file->name), &why);
    if (run->writes)
        written_keep_step(run, line.line + 1);
    lines_close(&lines);
    return first ? first : status;
}

static int run_input(struct run *run, const struct input *input)
{
    return run->lines && input->path && !input->no_files ? run_lines(run, input) : run_and_report(run, input);
}

/* Into a text file of its own. Of lines there is one if one of them fails, too. */
static int run_written(struct run *run, const struct input *input)
{
    struct reason why = { "" };
    int status, result = written_open(run, input, &why);

    status = result ? EXIT_DONE : run_input(run, input);
    if (!result)
        result = written_close(run, !status || (run->lines && !input->no_files && run->written.lines), &why);
    else
        (void)written_close(run, false, &why);
    return result ? fail(usage.verb, exit_for_output(result), "%s", why.text) : status;
}

static int run_all(struct run *run, const struct input *inputs, size_t count)
{
    int first = EXIT_DONE;

    insist(run->model && count > 0);
    if (run->output && run->merged > 1)
        return run_and_report(run, inputs);
    for (size_t i = 0; i < count && !ferror(stdout); i++) {
        int status = run->writes ? run_written(run, &inputs[i]) : run_input(run, &inputs[i]);

        first = first ? first : status;
        if (status == EXIT_NO_DAEMON || run->over) {
            if (i + 1 < count)
                fail(usage.verb, status, "%zu more inputs were not run", count - i - 1);
            break;
        }
    }
    return first;
}

/* To the daemon that there is, or to one for this call. */
static int open_connection(struct run *run)
{
    int status, result;

    if (!run->model_file)
        return connection_open(&run->connection);
    status = private_daemon_start(&run->daemon, usage.verb, run->model_file);
    if (status)
        return status;
    run->connection.socket = run->daemon.socket;
    result = connection_connect(&run->connection);
    if (result && !private_daemon_ended(&run->daemon, usage.verb, result, &status))
        status = connection_fail(&run->connection, result);
    return status;
}

static struct input input_of_text(const char *text)
{
    return (struct input){ .name = text, .text = text, .length = strlen(text) };
}

/* As a terminal or a socket, /dev/stdin cannot be opened again; it is there already. */
static struct input input_of_path(const char *path)
{
    bool standard = !strcmp(path, "-") || !strcmp(path, "/dev/stdin");

    return (struct input){ .name = standard ? "standard input" : path, .path = standard ? "-" : path };
}

/* Those of --input, the sentences of --text, then the files. */
static struct input *list_inputs(const struct run *run, const struct operands *operands, const char *named,
                                 size_t *count)
{
    struct input *inputs = calloc(operands->count + run->texts.count + 1, sizeof *inputs);

    *count = 0;
    if (inputs && named)
        inputs[(*count)++] = (struct input){ .name = named, .named = true };
    for (size_t i = 0; inputs && i < run->texts.count; i++)
        inputs[(*count)++] = input_of_text(run->texts.words[i]);
    for (size_t i = run->model_file ? 0 : 1; inputs && i < operands->count; i++)
        inputs[(*count)++] = input_of_path(operands->words[i]);
    return inputs;
}

/* What only the model can tell of the inputs, those that are in folders too. */
static int prepare_inputs(struct run *run, struct input **inputs, size_t *count)
{
    if (folders_open(run, inputs, count))
        return fail(usage.verb, EXIT_FAILED, "out of memory");
    return outputs_check_model(run, *inputs, *count, usage.verb);
}

static void release(struct run *run)
{
    forget_model(run);
    connection_close(&run->connection);
    private_daemon_stop(&run->daemon);
    free(run->only);
}

int verb_run(int argc, char **argv)
{
    struct run run = {
        .threshold = -1,
        .connection = { .verb = usage.verb, .patient = true, .input_bytes = SMALL_BYTES, .output_bytes = SMALL_BYTES },
    };
    struct operands operands = { .max = SIZE_MAX };
    struct input *inputs = NULL;
    cleanup_free char *named = NULL;
    size_t count;
    int status;

    if (!read_options(&run, argc, argv, &operands, &status))
        return status;
    if (!operands.count && !run.model_file)
        return fail(usage.verb, EXIT_USAGE, "TARGET is missing; see 'wisp run --help'");
    screen_init(&run.screen, stdout);
    run.target = operands.words[0];
    named = run.named.count ? named_text(&run.named) : NULL;
    inputs = list_inputs(&run, &operands, named, &count);
    if (!inputs || (run.named.count && !named))
        status = fail(usage.verb, EXIT_FAILED, "out of memory");
    else
        status = check(&run, inputs, count);
    if (!status)
        status = open_connection(&run);
    if (!status)
        status = run.model_file ? find_only(&run) : find(&run);
    if (!status)
        status = prepare_inputs(&run, &inputs, &count);
    if (!status)
        status = make_room(&run);
    private_daemon_hide(&run.daemon);
    if (!status)
        status = run_all(&run, inputs, count);
    folders_close(inputs, count);
    release(&run);
    return status;
}
