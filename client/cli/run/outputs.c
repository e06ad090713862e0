/* SPDX-License-Identifier: Apache-2.0
 *
 * Where -o and --overlay go, and that it can be, before all the work. Of several inputs -o names a folder, and each
 * gets a file of its name there; but for a model that merges so many into one file. What would be one file of several
 * inputs, as photo.png of photo.jpg and of photo.png, is a file each with all of their names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wisp/media.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/insist.h"
#include "base/path.h"
#include "client/cli/run/alike.h"
#include "client/cli/run/kinds.h"

static bool is_folder(const char *path)
{
    const size_t length = strlen(path);
    struct stat status;

    return (length && path[length - 1] == '/') || (!stat(path, &status) && S_ISDIR(status.st_mode));
}

/* What the model makes of a file of that name, as files are called. */
static const char *ending_of(const struct run *run, const char *name)
{
    const char *ending = path_ending(name);

    if (run->writes)
        return ".txt";
    if (run->sounds)
        return ".wav";
    return run->compresses && !(ending && !strcasecmp(ending, ".wz")) ? ".wz" : ".png";
}

/* "folder/photo.png" of "holidays/photo.jpg", for files in a folder lose nothing; or "folder/photo.jpg.png". */
char *outputs_name(const struct run *run, const struct input *input)
{
    const char *folder = run->output, *name = input->path ? path_name(input->path) : NULL;
    char *out;

    insist(folder);
    if (!name || !is_folder(folder))
        return strdup(folder);
    return asprintf(&out, "%s%s%.*s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/",
                    (int)(input->whole_name ? strlen(name) : path_stem(name)), name, ending_of(run, name)) < 0
               ? NULL
               : out;
}

/* "holidays/." of "holidays/photo.jpg", which stands for the folder that holds the file. NULL without memory. */
static char *folder_of(const char *path)
{
    char *folder;

    return asprintf(&folder, "%.*s.", (int)(path_name(path) - path), path) < 0 ? NULL : folder;
}

/* That a file can come into being there: said before all the work, and as what it is, no fault of an input. */
static int check_writing(const char *path, const char *verb)
{
    struct file_replacement tried;
    struct reason why;
    int result;

    if (!strcmp(path, "-") || file_check_target(path, &why))
        return EXIT_DONE; /* what is no file says so itself */
    result = file_replace(path, &tried, &why);
    if (result)
        return fail(verb, exit_for_output(result), "%s", why.text);
    file_replace_drop(&tried);
    return EXIT_DONE;
}

/* That there is a name, and a folder for it. */
static int check_place(const char *option, const char *path, const char *verb)
{
    cleanup_free char *folder = folder_of(path);

    if (!*path)
        return fail(verb, EXIT_USAGE, "%s is empty: give it the name of a file", option);
    if (folder && access(folder, F_OK) && errno == ENOENT)
        return fail(verb, EXIT_USAGE, "%s %s: there is no folder %.*s", option, path, (int)strlen(folder) - 2, folder);
    return check_writing(path, verb);
}

/* ---- all files ---- */

/* What all inputs become. */
struct outputs {
    char **names;
    struct alike_files inputs; /* those that are files */
    size_t count;
};

static void outputs_free(struct outputs *outputs)
{
    for (size_t i = 0; outputs->names && i < outputs->count; i++)
        free(outputs->names[i]);
    free(outputs->names);
    free(outputs->inputs.files);
}

/* -ENOMEM, and then outputs_free() all the same. `inputs` end with one without a name. */
static int outputs_list(struct outputs *outputs, const struct run *run, const struct input *inputs)
{
    size_t all = outputs->count;

    while (inputs[all].name)
        all++;
    outputs->names = calloc(outputs->count, sizeof *outputs->names);
    outputs->inputs.files = calloc(all, sizeof *outputs->inputs.files);
    if (!outputs->names || !outputs->inputs.files)
        return -ENOMEM;
    for (size_t i = 0; i < all; i++) {
        if (inputs[i].path)
            alike_add(&outputs->inputs, inputs[i].path);
    }
    alike_sort(&outputs->inputs);
    for (size_t i = 0; i < outputs->count; i++) {
        outputs->names[i] = outputs_name(run, &inputs[i]);
        if (!outputs->names[i])
            return -ENOMEM;
    }
    return 0;
}

static int rename_output(struct outputs *outputs, const struct run *run, const struct input *inputs, size_t number)
{
    free(outputs->names[number]);
    outputs->names[number] = outputs_name(run, &inputs[number]);
    return outputs->names[number] ? 0 : -ENOMEM;
}

/* Gives inputs that would become one file their whole names. What then is called as another, which had a file for
 * itself, makes that a case, too; so again until it changes nothing. -ENOMEM. */
static int outputs_part(struct outputs *outputs, const struct run *run, struct input *inputs)
{
    bool changed = outputs->count > 1;

    while (changed) {
        cleanup_free size_t *order = alike_order(outputs->names, outputs->count);

        if (!order)
            return -ENOMEM;
        changed = false;
        for (size_t i = 1; i < outputs->count; i++) {
            struct input *pair[] = { &inputs[order[i - 1]], &inputs[order[i]] };

            if (strcmp(outputs->names[order[i - 1]], outputs->names[order[i]]) != 0)
                continue;
            changed |= !pair[0]->whole_name || !pair[1]->whole_name;
            pair[0]->whole_name = pair[1]->whole_name = true;
        }
        for (size_t i = 0; changed && i < outputs->count; i++) {
            if (inputs[i].whole_name && rename_output(outputs, run, inputs, i))
                return -ENOMEM;
        }
    }
    return 0;
}

/* Whether what comes of an input can be written: it is no input. */
static int check_output(const struct run *run, const struct input *input, const char *out,
                        const struct alike_files *inputs, const char *verb)
{
    int status;

    insist(run->output && input->name && out);
    status = check_place("-o", out, verb);
    if (status)
        return status;
    if (is_folder(run->output) && (!input->path || !strcmp(input->path, "-")))
        return fail(verb, EXIT_USAGE, "-o %s is a folder, where %s has no name: name a file", run->output, input->name);
    if (alike_has(inputs, out))
        return fail(verb, EXIT_USAGE, "-o %s would be written over the input; give it another name", out);
    if (run->overlay && strcmp(out, "-") != 0 && file_will_be_same(out, run->overlay))
        return fail(verb, EXIT_USAGE, "-o %s and --overlay %s would be one file; give one of them another name", out,
                    run->overlay);
    return EXIT_DONE;
}

/* Files of one name in two folders. */
static int check_apart(const struct outputs *outputs, const struct input *inputs, const char *verb)
{
    cleanup_free size_t *order = alike_order(outputs->names, outputs->count);

    if (!order)
        return fail(verb, EXIT_FAILED, "out of memory");
    for (size_t i = 1; i < outputs->count; i++) {
        if (!strcmp(outputs->names[order[i - 1]], outputs->names[order[i]]))
            return fail(verb, EXIT_USAGE, "%s and %s would both become %s", inputs[order[i - 1]].name,
                        inputs[order[i]].name, outputs->names[order[i]]);
    }
    return EXIT_DONE;
}

/* Of the first `count` inputs, which end with one without a name. */
static int check_outputs(const struct run *run, struct input *inputs, size_t count, const char *verb)
{
    struct outputs outputs = { .count = count };
    int status = EXIT_DONE;

    if (outputs_list(&outputs, run, inputs) || outputs_part(&outputs, run, inputs))
        status = fail(verb, EXIT_FAILED, "out of memory");
    for (size_t i = 0; !status && i < count; i++)
        status = check_output(run, &inputs[i], outputs.names[i], &outputs.inputs, verb);
    if (!status)
        status = check_apart(&outputs, inputs, verb);
    outputs_free(&outputs);
    return status;
}

static int check_overlay(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    insist(run->overlay && count > 0);
    if (count > 1 || run->lines || run->raw || run->tensor)
        return fail(verb, EXIT_USAGE,
                    "--overlay is the picture of one input: no second one, --lines, --raw or --tensor");
    if (!strcmp(run->overlay, "-"))
        return fail(verb, EXIT_USAGE, "--overlay is a file: give it a name");
    if (inputs[0].path && file_is_same(inputs[0].path, run->overlay))
        return fail(verb, EXIT_USAGE, "--overlay %s would be written over the input; give it another name",
                    run->overlay);
    return check_place("--overlay", run->overlay, verb);
}

int outputs_check(const struct run *run, struct input *inputs, size_t count, const char *verb)
{
    const int status = run->overlay ? check_overlay(run, inputs, count, verb) : EXIT_DONE;

    if (status)
        return status;
    if (!run->output)
        return EXIT_DONE;
    if (run->raw)
        return fail(verb, EXIT_USAGE, "-o is a file of what the model makes: no --raw with it");
    if (run->json && !strcmp(run->output, "-"))
        return fail(verb, EXIT_USAGE, "-o - and --json are both for standard output; give -o a file");
    if (!strcmp(run->output, "-") && run->screen.terminal)
        return fail(verb, EXIT_USAGE, "-o - writes a file: send it to a file or a pipe, not a terminal");
    /* Of several inputs one file is the model's business, and so is what files in a folder are called. */
    return is_folder(run->output) ? EXIT_DONE : check_outputs(run, inputs, 1, verb);
}

/* A name that says something else than text, which was meant for another model. */
static int check_text_name(const struct run *run, const char *verb)
{
    if (!kinds_of_media(run->output))
        return EXIT_DONE;
    return fail(verb, EXIT_USAGE, "-o %s: %s answers with text; give it a name in .txt", run->output,
                wisp_model_name(run->model));
}

static int check_name(const struct run *run, const char *option, const char *path, const char *verb)
{
    if (run->writes)
        return check_text_name(run, verb);
    return wisp_check_output(run->model, path) ? fail(verb, EXIT_USAGE, "%s %s", option, wisp_last_error()) : EXIT_DONE;
}

/* Of a compressed picture there is nothing to say in a line: it becomes a picture again, in a file. */
static int check_picture_has_place(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    for (size_t i = 0; run->compresses && i < count; i++) {
        const char *ending = inputs[i].path ? path_ending(inputs[i].path) : NULL;

        if (ending && !strcasecmp(ending, ".wz"))
            return fail(verb, EXIT_USAGE, "%s is a compressed picture: say where the picture goes, -o FILE.png",
                        inputs[i].name);
    }
    return EXIT_DONE;
}

/* A person who asks for a picture or a recording wants no list of its numbers; whoever asks for numbers gets them. */
static int check_has_place(const struct run *run, const struct input *inputs, size_t count, const char *verb)
{
    const char *what = run->sounds ? "a recording" : run->compresses ? "a compressed picture" : "a picture";
    const char *ending = run->sounds ? ".wav" : run->compresses ? ".wz" : ".png";
    const bool numbers = run->json || run->raw || run->tensor || run->named.count;
    const int status = check_picture_has_place(run, inputs, count, verb);

    if (status)
        return status;
    if (run->merged > 1 && !run->tensor && !run->named.count)
        return fail(verb, EXIT_USAGE, "%s makes one recording of %u: name so many files, and -o FILE.wav",
                    wisp_model_name(run->model), run->merged);
    if (numbers || run->masks || !(run->pictures || run->sounds))
        return EXIT_DONE;
    if (count > 1)
        return fail(verb, EXIT_USAGE, "%s answers with %s: say where they go, -o FOLDER, one that is there",
                    wisp_model_name(run->model), run->sounds ? "recordings" : "pictures");
    return fail(verb, EXIT_USAGE, "%s answers with %s: say where it goes, -o FILE%s", wisp_model_name(run->model), what,
                ending);
}

int outputs_check_model(const struct run *run, struct input *inputs, size_t count, const char *verb)
{
    const bool folder = run->output && is_folder(run->output);
    size_t files = 0;
    int status = run->overlay ? check_overlay(run, inputs, count, verb) : EXIT_DONE; /* again: folders are files now */

    if (!status && run->overlay)
        status = check_name(run, "--overlay", run->overlay, verb);
    if (!status && run->output && !folder && (run->pictures || run->sounds || run->writes))
        status = check_name(run, "-o", run->output, verb);
    if (!status && !run->output)
        status = check_has_place(run, inputs, count, verb);
    if (status || !run->output)
        return status;
    if (run->lines && !run->writes)
        return fail(verb, EXIT_USAGE, "-o is a file of what %s makes: no --lines with it", wisp_model_name(run->model));
    while (files < count && inputs[files].path)
        files++;
    if (run->merged > 1 && folder)
        return fail(verb, EXIT_USAGE, "%s makes one recording of %u, and -o %s is a folder: name a file",
                    wisp_model_name(run->model), run->merged, run->output);
    if (run->merged > 1 && (run->tensor || files != run->merged || files != count))
        return fail(verb, EXIT_USAGE, "%s makes one recording of %u: name so many files, and -o FILE",
                    wisp_model_name(run->model), run->merged);
    if (run->merged <= 1 && count > 1 && !folder)
        return fail(verb, EXIT_USAGE, "-o %s is one file for %zu inputs: name a folder that is there", run->output,
                    count);
    return check_outputs(run, inputs, folder ? count : 1, verb);
}
